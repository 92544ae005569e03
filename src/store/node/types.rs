//! What nodes are, and how they are related.

use crate::json::{Kind, Value};

/// What a node is: LlamaIndex's `ObjectType`, the `__type__` of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeType {
    /// `"1"`: a `TextNode`.
    Text,
    /// `"2"`: an `ImageNode`.
    Image,
    /// `"3"`: an `IndexNode`.
    Index,
    /// `"4"`, up to 0.6.26 `"Document"`: a `Document` or an `ImageDocument`.
    Document,
    /// `"5"`: a `Node`, which has text, image, audio and video.
    Multimodal,
}

impl NodeType {
    /// The type that a `__type__` means. LlamaIndex.TS spells it in words.
    pub(super) fn of(value: &Value<'_>) -> Option<NodeType> {
        if value.kind() != Kind::String {
            return None;
        }
        match &*value.as_str()? {
            b"1" | b"TEXT" => Some(NodeType::Text),
            b"2" | b"IMAGE" => Some(NodeType::Image),
            b"3" | b"INDEX" => Some(NodeType::Index),
            b"4" | b"Document" | b"DOCUMENT" | b"IMAGE_DOCUMENT" => Some(NodeType::Document),
            b"5" => Some(NodeType::Multimodal),
            _ => None,
        }
    }

    /// As LlamaIndex writes it today: `1` to `5`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            NodeType::Text => "1",
            NodeType::Image => "2",
            NodeType::Index => "3",
            NodeType::Document => "4",
            NodeType::Multimodal => "5",
        }
    }
}

/// How another node is related to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeRelationship {
    /// `"1"`: the document that it is a part of.
    Source,
    /// `"2"`: what stands before it in the document.
    Previous,
    /// `"3"`: what follows it in the document.
    Next,
    /// `"4"`: what it is a part of, in a hierarchy.
    Parent,
    /// `"5"`: its parts, in a hierarchy.
    Child,
}

impl NodeRelationship {
    /// All of them, in LlamaIndex's order.
    pub const ALL: [NodeRelationship; 5] = [
        NodeRelationship::Source,
        NodeRelationship::Previous,
        NodeRelationship::Next,
        NodeRelationship::Parent,
        NodeRelationship::Child,
    ];

    /// The relationship that a key means. LlamaIndex.TS spells it in words.
    pub(super) fn of(key: &[u8]) -> Option<NodeRelationship> {
        let mut all = NodeRelationship::ALL.into_iter();
        all.find(|r| key == r.as_str().as_bytes() || key == r.name().as_bytes())
    }

    /// As LlamaIndex writes it: `1` to `5`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            NodeRelationship::Source => "1",
            NodeRelationship::Previous => "2",
            NodeRelationship::Next => "3",
            NodeRelationship::Parent => "4",
            NodeRelationship::Child => "5",
        }
    }

    /// Its name in Python: `SOURCE`, `PREVIOUS` …
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            NodeRelationship::Source => "SOURCE",
            NodeRelationship::Previous => "PREVIOUS",
            NodeRelationship::Next => "NEXT",
            NodeRelationship::Parent => "PARENT",
            NodeRelationship::Child => "CHILD",
        }
    }

    /// How LlamaIndex speaks of it in an error.
    pub(super) fn spoken(self) -> &'static str {
        match self {
            NodeRelationship::Source => "Source object",
            NodeRelationship::Previous => "Previous object",
            NodeRelationship::Next => "Next object",
            NodeRelationship::Parent => "Parent object",
            NodeRelationship::Child => "Child objects",
        }
    }
}
