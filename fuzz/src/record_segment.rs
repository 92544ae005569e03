//! Record segments: whatever is in one, every record reads as JSON or an error,
//! under both backends the same, and so do LlamaIndex's stores over it.

use std::sync::Arc;

use twinstore::{
    Error, Result,
    container::{Container, FileKind},
    segment::RecordSegment,
    store::{
        ChatStore, CollectionPath, DocumentStore, GraphStore, IndexStore, PropertyGraphStore,
        RecordStore,
    },
};

use super::reading::{Log, files_of, same_under_both_backends, unpacked_len};

/// Collections, and records of each, that are read.
const COLLECTIONS: usize = 8;
const RECORDS: usize = 6;
/// Records are read where the file has no more than this of packed text: it may
/// print as 4096 times as much.
const PACKED: u64 = 16 << 10;

/// Takes `data` as a file, or as changes to one.
pub fn run(data: &[u8]) {
    for bytes in files_of(data, FileKind::Records) {
        same_under_both_backends(&[(FileKind::Records, &bytes)], |files, log| {
            for file in files {
                let _ = read(&file, log);
            }
        });
    }
}

fn read(file: &Arc<Container>, log: &mut Log) -> Option<()> {
    let segment = log.opened(RecordSegment::open(Arc::clone(file)))?;
    log.note(segment.check_structure());
    let is_small = unpacked_len(file) <= PACKED;
    let open = || RecordStore::open(vec![Arc::clone(file)]);
    let records = log.opened(open())?;
    let paths = records.all_collections();
    for path in paths.iter().take(COLLECTIONS) {
        log.note(records.len(path));
        for key in keys(&records, path, log) {
            if is_small {
                log.note(records.get(path, &key));
            } else {
                log.note(records.contains(path, &key));
            }
        }
    }
    if is_small && let Some(first) = paths.first() {
        log.note(records.values_text(first));
        let name = first.steps().first()?.clone();
        view(&name, log.opened(open())?, log)?;
    }
    Some(())
}

/// The first keys, and one that is not there.
fn keys(records: &RecordStore, path: &CollectionPath, log: &mut Log) -> Vec<Vec<u8>> {
    let mut keys = vec![b"foreign".to_vec()];
    let told = records.each_key(path, &mut |key| {
        keys.push(key.to_vec());
        enough(keys.len() > RECORDS)
    });
    log.note(told);
    keys
}

/// Ends a walk.
fn enough(is_enough: bool) -> Result<()> {
    match is_enough {
        false => Ok(()),
        true => Err(Error::Limit {
            what: "records that a target reads",
            got: RECORDS as u64,
            limit: RECORDS as u64,
        }),
    }
}

/// Looks at the records as the store that has a collection of that name.
fn view(name: &[u8], records: RecordStore, log: &mut Log) -> Option<()> {
    match name.split(|byte| *byte == b'/').next()? {
        b"docstore" => {
            let documents = DocumentStore::new(records);
            log.note(documents.all_document_hashes());
            for info in log.opened(documents.all_ref_doc_info())?.take(RECORDS) {
                log.note(info.map(|(id, info)| (id, info.node_ids)));
            }
            for id in log.opened(documents.ids())?.take(RECORDS) {
                let id = log.note(id)?;
                let node = log.opened(documents.get(&id))??;
                log.note(Ok((
                    node.text().into_owned(),
                    node.hash(),
                    node.embedding(),
                )));
                log.note(Ok((node.metadata(), node.start_char_idx())));
                log.note(node.ref_doc_id());
                log.note(node.child_nodes());
            }
        }
        b"index_store" => {
            let indices = IndexStore::new(records);
            for index in log.opened(indices.index_structs())?.iter().take(RECORDS) {
                log.note(Ok((index.struct_type(), index.data().field_names())));
                log.note(index.data().raw());
            }
        }
        b"graph_dict" => {
            let graph = GraphStore::new(records);
            for subject in log.opened(graph.subjects())?.take(RECORDS) {
                let subject = log.note(subject)?;
                log.note(graph.get(&subject));
            }
            log.note(graph.get_rel_map(None, 3, 30));
        }
        b"nodes" | b"relations" | b"triplets" => {
            let graph = PropertyGraphStore::new(records);
            log.note(graph.len());
            for node in log.opened(graph.nodes())?.take(RECORDS) {
                let node = log.opened(node)?;
                log.note(Ok((node.id(), node.label(), node.embedding())));
            }
        }
        b"store" => {
            let chats = ChatStore::new(records);
            for key in log.opened(chats.get_keys())?.take(RECORDS) {
                let key = log.note(key)?;
                let messages = log.opened(chats.get_messages(&key))?;
                for message in messages.iter().take(RECORDS) {
                    log.note(Ok((message.role(), message.content(), message.raw())));
                }
            }
        }
        _ => {}
    }
    Some(())
}
