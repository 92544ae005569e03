//! From the text of one record to packed text. The twin of `unpack.rs`.

use std::collections::VecDeque;

use super::{
    ops::{self, push_varint},
    styles::Styles,
    survey::{Arrays, Pool},
    walk::{Visit, too_deep},
};
use crate::{
    blocks::{BlockSink, HeapWriter},
    error::Result,
    hashes::{HashBuilder, HashForm, HashRef},
    json::{Token, normalise},
    planes::PlanesBuilder,
};

/// Packed text that is held before the heap gets it. Little in unit tests, so
/// that records of all kinds are handed on.
const HELD: usize = if cfg!(test) { 5 << 10 } else { 256 << 10 };
/// What stays behind then: a plain object or array may have begun there.
const KEPT: usize = *ops::PLAIN.end() + 1;

/// What ids, hashes and arrays of numbers are referred to in.
pub(crate) struct Parts<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) arrays: &'a Arrays,
    pub(crate) hash_form: HashForm,
    /// Absent while samples are packed, which must leave no trace.
    pub(crate) columns: Option<(&'a mut HashBuilder, &'a mut PlanesBuilder)>,
}

/// Where packed text goes.
pub(crate) struct Target<'a> {
    pub(crate) heap: &'a mut HeapWriter,
    pub(crate) sink: &'a mut BlockSink,
}

/// A record that is being packed.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    /// The record's own row.
    own: Option<u32>,
    current: Option<u32>,
    packed: Vec<u8>,
    /// How much of the packed text the heap has.
    handed_on: usize,
    /// Normal form that the block's hash has not had.
    normal: Vec<u8>,
    open: Vec<Container>,
    /// How many ops there are so far.
    ops: u64,
    plain_objects: Plain,
    plain_arrays: Plain,
    run: Option<Run>,
}

/// The plain objects, or arrays, that ended last, the oldest first: where they
/// ended in the packed text, and their text there.
///
/// The newest is what an op would repeat. The others are for when a text with ends
/// in it is replaced by an op: a reader never meets those ends.
#[derive(Debug, Default)]
struct Plain(VecDeque<(usize, Vec<u8>)>);

impl Plain {
    fn is_last(&self, text: &[u8]) -> bool {
        self.0.back().is_some_and(|(_, last)| last == text)
    }

    fn ended(&mut self, at: usize, text: &[u8]) {
        // Nothing longer than a plain text is replaced, so that what ended before
        // is needed only where nothing ended since.
        let mut buffer = Vec::new();
        let is_safe = |(end, _): &(usize, Vec<u8>)| end + ops::PLAIN.end() <= at;
        while self.0.get(1).is_some_and(is_safe) {
            buffer = self.0.pop_front().unwrap_or_default().1;
        }
        buffer.clear();
        buffer.extend_from_slice(text);
        self.0.push_back((at, buffer));
    }

    /// Forgets what ended after `start`: the text from there on was replaced.
    fn replaced(&mut self, start: usize) {
        while self.0.back().is_some_and(|(end, _)| *end > start) {
            self.0.pop_back();
        }
    }
}

#[derive(Debug)]
struct Container {
    bracket: u8,
    /// Where it begins in the packed text.
    start: usize,
    /// How many ops came before it.
    ops: u64,
    /// The current row at its beginning.
    current: Option<u32>,
}

/// Ids of neighbouring rows, written last.
#[derive(Debug)]
struct Run {
    /// Where it begins and ends in `packed`.
    start: usize,
    end: usize,
    first: u32,
    count: u32,
    /// The current row before it.
    before: Option<u32>,
}

impl Packer {
    /// Begins the record of the row `own`.
    pub(crate) fn begin(&mut self, own: Option<u32>) {
        self.own = own;
        self.current = own;
        self.packed.clear();
        self.handed_on = 0;
        self.normal.clear();
        self.open.clear();
        self.ops = 0;
        self.run = None;
        self.forget();
    }

    /// Says how the record's key was written; comes first.
    pub(crate) fn key(&mut self, token: &[u8]) {
        self.packed.push(ops::KEY);
        push_varint(
            u32::try_from(token.len()).unwrap_or(u32::MAX),
            &mut self.packed,
        );
        self.packed.extend_from_slice(token);
    }

