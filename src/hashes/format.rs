//! What META says of the hashes.

use bincode::{Decode, Encode};

/// How many hashes there are, and how they are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct HashesMeta {
    pub(crate) form: HashForm,
    /// Rows that have one.
    pub(crate) rows: u32,
    /// Hashes that are no row's.
    pub(crate) others: u32,
}

/// How hashes are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub(crate) enum HashForm {
    /// 64 digits, as LlamaIndex for Python writes them.
    Hex,
    /// 44 characters, as LlamaIndex.TS writes them.
    Base64,
}
