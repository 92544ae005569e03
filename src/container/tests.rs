//! The container as a whole: one suite over both backends, and every rule of
//! the fixed parts broken once.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{format::BLOCK, *};
use crate::{
    bytes::Backend,
    error::{Error, Fault},
};

/// A file of several blocks with three sections.
struct Fixture {
    dir: TempDir,
    written: Written,
    plane: Vec<u8>,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let plane: Vec<u8> = (0..3 * BLOCK as u32 + 1000)
            .map(|i| (i % 251) as u8)
            .collect();
        let mut out = ContainerWriter::create(&dir.path().join("file"), FileKind::Vectors).unwrap();
        fill(&mut out, &plane);
        let written = out.finish().unwrap();
        Fixture {
            dir,
            written,
            plane,
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("file")
    }

    fn open(&self, options: &OpenOptions) -> crate::Result<Container> {
        let Written { length, root } = self.written;
        let expected = Expected::File { length, root };
        Container::open(&self.path(), FileKind::Vectors, expected, options)
    }

    /// Rewrites the file with a change to its bytes.
    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path()).unwrap();
        change(&mut bytes);
        fs::write(self.path(), bytes).unwrap();
    }
}

fn fill(out: &mut ContainerWriter, plane: &[u8]) {
    for piece in plane.chunks(70_001) {
        if out.section_len() == 0 {
            out.begin(SectionKind::PLANE).unwrap();
        }
        out.write(piece).unwrap();
    }
    out.whole(SectionKind::CLASSES, b"abc").unwrap();
    out.metadata(&7_u32).unwrap();
}

#[test]
fn a_file_in_memory_is_the_one_that_would_be_on_disk() {
    let fixture = Fixture::new();
    let mut out = ContainerWriter::in_memory(FileKind::Vectors).unwrap();
    fill(&mut out, &fixture.plane);
    let file = out.open_finished().unwrap();
    assert_eq!(
        (file.file_len(), file.root()),
        (fixture.written.length, fixture.written.root)
    );
    file.check().unwrap();
    let span = file.require(SectionKind::PLANE).unwrap();
    for start in [0, 1, BLOCK - 1, 2 * BLOCK] {
        let bytes = file.read(span, start..start + 1000).unwrap();
        let start = start as usize;
        assert_eq!(*bytes, fixture.plane[start..start + 1000]);
    }
    assert_eq!(file.metadata::<u32>().unwrap(), 7);
    // A file on disk is not opened so, and is not left behind.
    let path = fixture.dir.path().join("other");
    let out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    assert!(matches!(out.open_finished(), Err(Error::Io { .. })));
    assert!(!path.exists());
}

fn backends() -> [OpenOptions; 2] {
    [Backend::Map, Backend::Read].map(|backend| OpenOptions {
        backend,
        verify: Verify::Lazy,
    })
}

fn fault(result: crate::Result<impl std::fmt::Debug>) -> (&'static str, Fault) {
    match result.unwrap_err() {
        Error::Damaged { place, fault, .. } => (place.part, fault),
        other => panic!("{other}"),
    }
}

#[test]
fn both_backends_read_what_was_written() {
    let fixture = Fixture::new();
    for options in backends() {
        let file = fixture.open(&options).unwrap();
        let plane = file.require(SectionKind::PLANE).unwrap();
        assert_eq!(plane.len(), fixture.plane.len() as u64);
        // within a block, across blocks, all of it, nothing
        for (start, end) in [(5, 9), (65_000, 140_000), (0, fixture.plane.len()), (7, 7)] {
            let view = file.read(plane, start as u64..end as u64).unwrap();
            assert_eq!(*view, fixture.plane[start..end]);
        }
        assert_eq!(file.metadata::<u32>().unwrap(), 7);
        file.check().unwrap();
        let beyond = file.read(plane, 0..plane.len() + 1);
        assert_eq!(fault(beyond), ("PLANE", Fault::Bounds("range")));
    }
}

#[test]
fn sections_start_at_multiples_of_64_in_memory_too() {
    let fixture = Fixture::new();
    for options in backends() {
        let file = fixture.open(&options).unwrap();
        for kind in [SectionKind::PLANE, SectionKind::CLASSES, SectionKind::META] {
            let span = file.require(kind).unwrap();
            let view = file.read(span, 0..span.len()).unwrap();
            assert_eq!(view.as_ptr().align_offset(64), 0, "{kind:?}");
        }
    }
}

#[test]
fn a_file_has_one_section_of_a_kind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vec-0000000000000001.seg");
    let mut writer = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    writer.whole(SectionKind::PLANE, b"numbers").unwrap();
    writer.whole(SectionKind::META, b"words").unwrap();
    let again = writer.begin(SectionKind::PLANE);
    assert_eq!(fault(again), ("PLANE", Fault::Layout));
    drop(writer);
    assert!(!path.exists());
}

