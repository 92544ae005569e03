//! The names of the files in `twin/`.
//!
//! Names are values here, not text: a [`SegmentName`] is a kind and a number
//! and is stored as such, so that a manifest cannot name a path outside the
//! directory, whatever its bytes. Text becomes a name only by a strict parse
//! that the printed form must survive.
//!
//! Which store a segment belongs to is in the manifest only: store names hold
//! namespaces, which are user text.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use bincode::{Decode, Encode};

use crate::{
    container::FileKind,
    error::{Error, Result},
};

/// The directory of the binary twin, in the persist directory.
pub const TWIN: &str = "twin";
/// The file in it that writers lock.
pub const LOCK: &str = "LOCK";
/// The file in it that says what is known of the JSON files.
pub const SYNC: &str = "sync";

const MANIFEST_PREFIX: &str = "manifest-";
const SEGMENT_SUFFIX: &str = ".seg";
const TEMP_PREFIX: &str = "tmp-";

/// What a segment file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum SegmentKind {
    /// Vectors with ids and metadata: `vec-….seg`.
    Vectors,
    /// Compressed records: `rec-….seg`.
    Records,
    /// A file as it is, compressed: `raw-….seg`.
    Verbatim,
    /// Deleted entries of other segments: `del-….seg`.
    Tombstones,
}

impl SegmentKind {
    const ALL: [SegmentKind; 4] = [
        SegmentKind::Vectors,
        SegmentKind::Records,
        SegmentKind::Verbatim,
        SegmentKind::Tombstones,
    ];

    /// The first three letters of the names of such files.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            SegmentKind::Vectors => "vec",
            SegmentKind::Records => "rec",
            SegmentKind::Verbatim => "raw",
            SegmentKind::Tombstones => "del",
        }
    }

    /// The kind of container such files are.
    #[must_use]
    pub fn file_kind(self) -> FileKind {
        match self {
            SegmentKind::Vectors => FileKind::Vectors,
            SegmentKind::Records => FileKind::Records,
            SegmentKind::Verbatim => FileKind::Verbatim,
            SegmentKind::Tombstones => FileKind::Tombstones,
        }
    }
}

/// The name of a segment file: `vec-7c1e0a5d42b9f310.seg`.
///
/// The digits are random and never used twice, so that a reader that still
/// maps a deleted file cannot meet another one under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct SegmentName {
    kind: SegmentKind,
    number: u64,
}

impl SegmentName {
    /// A name that was never used.
    ///
    /// # Errors
    /// The system's, when it has no randomness to give.
    pub fn fresh(kind: SegmentKind) -> io::Result<SegmentName> {
        let number = random()?;
        Ok(SegmentName { kind, number })
    }

    /// The name that `text` is the exact printed form of.
    #[must_use]
    pub fn parse(text: &str) -> Option<SegmentName> {
        let (prefix, digits) = text.strip_suffix(SEGMENT_SUFFIX)?.split_once('-')?;
        let kind = SegmentKind::ALL
            .into_iter()
            .find(|k| k.prefix() == prefix)?;
        let number = parse_hex(digits)?;
        Some(SegmentName { kind, number })
    }

    /// What the file holds.
    #[must_use]
    pub fn kind(self) -> SegmentKind {
        self.kind
    }

    /// The file's path in the directory `twin_dir`.
    #[must_use]
    pub fn path_in(self, twin_dir: &Path) -> PathBuf {
        twin_dir.join(self.to_string())
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:016x}{SEGMENT_SUFFIX}",
            self.kind.prefix(),
            self.number
        )
    }
}

/// The name of the manifest of `generation`: `manifest-0000000003`.
#[must_use]
pub fn manifest_name(generation: u64) -> String {
    format!("{MANIFEST_PREFIX}{generation:010}")
}

/// The generation whose manifest has the name `text`, which must be exactly
/// as [`manifest_name`] prints it. Generations are counted from 1.
#[must_use]
pub fn parse_manifest_name(text: &str) -> Option<u64> {
    // What `parse` takes beyond digits (a sign, other padding) does not print
    // back to the same text.
    let generation = text.strip_prefix(MANIFEST_PREFIX)?.parse().ok()?;
    (generation > 0 && manifest_name(generation) == text).then_some(generation)
}

