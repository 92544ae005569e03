//! Prints the nodes of every vector index in a persist dir, in order, without
//! loading any index: `cargo run --example print_index -- DIR`, after
//! `twinstore pack DIR`.

use std::path::PathBuf;

use twinstore::{
    Result,
    container::OpenOptions,
    persist_dir::Snapshot,
    store::{DocumentStore, IndexStore, IndexStruct, RecordStore},
};

fn main() -> Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.unwrap_or_else(|| PathBuf::from("examples/storage"));
    let twin = Snapshot::open(&dir, None, &OpenOptions::default())?;
    let open = |file| RecordStore::open(twin.store(file)?.segments()?);
    let documents = DocumentStore::new(open("docstore.json")?);
    let indices = IndexStore::new(open("index_store.json")?);

    for found in indices.index_structs()? {
        let IndexStruct::IndexDict(index) = &found else {
            continue;
        };
        let nodes = index.nodes_dict();
        let id = found.index_id();
        println!("{}: {} nodes", String::from_utf8_lossy(&id), nodes.len()?);
        for entry in nodes.iter()? {
            let (_, node_id) = entry?;
            let node = documents.get_document(&node_id)?;
            let text = node.text();
            let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            println!("  {}", String::from_utf8_lossy(line));
        }
    }
    Ok(())
}
