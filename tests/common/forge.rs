//! Makes files of a twin from what `docs/FORMAT.md` says, and from nothing
//! else: this is a second writer, which shares no code with the first. Every
//! checksum is right, so that a file with one wrong value breaks one rule.
//!
//! Compressed blocks hold their bytes as they are: what a forged file is does
//! not depend on a version of libzstd.

use bincode::{Encode, config};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed, xxh3_128};

/// Section 3.
pub fn encode(value: impl Encode) -> Vec<u8> {
    bincode::encode_to_vec(value, config::standard()).unwrap()
}

// ---------------------------------------------------------------------------
// Section 4: the container.

/// A part of the fixed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Header,
    /// Everything up to the CRC table, before its checksums are made.
    Data,
    Table,
    Pages,
    Toc,
    Trailer,
}

/// A container to be.
#[derive(Debug, Clone)]
pub struct Forge {
    letters: [u8; 3],
    /// Kind, flags, bytes.
    pub sections: Vec<([u8; 4], u32, Vec<u8>)>,
    /// Bytes to write into a part before the checksums over it are made.
    patches: Vec<(At, usize, Vec<u8>)>,
    /// Zero bytes behind the last section that belong to none.
    pub hole: usize,
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(64), 0);
}

impl Forge {
    pub fn new(letters: &[u8; 3]) -> Forge {
        Forge {
            letters: *letters,
            sections: Vec::new(),
            patches: Vec::new(),
            hole: 0,
        }
    }

    pub fn section(&mut self, kind: &[u8; 4], bytes: Vec<u8>) -> &mut Forge {
        self.sections.push((*kind, 1, bytes));
        self
    }

    /// One that a reader may pass over.
    pub fn optional(&mut self, kind: &[u8; 4], bytes: Vec<u8>) -> &mut Forge {
        self.sections.push((*kind, 0, bytes));
        self
    }

    pub fn patch(&mut self, at: At, offset: usize, bytes: impl Into<Vec<u8>>) -> &mut Forge {
        self.patches.push((at, offset, bytes.into()));
        self
    }

    fn patched(&self, at: At, bytes: &mut [u8]) {
        for (part, offset, new) in &self.patches {
            if *part == at {
                bytes[*offset..*offset + new.len()].copy_from_slice(new);
            }
        }
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let [a, b, c] = self.letters;
        let mut out = vec![0x89, a, b, c, 0x0d, 0x0a, 0x1a, 0x0a];
        out.extend([1, 0, 0, 0, 2, 16]);
        out.resize(60, 0);
        self.patched(At::Header, &mut out);
        out.extend(crc32fast::hash(&out).to_le_bytes());
        let header = out.clone();

        let mut toc = Vec::new();
        for (kind, flags, bytes) in &self.sections {
            toc.extend(kind);
            toc.extend(flags.to_le_bytes());
            toc.extend((out.len() as u64).to_le_bytes());
            toc.extend((bytes.len() as u64).to_le_bytes());
            toc.extend(crc32fast::hash(bytes).to_le_bytes());
            toc.extend([0; 4]);
            out.extend(bytes);
            pad(&mut out);
        }
        out.resize(out.len() + self.hole, 0);
        self.patched(At::Toc, &mut toc);
        self.patched(At::Data, &mut out);
        let crc_table = out.len();
        let crcs = |bytes: &[u8]| {
            let blocks = bytes.chunks(65_536).map(crc32fast::hash);
            let mut table: Vec<u8> = blocks.flat_map(u32::to_le_bytes).collect();
            pad(&mut table);
            table
        };
        let mut table = crcs(&out);
        self.patched(At::Table, &mut table);
        let mut pages = crcs(&table);
        self.patched(At::Pages, &mut pages);
        let tail = [pages.as_slice(), &toc].concat();
        let mut root = Xxh3::new();
        root.update(&header);
        root.update(&tail);

        let mut trailer = Vec::new();
        let page_crcs = crc_table + table.len();
        let ends = [crc_table, page_crcs, page_crcs + pages.len()];
        trailer.extend(ends.into_iter().flat_map(|end| (end as u64).to_le_bytes()));
        trailer.extend((toc.len() as u32).to_le_bytes());
        trailer.extend(crc32fast::hash(&tail).to_le_bytes());
        trailer.extend(root.digest128().to_le_bytes());
        trailer.extend(((page_crcs + tail.len() + 64) as u64).to_le_bytes());
        self.patched(At::Trailer, &mut trailer);
        trailer.extend(crc32fast::hash(&trailer).to_le_bytes());
        trailer.extend([!0x89, !a, !b, !c]);
        [out, table, tail, trailer].concat()
    }
}

