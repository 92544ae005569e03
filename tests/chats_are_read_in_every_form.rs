//! Chat stores as pydantic, `json.dumps` and old releases wrote them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{CHAT, Storage, wrapped_in_a_string};
use twinstore::{
    Error,
    error::{JsonFault, StoreError},
    store::{ChatStore, MessageRole},
};

const PYDANTIC: &str = r#"{"store":{"user-1":[{"role":"user","additional_kwargs":{},"blocks":[{"block_type":"text","text":"Hallo Köln 🗼"}]},{"role":"assistant","additional_kwargs":{"tool_calls":[{"id":1}]},"blocks":[{"block_type":"text","text":"a"},{"block_type":"image","url":"u"},{"block_type":"text","text":"b"}]}],"user-2":[{"role":"system","blocks":[{"block_type":"text","text":""}]},{"role":"tool","blocks":[]}],"empty":[]},"class_name":"SimpleChatStore"}"#;
const PYTHON: &str = r#"{"store": {"u": [{"role": "user", "content": "K\u00f6ln", "additional_kwargs": {}}, {"content": null}, {"role": "wizard", "content": [{"block_type": "text", "text": "x"}]}]}, "class_name": "SimpleChatStore"}"#;

fn packed(text: &str) -> ChatStore {
    let storage = Storage::with([(CHAT, text)]);
    storage.pack();
    storage.remove(CHAT);
    ChatStore::new(storage.records(CHAT))
}

/// The same store from records, from text, and from text in a string.
fn each_way(text: &str) -> [ChatStore; 3] {
    [
        packed(text),
        ChatStore::from_text(text.into()).unwrap(),
        ChatStore::from_text(wrapped_in_a_string(text).into()).unwrap(),
    ]
}

#[test]
fn conversations_have_their_messages_in_order() {
    for store in each_way(PYDANTIC) {
        let keys: Vec<_> = store.get_keys().unwrap().map(|key| key.unwrap()).collect();
        assert_eq!(keys, [&b"user-1"[..], b"user-2", b"empty"]);
        let messages = store.get_messages(b"user-1").unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].role(), Some(MessageRole::User));
        assert_eq!(messages[0].content().unwrap(), "Hallo Köln 🗼".as_bytes());
        assert_eq!(messages[1].role().unwrap().as_str(), "assistant");
        assert_eq!(messages[1].content().unwrap(), &b"a\nb"[..]);
        let blocks = messages[1].blocks();
        assert_eq!(blocks.len(), 3);
        assert_eq!(blocks[1].block_type().as_deref(), Some(&b"image"[..]));
        assert_eq!(blocks[1].text(), None);
        let kwargs = messages[1].additional_kwargs().unwrap();
        assert_eq!(kwargs.text(), br#"{"tool_calls":[{"id":1}]}"#);
        let messages = store.get_messages(b"user-2").unwrap();
        assert_eq!(messages[0].content().as_deref(), Some(&b""[..]));
        assert_eq!(messages[1].content(), None);
        assert_eq!(messages[1].raw(), br#"{"role":"tool","blocks":[]}"#);
        assert!(store.get_messages(b"empty").unwrap().is_empty());
        assert!(store.get_messages(b"unknown").unwrap().is_empty());
    }
}

#[test]
fn messages_of_old_releases_have_content() {
    for store in each_way(PYTHON) {
        let messages = store.get_messages(b"u").unwrap();
        assert_eq!(messages[0].content().unwrap(), "Köln".as_bytes());
        assert_eq!(
            messages[0].blocks()[0].block_type().as_deref(),
            Some(&b"text"[..])
        );
        // Without a role it is the user's; without content it is empty.
        assert_eq!(messages[1].role(), Some(MessageRole::User));
        assert_eq!(messages[1].content(), None);
        assert_eq!(messages[2].role(), None);
        assert_eq!(messages[2].field("role").unwrap().text(), b"\"wizard\"");
        assert_eq!(messages[2].content().as_deref(), Some(&b"x"[..]));
    }
}

#[test]
fn an_empty_store_has_no_conversation() {
    let empty = [
        ChatStore::empty(),
        packed(r#"{"store":{},"class_name":"SimpleChatStore"}"#),
    ];
    for store in empty.into_iter().chain(each_way("{}")) {
        assert_eq!(store.get_keys().unwrap().count(), 0);
        assert!(store.get_messages(b"a").unwrap().is_empty());
    }
}

#[test]
fn what_is_no_chat_store_is_refused() {
    let refusal = |text: &str| match ChatStore::from_text(text.into()) {
        Err(Error::Store(error)) => error,
        other => panic!("{other:?}"),
    };
    for text in ["[]", "5", r#""[]""#] {
        assert!(matches!(refusal(text), StoreError::Shape { .. }), "{text}");
    }
    for text in ["", "{", r#""{""#] {
        let error = refusal(text);
        assert!(
            matches!(
                error,
                StoreError::NotJson {
                    fault: JsonFault::Cut,
                    ..
                }
            ),
            "{text}"
        );
        assert_eq!(error.exception().as_str(), "JSONDecodeError");
    }
    for store in each_way(r#"{"store": {"a": {"role": "user"}, "b": ["hi"]}}"#) {
        for key in [&b"a"[..], b"b"] {
            assert!(matches!(
                store.get_messages(key),
                Err(Error::Store(StoreError::Shape { .. }))
            ));
        }
    }
}