    /// Takes the record as it was written.
    pub(crate) fn text(&mut self, text: &[u8]) {
        self.packed.push(ops::TEXT);
        self.packed.extend_from_slice(text);
        self.normal.extend_from_slice(text);
    }

    /// The packed text, where it was not handed on.
    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Ends the record: the heap has all of it.
    pub(crate) fn end(&mut self, target: &mut Target<'_>) -> Result<()> {
        target.heap.printed(&self.normal);
        target.heap.part(&self.packed, target.sink)?;
        target.heap.end_item(target.sink)
    }

    /// Hands on what need not be held any longer.
    fn hand_on(&mut self, target: &mut Target<'_>) -> Result<()> {
        if self.normal.len() > HELD {
            target.heap.printed(&self.normal);
            self.normal.clear();
        }
        if self.packed.len() > HELD {
            let done = self.packed.len() - KEPT;
            let (front, _) = self.packed.split_at_checked(done).unwrap_or_default();
            target.heap.part(front, target.sink)?;
            self.packed.drain(..done);
            self.handed_on += done;
            self.run = None;
        }
        Ok(())
    }

    /// A string: an id, a hash, or itself.
    fn string(&mut self, token: &[u8], content: &[u8], parts: &mut Parts<'_>) -> Result<()> {
        let start = self.normal.len();
        // Scanned tokens normalise.
        let _ = normalise(token, &mut self.normal);
        if let Some(row) = parts.pool.row_of(content) {
            self.id(row);
        } else if let Some(hash) = parts.hash_form.parse(content) {
            let refer = match &mut parts.columns {
                Some((hashes, _)) => hashes.refer(self.current, &hash)?,
                None => HashRef::OfRow,
            };
            match refer {
                HashRef::OfRow => self.op(ops::HASH),
                HashRef::Other(number) => {
                    self.op(ops::OTHER_HASH);
                    push_varint(number, &mut self.packed);
                }
            }
        } else {
            let token = self.normal.get(start..).unwrap_or_default();
            self.packed.extend_from_slice(token);
        }
        Ok(())
    }

    fn id(&mut self, row: u32) {
        let in_array = self.open.last().is_some_and(|c| c.bracket == b'[');
        if in_array
            && let Some(run) = &mut self.run
            && run.first.checked_add(run.count) == Some(row)
            && self.packed.get(run.end..) == Some(b",")
        {
            self.packed.truncate(run.start);
            self.packed.push(ops::ROWS);
            run.count += 1;
            push_varint(run.first, &mut self.packed);
            push_varint(run.count, &mut self.packed);
            run.end = self.packed.len();
            self.current = run.before;
            return;
        }
        let (start, before) = (self.packed.len(), self.current);
        match self.own.map(|own| i64::from(row) - i64::from(own)) {
            Some(0) => self.op(ops::OWN),
            Some(1) => self.op(ops::NEXT),
            Some(-1) => self.op(ops::PREVIOUS),
            _ => {
                self.op(ops::ROW);
                push_varint(row, &mut self.packed);
            }
        }
        self.current = Some(row);
        self.run = Some(Run {
            start,
            end: self.packed.len(),
            first: row,
            count: 1,
            before,
        });
    }

    fn op(&mut self, op: u8) {
        self.packed.push(op);
        self.ops += 1;
    }

    fn opened(&mut self, bracket: u8) {
        self.open.push(Container {
            bracket,
            start: self.handed_on + self.packed.len(),
            ops: self.ops,
            current: self.current,
        });
        self.packed.push(bracket);
        self.normal.push(bracket);
    }

