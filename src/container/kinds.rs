//! The kinds of files and of sections, and how they are spelled on disk.

/// The kind of a binary file, as its first bytes tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Vectors with ids and metadata columns.
    Vectors,
    /// Collections of records.
    Records,
    /// One file, compressed as it is.
    Verbatim,
    /// Deleted entries of other files.
    Tombstones,
    /// A generation's list of files.
    Manifest,
    /// What is known about the JSON twin.
    Sync,
}

impl FileKind {
    const fn letters(self) -> [u8; 3] {
        match self {
            FileKind::Vectors => *b"VEC",
            FileKind::Records => *b"REC",
            FileKind::Verbatim => *b"RAW",
            FileKind::Tombstones => *b"DEL",
            FileKind::Manifest => *b"MAN",
            FileKind::Sync => *b"SYN",
        }
    }

    /// As PNG's: a byte that is not ASCII, letters, and the line ends that a
    /// transfer in text mode would change.
    pub(crate) const fn magic(self) -> [u8; 8] {
        let [a, b, c] = self.letters();
        [0x89, a, b, c, b'\r', b'\n', 0x1a, b'\n']
    }

    pub(crate) const fn end_mark(self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.magic();
        [!a, !b, !c, !d]
    }
}

/// The kind of a section: four ASCII letters, readable in a hex dump.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SectionKind(pub(crate) u32);

macro_rules! section_kinds {
    ($($(#[$doc:meta])* $name:ident = $letters:literal;)*) => {
        impl SectionKind {
            $($(#[$doc])* pub const $name: SectionKind = SectionKind(u32::from_le_bytes(*$letters));)*

            /// The letters, or `unknown section` for kinds of later versions.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(SectionKind::$name => stringify!($name),)*
                    _ => "unknown section",
                }
            }
        }
    };
}

section_kinds! {
    /// Small structured metadata; every file has it.
    META = b"META";
    /// Compressed blocks of a verbatim file, of columns or of records.
    BLOCKS = b"BLKS";
    /// Where those blocks lie.
    BLOCK_INDEX = b"BIDX";
    /// The dictionary that those blocks are compressed with.
    DICTIONARY = b"DICT";
    /// Hash of what each of those blocks expands to.
    PRINTED_HASHES = b"PHSH";
    /// The ids of the rows.
    IDS = b"IDS ";
    /// Where each id of varying length ends.
    ID_ENDS = b"IEND";
    /// Which ids among UUIDs are none.
    ID_KINDS = b"IKND";
    /// The text of those.
    ID_TEXTS = b"ITXT";
    /// Hash slots: id to row.
    ID_SLOTS = b"ISLT";
    /// Rows sorted by id, where hashing failed.
    ID_SORTED = b"ISRT";
    /// Content hashes: those of rows, then others.
    HASHES = b"HASH";
    /// The rows that have one.
    HASH_ROWS = b"HROW";
    /// The vectors: nearest f32, row-major.
    PLANE = b"PLAN";
    /// What Delta rows add to their f32 bits.
    LOW_PLANE = b"LOWP";
    /// How many Delta rows stand before each group of rows.
    LOW_RANK = b"LRNK";
    /// The class of each row.
    CLASSES = b"CLAS";
    /// The norm of each row.
    NORMS = b"NORM";
    /// Rows that a search must always rescore.
    IRREGULAR = b"IRRG";
    /// What a sketch takes a share of from each row.
    SKETCH_MEAN = b"SKMN";
    /// The rows of a sketch, a byte a component.
    SKETCH_CODES = b"SKCO";
    /// What codes are multiplied by, and how far they may be wrong.
    SKETCH_NUMBERS = b"SKNU";
    /// Places of tokens that their row's class does not print.
    EXCEPTIONS = b"EXCP";
    /// The text of those tokens.
    TOKENS = b"TOKN";
    /// Rows by entry and entries by row, of each map that needs it.
    ORDERS = b"ORDR";
    /// Sequence numbers by entry, of each map that needs them.
    SEQUENCES = b"SEQN";
    /// The directory of the metadata columns.
    COLUMNS = b"COLS";
    /// Bit-packed codes of the columns.
    CODES = b"CODE";
    /// Text of the JSON file that no column holds.
    ODDMENTS = b"ODDM";
    /// Deleted entries.
    DEAD = b"DEAD";
}

impl std::fmt::Debug for SectionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.to_le_bytes().escape_ascii())
    }
}
