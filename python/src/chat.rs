//! The chats of a directory, as JSON text.

use pyo3::{prelude::*, types::PyDict};

use crate::{context::Shared, text::text_of};

/// All conversations in order: by key, the texts of the messages.
///
/// # Errors
/// Those of the store, as exceptions.
pub(crate) fn conversations<'py>(py: Python<'py>, shared: &Shared) -> PyResult<Bound<'py, PyDict>> {
    let found = shared.read(py, |context| {
        let chats = context.chat_store()?;
        let keys = chats.get_keys()?;
        let conversations = keys.map(|key| {
            let key = key?;
            let messages = chats.get_messages(&key)?;
            Ok((key, messages))
        });
        conversations.collect::<twinstore::Result<Vec<_>>>()
    })?;
    let conversations = PyDict::new(py);
    for (key, messages) in found {
        let texts = messages.iter().map(|message| text_of(py, message.raw()));
        let texts: Vec<_> = texts.collect::<PyResult<_>>()?;
        conversations.set_item(text_of(py, &key)?, texts)?;
    }
    Ok(conversations)
}
