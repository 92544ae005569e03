//! Whether LlamaIndex can load a file as the store that its name says, as far as the
//! members of the top level tell. (A record that it cannot read hides no other record, so
//! it is not looked for.)

use super::store_text::Structure;
use crate::{
    error::Result,
    json::{Kind, Value},
    persist_dir::StoreKind,
    segment::Member,
    store::{MAP_NAMES, RecordStore, TopMember},
};

/// What the names of the collections of a document or index store end with. They begin
/// with a namespace, which users may choose.
const COLLECTIONS: [&[u8]; 3] = [b"/data", b"/metadata", b"/ref_doc_info"];

/// Whether LlamaIndex can load what a file was packed into as a store of that kind.
///
/// # Errors
/// Those of reading it.
pub(crate) fn is_loadable(kind: StoreKind, packed: &Structure) -> Result<bool> {
    let members = match packed {
        // Of a file that is text alone, no more than its beginning is known.
        Structure::None => return Ok(true),
        Structure::Vectors(store) => store.members().iter().map(member_of_rows).collect(),
        Structure::Records(store) => members_of_records(store)?,
    };
    // The one member that LlamaIndex does not do without.
    let has_nodes = members.iter().any(|(name, _)| name == b"nodes");
    let fit = members.iter().all(|(name, value)| fits(kind, name, *value));
    Ok(fit && (has_nodes || kind != StoreKind::PropertyGraphStore))
}

/// The name of a member of the top level, and what its value is.
type NameAndKind = (Vec<u8>, Kind);

fn member_of_rows(member: &Member) -> NameAndKind {
    match member {
        Member::Map { key, .. } => (name_of(key), Kind::Object),
        Member::Other { key, value } => (name_of(key), Value::of(value).kind()),
    }
}

fn members_of_records(store: &RecordStore) -> Result<Vec<NameAndKind>> {
    let members = store.members()?.into_iter();
    let members = members.map(|member| match member {
        TopMember::Other { key, value } => Ok((name_of(key), Value::of(value).kind())),
        TopMember::Collection { path, key } => {
            let kind = match store.is_keyed(&path)? {
                Some(false) => Kind::Array,
                _ => Kind::Object,
            };
            Ok((name_of(&key), kind))
        }
    });
    members.collect()
}

fn name_of(key: &[u8]) -> Vec<u8> {
    Value::of(key).as_str().unwrap_or_default().into_owned()
}

/// Whether LlamaIndex takes a value of that kind under that name.
fn fits(kind: StoreKind, name: &[u8], value: Kind) -> bool {
    let is_object = value == Kind::Object;
    let is_object_or_null = is_object || value == Kind::Null;
    match kind {
        StoreKind::DocumentStore | StoreKind::IndexStore => {
            is_object || !COLLECTIONS.iter().any(|end| name.ends_with(end))
        }
        StoreKind::VectorStore => {
            let is_map = |(map, _): &(&str, _)| map.as_bytes() == name;
            is_object_or_null || !MAP_NAMES.iter().any(is_map)
        }
        StoreKind::GraphStore => is_object_or_null || name != b"graph_dict",
        StoreKind::PropertyGraphStore => match name {
            b"nodes" | b"relations" => is_object,
            b"triplets" => value == Kind::Array,
            _ => true,
        },
        StoreKind::ChatStore => is_object || name != b"store",
        StoreKind::IngestionCache => is_object,
        StoreKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonStyle;

    #[test]
    fn each_kind_of_store_has_members_that_must_be_what_llamaindex_makes_a_dict_of() {
        use StoreKind::{
            ChatStore, DocumentStore, GraphStore, IndexStore, IngestionCache, Other,
            PropertyGraphStore, VectorStore,
        };
        for (kind, text, loads) in [
            (DocumentStore, r#"{"docstore/data": 3}"#, false),
            (DocumentStore, r#"{"docstore/data": null}"#, false),
            (DocumentStore, r#"{"mine/ref_doc_info": []}"#, false),
            (DocumentStore, r#"{"docstore/data": {}, "extra": 3}"#, true),
            (DocumentStore, "{}", true),
            (IndexStore, r#"{"index_store/data": "x"}"#, false),
            (VectorStore, r#"{"embedding_dict": 3}"#, false),
            (VectorStore, r#"{"text_id_to_doc_id": []}"#, false),
            (VectorStore, r#"{"metadata_dict": null}"#, true),
            (GraphStore, r#"{"graph_dict": []}"#, false),
            (GraphStore, r#"{"graph_dict": null}"#, true),
            (
                PropertyGraphStore,
                r#"{"nodes": {}, "triplets": {}}"#,
                false,
            ),
            (PropertyGraphStore, r#"{"nodes": {}, "triplets": []}"#, true),
            (PropertyGraphStore, r#"{"triplets": []}"#, false),
            (ChatStore, r#"{"store": []}"#, false),
            (ChatStore, r#"{"store": {}, "class_name": "x"}"#, true),
            (IngestionCache, r#"{"llama_cache": 1}"#, false),
            (Other, r#"{"docstore/data": 3}"#, true),
        ] {
            let store = RecordStore::new_file(JsonStyle::python(), text.as_bytes());
            let packed = Structure::Records(store);
            assert_eq!(
                is_loadable(kind, &packed).unwrap(),
                loads,
                "{kind:?} {text}"
            );
        }
    }
}
