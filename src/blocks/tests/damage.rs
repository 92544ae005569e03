//! Files that say of their blocks what cannot be, under right checksums.

use super::{
    super::format::{BlockEntry, ENTRY_LEN},
    *,
};
use crate::container::SectionKind;

#[test]
fn a_heap_beyond_the_index_is_refused() {
    let (dir, heaps) = store(&[vec![vec![1; 10]]]);
    let blocks = open(&dir);
    for bad in [
        Heap {
            first_block: 1,
            ..heaps[0]
        },
        Heap {
            blocks: 2,
            ..heaps[0]
        },
        Heap {
            blocks: 0,
            ..heaps[0]
        },
        Heap {
            first_block: u32::MAX,
            blocks: u32::MAX,
            items: 1,
        },
    ] {
        assert!(blocks.admit(&bad).is_err(), "{bad:?}");
    }
}

/// What a file says of its blocks, to be changed under right checksums.
pub(super) struct Parts {
    frames: Vec<Vec<u8>>,
    pub(super) entries: Vec<BlockEntry>,
    hashes: Option<Vec<u8>>,
    dictionary: Option<Vec<u8>>,
}

impl Parts {
    /// One heap of raw blocks: items that begin in it, and its bytes.
    pub(super) fn of(raw: &[(u64, u32, &[u8])]) -> Parts {
        let mut parts = Parts {
            frames: vec![],
            entries: vec![],
            hashes: None,
            dictionary: None,
        };
        let mut offset = 0;
        for &(first_item, items, raw) in raw {
            let frame = zstd::bulk::compress(raw, 3).unwrap();
            parts.entries.push(BlockEntry {
                offset,
                first_item,
                stored_len: frame.len() as u32,
                raw_len: raw.len() as u32,
                items,
                crc: crc32fast::hash(&frame),
            });
            offset += frame.len() as u64;
            parts.frames.push(frame);
        }
        parts
    }

    pub(super) fn write(&self) -> (tempfile::TempDir, Arc<Container>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
        out.whole(SectionKind::BLOCKS, &self.frames.concat())
            .unwrap();
        let index: Vec<u8> = self.entries.iter().flat_map(|e| e.encode()).collect();
        assert_eq!(index.len() as u64, ENTRY_LEN * self.entries.len() as u64);
        out.whole(SectionKind::BLOCK_INDEX, &index).unwrap();
        if let Some(bytes) = &self.hashes {
            out.whole(SectionKind::PRINTED_HASHES, bytes).unwrap();
        }
        if let Some(bytes) = &self.dictionary {
            out.whole(SectionKind::DICTIONARY, bytes).unwrap();
        }
        out.finish().unwrap();
        let options = OpenOptions::default();
        let file = Container::open(&path, FileKind::Records, Expected::Any, &options).unwrap();
        (dir, Arc::new(file))
    }

    pub(super) fn heap(&self, items: u64) -> Heap {
        Heap {
            first_block: 0,
            blocks: self.entries.len() as u32,
            items,
        }
    }

    fn get(&self, items: u64, item: u64) -> crate::Result<Vec<u8>> {
        let (_dir, file) = self.write();
        let blocks = Blocks::open(&file)?;
        let got = Cursor::new(&blocks, self.heap(items), 100)
            .get(item)
            .map(<[u8]>::to_vec);
        let mut cursor = Cursor::new(&blocks, self.heap(items), u64::MAX);
        let mut parts = cursor.parts(item);
        let mut pieces = Vec::new();
        loop {
            match parts.next() {
                Ok(Some(part)) => pieces.extend_from_slice(part),
                Ok(None) => break assert_eq!(got.as_ref().unwrap(), &pieces),
                Err(_) => break assert!(got.is_err()),
            }
        }
        got
    }

    fn list(&self, items: u64) -> crate::Result<Vec<HeapBlock>> {
        let (_dir, file) = self.write();
        Blocks::open(&file)?
            .heap_blocks(&self.heap(items))
            .collect()
    }
}

const TWO: (u64, u32, &[u8]) = (0, 2, b"\x03\0\0\0\x02\0\0\0abcde");

fn with_entry(change: impl FnOnce(&mut BlockEntry)) -> Fault {
    let mut parts = Parts::of(&[TWO]);
    change(&mut parts.entries[0]);
    fault(parts.get(2, 1))
}

#[test]
fn every_length_in_the_index_is_bounded_before_it_is_used() {
    assert_eq!(Parts::of(&[TWO]).get(2, 1).unwrap(), b"de");
    assert_eq!(with_entry(|e| e.raw_len = u32::MAX), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.stored_len += 1), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.offset = u64::MAX), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.items = 100), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.items = u32::MAX), Fault::Bounds("block"));
    let items = Fault::Bounds("block items");
    assert_eq!(with_entry(|e| e.first_item = 9), items);
    assert_eq!(with_entry(|e| e.items = 1), items);
    assert_eq!(with_entry(|e| e.items = 3), Fault::Bounds("item lengths"));
    assert_eq!(with_entry(|e| e.raw_len += 1), Fault::Compression);
    assert_eq!(with_entry(|e| e.raw_len -= 1), Fault::Compression);
    assert_eq!(with_entry(|e| e.crc ^= 1), Fault::Checksum);
}

