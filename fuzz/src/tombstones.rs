//! Tombstones: whatever they say of the other files of a store, all that reads
//! the store gives data or an error, under both backends the same; and where
//! every file passes the check of its structure, what is counted is what is told.

use std::sync::Arc;

use twinstore::{
    Result,
    container::{Container, FileKind},
    convert::{json_of_records, json_of_vectors},
    segment::{Map, TombstoneSegment},
    store::{RecordStore, RowStore, VectorStore},
};

use super::{
    bases::bases_of,
    choices::Choices,
    reading::{Log, changed, files_of, is_file, kind_of, same_under_both_backends, unpacked_len},
    stacked,
};

/// Files are printed where they have no more than this of packed text.
const PACKED: u64 = 16 << 10;

/// Takes `data` as tombstones, as the only file of a store, or as changes to the files of
/// one.
pub fn run(data: &[u8]) {
    if is_file(data) {
        let kind = match kind_of(data) {
            Some(kind @ (FileKind::Vectors | FileKind::Records)) => kind,
            _ => FileKind::Tombstones,
        };
        for bytes in files_of(data, kind) {
            match kind {
                FileKind::Tombstones => of_one_file(&bytes),
                _ => of_a_store(kind, &[(kind, &bytes)]),
            }
        }
        return;
    }
    let mut choices = Choices::new(data);
    let how = choices.byte();
    if how % 4 == 3 {
        let mut parts = changed(&mut choices, bases_of(FileKind::Tombstones));
        of_one_file(&parts.assemble().0);
        return;
    }
    let base = match how % 4 {
        0 => stacked::vectors(),
        1 => stacked::documents(),
        // Those of another store.
        _ => &[stacked::vectors(), &stacked::documents()[2..]].concat(),
    };
    let files = stacked::changed(&mut choices, base, how & 0x80 == 0);
    let files: Vec<_> = files
        .iter()
        .map(|(kind, b)| (*kind, b.as_slice()))
        .collect();
    of_a_store(base[0].kind, &files);
}

fn of_a_store(kind: FileKind, files: &[(FileKind, &[u8])]) {
    same_under_both_backends(files, |files, log| {
        let _ = match kind {
            FileKind::Vectors => read_rows(&files, log),
            _ => read_records(&files, log),
        };
    });
}

fn of_one_file(bytes: &[u8]) {
    same_under_both_backends(&[(FileKind::Tombstones, bytes)], |files, log| {
        for file in files {
            check(&file, log);
        }
    });
}

/// Whether tombstones are sound by themselves.
fn check(file: &Arc<Container>, log: &mut Log) -> bool {
    let dead = log.opened(TombstoneSegment::open(Arc::clone(file)));
    dead.is_some_and(|dead| log.note(dead.check_structure()).is_some())
}

/// Those of a store, which are its last file, if it has any.
fn tombstones_are_sound(files: &[Arc<Container>], log: &mut Log) -> bool {
    let last = files.last();
    let tombstones = last.filter(|file| file.kind() == FileKind::Tombstones);
    tombstones.is_none_or(|file| check(file, log))
}

fn read_rows(files: &[Arc<Container>], log: &mut Log) -> Option<()> {
    let are_sound = tombstones_are_sound(files, log);
    let rows = log.opened(RowStore::open(files.to_vec()))?;
    let segments = rows.segments().iter();
    let are_sound = segments.fold(are_sound, |sound, segment| {
        log.note(segment.check_structure()).is_some() && sound
    });
    let store = VectorStore::rows(rows);
    for map in [Map::Embeddings, Map::RefDocs, Map::Metadata] {
        let mut ids = Vec::new();
        let told = store.each_entry(map, &mut |id| keep(&mut ids, id));
        let told = log.note(told);
        let counted = log.note(store.entries(map));
        if let (true, Some(()), Some(counted)) = (are_sound, told, counted) {
            assert_eq!(ids.len() as u64, counted, "{map:?}");
        }
        for id in ids
            .iter()
            .map(Vec::as_slice)
            .take(8)
            .chain(stacked::IDS.map(str::as_bytes))
        {
            log.note(store.has_entry(map, id));
            log.note(store.entry(map, id));
        }
    }
    if files.iter().map(|file| unpacked_len(file)).sum::<u64>() <= PACKED {
        log.note(json_of_vectors(&store));
    }
    Some(())
}

fn read_records(files: &[Arc<Container>], log: &mut Log) -> Option<()> {
    tombstones_are_sound(files, log);
    let packed = files.iter().map(|file| unpacked_len(file));
    let is_small = packed.fold(0, u64::saturating_add) <= PACKED;
    let records = log.opened(RecordStore::open(files.to_vec()))?;
    for path in records.all_collections().iter().take(8) {
        let mut keys = Vec::new();
        let told = records.each_key(path, &mut |key| keep(&mut keys, key));
        log.note(told);
        log.note(records.len(path));
        for key in keys.iter().filter(|_| is_small).take(8) {
            log.note(records.get(path, key));
        }
        for id in stacked::IDS {
            log.note(records.contains(path, id.as_bytes()));
        }
    }
    if is_small {
        log.note(json_of_records(&records));
    }
    Some(())
}

fn keep(ids: &mut Vec<Vec<u8>>, id: &[u8]) -> Result<()> {
    ids.push(id.to_vec());
    Ok(())
}
