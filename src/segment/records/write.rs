//! Writing a record segment from the collections of a file, in a second walk
//! over it. The twin of `read.rs`.

use std::{collections::HashSet, io::Read, path::Path};

use super::{
    compression::Compression,
    format::{Collection, MAX_COLLECTIONS, Parent, PathLengths, RecordMember, RecordsMeta},
    intake::{Place, Records, Wanted},
    pack::{Packer, Packing, Parts, Target},
    samples::Samples,
    survey::{Arrays, Pool, Surveyed},
    walk::{Visit, Walker},
};
use crate::{
    blocks::{BlockSink, Dictionary, HeapWriter},
    bytes::Spill,
    container::{ContainerWriter, FileKind, Written},
    error::Result,
    hashes::{HashBuilder, HashForm},
    json::{JsonStyle, Token, Window, decode, encode, normalise, print_within},
    orders::{OrdersBuilder, SequencesBuilder},
    planes::PlanesBuilder,
    segment::{Attempt, NotStructural},
};

/// A record segment being written.
pub(crate) struct RecordsWriter {
    out: ContainerWriter,
    block: usize,
    walker: Walker,
    shared: Shared,
    sink: BlockSink,
    collections: Vec<OpenCollection>,
    orders: OrdersBuilder,
    sequences: SequencesBuilder,
    /// The number of the next record, where it does not just follow.
    sequence: Option<u64>,
    /// Names in a record, so that none stands twice.
    taken: HashSet<(Option<Parent>, Vec<u8>)>,
    /// Whether every record is looked at if it prints back.
    careful: bool,
    /// Records that are open, outermost first, with their collections.
    open: Vec<(u32, Packer)>,
    /// Used again from record to record.
    spare: Vec<Packer>,
    scratch: Vec<u8>,
    paths: Vec<u64>,
    path_lengths: PathLengths,
}

/// What all records refer to.
struct Shared {
    pool: Pool,
    arrays: Arrays,
    hash_form: HashForm,
    hashes: HashBuilder,
    planes: PlanesBuilder,
}

impl Shared {
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            pool: &self.pool,
            arrays: &self.arrays,
            hash_form: self.hash_form,
            columns: Some((&mut self.hashes, &mut self.planes)),
        }
    }
}

struct OpenCollection {
    place: Place,
    heap: HeapWriter,
}

impl RecordsWriter {
    /// Creates the file at `path`; temporary files go to `spills`.
    ///
    /// With `careful`, a record that its style does not print back is kept as
    /// text. Without, that every record prints is taken for granted, as it
    /// mostly may be: who wants certainty prints the whole file.
    pub(crate) fn create(
        path: &Path,
        spills: &Path,
        surveyed: Surveyed,
        compression: Compression,
        careful: bool,
    ) -> Result<RecordsWriter> {
        let block = compression.block_for(surveyed.length);
        let mut walker = Walker::new(surveyed.styles);
        walker.paths = surveyed.arrays.any_common();
        let samples = surveyed.samples;
        let mut shared = Shared {
            pool: surveyed.pool,
            arrays: surveyed.arrays,
            hash_form: surveyed.hash_form,
            hashes: HashBuilder::new(spills, surveyed.hash_form),
            planes: PlanesBuilder::new(spills),
        };
        let dictionary = make_dictionary(&samples, &mut walker, &mut shared)?;
        let spill = Spill::new(spills);
        Ok(RecordsWriter {
            out: ContainerWriter::create(path, FileKind::Records)?,
            block,
            walker,
            shared,
            sink: BlockSink::with_dictionary(spill, compression.level, dictionary),
            collections: Vec::new(),
            orders: OrdersBuilder::new(spills),
            sequences: SequencesBuilder::new(spills),
            sequence: None,
            taken: HashSet::new(),
            careful,
            open: Vec::new(),
            spare: Vec::new(),
            scratch: Vec::new(),
            paths: Vec::new(),
            path_lengths: PathLengths::default(),
        })
    }

