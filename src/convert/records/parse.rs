//! From the text of a store to its collections. Done twice for each file: once
//! to survey it, once to pack it.

use std::io::Read;

use super::{MEMBER_DEPTH, RECORD_DEPTH};
use crate::{
    error::{Error, JsonFault, Result},
    json::{Token, Window, decode},
    segment::{Attempt, NotStructural, Parent, Place, RecordMember, Records, Wanted},
};

/// Text of other members that is kept in the segment's metadata.
const MAX_OTHER: usize = 16 << 20;
/// What a member costs beside its text.
const OTHER_COST: usize = 64;
/// A record of at most this length is held where its text is wanted; of a longer
/// one only its longest token is.
const MAX_HELD: usize = 8 << 20;
/// How much white space is looked through for the first child of a container.
const MAX_BLANK: usize = 1 << 20;
/// How much of a document in a string is looked at for its style.
const HEAD: usize = 64 << 10;

/// What becomes of the maps in index structs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maps {
    /// They are collections of their own.
    Nested,
    /// They stay in their records.
    Inside,
}

/// Takes the value of a member, whose key is given.
type OnMember<'m, P, R> = dyn FnMut(&mut P, &mut Window<R>, &[u8]) -> Attempt<()> + 'm;

/// Leaves the surrounding function with a reason.
macro_rules! attempt {
    ($result:expr) => {
        match $result? {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        }
    };
}

/// Gives all collections of the file to `records`, and its top-level members
/// to the caller.
///
/// # Errors
/// [`Error::Json`] where the text is not JSON or has a token beyond the
/// window's limit; [`Error::Io`].
pub(crate) fn parse(
    window: &mut Window,
    maps: Maps,
    records: &mut impl Records,
    progress: &dyn Fn(u64) -> Result<()>,
) -> Attempt<Vec<RecordMember>> {
    window.skip_bom()?;
    if window.peek()? != Some(b'{') {
        return Ok(Err(NotStructural::NotAnObject));
    }
    let mut parser = Parser {
        maps,
        records,
        text: Vec::new(),
    };
    let mut members: Vec<RecordMember> = Vec::new();
    let mut other = 0;
    attempt!(each_child(window, |window, key| {
        let key = key.unwrap_or_default().to_vec();
        let keyed = window.peek()? == Some(b'{');
        if (keyed || window.peek()? == Some(b'[')) && !is_empty_container(window)? {
            let place = Place {
                parent: None,
                name: name_of(&key),
                keyed,
                style: 0,
                depth: RECORD_DEPTH,
            };
            let collection = attempt!(parser.collection(window, place, progress));
            members.push(RecordMember::Collection { collection, key });
        } else {
            let value = window.value()?.to_vec();
            other += key.len() + value.len() + OTHER_COST;
            if other > MAX_OTHER {
                return Ok(Err(NotStructural::TooLarge));
            }
            members.push(RecordMember::Other { key, value });
        }
        Ok(Ok(()))
    }));
    window.end()?;
    Ok(Ok(members))
}

struct Parser<'a, S> {
    maps: Maps,
    records: &'a mut S,
    /// Memory that goes from record to record.
    text: Vec<u8>,
}

