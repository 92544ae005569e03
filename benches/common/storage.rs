//! Persist directories as LlamaIndex lays them out, the same on every machine.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use twinstore::{
    convert::{PackOptions, Silent, pack},
    json::{NumberLayout, print_f32_shortest, print_f64},
    segment::SketchPolicy,
};

pub const VECTORS: &str = "default__vector_store.json";
/// Values that the metadata `page` has.
pub const PAGES: usize = 100;
/// Nodes of a document.
pub const NODES: usize = 37;

/// Which class of numbers the vectors are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Numbers {
    /// An f32, printed as the f64 that it is: local embedders.
    Exact,
    /// An f32, printed with the digits that it needs: APIs.
    Decimal,
    /// An f64.
    Delta,
}

/// What the vectors are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Like {
    /// Clusters around nothing, as all-MiniLM-L6-v2 has them.
    MiniLm,
    /// A mean that all vectors share, with two components far out, as ada-002's.
    Ada002,
    /// All but the same one.
    Alike,
    /// Every other one is, among others that lean to it.
    HalfAlike,
}

/// A linear congruential generator: the same numbers on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: usize) -> Random {
        let mut random = Random(seed as u64 ^ 0x5851_f42d_4c95_7f2d);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 33)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 32) as usize * bound) >> 32
    }

    /// Between -1 and 1, by 53 bits.
    pub fn component(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Vectors by row: any of them can be made again.
pub struct Vectors {
    pub dim: usize,
    numbers: Numbers,
    like: Like,
    mean: Vec<f64>,
    topics: Vec<Vec<f64>>,
}

impl Vectors {
    pub fn new(dim: usize, numbers: Numbers, like: Like) -> Vectors {
        let mut random = Random::new(dim);
        let mut vector = || -> Vec<f64> { (0..dim).map(|_| random.component()).collect() };
        let topics = (0..64).map(|_| vector()).collect();
        let mut mean = match like {
            Like::MiniLm => vec![0.0; dim],
            Like::Ada002 | Like::Alike | Like::HalfAlike => vector(),
        };
        if like == Like::Ada002 {
            // In units of the others: ada-002 has one of 0.67 among many of 0.02.
            mean[194 % dim] = -40.0;
            mean[954 % dim] = 13.0;
        }
        Vectors {
            dim,
            numbers,
            like,
            mean,
            topics,
        }
    }

    /// The numbers that stand in the JSON, as Python reads them.
    pub fn vector(&self, row: usize) -> Vec<f64> {
        let mut random = Random::new(row);
        let topic = &self.topics[random.below(self.topics.len())];
        let own = match self.like {
            Like::Alike => 1e-3,
            Like::HalfAlike if row.is_multiple_of(2) => 1e-3,
            Like::MiniLm | Like::Ada002 | Like::HalfAlike => 1.0,
        };
        let values = self.mean.iter().zip(topic);
        let values: Vec<_> = values
            .map(|(mean, topic)| mean + own * (0.7 * topic + random.component()))
            .collect();
        let norm = values.iter().map(|x| x * x).sum::<f64>().sqrt();
        values.iter().map(|x| self.number(x / norm)).collect()
    }

    /// The number of that class next to `value`.
    fn number(&self, value: f64) -> f64 {
        match self.numbers {
            Numbers::Exact => f64::from(value as f32),
            Numbers::Decimal => {
                let mut text = Vec::new();
                print_f32_shortest(value as f32, NumberLayout::Python, &mut text);
                std::str::from_utf8(&text).unwrap().parse().unwrap()
            }
            Numbers::Delta => value,
        }
    }

    fn print(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for (n, value) in self.vector(row).into_iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(b", ");
            }
            print_f64(value, NumberLayout::Python, out);
        }
        out.push(b']');
    }
}

pub fn node_id(row: usize) -> String {
    format!("node-{row:07}")
}

fn document_id(row: usize) -> String {
    format!("document-{}", row / NODES)
}

/// The text of a node: about a kilobyte of words, some frequent and some rare.
pub fn text(row: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "ta", "re", "lo", "min", "ver", "sto", "ne", "dal", "ka", "tor", "pre", "sen", "is", "of",
        "to", "and",
    ];
    let mut random = Random::new(row ^ 0x7e47);
    let mut text = String::new();
    while text.len() < 1000 {
        // The product makes small numbers frequent.
        let word = random.below(64) * random.below(64);
        for part in 0..=word % 3 {
            text.push_str(SYLLABLES[(word >> (2 * part)) % SYLLABLES.len()]);
        }
        text.push(if random.below(12) == 0 { '.' } else { ' ' });
    }
    text
}

/// Writes an object of so many members, each with the node's id as its key.
fn write_map(
    out: &mut impl Write,
    rows: usize,
    mut value: impl FnMut(usize, &mut Vec<u8>),
) -> io::Result<()> {
    out.write_all(b"{")?;
    let mut entry = Vec::new();
    for row in 0..rows {
        entry.clear();
        write!(
            entry,
            "{}\"{}\": ",
            if row == 0 { "" } else { ", " },
            node_id(row)
        )?;
        value(row, &mut entry);
        out.write_all(&entry)?;
    }
    out.write_all(b"}")
}