    /// Writes everything that was not written on the way, and syncs the file.
    /// `members` are those of the top-level object, in order.
    pub(crate) fn finish(mut self, members: Vec<RecordMember>) -> Result<Written> {
        let out = &mut self.out;
        let planes = self.shared.planes.finish(out)?;
        let ids = self.shared.pool.ids.finish(out)?;
        let hashes = self.shared.hashes.finish(ids.rows, out)?;
        let orders = self.orders.finish(ids.rows, out)?;
        let sequences = self.sequences.finish(out)?;
        let mut collections = Vec::with_capacity(self.collections.len());
        for ((open, order), sequence) in self.collections.into_iter().zip(orders).zip(sequences) {
            let records = open.heap.finish(&mut self.sink)?;
            collections.push(Collection {
                name: open.place.name,
                parent: open.place.parent,
                keyed: open.place.keyed,
                style: open.place.style,
                // Fits: every record was entered.
                entries: u32::try_from(records.items).unwrap_or(u32::MAX),
                order,
                sequence,
                records,
            });
        }
        self.sink.finish(out)?;
        out.metadata(&RecordsMeta {
            styles: self.walker.styles.list,
            members,
            collections,
            ids,
            hashes,
            planes,
        })?;
        self.out.finish()
    }

    /// Enters a record in its collection's order. Gives its row, and its
    /// key's token if the style writes it otherwise.
    fn enter<'k>(
        &mut self,
        collection: u32,
        key: Option<&'k [u8]>,
    ) -> Attempt<(Option<u32>, Option<&'k [u8]>)> {
        let number = collection as usize;
        let Some(collection) = self.collections.get(number) else {
            return Ok(Err(NotStructural::TooLarge));
        };
        if collection.heap.items() >= u64::from(u32::MAX) - 1 {
            return Ok(Err(NotStructural::TooLarge));
        }
        self.sequences.push(number, self.sequence.take())?;
        let Some(token) = key else {
            return Ok(Ok((None, None)));
        };
        let mut id = Vec::with_capacity(token.len());
        // Both were so in the survey; a file that changed meanwhile is
        // packed again.
        let row = match decode(token, &mut id) {
            Ok(()) => self.shared.pool.ids.find(&id),
            Err(_) => None,
        };
        let Some(row) = row else {
            return Ok(Err(NotStructural::OddStrings));
        };
        self.orders.push(number, row)?;
        let style = self.walker.styles.get_mut(collection.place.style);
        let Some(style) = style else {
            return Ok(Err(NotStructural::OddStrings));
        };
        style.learn_escapes(token);
        self.scratch.clear();
        encode(&id, style.escapes(), &mut self.scratch);
        let odd = (self.scratch != token).then_some(token);
        Ok(Ok((Some(row), odd)))
    }

    /// Whether the style prints the record back.
    fn prints(&mut self, collection: u32, text: &[u8]) -> bool {
        let place = self.collections.get(collection as usize).map(|c| &c.place);
        let Some(place) = place else {
            return false;
        };
        let Some(style) = self.walker.styles.get_mut(place.style) else {
            return false;
        };
        style.learn_escapes(text);
        let mut normal = std::mem::take(&mut self.scratch);
        normal.clear();
        let mut printed = Vec::with_capacity(text.len() + 16);
        let same = normalise(text, &mut normal).is_ok()
            && print_within(&normal, style, place.depth, text.len(), &mut printed)
            && printed == text;
        self.scratch = normal;
        same
    }

    /// Does something with the open record.
    fn with_open(
        &mut self,
        work: impl FnOnce(&mut Packing<'_>, &mut Walker, &[u64]) -> Result<()>,
    ) -> Result<()> {
        let Some((collection, packer)) = self.open.last_mut() else {
            return Ok(());
        };
        let Some(heap) = self.collections.get_mut(*collection as usize) else {
            return Ok(());
        };
        let mut packing = Packing {
            packer,
            parts: self.shared.parts(),
            target: Some(Target {
                heap: &mut heap.heap,
                sink: &mut self.sink,
            }),
        };
        work(&mut packing, &mut self.walker, &self.paths)
    }
}

impl Records for RecordsWriter {
    fn collection(&mut self, place: Place) -> Attempt<u32> {
        let number = self.collections.len();
        let fits = self.path_lengths.add(place.parent.as_ref(), &place.name);
        if number >= MAX_COLLECTIONS || !fits {
            return Ok(Err(NotStructural::TooLarge));
        }
        if !self
            .taken
            .insert((place.parent.clone(), place.name.clone()))
        {
            return Ok(Err(NotStructural::RepeatedMap));
        }
        self.orders.add();
        self.sequences.add();
        let parent = place
            .parent
            .as_ref()
            .map(|parent| parent.collection as usize);
        let around = parent.and_then(|number| self.paths.get(number)).copied();
        self.paths.push(place.path(around.unwrap_or(0)));
        self.collections.push(OpenCollection {
            place,
            heap: HeapWriter::new(self.block),
        });
        Ok(Ok(number as u32))
    }

