//! Binary files read under both backends: whatever is in them, both give the
//! same data, or the same error.

use std::{
    fmt::{Debug, Write as _},
    ops::Deref,
    path::Path,
    sync::Arc,
};

use twinstore::{
    Error,
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions, SectionKind, Verify},
};

use xxhash_rust::xxh3::xxh3_128;

use super::{
    bases,
    choices::Choices,
    forge::{ENTRY, Parts, u32_at},
    scratch,
};

/// A file is changed so often at most: more leaves nothing of it.
pub const CHANGES: usize = 32;

/// What was read, or errors, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Log(String);

impl Log {
    /// Notes a value or an error, and hands out the value.
    pub fn note<T: Debug>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => {
                let _ = writeln!(self.0, "{value:?}");
                Some(value)
            }
            Err(e) => self.refused(&e),
        }
    }

    /// The same for bytes, of which only their length and hash are noted: in words, they
    /// would take most of the time of a target.
    pub fn bytes<T: Deref<Target = [u8]>>(&mut self, result: Result<T, Error>) -> Option<T> {
        let bytes = self.opened(result)?;
        let _ = writeln!(self.0, "{}", hash_of(&bytes));
        Some(bytes)
    }

    /// The same for what prints the way it was opened.
    pub fn opened<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(e) => self.refused(&e),
        }
    }

    fn refused<T>(&mut self, error: &Error) -> Option<T> {
        let _ = writeln!(self.0, "{error}");
        None
    }
}

/// Bytes in short.
pub fn hash_of(bytes: &[u8]) -> String {
    format!("{} bytes {:032x}", bytes.len(), xxh3_128(bytes))
}

/// An input that is a file, as it is and with all checksums put right; or changes to
/// one of `kind`. It is a file where it begins as all of ours do.
pub fn files_of(data: &[u8], kind: FileKind) -> Vec<Vec<u8>> {
    if is_file(data) {
        let repaired = Parts::parse(kind, data).map(|mut parts| parts.assemble().0);
        return [data.to_vec()].into_iter().chain(repaired).collect();
    }
    let mut choices = Choices::new(data);
    vec![changed(&mut choices, bases::bases_of(kind)).assemble().0]
}

pub fn is_file(data: &[u8]) -> bool {
    data.first() == Some(&0x89)
}

/// The kind that a file says it is of.
pub fn kind_of(data: &[u8]) -> Option<FileKind> {
    match data.get(1..4)? {
        b"VEC" => Some(FileKind::Vectors),
        b"REC" => Some(FileKind::Records),
        b"RAW" => Some(FileKind::Verbatim),
        b"DEL" => Some(FileKind::Tombstones),
        b"MAN" => Some(FileKind::Manifest),
        b"SYN" => Some(FileKind::Sync),
        _ => None,
    }
}

/// One of `bases` with the changes that `choices` say.
pub fn changed(choices: &mut Choices<'_>, bases: &[Parts]) -> Parts {
    let mut file = bases[choices.of(bases.len())].clone();
    for _ in 0..CHANGES {
        if choices.is_empty() {
            break;
        }
        file.change(choices, bases::bases());
    }
    file
}

/// Lets `read` look at files under either backend.
pub fn same_under_both_backends(
    files: &[(FileKind, &[u8])],
    mut read: impl FnMut(Vec<Arc<Container>>, &mut Log),
) {
    let paths: Vec<_> = (0..)
        .zip(files)
        .map(|(n, (_, bytes))| scratch::file(&format!("file-{n}"), bytes))
        .collect();
    let [mapped, positioned] = [Backend::Map, Backend::Read].map(|backend| {
        let verify = Verify::Lazy;
        let options = OpenOptions { backend, verify };
        let mut log = Log::default();
        let opened = paths.iter().zip(files).map(|(path, (kind, _))| {
            let file = Container::open(path, *kind, Expected::Any, &options);
            file.map(Arc::new)
        });
        let opened: Result<Vec<_>, _> = opened.collect();
        if let Some(containers) = log.opened(opened) {
            read(containers, &mut log);
        }
        log
    });
    assert_eq!(mapped, positioned, "the backends disagree");
}

/// What all blocks of the file say they hold when unpacked.
pub fn unpacked_len(file: &Container) -> u64 {
    let index = file
        .section(SectionKind::BLOCK_INDEX)
        .and_then(|span| file.read(span, 0..span.len()).ok());
    let index = index.as_deref().unwrap_or_default();
    let lengths = index.chunks_exact(ENTRY).map(|e| u64::from(u32_at(e, 20)));
    lengths.fold(0, u64::saturating_add)
}

/// The same of the file at `path`.
pub fn unpacked_len_of(path: &Path, kind: FileKind) -> u64 {
    let file = Container::open(path, kind, Expected::Any, &OpenOptions::default());
    file.map_or(0, |file| unpacked_len(&file))
}
