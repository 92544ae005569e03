//! A container whose only content is one small value: manifests and the sync
//! record are such files.

use std::path::Path;

use bincode::{Decode, Encode};

use super::{
    Container, ContainerWriter, Expected, FileKind, Mended, OpenOptions, SectionKind, Written,
    mend_alone,
};
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
    value_of(&Container::open(path, kind, Expected::Any, &options)?)
}

/// Reads the value of a damaged file, where it can be set right; with what was.
///
/// A bit of the value is a guess that two CRC-32 of the same bits agree with: of other damage
/// in `n` bits, one in 2^32 / `n` passes for a flipped one. What the value says proves more.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io).
pub(crate) fn read_mended<T: Encode + Decode<()>>(
    path: &Path,
    kind: FileKind,
) -> Result<Option<(T, Mended)>> {
    let mended = mend_alone(path, kind)?;
    Ok(mended.and_then(|mended| Some((value_of(&mended.file).ok()?, mended))))
}

fn value_of<T: Encode + Decode<()>>(file: &Container) -> Result<T> {
    file.check()?;
    file.only_sections(&[SectionKind::META])?;
    file.metadata()
}
