//! Prints the nodes of every vector index in a persist dir, in order, without
//! loading any index: `cargo run --example print_index -- DIR`, after
//! `twinstore pack DIR`.

use std::path::PathBuf;

use twinstore::{Result, StorageContext, store::IndexStruct};

fn main() -> Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.unwrap_or_else(|| PathBuf::from("examples/storage"));
    let context = StorageContext::from_persist_dir(&dir)?;
    let documents = context.docstore()?;

    for found in context.index_store()?.index_structs()? {
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
