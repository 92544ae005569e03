//! Records picked evenly from a file, to make a dictionary of.

/// Longer records have enough in themselves to refer to.
const MAX_RECORD: usize = 64 << 10;

/// A record that may be typical of its file.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Its own row, if it has a key.
    pub(crate) row: Option<u32>,
    /// The path of its collection's records, and the style of their text.
    pub(crate) path: u64,
    pub(crate) style: u32,
    pub(crate) text: Vec<u8>,
}

/// Every n-th record; n grows with the file.
#[derive(Debug)]
pub(crate) struct Samples {
    /// How much text is kept.
    limit: usize,
    pub(crate) list: Vec<Sample>,
    /// Length of their texts together.
    len: usize,
    /// Records met so far.
    met: u64,
    /// The logarithm of n.
    every: u32,
}

impl Samples {
    /// No samples yet, and never more than `limit` bytes of text.
    pub(crate) fn new(limit: usize) -> Samples {
        Samples {
            limit,
            list: Vec::new(),
            len: 0,
            met: 0,
            every: 0,
        }
    }

    /// Whether it is the next record's turn. Depends on the file alone.
    pub(crate) fn wants_next(&self) -> bool {
        self.met == 0 || self.met.trailing_zeros() >= self.every
    }

    /// Records counted so far.
    pub(crate) fn met(&self) -> u64 {
        self.met
    }

    /// Counts a record, wanted or not.
    pub(crate) fn pass(&mut self) {
        self.met += 1;
    }

    /// Keeps the record that was counted last.
    pub(crate) fn take(&mut self, sample: Sample) {
        if sample.text.len() > MAX_RECORD {
            return;
        }
        self.len += sample.text.len();
        self.list.push(sample);
        while self.len > self.limit {
            // Every second one goes.
            self.every += 1;
            let mut keep = false;
            self.list.retain(|_| {
                keep = !keep;
                keep
            });
            self.len = self.list.iter().map(|s| s.text.len()).sum();
        }
    }
}