#[test]
fn lengths_that_do_not_add_up_are_refused() {
    for table in [[3, 1], [3, 3], [0, 0], [u32::MAX, 6], [u32::MAX, u32::MAX]] {
        let mut raw: Vec<u8> = table.iter().flat_map(|n: &u32| n.to_le_bytes()).collect();
        raw.extend_from_slice(b"abcde");
        let parts = Parts::of(&[(0, 2, &raw)]);
        assert_eq!(fault(parts.get(2, 0)), Fault::Bounds("item lengths"));
    }
}

/// A reader takes any cut: a chain may begin with other items, and its blocks
/// may be of any length.
#[test]
fn an_item_may_be_continued_anywhere() {
    let next: (u64, u32, &[u8]) = (2, 1, b"\x01\0\0\0x");
    let parts = Parts::of(&[
        TWO,
        (2, 0, b"fgh"),
        (2, 0, b""),
        (2, 0, b"i"),
        next,
        (3, 0, b"yz"),
    ]);
    for (item, expected) in [(0, &b"abc"[..]), (1, b"defghi"), (2, b"xyz")] {
        assert_eq!(parts.get(3, item).unwrap(), expected);
    }
    let listed: Vec<_> = parts.list(3).unwrap().iter().map(|b| b.items).collect();
    assert_eq!(listed, [2, 0, 0, 0, 1, 0]);
    assert!(parts.get(3, 3).is_err());
    assert_eq!(fault(parts.list(4)), Fault::Bounds("block items"));
}

#[test]
fn chains_that_cannot_be_are_refused() {
    let refused = Fault::Bounds("block items");
    // A heap that begins within an item, or not with its first.
    let parts = Parts::of(&[(0, 0, b"abc"), TWO]);
    assert_eq!(fault(parts.get(2, 0)), refused);
    assert_eq!(fault(parts.list(2)), refused);
    let parts = Parts::of(&[(1, 2, TWO.2)]);
    assert_eq!(fault(parts.get(3, 1)), refused);
    assert_eq!(fault(parts.list(3)), refused);
    // A continuing block that says it belongs elsewhere.
    for first_item in [0, 1, 3, u64::MAX] {
        let parts = Parts::of(&[TWO, (first_item, 0, b"fgh")]);
        assert_eq!(fault(parts.get(2, 1)), refused, "{first_item}");
        assert_eq!(fault(parts.list(2)), refused);
    }
    // Longer than the reader is willing to put together.
    let half: &[u8] = &[b'x'; 49];
    assert_eq!(
        Parts::of(&[TWO, (2, 0, half), (2, 0, half)])
            .get(2, 1)
            .unwrap()
            .len(),
        100
    );
    let parts = Parts::of(&[TWO, (2, 0, half), (2, 0, half), (2, 0, b"x")]);
    let (_dir, file) = parts.write();
    let blocks = Blocks::open(&file).unwrap();
    let mut cursor = Cursor::new(&blocks, parts.heap(2), 100);
    assert_eq!(fault(cursor.get(1)), Fault::Bounds("length of an item"));
    assert_eq!(
        collect(Cursor::new(&blocks, parts.heap(2), u64::MAX).parts(1))
            .0
            .len(),
        101
    );
}

#[test]
fn hashes_that_do_not_fit_the_blocks_are_refused() {
    let mut parts = Parts::of(&[TWO, (2, 0, b"fgh")]);
    parts.hashes = Some([7_u64, 0].into_iter().flat_map(u64::to_le_bytes).collect());
    assert_eq!(parts.list(2).unwrap()[0].printed, Some(7));
    parts.hashes = Some([7_u64, 1].into_iter().flat_map(u64::to_le_bytes).collect());
    assert_eq!(
        fault(parts.list(2)),
        Fault::Value("hash of a continuing block")
    );
    for len in [0, 8, 15, 17, 24] {
        parts.hashes = Some(vec![0; len]);
        assert_eq!(fault(parts.list(2)), Fault::Bounds("section length"));
    }
}

#[test]
fn a_dictionary_that_is_none_is_refused() {
    let mut parts = Parts::of(&[TWO]);
    let mut with = |bytes: Vec<u8>| {
        parts.dictionary = Some(bytes);
        parts.get(2, 0)
    };
    let compress = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
    let learned = dictionary();
    let good = learned.get().unwrap();
    // Frames that do not use it need not know of it.
    assert_eq!(with(compress(good)).unwrap(), b"abc");
    assert_eq!(fault(with(good.to_vec())), Fault::Compression);
    assert_eq!(fault(with(Vec::new())), Fault::Value("dictionary"));
    assert_eq!(
        fault(with(compress(b"any text"))),
        Fault::Value("dictionary")
    );
    assert_eq!(
        fault(with(compress(&good[..60]))),
        Fault::Value("dictionary")
    );
    assert_eq!(
        fault(with(compress(&vec![
            1;
            super::super::format::MAX_DICTIONARY
                + 1
        ]))),
        Fault::Compression
    );
    assert_eq!(
        fault(with(vec![1; 2 * super::super::format::MAX_DICTIONARY])),
        Fault::Bounds("dictionary")
    );
}
