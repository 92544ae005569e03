//! What a node says: text, metadata, and what goes with them.

use std::borrow::Cow;

use super::{Node, NodeType};
use crate::json::{Kind, Value};

impl Node {
    /// Its text, empty where it has none: `text` or, where it has one, that of
    /// its [`text_resource`](Node::text_resource).
    #[must_use]
    pub fn text(&self) -> Cow<'_, [u8]> {
        if let Some(text) = &self.text {
            return Cow::Borrowed(text);
        }
        let text = match (self.text_resource(), self.node_type) {
            (Some(resource), _) => resource.text(),
            (None, NodeType::Multimodal) => None,
            (None, _) => self.string(&["text"]),
        };
        text.unwrap_or_default()
    }

    /// The text without metadata: `get_content()` of LlamaIndex, with its
    /// default `MetadataMode.NONE`.
    #[must_use]
    pub fn get_content(&self) -> Cow<'_, [u8]> {
        self.text()
    }

    /// Its metadata in order: `metadata`, or in old files `extra_info`.
    #[must_use]
    pub fn metadata(&self) -> Vec<(Cow<'_, [u8]>, Value<'_>)> {
        let metadata = self.any(METADATA);
        metadata.map_or_else(Vec::new, |metadata| metadata.members())
    }

    /// The metadata of one key.
    #[must_use]
    pub fn metadata_value(&self, key: &[u8]) -> Option<Value<'_>> {
        self.any(METADATA)?.get(key)
    }

    /// Its embedding, which document stores seldom have: vectors are kept in
    /// vector stores.
    #[must_use]
    pub fn embedding(&self) -> Option<Vec<f64>> {
        self.any(&["embedding"])?.as_numbers()
    }

    /// The hash that the file has for it, which only releases before 0.9 and
    /// LlamaIndex.TS write. That of any node is
    /// [`DocumentStore::document_hash`](crate::store::DocumentStore::document_hash).
    #[must_use]
    pub fn hash(&self) -> Option<Cow<'_, [u8]>> {
        self.string(&["hash", "doc_hash"])
    }

    /// Where it begins in its document, in characters.
    #[must_use]
    pub fn start_char_idx(&self) -> Option<i64> {
        self.char_idx(&["start_char_idx", "startCharIdx"], b"start")
    }

    /// Where it ends in its document, in characters.
    #[must_use]
    pub fn end_char_idx(&self) -> Option<i64> {
        self.char_idx(&["end_char_idx", "endCharIdx"], b"end")
    }

    /// Keys of its metadata that are not told to the embedding model.
    #[must_use]
    pub fn excluded_embed_metadata_keys(&self) -> Vec<Cow<'_, [u8]>> {
        self.strings(&["excluded_embed_metadata_keys", "excludedEmbedMetadataKeys"])
    }

    /// Keys of its metadata that are not told to the language model.
    #[must_use]
    pub fn excluded_llm_metadata_keys(&self) -> Vec<Cow<'_, [u8]>> {
        self.strings(&["excluded_llm_metadata_keys", "excludedLlmMetadataKeys"])
    }

    /// How a key and its value are shown: `{key}: {value}` unless it says
    /// otherwise.
    #[must_use]
    pub fn metadata_template(&self) -> Cow<'_, [u8]> {
        let stated = self.string(&["metadata_template"]);
        stated.unwrap_or(Cow::Borrowed(b"{key}: {value}"))
    }

    /// What stands between two of them: a line feed unless it says otherwise.
    #[must_use]
    pub fn metadata_separator(&self) -> Cow<'_, [u8]> {
        // LlamaIndex misspelled it for years.
        let names = [
            "metadata_separator",
            "metadata_seperator",
            "metadataSeparator",
        ];
        self.string(&names).unwrap_or(Cow::Borrowed(b"\n"))
    }

    /// How metadata and text are put together.
    #[must_use]
    pub fn text_template(&self) -> Cow<'_, [u8]> {
        let stated = self.string(&["text_template"]);
        stated.unwrap_or(Cow::Borrowed(b"{metadata_str}\n\n{content}"))
    }

    /// The MIME type of its text: `text/plain` unless it says otherwise.
    #[must_use]
    pub fn mimetype(&self) -> Cow<'_, [u8]> {
        let stated = self.string(&["mimetype"]);
        stated.unwrap_or(Cow::Borrowed(b"text/plain"))
    }

    /// What an index node stands for.
    #[must_use]
    pub fn index_id(&self) -> Option<Cow<'_, [u8]>> {
        self.string(&["index_id", "indexId"])
    }

    /// The object that an index node holds, as it was written: a node's record,
    /// an object, or a string with JSON in it.
    #[must_use]
    pub fn obj(&self) -> Option<Value<'_>> {
        self.any(&["obj"])
    }

    /// The same where it is a node. (LlamaIndex makes a text node of anything
    /// else.)
    #[must_use]
    pub fn obj_node(&self) -> Option<Node> {
        let record = self.obj()?.text();
        Node::of_record(Vec::new(), record.to_vec()).ok()
    }

    fn char_idx(&self, names: &[&str], in_node_info: &[u8]) -> Option<i64> {
        let stated = self.any(names).or_else(|| {
            // Up to 0.6.26.
            self.any(&["node_info"])?.get(in_node_info)
        });
        stated?.as_i64()
    }

    fn strings(&self, names: &[&str]) -> Vec<Cow<'_, [u8]>> {
        let list = self.any(names).filter(|list| list.kind() == Kind::Array);
        list.and_then(|list| list.as_strings()).unwrap_or_default()
    }
}

/// The names that metadata has.
const METADATA: &[&str] = &["metadata", "extra_info"];
