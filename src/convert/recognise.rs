//! Which files of a persist dir are stores of LlamaIndex, by their names.

use crate::persist_dir::StoreKind;

/// The kind of store that LlamaIndex, Python or TypeScript, past or present,
/// keeps in a file of this name; `None` for files of others.
///
/// `docs/FORMAT.md` lists the names. A name that merely ends in
/// `vector_store.json` without the namespace separator is not LlamaIndex's.
#[must_use]
pub fn store_kind(file: &str) -> Option<StoreKind> {
    Some(match file {
        "docstore.json" | "doc_store.json" => StoreKind::DocumentStore,
        "index_store.json" => StoreKind::IndexStore,
        "graph_store.json" => StoreKind::GraphStore,
        "property_graph_store.json" => StoreKind::PropertyGraphStore,
        "chat_store.json" => StoreKind::ChatStore,
        "llama_cache" => StoreKind::IngestionCache,
        "vector_store.json" => StoreKind::VectorStore,
        _ if file.ends_with("__vector_store.json") => StoreKind::VectorStore,
        _ => return None,
    })
}

/// What a user calls a store: the namespace of a vector store, the file name
/// of any other.
#[must_use]
pub fn store_name(file: &str) -> &str {
    file.strip_suffix("__vector_store.json").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_releases_are_known() {
        assert_eq!(
            store_kind("image__vector_store.json"),
            Some(StoreKind::VectorStore)
        );
        assert_eq!(
            store_kind("two__parts__vector_store.json"),
            Some(StoreKind::VectorStore)
        );
        assert_eq!(
            store_kind("vector_store.json"),
            Some(StoreKind::VectorStore)
        );
        assert_eq!(store_kind("doc_store.json"), Some(StoreKind::DocumentStore));
        assert_eq!(store_kind("my_vector_store.json"), None);
        assert_eq!(store_kind("package.json"), None);
        assert_eq!(store_name("two__parts__vector_store.json"), "two__parts");
        assert_eq!(store_name("docstore.json"), "docstore.json");
    }
}