/// The root of a whole file.
pub fn root(file: &[u8]) -> [u8; 16] {
    let start = file.len().saturating_sub(32);
    let root = file[start..].first_chunk();
    root.copied().unwrap_or_default()
}

// ---------------------------------------------------------------------------
// Section 5: blocks.

#[derive(Debug, Clone, Copy, Encode)]
pub struct Heap {
    pub first_block: u32,
    pub blocks: u32,
    pub items: u64,
}

/// A block, and what BIDX says of it.
#[derive(Debug, Clone)]
pub struct Block {
    pub first_item: u64,
    pub items: u32,
    pub raw_len: u32,
    pub frame: Vec<u8>,
    pub crc: Option<u32>,
}

/// A zstd frame (RFC 8878) of one raw block.
pub fn frame(raw: &[u8]) -> Vec<u8> {
    frame_of(raw.len() as u32, (raw.len() as u32) << 3 | 1, raw)
}

/// A frame of `len` times the same byte, in blocks of 128 KiB.
pub fn repeated(byte: u8, len: u32) -> Vec<u8> {
    let mut frame = frame_of(len, 0, &[]);
    frame.truncate(9);
    let mut left = len;
    while left > 0 {
        let now = left.min(128 << 10);
        left -= now;
        let header = now << 3 | 2 | u32::from(left == 0);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(byte);
    }
    frame
}

fn frame_of(len: u32, block: u32, bytes: &[u8]) -> Vec<u8> {
    // Magic; one segment, content size in 4 bytes; block header.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend(len.to_le_bytes());
    frame.extend(&block.to_le_bytes()[..3]);
    frame.extend(bytes);
    frame
}

impl Block {
    pub fn of(first_item: u64, items: &[&[u8]]) -> Block {
        let lengths = items.iter().flat_map(|i| (i.len() as u32).to_le_bytes());
        let mut raw: Vec<u8> = lengths.collect();
        items.iter().for_each(|item| raw.extend(*item));
        Block::raw(first_item, items.len() as u32, &raw)
    }

    /// One that continues an item.
    pub fn continuing(next_item: u64, bytes: &[u8]) -> Block {
        Block::raw(next_item, 0, bytes)
    }

    pub fn raw(first_item: u64, items: u32, raw: &[u8]) -> Block {
        Block {
            first_item,
            items,
            raw_len: raw.len() as u32,
            frame: frame(raw),
            crc: None,
        }
    }
}

/// BLKS and BIDX.
pub fn blocks(blocks: &[Block]) -> (Vec<u8>, Vec<u8>) {
    let (mut frames, mut index) = (Vec::new(), Vec::new());
    for block in blocks {
        index.extend((frames.len() as u64).to_le_bytes());
        index.extend(block.first_item.to_le_bytes());
        index.extend((block.frame.len() as u32).to_le_bytes());
        index.extend(block.raw_len.to_le_bytes());
        index.extend(block.items.to_le_bytes());
        let crc = block.crc.unwrap_or(crc32fast::hash(&block.frame));
        index.extend(crc.to_le_bytes());
        frames.extend(&block.frame);
    }
    (frames, index)
}

// ---------------------------------------------------------------------------
// Section 9: styles.

#[derive(Debug, Clone, Default, Encode)]
pub struct Style {
    pub bom: bool,
    pub lead: Vec<u8>,
    pub tail: Vec<u8>,
    pub before_colon: Vec<u8>,
    pub after_colon: Vec<u8>,
    pub before_comma: Vec<u8>,
    pub after_comma: Vec<u8>,
    pub indent: Option<Indent>,
    pub escapes: Option<Escapes>,
    pub numbers: Option<Numbers>,
}

