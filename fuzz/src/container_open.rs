//! Containers: whatever the bytes, opening one and reading its sections gives
//! bytes or an error, whichever way it is read and checked.
//!
//! An input that begins as a container is taken as one. Any other
//! is read as changes to a sound one, put together with right checksums, and
//! the last of them may make one wrong again.

use std::path::Path;

use twinstore::{
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions, SectionKind, Verify},
};

use super::{
    bases::bases,
    choices::Choices,
    reading::{Log, changed, files_of, is_file, kind_of},
    scratch,
};

/// Takes `data` as a file, or as changes to one.
pub fn run(data: &[u8]) {
    if is_file(data) {
        let kind = kind_of(data).unwrap_or(FileKind::Sync);
        for bytes in files_of(data, kind) {
            same_every_way(&scratch::file("file", &bytes), kind);
        }
        return;
    }
    let mut choices = Choices::new(data);
    let (damage, bits) = (choices.number(), choices.byte());
    let mut parts = changed(&mut choices, bases());
    let (mut bytes, _) = parts.assemble();
    // 0 damages nothing, and so do bytes that have run out.
    let at = usize::try_from(damage % bytes.len() as u64).unwrap();
    bytes[at] ^= bits;
    same_every_way(&scratch::file("file", &bytes), parts.kind);
}

fn same_every_way(path: &Path, kind: FileKind) {
    for verify in [Verify::Lazy, Verify::Eager, Verify::Finely] {
        let [mapped, read] = [Backend::Map, Backend::Read].map(|backend| {
            let mut log = Log::default();
            let _ = read_all(path, kind, &OpenOptions { backend, verify }, &mut log);
            log
        });
        assert_eq!(mapped, read, "the backends disagree");
    }
}

fn read_all(path: &Path, kind: FileKind, options: &OpenOptions, log: &mut Log) -> Option<()> {
    let file = log.opened(Container::open(path, kind, Expected::Any, options))?;
    let length = file.file_len();
    let expected = Expected::File {
        length,
        root: file.root(),
    };
    log.opened(Container::open(path, kind, expected, options))?;
    for section in ALL_SECTIONS {
        let Some(span) = file.section(section) else {
            continue;
        };
        let whole = log.bytes(file.read(span, 0..span.len()));
        assert!(whole.is_none_or(|bytes| bytes.len() as u64 == span.len()));
        let half = span.len() / 2;
        log.note(file.read(span, half..span.len()).map(|b| b.len()));
        assert!(file.read(span, 0..span.len() + 1).is_err());
    }
    log.note(file.check());
    Some(())
}

const ALL_SECTIONS: [SectionKind; 30] = {
    use SectionKind as S;
    [
        S::META,
        S::BLOCKS,
        S::BLOCK_INDEX,
        S::DICTIONARY,
        S::PRINTED_HASHES,
        S::HASHES,
        S::HASH_ROWS,
        S::DEAD,
        S::IDS,
        S::ID_ENDS,
        S::ID_KINDS,
        S::ID_TEXTS,
        S::ID_SLOTS,
        S::ID_SORTED,
        S::PLANE,
        S::LOW_PLANE,
        S::LOW_RANK,
        S::CLASSES,
        S::NORMS,
        S::IRREGULAR,
        S::SKETCH_MEAN,
        S::SKETCH_CODES,
        S::SKETCH_NUMBERS,
        S::EXCEPTIONS,
        S::TOKENS,
        S::ORDERS,
        S::SEQUENCES,
        S::COLUMNS,
        S::CODES,
        S::ODDMENTS,
    ]
};