    fn closed(&mut self, bracket: u8) {
        self.packed.push(bracket);
        self.normal.push(bracket);
        let Some(container) = self.open.pop() else {
            return;
        };
        if bracket == b'}' {
            self.current = container.current;
        }
        let Some(start) = container.start.checked_sub(self.handed_on) else {
            return;
        };
        let text = self.packed.get(start..).unwrap_or_default();
        if container.ops != self.ops || !ops::PLAIN.contains(&text.len()) {
            return;
        }
        let (plain, op) = match bracket {
            b'}' => (&mut self.plain_objects, ops::SAME_OBJECT),
            _ => (&mut self.plain_arrays, ops::SAME_ARRAY),
        };
        if plain.is_last(text) {
            self.packed.truncate(start);
            self.plain_objects.replaced(container.start);
            self.plain_arrays.replaced(container.start);
            self.op(op);
        } else {
            plain.ended(self.handed_on + self.packed.len(), text);
        }
    }

    /// Forgets what SAME_OBJECT and SAME_ARRAY would repeat.
    fn forget(&mut self) {
        self.plain_objects.0.clear();
        self.plain_arrays.0.clear();
    }
}

/// A packer at work.
pub(crate) struct Packing<'a> {
    pub(crate) packer: &'a mut Packer,
    pub(crate) parts: Parts<'a>,
    /// Absent while samples are packed.
    pub(crate) target: Option<Target<'a>>,
}

impl Packing<'_> {
    /// Takes a single token of a record whose parts come one by one.
    pub(crate) fn token(&mut self, token: Token<'_>, content: &[u8]) -> Result<()> {
        match token {
            Token::Open(bracket) => self.open(bracket),
            Token::Close(bracket) => self.close(bracket),
            Token::Comma => self.between(b','),
            Token::Colon => self.between(b':'),
            Token::Key(token) | Token::String(token) => self.string(token, content),
            Token::Numbers(text) | Token::Scalar(text) => self.scalar(text),
        }
    }

    /// Marks the place of a nested collection.
    pub(crate) fn map(&mut self, collection: u32) {
        self.packer.op(ops::MAP);
        push_varint(collection, &mut self.packer.packed);
    }
}

impl Visit for Packing<'_> {
    fn open(&mut self, bracket: u8) -> Result<()> {
        if self.packer.open.len() == ops::MAX_OPEN {
            return Err(too_deep());
        }
        self.packer.opened(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<()> {
        self.packer.closed(bracket);
        match &mut self.target {
            Some(target) => self.packer.hand_on(target),
            None => Ok(()),
        }
    }

    fn between(&mut self, byte: u8) -> Result<()> {
        self.packer.packed.push(byte);
        self.packer.normal.push(byte);
        // Also here: a container may go on for long.
        match &mut self.target {
            Some(target) if byte == b',' => self.packer.hand_on(target),
            _ => Ok(()),
        }
    }

    fn string(&mut self, token: &[u8], content: &[u8]) -> Result<()> {
        self.packer.string(token, content, &mut self.parts)
    }

    fn scalar(&mut self, token: &[u8]) -> Result<()> {
        self.packer.packed.extend_from_slice(token);
        self.packer.normal.extend_from_slice(token);
        Ok(())
    }

    fn numbers(&mut self, text: &[u8], path: u64, styles: &mut Styles, style: u32) -> Result<()> {
        if self.parts.arrays.is_common(path, text) {
            let place = match (&mut self.parts.columns, styles.get_mut(style)) {
                (Some((_, planes)), Some(style)) => planes.push(text, style)?,
                _ => Some((0, 0)),
            };
            if let Some((plane, row)) = place {
                self.packer.op(ops::NUMBERS);
                push_varint(plane, &mut self.packer.packed);
                push_varint(row, &mut self.packer.packed);
                let _ = normalise(text, &mut self.packer.normal);
                return Ok(());
            }
        }
        let mut normal = Vec::with_capacity(text.len());
        let _ = normalise(text, &mut normal);
        let inside = normal.get(1..normal.len().saturating_sub(1));
        self.packer.opened(b'[');
        self.scalar(inside.unwrap_or_default())?;
        self.packer.closed(b']');
        Ok(())
    }

    fn json(&mut self, style: u32) -> Result<()> {
        self.packer.op(ops::JSON);
        push_varint(style, &mut self.packer.packed);
        self.packer.forget();
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        self.packer.op(ops::END);
        self.packer.forget();
        Ok(())
    }
}
