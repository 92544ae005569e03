//! The chat store: messages by the key of their conversation.

mod changes;

use std::borrow::Cow;

use super::{
    Keys,
    keyed::Keyed,
    record::{document, unfit},
    records::{CollectionPath, Detail, RecordStore},
};
use crate::{
    error::{Error, Result, StoreError},
    json::{JsonStyle, Kind, Value},
};

/// A new file.
const NEW: &[u8] = br#"{"store":{},"class_name":"SimpleChatStore"}"#;

/// The member of the file that has the conversations.
const STORE: &[u8] = b"store";

/// A chat store: LlamaIndex's `SimpleChatStore`
/// (`storage/chat_store/simple_chat_store.py`).
///
/// ```
/// use twinstore::store::{ChatStore, MessageRole};
/// // As 0.9 to 0.11 wrote it: JSON in a JSON string.
/// let text = br#""{\"store\": {\"user-1\": [{\"role\": \"user\", \"content\": \"Hi\"}]}}""#;
/// let chats = ChatStore::from_text(text.to_vec())?;
/// let messages = chats.get_messages(b"user-1")?;
/// assert_eq!(messages[0].role(), Some(MessageRole::User));
/// assert_eq!(messages[0].content().as_deref(), Some(&b"Hi"[..]));
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug)]
pub struct ChatStore {
    records: RecordStore,
    conversations: CollectionPath,
    /// An object: the whole of an old file that has no records, until it is changed.
    text: Option<Vec<u8>>,
}

impl ChatStore {
    /// The chat store that these records are.
    #[must_use]
    pub fn new(records: RecordStore) -> ChatStore {
        ChatStore::of(records)
    }

    /// A new chat store, without a conversation.
    #[must_use]
    pub fn empty() -> ChatStore {
        ChatStore::of(RecordStore::new_file(JsonStyle::pydantic(), NEW))
    }

    fn of(records: RecordStore) -> ChatStore {
        ChatStore {
            records,
            conversations: CollectionPath::top(STORE),
            text: None,
        }
    }

    /// The chat store of a file's text, in any of the forms in which LlamaIndex
    /// wrote it; that of 0.9 to 0.11, an object in a string, has no records.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::Shape`] where it is no object.
    pub fn from_text(text: Vec<u8>) -> Result<ChatStore> {
        let what = "a chat store";
        let inside = document(what, &text)?.as_str().map(Cow::into_owned);
        let text = match inside {
            Some(inside) => {
                document(what, &inside)?;
                inside
            }
            None => text,
        };
        if Value::of(&text).kind() != Kind::Object {
            return Err(Error::Store(StoreError::shape(what, "an object")));
        }
        Ok(ChatStore {
            text: Some(text),
            ..ChatStore::empty()
        })
    }

    /// The records that it is, with their changes. `None` where it is the text of an
    /// old file that was not changed.
    #[must_use]
    pub fn records(&self) -> Option<&RecordStore> {
        match self.text {
            None => Some(&self.records),
            Some(_) => None,
        }
    }

    /// The keys of all conversations, in order: `get_keys`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get_keys(&self) -> Result<Keys<'_>> {
        let Some(text) = &self.text else {
            return Keyed::of(&self.records, &self.conversations).keys();
        };
        let all = Value::of(text).get(STORE);
        let all = all.map_or_else(Vec::new, |all| all.members());
        let keys = all.into_iter().map(|(key, _)| key.into_owned());
        Ok(Keys::listed(keys.collect()))
    }

    /// The messages of a conversation, in order; none of an unknown one.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where the file has no list of objects there;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get_messages(&self, key: &[u8]) -> Result<Vec<ChatMessage>> {
        Ok(self.messages(key)?.unwrap_or_default())
    }

    /// The messages of a conversation, if there is one.
    fn messages(&self, key: &[u8]) -> Result<Option<Vec<ChatMessage>>> {
        let found = match &self.text {
            None => {
                let all = Keyed::of(&self.records, &self.conversations);
                all.get(key, Detail::All)?.map(Cow::Owned)
            }
            Some(text) => {
                let all = Value::of(text).get(STORE);
                let messages = all.and_then(|all| all.get(key));
                messages.map(|messages| Cow::Borrowed(messages.text()))
            }
        };
        let Some(text) = found else {
            return Ok(None);
        };
        let list = Value::of(&text);
        let messages: Vec<Value<'_>> = list.elements().collect();
        let fits = |message: &Value<'_>| message.kind() == Kind::Object;
        if list.kind() != Kind::Array || !messages.iter().all(fits) {
            return Err(unfit(key, "a list of messages"));
        }
        let messages = messages.iter();
        let messages = messages.map(|message| ChatMessage {
            text: message.text().to_vec(),
        });
        Ok(Some(messages.collect()))
    }
}