    fn sequence(&mut self, number: u64) {
        self.sequence = Some(number);
    }

    fn wants(&self) -> Wanted {
        match self.careful {
            true => Wanted::Text,
            false => Wanted::Tokens,
        }
    }

    fn skip(&mut self, collection: u32, key: Option<&[u8]>) -> Attempt<()> {
        // Not asked for: an empty record would be no record.
        self.begin(collection, key)
    }

    fn record(&mut self, collection: u32, key: Option<&[u8]>, text: Vec<u8>) -> Attempt<Vec<u8>> {
        let prints = self.prints(collection, &text);
        if let Err(why) = self.begin(collection, key)? {
            return Ok(Err(why));
        }
        let text = if prints {
            let style = self.collections.get(collection as usize);
            let style = style.map_or(0, |collection| collection.place.style);
            let mut window = Window::over(text, Path::new("a record"));
            self.value(collection, &mut window, style)?;
            window.into_text()
        } else {
            if let Some((_, packer)) = self.open.last_mut() {
                packer.text(&text);
            }
            text
        };
        self.end()?;
        Ok(Ok(text))
    }

    fn begin(&mut self, collection: u32, key: Option<&[u8]>) -> Attempt<()> {
        let (row, odd_key) = match self.enter(collection, key)? {
            Ok(entered) => entered,
            Err(why) => return Ok(Err(why)),
        };
        let mut packer = self.spare.pop().unwrap_or_default();
        packer.begin(row);
        if let Some(token) = odd_key {
            packer.key(token);
        }
        self.open.push((collection, packer));
        Ok(Ok(()))
    }

    fn token(&mut self, token: Token<'_>) -> Result<()> {
        let mut content = Vec::new();
        if let Token::Key(token) | Token::String(token) = token {
            // Scanned tokens decode.
            let _ = decode(token, &mut content);
        }
        self.with_open(|packing, _, _| packing.token(token, &content))
    }

    fn value<R: Read>(
        &mut self,
        collection: u32,
        window: &mut Window<R>,
        style: u32,
    ) -> Result<()> {
        self.with_open(|packing, walker, paths| {
            let path = paths.get(collection as usize).copied().unwrap_or(0);
            walker.value(window, path, style, packing)
        })
    }

    fn json(&mut self, head: &[u8]) -> Result<Option<u32>> {
        let style = self.walker.styles.of_head(head);
        if let Some(style) = style {
            self.with_open(|packing, _, _| packing.json(style))?;
        }
        Ok(style)
    }

    fn style(&mut self, style: &JsonStyle) -> Option<u32> {
        self.walker.styles.that_prints_as(style)
    }

    fn document(&mut self, style: u32) -> Result<()> {
        self.with_open(|packing, _, _| packing.json(style))
    }

    fn end_json(&mut self) -> Result<()> {
        self.with_open(|packing, _, _| packing.end_json())
    }

    fn map(&mut self, collection: u32) -> Result<()> {
        // It is complete; there may be very many.
        if let Some(nested) = self.collections.get_mut(collection as usize) {
            nested.heap.release(&mut self.sink)?;
        }
        self.with_open(|packing, _, _| {
            packing.map(collection);
            Ok(())
        })
    }

    fn end(&mut self) -> Result<()> {
        self.with_open(|packing, _, _| match &mut packing.target {
            Some(target) => packing.packer.end(target),
            None => Ok(()),
        })?;
        self.spare.extend(self.open.pop().map(|(_, packer)| packer));
        Ok(())
    }
}

/// Packs samples as the records will be packed, to learn a dictionary from.
fn make_dictionary(
    samples: &Samples,
    walker: &mut Walker,
    shared: &mut Shared,
) -> Result<Dictionary> {
    let mut packer = Packer::default();
    let mut packed = Vec::new();
    let mut lengths = Vec::new();
    for sample in &samples.list {
        packer.begin(sample.row);
        let mut packing = Packing {
            packer: &mut packer,
            parts: Parts {
                columns: None,
                ..shared.parts()
            },
            target: None,
        };
        let mut window = Window::over(sample.text.clone(), Path::new("a record"));
        walker.value(&mut window, sample.path, sample.style, &mut packing)?;
        packed.extend_from_slice(packer.packed());
        lengths.push(packer.packed().len());
    }
    Ok(Dictionary::of(packed, lengths))
}
