//! From the segments of a store to the text of its file.

use crate::{
    error::Result,
    segment::RecordMember,
    store::{CollectionPath, RecordStore, RecordText, Rescue},
};

/// Prints the whole text to `sink`, piece by piece.
///
/// # Errors
/// What `sink` returns; [`Error::Damaged`](crate::Error::Damaged),
/// [`Error::Io`](crate::Error::Io).
pub(crate) fn print(store: &RecordStore, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    print_all(store, sink, None)
}

/// Prints what can still be read, and tells `rescue` what cannot.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_rescued(
    store: &RecordStore,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    rescue: &mut dyn Rescue,
) -> Result<()> {
    print_all(store, sink, Some(rescue))
}

fn print_all<'k>(
    store: &RecordStore,
    sink: &'k mut dyn FnMut(&[u8]) -> Result<()>,
    rescue: Option<&'k mut dyn Rescue>,
) -> Result<()> {
    let Some(newest) = store.newest_segment() else {
        return Ok(());
    };
    let style = newest.style(0)?;
    let mut outside = Vec::new();
    style.begin(&mut outside);
    let mut text = RecordText::new(store, 0, sink)?;
    if let Some(rescue) = rescue {
        text = text.rescuing(rescue);
    }
    text.verbatim(&outside)?;
    for (n, member) in newest.members().iter().enumerate() {
        text.normal(if n == 0 { b"{" } else { b"," })?;
        match member {
            RecordMember::Collection { collection, key } => {
                text.verbatim(key)?;
                text.normal(b":")?;
                let name = &newest.collection(*collection)?.name;
                text.top(&store.view(&CollectionPath::top(name))?)?;
            }
            RecordMember::Other { key, value } => {
                text.verbatim(key)?;
                text.normal(b":")?;
                text.verbatim(value)?;
            }
        }
    }
    text.normal(if newest.members().is_empty() {
        b"{}"
    } else {
        b"}"
    })?;
    outside.clear();
    style.finish(&mut outside);
    text.verbatim(&outside)?;
    text.finish()
}