#[test]
fn equal_input_gives_equal_bytes() {
    let (a, b) = (Fixture::new(), Fixture::new());
    assert_eq!(fs::read(a.path()).unwrap(), fs::read(b.path()).unwrap());
    assert_eq!(a.written, b.written);
}

#[test]
fn lazy_reading_finds_damage_only_where_it_looks() {
    let fixture = Fixture::new();
    let at = 2 * BLOCK + 77;
    fixture.change(|bytes| bytes[at as usize] ^= 1);
    for options in backends() {
        let file = fixture.open(&options).unwrap();
        let plane = file.require(SectionKind::PLANE).unwrap();
        assert!(file.read(plane, 0..1000).is_ok());
        // The failure marks nothing: it is found again.
        for _ in 0..2 {
            let read = file.read(plane, at - 100..at);
            assert_eq!(fault(read), ("PLANE", Fault::Checksum));
        }
        assert_eq!(fault(file.check()), ("PLANE", Fault::Checksum));
        let eager = OpenOptions {
            verify: Verify::Eager,
            ..options
        };
        assert_eq!(fault(fixture.open(&eager)), ("PLANE", Fault::Checksum));
        let never = OpenOptions {
            verify: Verify::Never,
            ..options
        };
        let file = fixture.open(&never).unwrap();
        assert!(file.read(plane, at - 100..at).is_ok());
        assert!(file.check().is_err(), "an explicit check always checks");
    }
}

#[test]
fn a_failed_block_is_blamed_on_the_damaged_section() {
    // All three sections end in one block.
    let fixture = Fixture::new();
    let file = fixture.open(&OpenOptions::default()).unwrap();
    let offset = file.require(SectionKind::CLASSES).unwrap().offset;
    drop(file);
    fixture.change(|bytes| bytes[offset as usize + 1] ^= 4);
    let file = fixture.open(&OpenOptions::default()).unwrap();
    assert_eq!(fault(file.check()), ("CLASSES", Fault::Checksum));
    // Whichever of them is read.
    for options in backends() {
        let file = fixture.open(&options).unwrap();
        for kind in [SectionKind::PLANE, SectionKind::CLASSES, SectionKind::META] {
            let span = file.require(kind).unwrap();
            let read = file.read(span, span.len() - 1..span.len());
            assert_eq!(fault(read), ("CLASSES", Fault::Checksum));
        }
    }
    // PLANE has blocks of its own, too.
    fixture.change(|bytes| {
        bytes[offset as usize + 1] ^= 4;
        bytes[offset as usize - 100] ^= 4;
    });
    for options in backends() {
        let file = fixture.open(&options).unwrap();
        let classes = file.require(SectionKind::CLASSES).unwrap();
        assert_eq!(fault(file.read(classes, 0..3)), ("PLANE", Fault::Checksum));
    }
    fixture.change(|bytes| {
        bytes[offset as usize + 1] ^= 4;
        bytes[offset as usize - 100] ^= 4;
    });
    fixture.change(|bytes| {
        bytes[offset as usize + 1] ^= 4;
        bytes[offset as usize + 3] = 1;
    });
    assert_eq!(fault(file.check()), ("CLASSES", Fault::Reserved));
}

#[test]
fn every_changed_byte_of_the_fixed_parts_is_refused() {
    let fixture = Fixture::new();
    let good = fs::read(fixture.path()).unwrap();
    let fixed = (0..64).chain(good.len() - 64 - 3 * 32 - 64..good.len());
    for at in fixed {
        fixture.change(|bytes| bytes[at] ^= 0x10);
        for options in backends() {
            let opened = fixture.open(&options);
            assert!(opened.is_err(), "byte {at}");
        }
        fs::write(fixture.path(), &good).unwrap();
    }
}

#[test]
fn a_file_of_another_length_is_refused_with_both_lengths() {
    let fixture = Fixture::new();
    let good = fs::read(fixture.path()).unwrap();
    fixture.change(|bytes| bytes.push(0));
    let (stated, actual) = (fixture.written.length, fixture.written.length + 1);
    let refused = fixture.open(&OpenOptions::default());
    assert_eq!(fault(refused), ("file", Fault::Length { stated, actual }));
    for len in [0, 1, 64, 127, 128, good.len() / 2, good.len() - 1] {
        fs::write(fixture.path(), &good[..len]).unwrap();
        for options in backends() {
            let path = fixture.path();
            let opened = Container::open(&path, FileKind::Vectors, Expected::Any, &options);
            assert!(opened.is_err(), "{len}");
        }
    }
}

#[test]
fn another_file_of_the_same_length_is_refused() {
    let fixture = Fixture::new();
    let path = fixture.dir.path().join("other");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    out.begin(SectionKind::PLANE).unwrap();
    out.write(&vec![1; fixture.plane.len()]).unwrap();
    out.whole(SectionKind::CLASSES, b"abc").unwrap();
    out.metadata(&7_u32).unwrap();
    assert_eq!(out.finish().unwrap().length, fixture.written.length);
    fs::rename(&path, fixture.path()).unwrap();
    let refused = fixture.open(&OpenOptions::default());
    assert_eq!(fault(refused), ("trailer", Fault::Root));
}

