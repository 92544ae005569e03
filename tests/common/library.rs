//! Documents that a `VectorStoreIndex` has taken in, through a context: what
//! `index.insert(document)` and `index.delete_ref_doc(…)` come to.

use twinstore::{
    Result, StorageContext,
    store::{AddOptions, NewDocument, NewVector, Node},
};

pub const INDEX: &str = "vector";
pub const DIM: usize = 8;

/// A context of no directory with an index that is empty.
pub fn new_library() -> StorageContext {
    let mut context = StorageContext::from_defaults();
    let index = format!(
        r#"{{"__type__": "vector_store", "__data__": "{{\"index_id\": \"{INDEX}\", \"summary\": null, \"nodes_dict\": {{}}, \"doc_id_dict\": {{}}, \"embeddings_dict\": {{}}}}"}}"#
    );
    let indices = context.index_store_mut().unwrap();
    indices.add_index_struct(index.as_bytes()).unwrap();
    context
}

pub fn node_id(document: &str, n: usize) -> String {
    format!("{document}-{n}")
}

/// Some vector, always the same for the same id.
pub fn embedding(id: &str, dim: usize) -> Vec<f64> {
    let mut state = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    let component = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        f64::from(((state >> 40) as f32) / 8_388_608.0 - 1.0)
    };
    (0..dim).map(component).collect()
}

pub fn node(document: &str, n: usize, text: &str) -> Node {
    let id = node_id(document, n);
    let record = format!(
        r#"{{"__data__": {{"id_": "{id}", "embedding": null, "metadata": {{"page": {n}, "file_name": "{document}.txt"}}, "excluded_embed_metadata_keys": [], "excluded_llm_metadata_keys": [], "relationships": {{"1": {{"node_id": "{document}", "node_type": "4", "metadata": {{}}, "hash": "{:064x}", "class_name": "RelatedNodeInfo"}}}}, "metadata_template": "{{key}}: {{value}}", "metadata_separator": "\n", "text": "{text}", "mimetype": "text/plain", "start_char_idx": 0, "end_char_idx": {}, "text_template": "{{metadata_str}}\n\n{{content}}", "class_name": "TextNode"}}, "__type__": "1"}}"#,
        document.len(),
        text.len(),
    );
    Node::from_json(record.into_bytes()).unwrap()
}

/// Takes a document of so many nodes in; one that is there is replaced.
pub fn insert(context: &mut StorageContext, document: &str, nodes: usize, text: &str) {
    insert_vectors(context, document, nodes, text, DIM);
}

/// The same with vectors of so many components.
pub fn insert_vectors(
    context: &mut StorageContext,
    document: &str,
    nodes: usize,
    text: &str,
    dim: usize,
) {
    let docs: Vec<_> = (0..nodes)
        .map(|n| NewDocument {
            node: node(document, n, &format!("{text} {n}")),
            hash: format!("{:064x}", n).into_bytes(),
        })
        .collect();
    let store = context.docstore_mut().unwrap();
    store.add_documents(&docs, AddOptions::default()).unwrap();
    let vectors = (0..nodes).map(|n| {
        let id = node_id(document, n);
        NewVector {
            embedding: embedding(&id, dim),
            id: id.into_bytes(),
            ref_doc_id: Some(document.into()),
            metadata: format!(r#"{{"page": {n}, "file_name": "{document}.txt"}}"#).into_bytes(),
        }
    });
    let vectors = vectors.collect();
    let store = context.vector_store_mut("default").unwrap();
    store.add(vectors).unwrap();
    let indices = context.index_store_mut().unwrap();
    let mut index = indices
        .edit(INDEX.as_bytes())
        .unwrap()
        .index_dict()
        .unwrap();
    for n in 0..nodes {
        index
            .add_node(node_id(document, n).as_bytes(), None)
            .unwrap();
    }
}

/// The documents that are there, as all three stores have them. They must agree.
pub fn documents(context: &StorageContext) -> Result<Vec<String>> {
    let mut documents = Vec::new();
    let mut nodes = Vec::new();
    for info in context.docstore()?.all_ref_doc_info()? {
        let (id, info) = info?;
        documents.push(String::from_utf8(id).unwrap());
        nodes.extend(info.node_ids);
    }
    let mut vectors = Vec::new();
    context.vector_store("default")?.each_id(&mut |id| {
        vectors.push(id.to_vec());
        Ok(())
    })?;
    nodes.sort();
    vectors.sort();
    assert_eq!(
        nodes, vectors,
        "documents and vectors are of two generations"
    );
    let index = twinstore::load_index_from_storage(context, Some(INDEX))?;
    let twinstore::store::IndexStruct::IndexDict(index) = index.index_struct() else {
        panic!("another class");
    };
    let mut in_index = index.nodes_dict().keys()?.collect::<Result<Vec<_>>>()?;
    in_index.sort();
    assert_eq!(
        nodes, in_index,
        "documents and index are of two generations"
    );
    documents.sort();
    Ok(documents)
}