/// A message of a conversation. It keeps its JSON and parses what it is asked
/// for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    text: Vec<u8>,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageRole {
    /// `system`
    System,
    /// `developer`
    Developer,
    /// `user`
    User,
    /// `assistant`
    Assistant,
    /// `function`
    Function,
    /// `tool`
    Tool,
    /// `chatbot`
    Chatbot,
    /// `model`
    Model,
}

impl MessageRole {
    /// All of them, with the names by which LlamaIndex writes them.
    const ALL: [(&'static str, MessageRole); 8] = [
        ("system", MessageRole::System),
        ("developer", MessageRole::Developer),
        ("user", MessageRole::User),
        ("assistant", MessageRole::Assistant),
        ("function", MessageRole::Function),
        ("tool", MessageRole::Tool),
        ("chatbot", MessageRole::Chatbot),
        ("model", MessageRole::Model),
    ];

    fn of(name: &[u8]) -> Option<MessageRole> {
        let mut all = MessageRole::ALL.iter();
        let found = all.find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, role)| *role)
    }

    /// As LlamaIndex writes it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        let mut all = MessageRole::ALL.iter();
        all.find(|(_, role)| role == self)
            .map_or("", |(name, _)| name)
    }
}

/// A block of a message: text, an image, a tool call and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentBlock<'m> {
    /// A text that stands by itself, as releases before 0.12 wrote it.
    Text(Cow<'m, [u8]>),
    /// A block by its members.
    Block(Value<'m>),
}

impl<'m> ContentBlock<'m> {
    /// What it is: `text`, `image`, `audio`, `document` …
    #[must_use]
    pub fn block_type(&self) -> Option<Cow<'m, [u8]>> {
        match self {
            ContentBlock::Text(_) => Some(Cow::Borrowed(b"text")),
            ContentBlock::Block(block) => block.get(b"block_type")?.as_str(),
        }
    }

    /// The text of a block of text.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'m, [u8]>> {
        match self {
            ContentBlock::Text(text) => Some(text.clone()),
            ContentBlock::Block(block) if self.block_type().as_deref() == Some(b"text") => {
                block.get(b"text")?.as_str()
            }
            ContentBlock::Block(_) => None,
        }
    }
}

impl ChatMessage {
    /// Who says it: the user, unless it says otherwise. `None` for a role that
    /// LlamaIndex does not know.
    #[must_use]
    pub fn role(&self) -> Option<MessageRole> {
        match self.field("role") {
            Some(role) => MessageRole::of(&role.as_str()?),
            None => Some(MessageRole::User),
        }
    }

    /// What it is made of: its `blocks`, or what old releases wrote as
    /// `content`.
    #[must_use]
    pub fn blocks(&self) -> Vec<ContentBlock<'_>> {
        let list = match self.field("content") {
            Some(content) if content.kind() == Kind::String => {
                let text = content.as_str().unwrap_or_default();
                return vec![ContentBlock::Text(text)];
            }
            Some(content) if content.kind() == Kind::Array => Some(content),
            _ => self.field("blocks"),
        };
        list.map_or_else(Vec::new, |list| {
            list.elements().map(ContentBlock::Block).collect()
        })
    }

    /// Its text: that of all blocks of text, on lines of their own. `None`
    /// where there is none.
    #[must_use]
    pub fn content(&self) -> Option<Cow<'_, [u8]>> {
        let blocks = self.blocks();
        let mut texts: Vec<_> = blocks.iter().filter_map(ContentBlock::text).collect();
        match texts.len() {
            0 => None,
            1 => texts.pop(),
            _ => Some(Cow::Owned(texts.join(&b'\n'))),
        }
    }

    /// What the model said beside it, such as tool calls: an object.
    #[must_use]
    pub fn additional_kwargs(&self) -> Option<Value<'_>> {
        self.field("additional_kwargs")
    }

    /// A member by its name, whatever it is.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        Value::of(&self.text).get(name.as_bytes())
    }

    /// Its text: JSON as the store has it.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.text
    }
}