/// A fresh path in `twin_dir` for a file that no manifest will ever name:
/// what stays behind after a crash is removed by the next gc.
///
/// # Errors
/// [`Error::Io`], when the system has no randomness to give.
pub fn fresh_temp(twin_dir: &Path) -> Result<PathBuf> {
    let number = random().map_err(Error::io("name a new file in", twin_dir))?;
    Ok(twin_dir.join(format!("{TEMP_PREFIX}{number:016x}")))
}

/// Whether `text` is a name as [`fresh_temp`] makes them.
#[must_use]
pub fn is_temp(text: &str) -> bool {
    text.strip_prefix(TEMP_PREFIX).and_then(parse_hex).is_some()
}

/// Whether `text` can be the name of a store's JSON file: one plain name in
/// the persist directory, on every system.
#[must_use]
pub fn is_store_file(text: &str) -> bool {
    // On Windows a colon makes a drive or an alternate stream. Elsewhere it
    // is a character like others, and namespaces do hold it.
    let colon = cfg!(windows) && text.contains(':');
    !text.is_empty()
        && ![".", "..", TWIN].contains(&text)
        && !text.contains(['/', '\\', '\0'])
        && !colon
}

/// 16 lower-case hex digits.
fn parse_hex(digits: &str) -> Option<u64> {
    let plain = digits
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if digits.len() != 16 || !plain {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// A number that nobody can foresee.
///
/// # Errors
/// The system's, when it has no randomness to give.
pub(crate) fn random() -> io::Result<u64> {
    getrandom::u64().map_err(|e| io::Error::other(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_print_and_parse() {
        for kind in SegmentKind::ALL {
            let name = SegmentName::fresh(kind).unwrap();
            let text = name.to_string();
            assert_eq!(text.len(), 24);
            assert_eq!(SegmentName::parse(&text), Some(name));
        }
        assert_ne!(
            SegmentName::fresh(SegmentKind::Vectors).unwrap(),
            SegmentName::fresh(SegmentKind::Vectors).unwrap()
        );
    }

    #[test]
    fn nothing_else_is_a_segment_name() {
        for bad in [
            "",
            "vec-.seg",
            "vec-7c1e0a5d42b9f31.seg",
            "vec-7c1e0a5d42b9f3100.seg",
            "vec-7C1E0A5D42B9F310.seg",
            "vec-+c1e0a5d42b9f310.seg",
            "Vec-7c1e0a5d42b9f310.seg",
            "abc-7c1e0a5d42b9f310.seg",
            "vec-7c1e0a5d42b9f310.seg ",
            "vec-7c1e0a5d42b9f310",
            "vec_7c1e0a5d42b9f310.seg",
            "../vec-7c1e0a5d42b9f310.seg",
            "vec-../../../../etc/p.seg",
            "/vec-7c1e0a5d42b9f310.seg",
            "vec-7c1e0a5d42b9f31\0.seg",
        ] {
            assert_eq!(SegmentName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn manifest_names_are_canonical() {
        assert_eq!(manifest_name(3), "manifest-0000000003");
        for generation in [1, 42, 9_999_999_999, 10_000_000_000, u64::MAX] {
            let name = manifest_name(generation);
            assert_eq!(parse_manifest_name(&name), Some(generation));
        }
        for bad in [
            "manifest-",
            "manifest-0000000000",
            "manifest-3",
            "manifest-00000000003",
            "manifest-+000000003",
            "manifest-0000000003 ",
            "manifest-99999999999999999999",
            "Manifest-0000000003",
            "manifest-tmp",
        ] {
            assert_eq!(parse_manifest_name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_store_is_one_plain_name() {
        for good in ["docstore.json", "ns:ü 名__vector_store.json", "..json", "-"] {
            assert!(is_store_file(good) || cfg!(windows), "{good:?}");
        }
        for bad in [
            "",
            ".",
            "..",
            "twin",
            "../x.json",
            "/etc/passwd",
            "a\\b",
            "a\0b",
        ] {
            assert!(!is_store_file(bad), "{bad:?}");
        }
    }

    #[test]
    fn temporary_names_are_told_from_others() {
        let path = fresh_temp(Path::new("twin")).unwrap();
        assert!(is_temp(path.file_name().unwrap().to_str().unwrap()));
        assert!(!is_temp("tmp-notes") && !is_temp(LOCK) && !is_temp("tmp-"));
    }
}