impl<S: Records> Parser<'_, S> {
    /// The object or array that comes next is a collection of the top level.
    fn collection(
        &mut self,
        window: &mut Window,
        place: Place,
        progress: &dyn Fn(u64) -> Result<()>,
    ) -> Attempt<u32> {
        let number = attempt!(self.records.collection(place));
        attempt!(each_child(window, |window, key| {
            let is_struct = self.maps == Maps::Nested && window.peek()? == Some(b'{');
            match key {
                Some(key) if is_struct => attempt!(self.index_struct(window, number, key)),
                key => attempt!(self.record(window, number, key, 0)),
            }
            progress(window.position())?;
            Ok(Ok(()))
        }));
        Ok(Ok(number))
    }

    /// The object that comes next is a map of a struct.
    fn map<R: Read>(
        &mut self,
        window: &mut Window<R>,
        name: &[u8],
        around: &Around,
    ) -> Attempt<()> {
        let number = attempt!(self.records.collection(Place {
            parent: Some(around.parent.clone()),
            name: name_of(name),
            keyed: true,
            style: around.style,
            depth: around.depth + 2,
        }));
        attempt!(each_child(window, |window, key| {
            self.record(window, number, key, around.style)
        }));
        self.records.map(number)?;
        Ok(Ok(()))
    }

    /// The value that comes next is a record.
    fn record<R: Read>(
        &mut self,
        window: &mut Window<R>,
        collection: u32,
        key: Option<&[u8]>,
        style: u32,
    ) -> Attempt<()> {
        match self.records.wants() {
            Wanted::Key if window.skip_value(MAX_HELD)? => {
                return self.records.skip(collection, key);
            }
            Wanted::Text => match window.value_within(MAX_HELD) {
                Ok(value) => {
                    let mut text = std::mem::take(&mut self.text);
                    text.clear();
                    text.extend_from_slice(value);
                    self.text = attempt!(self.records.record(collection, key, text));
                    return Ok(Ok(()));
                }
                Err(Error::Json {
                    fault: JsonFault::TooLong(_),
                    ..
                }) => {}
                Err(e) => return Err(e),
            },
            Wanted::Key | Wanted::Tokens => {}
        }
        attempt!(self.records.begin(collection, key));
        self.records.value(collection, window, style)?;
        self.records.end()?;
        Ok(Ok(()))
    }

    /// The object that comes next is an index struct, or holds one as
    /// `__data__`.
    fn index_struct(&mut self, window: &mut Window, collection: u32, key: &[u8]) -> Attempt<()> {
        attempt!(self.records.begin(collection, Some(key)));
        let around = Around {
            parent: Parent {
                collection,
                record: name_of(key),
            },
            style: 0,
            depth: RECORD_DEPTH,
        };
        attempt!(self.members(window, &mut |parser, window, key| {
            let is_data = key == b"\"__data__\"";
            match window.peek()? {
                Some(b'{') if is_data => {
                    let inside = Around {
                        depth: around.depth + MEMBER_DEPTH,
                        ..around.clone()
                    };
                    parser.members(window, &mut |parser, window, key| {
                        parser.struct_member(window, key, &inside)
                    })
                }
                Some(b'"') if is_data => parser.document(window, &around),
                _ => parser.struct_member(window, key, &around),
            }
        }));
        self.records.end()?;
        Ok(Ok(()))
    }

    /// The string that comes next holds a struct, or is no more than a string.
    fn document(&mut self, window: &mut Window, around: &Around) -> Attempt<()> {
        if window.ahead(2)?.get(1) != Some(&b'{') {
            self.value(window, around)?;
            return Ok(Ok(()));
        }
        let mut content = window.content()?;
        let Some(style) = self.records.json(content.ahead(HEAD)?)? else {
            return Ok(Err(NotStructural::TooLarge));
        };
        let inside = Around {
            style,
            depth: 0,
            ..around.clone()
        };
        attempt!(self.members(&mut content, &mut |parser, window, key| {
            parser.struct_member(window, key, &inside)
        }));
        content.end()?;
        self.records.end_json()?;
        Ok(Ok(()))
    }

    /// The value that comes next belongs to a member of a struct: a map is a
    /// collection of its own.
    fn struct_member<R: Read>(
        &mut self,
        window: &mut Window<R>,
        key: &[u8],
        around: &Around,
    ) -> Attempt<()> {
        if window.peek()? == Some(b'{') && !is_empty_container(window)? {
            return self.map(window, key, around);
        }
        self.value(window, around).map(Ok)
    }

    /// The value that comes next is a part of the open record.
    fn value<R: Read>(&mut self, window: &mut Window<R>, around: &Around) -> Result<()> {
        let collection = around.parent.collection;
        self.records.value(collection, window, around.style)
    }

    /// The object that comes next is a part of the open record; `member` takes
    /// the values.
    fn members<R: Read>(
        &mut self,
        window: &mut Window<R>,
        member: &mut OnMember<'_, Self, R>,
    ) -> Attempt<()> {
        self.records.token(Token::Open(b'{'))?;
        let mut first = true;
        attempt!(each_child(window, |window, key| {
            if !std::mem::replace(&mut first, false) {
                self.records.token(Token::Comma)?;
            }
            let key = key.unwrap_or_default();
            self.records.token(Token::Key(key))?;
            self.records.token(Token::Colon)?;
            member(self, window, key)
        }));
        self.records.token(Token::Close(b'}'))?;
        Ok(Ok(()))
    }
}

/// Takes the object or array that comes next; `child` takes its values, and
/// gets the token of an object's key.
fn each_child<R: Read>(
    window: &mut Window<R>,
    mut child: impl FnMut(&mut Window<R>, Option<&[u8]>) -> Attempt<()>,
) -> Attempt<()> {
    let keyed = window.peek()? == Some(b'{');
    let (open, close) = if keyed { (b'{', b'}') } else { (b'[', b']') };
    window.expect(open)?;
    let mut more = window.peek()? != Some(close);
    let mut key = Vec::new();
    while more {
        if keyed {
            key.clear();
            key.extend_from_slice(window.string()?);
            window.expect(b':')?;
        }
        attempt!(child(window, keyed.then_some(key.as_slice())));
        more = another(window)?;
    }
    window.expect(close)?;
    Ok(Ok(()))
}

/// Where the members of a struct stand.
#[derive(Debug, Clone)]
struct Around {
    parent: Parent,
    style: u32,
    /// Of the object whose members they are.
    depth: usize,
}

/// What a scanned key stands for.
fn name_of(token: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(token.len());
    // Scanned tokens decode.
    let _ = decode(token, &mut name);
    name
}

/// Whether the container that comes next has no children.
fn is_empty_container<R: Read>(window: &mut Window<R>) -> Result<bool> {
    // A blank line or two may stand inside.
    let mut wanted = 64;
    loop {
        let text = window.ahead(wanted)?;
        let inside = text.get(1..).unwrap_or_default();
        let ink = inside.iter().find(|b| !b.is_ascii_whitespace());
        match ink {
            Some(byte) => return Ok(matches!(byte, b'}' | b']')),
            // Cut, which whoever reads on finds; or so much white space that it
            // is no matter.
            None if text.len() < wanted || wanted > MAX_BLANK => return Ok(false),
            None => wanted *= 2,
        }
    }
}

/// Takes a comma; false where none comes next.
fn another<R: Read>(window: &mut Window<R>) -> Result<bool> {
    let comma = window.peek()? == Some(b',');
    if comma {
        window.expect(b',')?;
    }
    Ok(comma)
}
