//! Writing a container: sections are streamed in, the tables are kept until
//! the end. Memory: 4 bytes for each 64 KiB written, and a buffer.

use std::{
    fs,
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use bincode::Encode;

use super::{
    Container, codec,
    format::{self, ALIGN, BLOCK, Entry, HEADER_LEN, TRAILER_LEN, Trailer},
    kinds::{FileKind, SectionKind},
};
use crate::{
    bytes::{MEMORY, read_exact_at},
    disk,
    error::{Error, Fault, Place, Result},
};

const BUFFER: usize = 1 << 20;

/// A container being written. Dropped unfinished, it removes its file.
#[derive(Debug)]
pub struct ContainerWriter {
    path: PathBuf,
    kind: FileKind,
    /// `None` once finished.
    file: Option<Out>,
    position: u64,
    /// What the system was given of it.
    flushed: u64,
    /// For [`read_back`](Self::read_back).
    reader: Option<fs::File>,
    block: crc32fast::Hasher,
    block_crcs: Vec<u32>,
    section: Option<Section>,
    entries: Vec<Entry>,
}

/// The section that is being written.
#[derive(Debug)]
struct Section {
    kind: SectionKind,
    required: bool,
    offset: u64,
    crc: crc32fast::Hasher,
}

/// Where a container is written to.
#[derive(Debug)]
enum Out {
    File(io::BufWriter<disk::File>),
    Memory(Vec<u8>),
}

impl Out {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Out::File(file) => file.write_all(bytes),
            Out::Memory(file) => file.write_all(bytes),
        }
    }
}

/// A finished file, synced: what the manifest has to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Length in bytes.
    pub length: u64,
    /// Content root.
    pub root: [u8; 16],
}

