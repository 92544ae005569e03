//! What the views of records share.

use crate::{
    error::{Error, Result, StoreError},
    json::Value,
};

/// Bytes of a value that an error shows.
const SHOWN: usize = 200;

/// As errors show an id.
pub(super) fn shown(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}

/// As errors show the text of a value, which may be long.
pub(super) fn beginning(text: &[u8]) -> String {
    let part = text.get(..SHOWN).unwrap_or(text);
    let mut shown = shown(part);
    if part.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The record of that key is not what it must be.
pub(super) fn unfit(key: &[u8], expected: &'static str) -> Error {
    let what = format!("the record {:?}", shown(key));
    Error::Store(StoreError::shape(what, expected))
}

/// Makes sure that a text, which comes from a caller or out of a string, is a
/// JSON document.
///
/// # Errors
/// [`StoreError::NotJson`].
pub(super) fn document<'t>(what: &str, text: &'t [u8]) -> Result<Value<'t>> {
    Value::checked(text).map_err(|e| {
        Error::Store(StoreError::NotJson {
            what: what.to_owned(),
            offset: e.offset,
            fault: e.fault_at_end(),
        })
    })
}