#[derive(Debug, Clone, Encode)]
pub struct Indent {
    pub newline: Newline,
    pub unit: Vec<u8>,
}

#[derive(Debug, Clone, Encode)]
pub enum Newline {
    Lf,
    CrLf,
}

#[derive(Debug, Clone, Encode)]
pub enum Escapes {
    Ascii,
    Utf8,
}

#[derive(Debug, Clone, Encode)]
pub enum Numbers {
    Python,
    Ryu,
    JavaScript,
}

impl Style {
    pub fn python() -> Style {
        Style {
            after_colon: b" ".to_vec(),
            after_comma: b" ".to_vec(),
            escapes: Some(Escapes::Ascii),
            numbers: Some(Numbers::Python),
            ..Style::default()
        }
    }
}

// ---------------------------------------------------------------------------
// Section 6: vectors.

#[derive(Debug, Clone, Encode)]
pub struct VectorsMeta {
    pub style: Style,
    pub members: Vec<Member>,
    pub ids: IdsMeta,
    pub plane: PlaneMeta,
    pub vectors: MapMeta,
    pub ref_docs: MapMeta,
    pub metadata: MapMeta,
}

#[derive(Debug, Clone, Encode)]
pub enum Member {
    Map { map: MapName, key: Vec<u8> },
    Other { key: Vec<u8>, value: Vec<u8> },
}

#[derive(Debug, Clone, Copy, Encode)]
pub enum MapName {
    Embeddings,
    RefDocs,
    Metadata,
}

#[derive(Debug, Clone, Copy, Encode)]
pub struct MapMeta {
    pub entries: u32,
    pub order: Order,
    pub sequence: Sequence,
}

#[derive(Debug, Clone, Encode)]
pub struct IdsMeta {
    pub rows: u32,
    pub form: IdForm,
    pub lookup: Lookup,
}

#[derive(Debug, Clone, Encode)]
pub enum IdForm {
    Uuid,
    Text,
    LongText,
    Mixed,
}

#[derive(Debug, Clone, Encode)]
pub enum Lookup {
    Slots {
        seed: u64,
        slots: u64,
        max_probe: u32,
    },
    Sorted,
}

#[derive(Debug, Clone, Default, Encode)]
pub struct PlaneMeta {
    pub rows: u32,
    pub dim: u32,
    pub exact: u32,
    pub decimal: u32,
    pub delta: u32,
    pub exceptions: u64,
    pub token_bytes: u64,
    pub irregular: u32,
}

#[derive(Debug, Clone, Copy, Encode)]
pub enum Order {
    Range { first: u32 },
    Bitmap,
    Ascending,
    Explicit,
}

#[derive(Debug, Clone, Copy, Default, Encode)]
pub struct Sequence {
    pub first: u64,
    pub explicit: bool,
}

#[derive(Debug, Clone, Encode)]
pub struct Directory {
    pub storages: Vec<Storage>,
    pub columns: Vec<Column>,
    pub shapes: Vec<Vec<u32>>,
    pub shape_codes: Option<Codes>,
    pub raw: Option<u32>,
    pub ref_doc: Option<u32>,
}

#[derive(Debug, Clone, Encode)]
pub enum Storage {
    Dictionary {
        codes: Codes,
        values: Heap,
    },
    Plain {
        values: Heap,
    },
    Sparse {
        entries: EntryList,
        codes: Codes,
        values: Heap,
    },
}

#[derive(Debug, Clone, Copy, Encode)]
pub struct Codes {
    pub offset: u64,
    pub width: u8,
    pub count: u32,
}

#[derive(Debug, Clone, Copy, Encode)]
pub struct EntryList {
    pub offset: u64,
    pub count: u32,
    pub of: u32,
}

#[derive(Debug, Clone, Encode)]
pub struct Column {
    pub key: Vec<u8>,
    pub storage: u32,
}

#[derive(Debug, Clone, Encode)]
pub struct Oddment {
    pub map: MapName,
    pub entry: u32,
    pub part: Part,
    pub text: Vec<u8>,
}

#[derive(Debug, Clone, Encode)]
pub enum Part {
    Key,
    Value,
}

