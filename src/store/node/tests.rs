//! Nodes as each release of LlamaIndex wrote them.

use proptest::prelude::*;

use super::*;

fn node(record: &str) -> Node {
    Node::from_json(record.as_bytes().to_vec()).unwrap()
}

fn refused(record: &str) -> StoreError {
    match Node::from_json(record.as_bytes().to_vec()) {
        Err(Error::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn text(bytes: Option<Cow<'_, [u8]>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8(bytes.into_owned()).unwrap())
}

fn metadata(node: &Node) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let metadata = node.metadata().into_iter();
    metadata
        .map(|(key, value)| (text(&key), text(value.text())))
        .collect()
}

#[test]
fn a_text_node_of_today() {
    let node = node(
        r#"{"__data__": {"id_": "n", "embedding": [0.5, 1], "metadata": {"b": 1.0, "a": [NaN]}, "excluded_embed_metadata_keys": ["b"], "excluded_llm_metadata_keys": [], "relationships": {"1": {"node_id": "doc", "node_type": "4", "metadata": {"x": 1}, "hash": "h", "class_name": "RelatedNodeInfo"}, "3": {"node_id": "m", "node_type": null, "metadata": {}, "hash": null, "class_name": "RelatedNodeInfo"}}, "metadata_template": "{key}={value}", "metadata_separator": "; ", "text": "Gr\u00fc\u00df", "mimetype": "text/html", "start_char_idx": 3, "end_char_idx": 7, "text_template": "{content}", "class_name": "TextNode", "later": [7]}, "__type__": "1"}"#,
    );
    assert_eq!(
        (node.node_type(), node.class_name()),
        (NodeType::Text, "TextNode")
    );
    assert_eq!(node.id(), &b"n"[..]);
    assert_eq!(node.text(), "Grüß".as_bytes());
    assert_eq!(node.get_content(), node.text());
    assert_eq!(node.embedding(), Some(vec![0.5, 1.0]));
    let pairs = [("b", "1.0"), ("a", "[NaN]")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(metadata(&node), pairs);
    assert_eq!(node.metadata_value(b"a").unwrap().text(), b"[NaN]");
    assert_eq!(node.metadata_value(b"c"), None);
    assert_eq!(node.excluded_embed_metadata_keys(), [&b"b"[..]]);
    assert!(node.excluded_llm_metadata_keys().is_empty());
    assert_eq!(
        (node.start_char_idx(), node.end_char_idx()),
        (Some(3), Some(7))
    );
    assert_eq!(
        text(Some(node.metadata_template())).unwrap(),
        "{key}={value}"
    );
    assert_eq!(text(Some(node.metadata_separator())).unwrap(), "; ");
    assert_eq!(text(Some(node.text_template())).unwrap(), "{content}");
    assert_eq!(text(Some(node.mimetype())).unwrap(), "text/html");
    assert_eq!(node.hash(), None);
    assert_eq!(node.field("later").unwrap().text(), b"[7]");

    let source = node.source_node().unwrap().unwrap();
    assert_eq!(text(Some(source.node_id())).unwrap(), "doc");
    assert_eq!(text(source.node_type()).unwrap(), "4");
    assert_eq!(text(source.hash()).unwrap(), "h");
    assert_eq!(source.metadata().len(), 1);
    assert_eq!(node.prev_node().unwrap(), None);
    assert_eq!(node.parent_node().unwrap(), None);
    assert_eq!(node.child_nodes().unwrap(), None);
    let next = node.next_node().unwrap().unwrap();
    assert_eq!((text(next.node_type()), text(next.hash())), (None, None));
    let kinds: Vec<_> = node.relationships().into_iter().map(|(r, _)| r).collect();
    assert_eq!(kinds, [NodeRelationship::Source, NodeRelationship::Next]);
}

#[test]
fn what_a_node_does_not_say_is_what_llamaindex_has_for_it() {
    let node = node(r#"{"__data__": {"text": null, "metadata": null}, "__type__": "1"}"#);
    assert_eq!(node.id(), &b""[..]);
    assert_eq!(node.text(), &b""[..]);
    assert!(node.metadata().is_empty() && node.relationships().is_empty());
    assert_eq!(node.embedding(), None);
    assert_eq!(node.start_char_idx(), None);
    assert_eq!(
        text(Some(node.metadata_template())).unwrap(),
        "{key}: {value}"
    );
    assert_eq!(text(Some(node.metadata_separator())).unwrap(), "\n");
    assert_eq!(
        text(Some(node.text_template())).unwrap(),
        "{metadata_str}\n\n{content}"
    );
    assert_eq!(text(Some(node.mimetype())).unwrap(), "text/plain");
    assert_eq!(node.ref_doc_id().unwrap(), None);
}

#[test]
fn an_image_node_has_its_image() {
    let node = node(
        r#"{"__data__": {"id_": "i", "text": "t", "image": "aGk=", "image_path": "/a.png", "image_url": null, "image_mimetype": "image/png", "text_embedding": [1.5]}, "__type__": "2"}"#,
    );
    assert_eq!(
        (node.node_type(), node.class_name()),
        (NodeType::Image, "ImageNode")
    );
    assert_eq!(text(node.image()).unwrap(), "aGk=");
    assert_eq!(text(node.image_path()).unwrap(), "/a.png");
    assert_eq!(node.image_url(), None);
    assert_eq!(text(node.image_mimetype()).unwrap(), "image/png");
    assert_eq!(node.text_embedding(), Some(vec![1.5]));
}

#[test]
fn an_index_node_may_hold_a_node() {
    let with = |obj: &str| {
        node(&format!(
            r#"{{"__data__": {{"id_": "x", "text": "", "index_id": "idx", "obj": {obj}}}, "__type__": "3"}}"#
        ))
    };
    let held = with(r#"{"__data__": {"id_": "in", "text": "inner"}, "__type__": "1"}"#);
    assert_eq!(held.class_name(), "IndexNode");
    assert_eq!(text(held.index_id()).unwrap(), "idx");
    assert_eq!(held.obj_node().unwrap().text(), &b"inner"[..]);
    let model = with(r#"{"a": 1}"#);
    assert_eq!(model.obj_node(), None);
    assert_eq!(model.obj().unwrap().text(), br#"{"a": 1}"#);
    assert_eq!(with("null").obj(), None);
    assert_eq!(with(r#""\"plain\"""#).obj_node(), None);
}

#[test]
fn a_document_has_its_text_in_a_resource() {
    let document = node(
        r#"{"__data__": {"id_": "d", "text_resource": {"embeddings": {"dense": [2.0]}, "text": "in it", "path": null, "url": null, "mimetype": "text/plain"}, "image_resource": {"text": null, "path": "/p", "url": "http://u", "mimetype": "image/x"}, "audio_resource": null, "class_name": "ImageDocument", "text": "beside"}, "__type__": "4"}"#,
    );
    assert_eq!(document.class_name(), "ImageDocument");
    assert_eq!(document.text(), &b"in it"[..]);
    assert_eq!(text(document.image_path()).unwrap(), "/p");
    assert_eq!(text(document.image_url()).unwrap(), "http://u");
    assert_eq!(text(document.image_mimetype()).unwrap(), "image/x");
    assert_eq!(document.text_embedding(), Some(vec![2.0]));
    assert_eq!(document.audio_resource(), None);
    assert_eq!(document.video_resource(), None);
    // Up to 0.12.5, without resources, and up to 0.8 without a class.
    let old = node(r#"{"__data__": {"id_": "d", "text": "plain"}, "__type__": "4"}"#);
    assert_eq!(
        (old.class_name(), &*old.text()),
        ("Document", &b"plain"[..])
    );
}

#[test]
fn a_multimodal_node_has_no_text_beside_its_resources() {
    let record = r#"{"__data__": {"text_resource": RES, "text": "beside"}, "__type__": "5"}"#;
    let with = |resource| node(&record.replace("RES", resource));
    assert_eq!(with("null").text(), &b""[..]);
    assert_eq!(with(r#"{"text": "t"}"#).text(), &b"t"[..]);
    assert_eq!(with("null").class_name(), "Node");
}

/// Up to 0.6.26.
#[test]
fn a_node_of_the_first_persist_dirs() {
    let record = r#"{"__data__": {"text": "t", "doc_id": "n", "embedding": null, "doc_hash": "h", "extra_info": {"k": "v"}, "node_info": {"start": 0, "end": 9}, "relationships": {"1": "doc-a", "2": "before", "5": ["c", "d"]}}, "__type__": "TYPE"}"#;
    let node = node(&record.replace("TYPE", "1"));
    assert_eq!(node.id(), &b"n"[..]);
    assert_eq!(text(node.hash()).unwrap(), "h");
    assert_eq!(metadata(&node), [("k".to_owned(), "\"v\"".to_owned())]);
    assert_eq!(
        (node.start_char_idx(), node.end_char_idx()),
        (Some(0), Some(9))
    );
    assert_eq!(text(node.ref_doc_id().unwrap()).unwrap(), "doc-a");
    assert_eq!(node.prev_node().unwrap().unwrap().node_id(), &b"before"[..]);
    let children = node.child_nodes().unwrap().unwrap();
    let ids: Vec<_> = children.iter().map(|child| child.node_id()).collect();
    assert_eq!(ids, [&b"c"[..], b"d"]);
    let document = super::tests::node(&record.replace("TYPE", "Document"));
    assert_eq!(document.class_name(), "Document");
    assert_eq!(document.text(), &b"t"[..]);
}

#[test]
fn a_node_of_llamaindex_ts() {
    let node = node(
        r#"{"__data__":"{\"id_\":\"n\",\"metadata\":{\"p\":1},\"excludedEmbedMetadataKeys\":[\"p\"],\"excludedLlmMetadataKeys\":[],\"relationships\":{\"SOURCE\":{\"nodeId\":\"./a.txt\",\"metadata\":{},\"hash\":\"s\"},\"NEXT\":{\"nodeId\":\"m\"}},\"hash\":\"h\",\"text\":\"T\u00fc\",\"startCharIdx\":1,\"endCharIdx\":2,\"metadataSeparator\":\"|\"}","__type__":"TEXT"}"#,
    );
    assert_eq!(node.id(), &b"n"[..]);
    assert_eq!(node.text(), "Tü".as_bytes());
    assert_eq!(text(node.ref_doc_id().unwrap()).unwrap(), "./a.txt");
    assert_eq!(node.next_node().unwrap().unwrap().node_id(), &b"m"[..]);
    assert_eq!(
        (node.start_char_idx(), node.end_char_idx()),
        (Some(1), Some(2))
    );
    assert_eq!(node.excluded_embed_metadata_keys(), [&b"p"[..]]);
    assert_eq!(text(Some(node.metadata_separator())).unwrap(), "|");
    assert!(node.raw().starts_with(br#"{"__data__":"{\""#));
}

#[test]
fn relatives_are_single_or_many_as_llamaindex_wants_them() {
    let record = r#"{"__data__": {"relationships": {"1": [{"node_id": "a"}], "5": {"node_id": "b"}, "9": "?"}}, "__type__": "1"}"#;
    let node = node(record);
    let message = |error: Error| match error {
        Error::Store(error) => (error.exception().as_str(), error.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        message(node.ref_doc_id().unwrap_err()),
        (
            "ValueError",
            "Source object must be a single RelatedNodeInfo object".to_owned()
        )
    );
    assert_eq!(
        message(node.child_nodes().unwrap_err()),
        (
            "ValueError",
            "Child objects must be a list of RelatedNodeInfo objects.".to_owned()
        )
    );
    assert_eq!(node.relationships().len(), 2);
}

#[test]
fn what_is_no_node_is_refused_in_llamaindexs_words() {
    let unknown = refused(r#"{"__data__": {}, "__type__": "9"}"#);
    assert_eq!(unknown.to_string(), "Unknown doc type: 9");
    assert_eq!(unknown.exception().as_str(), "ValueError");
    let number = refused(r#"{"__data__": {}, "__type__": 1}"#);
    assert_eq!(number.to_string(), "Unknown doc type: 1");
    let untyped = refused(r#"{"__data__": {}}"#);
    assert_eq!(
        (untyped.exception().as_str(), &*untyped.to_string()),
        ("KeyError", "'__type__'")
    );
    let empty = refused(r#"{"__type__": "1"}"#);
    assert_eq!(empty, StoreError::NoMember { name: "__data__" });
    for record in [
        "[]",
        "5",
        r#"{"__data__": 5, "__type__": "1"}"#,
        r#"{"__data__": "no json", "__type__": "1"}"#,
        r#"{"__data__": "[]", "__type__": "1"}"#,
    ] {
        assert!(
            matches!(refused(record), StoreError::Shape { .. }),
            "{record}"
        );
    }
    assert!(matches!(
        refused("{"),
        StoreError::NotJson { offset: 1, .. }
    ));
}

#[test]
fn a_field_that_is_there_twice_has_its_last_value() {
    let node =
        node(r#"{"__type__": "2", "__data__": {"text": "a", "te\u0078t": "b"}, "__type__": "1"}"#);
    assert_eq!(node.node_type(), NodeType::Text);
    assert_eq!(node.text(), &b"b"[..]);
}

#[test]
fn every_type_is_written_as_it_is_read() {
    use NodeType::{Document, Image, Index, Multimodal, Text};
    for kind in [Text, Image, Index, Document, Multimodal] {
        let quoted = format!("\"{}\"", kind.as_str());
        assert_eq!(NodeType::of(&Value::of(quoted.as_bytes())), Some(kind));
    }
    for relationship in NodeRelationship::ALL {
        assert_eq!(
            NodeRelationship::of(relationship.as_str().as_bytes()),
            Some(relationship)
        );
        assert_eq!(
            NodeRelationship::of(relationship.name().as_bytes()),
            Some(relationship)
        );
    }
}

proptest! {
    /// A segment with right checksums may still hold anything.
    #[test]
    fn whatever_a_record_holds_no_view_of_it_panics(
        part in "[\\[\\]{}:, \"\\\\a1-]{0,30}",
        bytes: Vec<u8>,
    ) {
        let data = format!("{{\"__type__\": \"1\", \"__data__\": {{{part}");
        let field = format!("{{\"__type__\": \"4\", \"__data__\": {{\"metadata\": {part}}}}}");
        for record in [bytes, data.into_bytes(), field.into_bytes()] {
            let Ok(node) = Node::of_record(b"key".to_vec(), record) else {
                continue;
            };
            let _ = (node.id(), node.text(), node.metadata(), node.relationships());
            let _ = (node.class_name(), node.embedding(), node.obj_node(), node.image_path());
            let _ = (node.excluded_llm_metadata_keys(), node.start_char_idx());
        }
    }
}
