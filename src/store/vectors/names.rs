//! What the three maps of a vector store are called.

use crate::segment::Map;

/// The names under which releases of LlamaIndex (Python and TypeScript) wrote
/// the maps, those of today's Python first.
pub(crate) const MAP_NAMES: [(&str, Map); 7] = [
    ("embedding_dict", Map::Embeddings),
    ("text_id_to_ref_doc_id", Map::RefDocs),
    ("metadata_dict", Map::Metadata),
    ("text_id_to_doc_id", Map::RefDocs),
    ("embeddingDict", Map::Embeddings),
    ("textIdToRefDocId", Map::RefDocs),
    ("metadataDict", Map::Metadata),
];
