//! Vector segments: whatever is in one, every row reads as data or an error,
//! under both backends the same; and an id that is found is that of its row.

use std::sync::Arc;

use twinstore::{
    container::{Container, FileKind},
    segment::VectorSegment,
};

use super::reading::{Log, files_of, same_under_both_backends};

/// Rows read at either end.
const ROWS: u32 = 6;

/// Takes `data` as a file, or as changes to one.
pub fn run(data: &[u8]) {
    for bytes in files_of(data, FileKind::Vectors) {
        same_under_both_backends(&[(FileKind::Vectors, &bytes)], |files, log| {
            for file in files {
                let _ = read(file, log);
            }
        });
    }
}

fn read(file: Arc<Container>, log: &mut Log) -> Option<()> {
    let rows = log.opened(VectorSegment::open(file))?;
    log.note(rows.check_structure());
    log.note(rows.irregular());
    log.note(rows.metadata_keys());
    let head = 0..rows.rows().min(ROWS);
    let tail = rows.rows().saturating_sub(ROWS)..rows.rows();
    for row in head.chain(tail).chain([rows.rows(), u32::MAX]) {
        if let Some(id) = log.note(rows.id(row)) {
            if let Some(Some(found)) = log.note(rows.row_of(&id)) {
                assert_eq!(rows.id(found).ok(), Some(id.clone()), "row {row}");
            }
            log.note(rows.get(&id));
        }
        log.note(rows.vector(row));
        log.note(rows.nearest(row));
        log.note(rows.norm(row).map(f64::to_bits));
        log.note(rows.metadata(row));
        log.note(rows.ref_doc(row));
    }
    log.note(rows.row_of(b"foreign"));
    Some(())
}
