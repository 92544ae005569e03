//! What changes a chat store.

use super::{ChatMessage, ChatStore, STORE};
use crate::{
    error::{Error, Result, StoreError},
    json::{JsonStyle, Kind, Value},
    store::{
        build::{array, with_member},
        record::{document, shown},
        records::RecordStore,
    },
};

/// What a chat store says of itself.
const CLASS_NAME: &[u8] = b"class_name";
const CLASS: &[u8] = b"\"SimpleChatStore\"";

impl ChatMessage {
    /// A message by its JSON, as `ChatMessage.model_dump_json()` writes it.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::Shape`] where it is no object.
    ///
    /// ```
    /// use twinstore::store::{ChatMessage, MessageRole};
    /// let text = br#"{"role":"assistant","blocks":[{"block_type":"text","text":"Hi"}]}"#;
    /// let message = ChatMessage::from_json(text.to_vec())?;
    /// assert_eq!(message.role(), Some(MessageRole::Assistant));
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    pub fn from_json(text: Vec<u8>) -> Result<ChatMessage> {
        let what = "a message";
        match document(what, &text)?.kind() {
            Kind::Object => Ok(ChatMessage { text }),
            _ => Err(Error::Store(StoreError::shape(what, "an object"))),
        }
    }
}

impl ChatStore {
    /// Sets the messages of a conversation: a new one comes last, one that is
    /// there keeps its place.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn set_messages(&mut self, key: &[u8], messages: &[ChatMessage]) -> Result<()> {
        let record = array(messages.iter().map(ChatMessage::raw));
        self.of_today()?;
        self.records.put(&self.conversations, key, &record)
    }

    /// Adds a message to a conversation, which is begun where it is not there: at
    /// the end, or before the one at `idx`. As in Python, that counts from the end
    /// where it is negative, and what is beyond an end means that end.
    ///
    /// # Errors
    /// As [`get_messages`](ChatStore::get_messages).
    ///
    /// ```
    /// use twinstore::store::{ChatMessage, ChatStore};
    /// let message = |text: &str| ChatMessage::from_json(format!(r#"{{"content":"{text}"}}"#).into());
    /// let mut chats = ChatStore::empty();
    /// chats.add_message(b"user-1", message("Hi")?, None)?;
    /// chats.add_message(b"user-1", message("Before")?, Some(-1))?;
    /// let first = &chats.get_messages(b"user-1")?[0];
    /// assert_eq!(first.content().as_deref(), Some(&b"Before"[..]));
    /// assert_eq!(chats.delete_last_message(b"user-1")?, Some(message("Hi")?));
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    pub fn add_message(
        &mut self,
        key: &[u8],
        message: ChatMessage,
        idx: Option<i64>,
    ) -> Result<()> {
        let mut messages = self.get_messages(key)?;
        let at = match idx {
            None => messages.len(),
            Some(idx) => {
                from_either_end(idx, messages.len()).clamp(0, messages.len() as i64) as usize
            }
        };
        messages.insert(at, message);
        self.set_messages(key, &messages)
    }

    /// Deletes a conversation. Gives its messages back, `None` of an unknown one.
    ///
    /// # Errors
    /// As [`get_messages`](ChatStore::get_messages).
    pub fn delete_messages(&mut self, key: &[u8]) -> Result<Option<Vec<ChatMessage>>> {
        let Some(messages) = self.messages(key)? else {
            return Ok(None);
        };
        self.of_today()?;
        self.records.delete(&self.conversations, key)?;
        Ok(Some(messages))
    }

    /// Deletes one message of a conversation and gives it back; `None` where there
    /// is no conversation, or none so long. A negative `idx` counts from the end.
    ///
    /// # Errors
    /// [`StoreError::NoMessage`], [`StoreError::NoMessages`] for a negative `idx`
    /// beyond the first; as [`get_messages`](ChatStore::get_messages).
    pub fn delete_message(&mut self, key: &[u8], idx: i64) -> Result<Option<ChatMessage>> {
        let Some(mut messages) = self.messages(key)? else {
            return Ok(None);
        };
        if idx >= messages.len() as i64 {
            return Ok(None);
        }
        let at = from_either_end(idx, messages.len());
        let key_shown = || shown(key);
        let at = usize::try_from(at).map_err(|_| {
            Error::Store(match messages.is_empty() {
                true => StoreError::NoMessages { key: key_shown() },
                false => StoreError::NoMessage {
                    key: key_shown(),
                    idx,
                },
            })
        })?;
        let message = messages.remove(at);
        self.set_messages(key, &messages)?;
        Ok(Some(message))
    }

    /// Deletes the last message of a conversation and gives it back; `None` where
    /// there is no such conversation.
    ///
    /// # Errors
    /// [`StoreError::NoMessages`] where it is empty; as
    /// [`get_messages`](ChatStore::get_messages).
    pub fn delete_last_message(&mut self, key: &[u8]) -> Result<Option<ChatMessage>> {
        self.delete_message(key, -1)
    }

    /// Makes one of today of an old file, as LlamaIndex does when it writes it again.
    fn of_today(&mut self) -> Result<()> {
        if let Some(text) = &self.text {
            // What LlamaIndex does not know of stays.
            let mut object = with_member(&Value::of(text), STORE, b"{}");
            if Value::of(&object).get(CLASS_NAME).is_none() {
                object = with_member(&Value::of(&object), CLASS_NAME, CLASS);
            }
            let mut new = ChatStore::of(RecordStore::new_file(JsonStyle::pydantic(), &object));
            let all = Value::of(text).get(STORE);
            for (key, messages) in all.map_or_else(Vec::new, |all| all.members()) {
                new.records.put(&new.conversations, &key, messages.text())?;
            }
            *self = new;
        }
        Ok(())
    }
}

/// The index that Python means: `-1` is the last.
fn from_either_end(idx: i64, len: usize) -> i64 {
    match idx < 0 {
        true => idx.saturating_add(len as i64),
        false => idx,
    }
}