impl ContainerWriter {
    /// Creates the file, which must not exist.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path, kind: FileKind) -> Result<ContainerWriter> {
        let file = disk::create(path).map_err(Error::io("create", path))?;
        let file = Out::File(io::BufWriter::with_capacity(BUFFER, file));
        ContainerWriter::begun(file, path, kind)
    }

    /// A file that is only in memory: [`open_finished`](Self::open_finished)
    /// opens it.
    pub(crate) fn in_memory(kind: FileKind) -> Result<ContainerWriter> {
        ContainerWriter::begun(Out::Memory(Vec::new()), Path::new(MEMORY), kind)
    }

    fn begun(file: Out, path: &Path, kind: FileKind) -> Result<ContainerWriter> {
        let mut writer = ContainerWriter {
            path: path.to_owned(),
            kind,
            file: Some(file),
            position: 0,
            flushed: 0,
            reader: None,
            block: crc32fast::Hasher::new(),
            block_crcs: Vec::new(),
            section: None,
            entries: Vec::new(),
        };
        writer.put(&format::header(kind))?;
        Ok(writer)
    }

    /// Starts a section, ending the one before. A kind may occur once; the
    /// order of calls is the order in the file.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file has such a section; [`Error::Io`].
    pub fn begin(&mut self, kind: SectionKind) -> Result<()> {
        self.begin_section(kind, true)
    }

    /// Starts a section that readers pass over who do not know it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn begin_optional(&mut self, kind: SectionKind) -> Result<()> {
        self.begin_section(kind, false)
    }

    fn begin_section(&mut self, kind: SectionKind, required: bool) -> Result<()> {
        self.end_section()?;
        if self.entries.iter().any(|entry| entry.kind == kind) {
            return Err(Error::Damaged {
                path: self.path.clone(),
                place: Place {
                    part: kind.name(),
                    offset: self.position,
                },
                fault: Fault::Layout,
            });
        }
        self.section = Some(Section {
            kind,
            required,
            offset: self.position,
            crc: crc32fast::Hasher::new(),
        });
        Ok(())
    }

    /// Appends bytes to the section that was begun last.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(section) = &mut self.section {
            section.crc.update(bytes);
        }
        self.put(bytes)
    }

    /// A whole section at once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn whole(&mut self, kind: SectionKind, bytes: &[u8]) -> Result<()> {
        self.begin(kind)?;
        self.write(bytes)
    }

    /// The META section.
    ///
    /// # Errors
    /// [`Error::Damaged`] when `value` is too large to be metadata;
    /// [`Error::Io`].
    pub fn metadata<T: Encode>(&mut self, value: &T) -> Result<()> {
        let bytes = codec::encode(value).map_err(|fault| Error::Damaged {
            path: self.path.clone(),
            place: Place {
                part: SectionKind::META.name(),
                offset: self.position,
            },
            fault,
        })?;
        self.whole(SectionKind::META, &bytes)
    }

    /// Bytes written to the current section so far.
    #[must_use]
    pub fn section_len(&self) -> u64 {
        let section = self.section.as_ref();
        section.map_or(0, |section| self.position - section.offset)
    }

    /// Writes the tables and the trailer and syncs the file. After that it is
    /// never written again.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is removed then.
    pub fn finish(mut self) -> Result<Written> {
        let (tables, written) = self.tables()?;
        let Some(mut file) = self.file.take() else {
            return Err(self.gone());
        };
        let result = file.write_all(&tables).and_then(|()| match &mut file {
            Out::File(file) => file.flush(),
            Out::Memory(_) => Ok(()),
        });
        let result = result.map_err(Error::io("write", &self.path));
        let result = result.and_then(|()| match &mut file {
            Out::File(file) => {
                let sync = Error::io("sync", &self.path);
                file.get_mut().sync().map_err(sync)
            }
            Out::Memory(_) => Ok(()),
        });
        // What could not be written or synced must not stay and be found.
        if let Err(e) = result {
            drop(file);
            let _ = disk::remove_file(&self.path);
            return Err(e);
        }
        Ok(written)
    }

    /// Finishes a file in memory and opens it, as one on disk is opened.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that is not in memory.
    pub(crate) fn open_finished(mut self) -> Result<Container> {
        let (tables, _) = self.tables()?;
        match self.file.take() {
            Some(Out::Memory(mut bytes)) => {
                bytes.extend_from_slice(&tables);
                Container::in_memory(&bytes, self.kind)
            }
            Some(file @ Out::File(_)) => {
                self.file = Some(file);
                Err(self.gone())
            }
            None => Err(self.gone()),
        }
    }

    /// Ends the last section; gives all that comes after it.
    fn tables(&mut self) -> Result<(Vec<u8>, Written)> {
        self.end_section()?;
        let crc_table = self.position;
        self.block_crcs.extend(
            (!crc_table.is_multiple_of(BLOCK)).then(|| std::mem::take(&mut self.block).finalize()),
        );
        let mut table: Vec<u8> = Vec::with_capacity(self.block_crcs.len() * 4);
        table.extend(self.block_crcs.iter().flat_map(|crc| crc.to_le_bytes()));
        pad(&mut table);
        let mut tail: Vec<u8> = Vec::new();
        let pages = table.chunks(BLOCK as usize).map(crc32fast::hash);
        tail.extend(pages.flat_map(u32::to_le_bytes));
        pad(&mut tail);
        let pages_len = tail.len();
        tail.extend(self.entries.iter().flat_map(Entry::encode));
        let (page_crcs, toc) = tail.split_at_checked(pages_len).unwrap_or_default();
        let trailer = Trailer {
            crc_table,
            page_crcs: crc_table + table.len() as u64,
            toc: crc_table + (table.len() + pages_len) as u64,
            toc_len: u32::try_from(toc.len()).unwrap_or(u32::MAX),
            tail_crc: crc32fast::hash(&tail),
            root: format::root(&format::header(self.kind), page_crcs, toc),
            file_len: crc_table + (table.len() + tail.len()) as u64 + TRAILER_LEN,
        };
        table.extend(tail);
        table.extend(trailer.encode(self.kind));
        let written = Written {
            length: trailer.file_len,
            root: trailer.root,
        };
        Ok((table, written))
    }

    /// Bytes of a section that was ended, as they were written.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn read_back(&mut self, kind: SectionKind, range: Range<u64>) -> Result<Vec<u8>> {
        let wrong = |what| Error::io("read", &self.path)(what);
        let ended = self.entries.iter().find(|entry| entry.kind == kind);
        let len = range.end.checked_sub(range.start);
        let inside = ended.filter(|entry| range.end <= entry.len).zip(len);
        let Some((entry, len)) = inside else {
            return Err(wrong(io::ErrorKind::UnexpectedEof.into()));
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let start = entry.offset + range.start;
        match &mut self.file {
            Some(Out::File(file)) => {
                if start + len as u64 > self.flushed {
                    file.flush().map_err(Error::io("write", &self.path))?;
                    self.flushed = self.position;
                }
                let written = match &self.reader {
                    Some(reader) => reader,
                    None => {
                        let file = disk::open_own(&self.path);
                        let file = file.map_err(Error::io("open", &self.path))?;
                        self.reader.insert(file)
                    }
                };
                let mut bytes = vec![0; len];
                read_exact_at(written, &mut bytes, start).map_err(Error::io("read", &self.path))?;
                Ok(bytes)
            }
            Some(Out::Memory(bytes)) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let part = bytes.get(start..start.saturating_add(len));
                let part = part.ok_or(io::ErrorKind::UnexpectedEof.into());
                part.map(<[u8]>::to_vec).map_err(wrong)
            }
            None => Err(self.gone()),
        }
    }

    fn gone(&self) -> Error {
        Error::io("write", &self.path)(io::ErrorKind::NotConnected.into())
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn end_section(&mut self) -> Result<()> {
        if let Some(section) = self.section.take() {
            self.entries.push(Entry {
                kind: section.kind,
                required: section.required,
                offset: section.offset,
                len: self.position - section.offset,
                crc: section.crc.finalize(),
            });
        }
        let padding = self.position.next_multiple_of(ALIGN) - self.position;
        let zeros = [0; ALIGN as usize];
        self.put(zeros.get(..padding as usize).unwrap_or_default())
    }

    fn put(&mut self, mut bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(bytes)
            .map_err(Error::io("write", &self.path))?;
        while !bytes.is_empty() {
            let room = (BLOCK - self.position % BLOCK) as usize;
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.block.update(now);
            self.position += now.len() as u64;
            bytes = later;
            if self.position.is_multiple_of(BLOCK) {
                self.block_crcs
                    .push(std::mem::take(&mut self.block).finalize());
            }
        }
        Ok(())
    }
}

impl Drop for ContainerWriter {
    fn drop(&mut self) {
        if let Some(Out::File(file)) = self.file.take() {
            drop(file);
            // Nothing refers to an unfinished file; what stays behind after a
            // failure here is removed by the next gc.
            let _ = disk::remove_file(&self.path);
        }
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGN as usize), 0);
}

const _: () = assert!(HEADER_LEN == ALIGN);
