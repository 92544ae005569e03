//! A container whose only content is one small value: manifests and the sync
//! record are such files.

use std::path::Path;

use bincode::{Decode, Encode};

use super::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind, Written};
use crate::{bytes::Backend, error::Result};

/// Writes `value` to a new file at `path` and syncs it.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io), also when the file exists.
pub fn write<T: Encode>(path: &Path, kind: FileKind, value: &T) -> Result<Written> {
    let mut writer = ContainerWriter::create(path, kind)?;
    writer.metadata(value)?;
    writer.finish()
}

/// Reads the value back, with every byte of the file checked.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) for anything but exactly what
/// [`write()`] wrote; [`Error::Io`](crate::Error::Io).
pub fn read<T: Encode + Decode<()>>(path: &Path, kind: FileKind) -> Result<T> {
    let options = OpenOptions {
        backend: Backend::Read,
        ..OpenOptions::default()
    };
    let file = Container::open(path, kind, Expected::Any, &options)?;
    file.check()?;
    file.only_sections(&[SectionKind::META])?;
    file.metadata()
}
