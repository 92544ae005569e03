//! From the segments of a store to the text of its file.

use crate::{
    error::Result,
    store::{RecordStore, RecordText, Rescue, TopMember},
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
    let style = store.style()?;
    let mut outside = Vec::new();
    style.begin(&mut outside);
    let mut text = RecordText::new(store, 0, sink)?;
    if let Some(rescue) = rescue {
        text = text.rescuing(rescue);
    }
    text.verbatim(&outside)?;
    let members = store.members()?;
    for (n, member) in members.iter().enumerate() {
        text.normal(if n == 0 { b"{" } else { b"," })?;
        match member {
            TopMember::Collection { path, key } => {
                text.verbatim(key)?;
                text.normal(b":")?;
                text.top(&store.view(path)?)?;
            }
            TopMember::Other { key, value } => {
                text.verbatim(key)?;
                text.normal(b":")?;
                text.verbatim(value)?;
            }
        }
    }
    text.normal(if members.is_empty() { b"{}" } else { b"}" })?;
    outside.clear();
    style.finish(&mut outside);
    text.verbatim(&outside)?;
    text.finish()
}