fn write_vectors(path: &Path, rows: usize, vectors: &Vectors) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(b"{\"embedding_dict\": ")?;
    write_map(&mut out, rows, |row, entry| vectors.print(row, entry))?;
    out.write_all(b", \"text_id_to_ref_doc_id\": ")?;
    write_map(&mut out, rows, |row, entry| {
        write!(entry, "\"{}\"", document_id(row)).unwrap();
    })?;
    out.write_all(b", \"metadata_dict\": ")?;
    write_map(&mut out, rows, |row, entry| {
        let (page, file, document) = (row % PAGES, row / NODES, document_id(row));
        write!(entry, "{{\"page\": {page}, \"file\": \"report-{file}.pdf\", \"_node_type\": \"TextNode\", \"document_id\": \"{document}\", \"doc_id\": \"{document}\", \"ref_doc_id\": \"{document}\"}}").unwrap();
    })?;
    out.write_all(b"}")?;
    out.flush()
}

fn write_documents(path: &Path, rows: usize) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(b"{\"docstore/data\": ")?;
    write_map(&mut out, rows, |row, entry| {
        let (id, page, text) = (node_id(row), row % PAGES, text(row));
        write!(entry, "{{\"__data__\": {{\"id_\": \"{id}\", \"embedding\": null, \"metadata\": {{\"page\": {page}}}, \"excluded_embed_metadata_keys\": [], \"excluded_llm_metadata_keys\": [], \"relationships\": {{}}, \"metadata_template\": \"{{key}}: {{value}}\", \"metadata_separator\": \"\\n\", \"text\": \"{text}\", \"mimetype\": \"text/plain\", \"start_char_idx\": 0, \"end_char_idx\": {}, \"text_template\": \"{{metadata_str}}\\n\\n{{content}}\", \"class_name\": \"TextNode\"}}, \"__type__\": \"1\"}}", text.len()).unwrap();
    })?;
    out.write_all(b", \"docstore/metadata\": ")?;
    write_map(&mut out, rows, |row, entry| {
        let document = document_id(row);
        write!(
            entry,
            "{{\"doc_hash\": \"{:064x}\", \"ref_doc_id\": \"{document}\"}}",
            Random::new(row).next()
        )
        .unwrap();
    })?;
    out.write_all(b"}")?;
    out.flush()
}

fn write_indices(path: &Path, rows: usize) -> io::Result<()> {
    let mut text = Vec::new();
    write_map(&mut text, rows, |row, entry| {
        write!(entry, "\"{}\"", node_id(row)).unwrap();
    })?;
    let nodes = String::from_utf8(text).unwrap().replace('"', "\\\"");
    let mut out = BufWriter::new(File::create(path)?);
    write!(
        out,
        "{{\"index_store/data\": {{\"vector\": {{\"__type__\": \"vector_store\", \"__data__\": \"{{\\\"index_id\\\": \\\"vector\\\", \\\"summary\\\": null, \\\"nodes_dict\\\": {nodes}, \\\"doc_id_dict\\\": {{}}, \\\"embeddings_dict\\\": {{}}}}\"}}}}}}"
    )?;
    out.flush()
}

/// A persist directory, which goes away with this.
pub struct Storage {
    temp: TempDir,
    pub rows: usize,
}

impl Storage {
    /// A vector store by itself.
    pub fn of_vectors(rows: usize, vectors: &Vectors) -> Storage {
        let temp = tempfile::tempdir().unwrap();
        write_vectors(&temp.path().join(VECTORS), rows, vectors).unwrap();
        Storage { temp, rows }
    }

    /// A document store by itself.
    pub fn of_documents(rows: usize) -> Storage {
        let temp = tempfile::tempdir().unwrap();
        write_documents(&temp.path().join("docstore.json"), rows).unwrap();
        Storage { temp, rows }
    }

    /// All that a vector index persists.
    pub fn of_index(rows: usize, vectors: &Vectors) -> Storage {
        let storage = Storage::of_vectors(rows, vectors);
        write_documents(&storage.dir().join("docstore.json"), rows).unwrap();
        write_indices(&storage.dir().join("index_store.json"), rows).unwrap();
        fs::write(
            storage.dir().join("graph_store.json"),
            "{\"graph_dict\": {}}",
        )
        .unwrap();
        storage
    }

    pub fn dir(&self) -> &Path {
        self.temp.path()
    }

    /// Packs it. That is proved by pack itself; here, that it is rows and records.
    pub fn pack(&self) {
        self.pack_with(SketchPolicy::Auto);
    }

    fn pack_with(&self, sketch: SketchPolicy) {
        let options = PackOptions {
            sketch,
            ..PackOptions::default()
        };
        let report = pack(self.dir(), &options, &Silent).unwrap();
        assert!(report.stores.iter().all(|store| !store.file_form));
    }

    /// Packs it and removes the JSON.
    pub fn packed(self) -> Storage {
        self.packed_with(SketchPolicy::Auto)
    }

    /// The same with or without a sketch of the vectors.
    pub fn packed_with(self, sketch: SketchPolicy) -> Storage {
        self.pack_with(sketch);
        for file in files(self.dir()) {
            fs::remove_file(file).unwrap();
        }
        self
    }

    /// The files of the twin.
    pub fn twin_files(&self) -> Vec<PathBuf> {
        files(&self.dir().join("twin"))
    }

    /// Removes the twin.
    pub fn forget(&self) {
        fs::remove_dir_all(self.dir().join("twin")).unwrap();
    }
}

/// The regular files of a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// The length of files together.
pub fn length(files: &[PathBuf]) -> u64 {
    files.iter().map(|f| fs::metadata(f).unwrap().len()).sum()
}