/// ISLT for these ids, and the farthest that one stands from its first slot.
pub fn slots(ids: &[&[u8]], seed: u64, slots: u64) -> (Vec<u32>, u32) {
    let bits = u32::BITS - (ids.len() as u32).leading_zeros();
    let mut table = vec![0_u32; slots as usize];
    let mut farthest = 0;
    for (row, id) in ids.iter().enumerate() {
        let hash = xxh3_64_with_seed(id, seed);
        let first = (u128::from(hash) * u128::from(slots)) >> 64;
        let mark = (hash << bits) as u32;
        let free = |n: &u32| table[(first as usize + *n as usize) % slots as usize] == 0;
        let n = (0..slots as u32).find(free).unwrap();
        table[(first as usize + n as usize) % slots as usize] = mark | (row as u32 + 1);
        farthest = farthest.max(n);
    }
    (table, farthest)
}

/// Section 6.4.
pub fn norm(values: &[f64]) -> f64 {
    let mut s = [0.0_f64; 8];
    for (i, x) in values.iter().enumerate() {
        s[i % 8] += x * x;
    }
    (((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))).sqrt()
}

/// Section 6.9: mean, codes and numbers. The mean is 0, and so is all of what `zeros` rows
/// more have.
pub fn sketch(rows: &[[f64; 2]], zeros: usize) -> [Vec<u8>; 3] {
    let scale = 1.0_f32 / 127.0;
    let (mut codes, mut numbers) = (Vec::new(), Vec::new());
    for row in rows {
        let code = row.map(|x| (x / norm(row) * 127.0).round() as i8);
        let length = norm(&code.map(f64::from)) / 127.0;
        codes.extend(code.map(i8::cast_unsigned));
        numbers.extend([scale, 0.0, 0.01, length as f32 * 1.001]);
    }
    codes.extend(vec![0; zeros * 2]);
    numbers.extend(vec![0.0; zeros * 4]);
    let numbers = numbers.iter().flat_map(|x: &f32| x.to_le_bytes());
    [vec![0; 8], codes, numbers.collect()]
}

