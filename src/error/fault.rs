//! How a binary file can be wrong, and where.

use std::fmt;

/// Where in a binary file something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The part's name as in `docs/FORMAT.md`: `header`, `trailer`, `PLANE` …
    pub part: &'static str,
    /// Byte offset in the file.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.part, self.offset)
    }
}

/// One way in which a binary file can be wrong. `docs/FORMAT.md` states the
/// rules these are the refusals of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The manifest names a file that is not there.
    #[error("the file is missing")]
    NoFile,
    /// Something else has the name of a file: a directory, a link, a pipe.
    #[error("this is not a regular file")]
    NotAFile,
    /// Shorter than header and trailer.
    #[error("the file is {0} bytes long, shorter than any twin file")]
    TooShort(u64),
    /// The first bytes are not ours.
    #[error("this is not a twinstore file of the expected kind (wrong magic)")]
    Magic,
    /// The last bytes are not ours.
    #[error("the end mark is missing: the file is cut, extended or not ours")]
    EndMagic,
    /// A checksum over small parts fails.
    #[error("checksum mismatch")]
    Checksum,
    /// The stated length is not the real one.
    #[error("the file is {actual} bytes long, but must be {stated}")]
    Length {
        /// Length stated by trailer or manifest.
        stated: u64,
        /// Length found.
        actual: u64,
    },
    /// The file is whole, but is not the one that the manifest names.
    #[error("the file is not the one that the manifest names (other content root)")]
    Root,
    /// A draft of the format, from before 1.0, by its minor version.
    #[error("format version 0.{0} was a draft, which this build does not read")]
    Draft(u16),
    /// A later version of the format than this build knows.
    #[error("format version {0}.{1} is not known to this build")]
    Version(u16, u16),
    /// An incompatible feature flag this build does not know.
    #[error("the file needs features this build does not have (flags {0:#x})")]
    IncompatFlags(u32),
    /// A checksum algorithm this build does not know.
    #[error("checksum algorithm {0} is not known to this build")]
    Algorithm(u8),
    /// A required section of a kind this build does not know.
    #[error("required section {0:#x} is not known to this build")]
    UnknownSection(u32),
    /// A reserved field or a padding byte is not zero.
    #[error("reserved or padding bytes are not zero")]
    Reserved,
    /// Sections overlap, leave holes, repeat or are out of order.
    #[error("sections are not laid out end to end")]
    Layout,
    /// A section that must be there is missing.
    #[error("the section is missing")]
    Missing,
    /// A length, count or offset does not fit the bytes that are there.
    #[error("{0} does not fit the data")]
    Bounds(&'static str),
    /// Bytes that must be a valid encoding of small metadata are not.
    #[error("the metadata cannot be decoded")]
    Encoding,
    /// A value that the format does not allow.
    #[error("{0} has a value that the format does not allow")]
    Value(&'static str),
    /// A compressed block does not decompress to what it must.
    #[error("a compressed block does not decompress to its stated length")]
    Compression,
    /// The text printed from the file is not the text that was packed.
    #[error("the text it holds is not the text that was packed (other hash)")]
    Content,
}

impl Fault {
    /// Whether the file may well be whole, and only this build be too old.
    pub(crate) fn is_of_later_version(&self) -> bool {
        matches!(
            self,
            Fault::Version(..)
                | Fault::IncompatFlags(_)
                | Fault::Algorithm(_)
                | Fault::UnknownSection(_)
        )
    }

    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        if self.is_of_later_version() {
            return "upgrade twinstore to open it";
        }
        if matches!(self, Fault::NoFile | Fault::NotAFile) {
            return "restore it from a copy, save what the other files hold with `twinstore salvage`, go back to a generation without it with `twinstore rollback`, or run `twinstore pack`, which writes it anew where the JSON file holds the store";
        }
        "restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store"
    }
}