#[test]
fn files_of_other_kinds_and_things_that_are_no_files_are_refused() {
    let fixture = Fixture::new();
    let path = fixture.path();
    let options = OpenOptions::default();
    let opened = Container::open(&path, FileKind::Verbatim, Expected::Any, &options);
    assert_eq!(fault(opened), ("header", Fault::Magic));
    let dir = fixture.dir.path();
    let opened = Container::open(dir, FileKind::Vectors, Expected::Any, &options);
    assert!(matches!(opened, Err(Error::Io { action: "open", .. })));
}

/// Changes header or section table and makes all checksums right again: what
/// is left to be refused is the meaning.
fn with_right_checksums(fixture: &Fixture, change: impl FnOnce(&mut [u8], &mut [u8])) {
    fixture.change(|bytes| {
        let len = bytes.len();
        let toc = len - 64 - 3 * 32;
        let tail = toc - 64;
        let (head, rest) = bytes.split_at_mut(64);
        change(head, &mut rest[toc - 64..len - 64 - 64]);
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        // block 0 covers the header
        let table = u64::from_le_bytes(bytes[len - 64..len - 56].try_into().unwrap()) as usize;
        let block = crc32fast::hash(&bytes[..BLOCK as usize]);
        bytes[table..table + 4].copy_from_slice(&block.to_le_bytes());
        let page = crc32fast::hash(&bytes[table..tail]);
        bytes[tail..tail + 4].copy_from_slice(&page.to_le_bytes());
        let tail_crc = crc32fast::hash(&bytes[tail..len - 64]);
        bytes[len - 36..len - 32].copy_from_slice(&tail_crc.to_le_bytes());
        let root = format::root(&bytes[..64], &bytes[tail..toc], &bytes[toc..len - 64]);
        bytes[len - 32..len - 16].copy_from_slice(&root);
        let crc = crc32fast::hash(&bytes[len - 64..len - 8]);
        bytes[len - 8..len - 4].copy_from_slice(&crc.to_le_bytes());
    });
}

#[test]
fn unknown_versions_flags_and_sections_are_refused_by_name() {
    type Change = fn(&mut [u8], &mut [u8]);
    let cases: [(Change, Option<(&'static str, Fault)>); 8] = [
        (|_, _| {}, None),
        (
            |head, _| head[8] = 9,
            Some(("header", Fault::Version(9, 0))),
        ),
        (
            |head, _| head[12] = 1,
            Some(("header", Fault::Algorithm(1))),
        ),
        (
            |head, _| head[16] = 2,
            Some(("header", Fault::IncompatFlags(2))),
        ),
        (|head, _| head[24] = 2, None),
        (|head, _| head[40] = 1, Some(("header", Fault::Reserved))),
        (
            |_, toc| toc[32..36].copy_from_slice(b"ZZZZ"),
            Some(("section table", Fault::UnknownSection(0x5a5a_5a5a))),
        ),
        (
            |_, toc| {
                toc[32..36].copy_from_slice(b"ZZZZ");
                toc[36] = 0;
            },
            None,
        ),
    ];
    for (n, (change, refusal)) in cases.into_iter().enumerate() {
        let fixture = Fixture::new();
        with_right_checksums(&fixture, change);
        for options in backends() {
            let path = fixture.path();
            let opened = Container::open(&path, FileKind::Vectors, Expected::Any, &options);
            match &refusal {
                None => opened.unwrap().check().unwrap(),
                Some(refusal) => assert_eq!(fault(opened), *refusal, "case {n}"),
            }
        }
    }
}

#[test]
fn a_file_for_reading_only_says_so() {
    let fixture = Fixture::new();
    with_right_checksums(&fixture, |head, _| head[20] = 1);
    let path = fixture.path();
    let options = OpenOptions::default();
    let file = Container::open(&path, FileKind::Vectors, Expected::Any, &options).unwrap();
    assert!(file.is_read_only());
}

#[test]
fn sections_that_overlap_or_leave_holes_are_refused() {
    for (at, value) in [(8 + 32, 0_u8), (16 + 32, 200), (8, 128), (32, b'P')] {
        let fixture = Fixture::new();
        with_right_checksums(&fixture, |_, toc| {
            if at == 32 {
                toc.copy_within(0..4, 32);
            } else {
                toc[at] = value;
            }
        });
        let path = fixture.path();
        let opened = Container::open(
            &path,
            FileKind::Vectors,
            Expected::Any,
            &OpenOptions::default(),
        );
        assert_eq!(fault(opened), ("section table", Fault::Layout), "byte {at}");
    }
}

#[test]
fn an_unfinished_file_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    out.begin(SectionKind::PLANE).unwrap();
    out.write(&[1; 100]).unwrap();
    assert!(path.exists());
    drop(out);
    assert!(!path.exists());
    fs::write(&path, b"mine").unwrap();
    assert!(ContainerWriter::create(&path, FileKind::Vectors).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}