pub fn u32s(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

pub fn u64s(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// Pads with zeros to a multiple of 8.
pub fn to_8(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// A run of codes in CODE.
pub fn codes(codes: &[u32], width: u8) -> Vec<u8> {
    let mut bytes =
        vec![0; ((codes.len() * usize::from(width)).div_ceil(8) + 8).next_multiple_of(8)];
    for (n, code) in codes.iter().enumerate() {
        for bit in 0..usize::from(width) {
            let at = n * usize::from(width) + bit;
            bytes[at / 8] |= ((code >> bit & 1) as u8) << (at % 8);
        }
    }
    bytes
}

// ---------------------------------------------------------------------------
// Section 7: records.

#[derive(Debug, Clone, Encode)]
pub struct RecordsMeta {
    pub styles: Vec<Style>,
    pub members: Vec<RecordMember>,
    pub collections: Vec<Collection>,
    pub ids: IdsMeta,
    pub hashes: HashesMeta,
    pub planes: Vec<PlaneMeta>,
}

#[derive(Debug, Clone, Encode)]
pub enum RecordMember {
    Collection { collection: u32, key: Vec<u8> },
    Other { key: Vec<u8>, value: Vec<u8> },
}

#[derive(Debug, Clone, Encode)]
pub struct Collection {
    pub name: Vec<u8>,
    pub parent: Option<Parent>,
    pub keyed: bool,
    pub style: u32,
    pub entries: u32,
    pub order: Order,
    pub sequence: Sequence,
    pub records: Heap,
}

#[derive(Debug, Clone, Encode)]
pub struct Parent {
    pub collection: u32,
    pub record: Vec<u8>,
}

#[derive(Debug, Clone, Encode)]
pub struct HashesMeta {
    pub form: HashForm,
    pub rows: u32,
    pub others: u32,
}

#[derive(Debug, Clone, Encode)]
pub enum HashForm {
    Hex,
    Base64,
}

// ---------------------------------------------------------------------------
// Section 8: tombstones.

#[derive(Debug, Clone, Encode)]
pub struct TombstonesMeta {
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Encode)]
pub struct Target {
    pub segment: [u8; 16],
    pub maps: Vec<DeadMap>,
}

#[derive(Debug, Clone, Copy, Encode)]
pub struct DeadMap {
    pub map: u32,
    pub entries: u32,
    pub dead: u32,
    pub bits: bool,
}

/// A map, its entries, whether a bit stands for each, those that are deleted.
pub type Dead<'a> = (u32, u32, bool, &'a [u32]);

/// A file of tombstones.
pub fn tombstones(targets: &[([u8; 16], &[Dead<'_>])]) -> Vec<u8> {
    let mut targets = targets.to_vec();
    targets.sort_by_key(|(root, _)| *root);
    let (mut meta, mut dead) = (Vec::new(), Vec::new());
    for (segment, maps) in targets {
        let mut stated = Vec::new();
        for &(map, entries, bits, list) in maps {
            stated.push(DeadMap {
                map,
                entries,
                dead: list.len() as u32,
                bits,
            });
            dead.extend(match bits {
                true => {
                    let mut bytes = vec![0; entries.div_ceil(8) as usize];
                    list.iter()
                        .for_each(|e| bytes[*e as usize / 8] |= 1 << (e % 8));
                    to_8(bytes)
                }
                false => to_8(u32s(list)),
            });
        }
        meta.push(Target {
            segment,
            maps: stated,
        });
    }
    let meta = encode(TombstonesMeta { targets: meta });
    let mut file = Forge::new(b"DEL");
    file.section(b"DEAD", dead).section(b"META", meta);
    file.bytes()
}

// ---------------------------------------------------------------------------
// Sections 10 to 12: verbatim segments, manifests, sync records.

#[derive(Debug, Clone, Encode)]
pub struct VerbatimMeta {
    pub length: u64,
    pub hash: [u8; 16],
    pub pieces: Heap,
}

impl VerbatimMeta {
    pub fn of(text: &[u8], pieces: Heap) -> VerbatimMeta {
        VerbatimMeta {
            length: text.len() as u64,
            hash: xxh3_128(text).to_le_bytes(),
            pieces,
        }
    }
}

#[derive(Debug, Clone, Encode)]
pub struct Manifest {
    pub generation: u64,
    pub parent: u64,
    pub writer: String,
    pub created_ms: u64,
    pub stores: Vec<Store>,
}

#[derive(Debug, Clone, Encode)]
pub struct Store {
    pub file: String,
    pub kind: StoreKind,
    pub changed: u64,
    pub packed: Option<Packed>,
    pub segments: Vec<SegmentRef>,
    pub verbatim: Option<SegmentRef>,
}

#[derive(Debug, Clone, Encode)]
pub enum StoreKind {
    VectorStore,
    DocumentStore,
    IndexStore,
    GraphStore,
    PropertyGraphStore,
    ChatStore,
    IngestionCache,
    Other,
}

#[derive(Debug, Clone, Encode)]
pub struct Packed {
    pub generation: u64,
    pub text: Fingerprint,
    pub is_json: bool,
}

#[derive(Debug, Clone, Default, Encode)]
pub struct Fingerprint {
    pub length: u64,
    pub hashes: [u64; 16],
    pub hash: [u8; 16],
}

#[derive(Debug, Clone, Copy, Encode)]
pub struct SegmentRef {
    pub kind: SegmentKind,
    pub number: u64,
    pub length: u64,
    pub root: [u8; 16],
}

#[derive(Debug, Clone, Copy, Encode)]
pub enum SegmentKind {
    Vectors,
    Records,
    Verbatim,
    Tombstones,
}

#[derive(Debug, Clone, Encode)]
pub struct SyncFile {
    pub generation: u64,
    pub files: Vec<(String, SyncEntry)>,
}

#[derive(Debug, Clone, Default, Encode)]
pub struct SyncEntry {
    pub known: Option<Known>,
    pub pending: Option<Pending>,
    pub dropped: bool,
}

#[derive(Debug, Clone, Encode)]
pub struct Known {
    pub length: u64,
    pub mtime_ns: i128,
    pub inode: u64,
    pub taken_ns: i128,
    pub text: Fingerprint,
    pub changed: u64,
}

#[derive(Debug, Clone, Encode)]
pub struct Pending {
    pub text: Fingerprint,
    pub changed: u64,
}
