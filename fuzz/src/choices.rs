//! An input read as choices.

/// Bytes as choices; when they run out, every choice is the first.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices(bytes)
    }

    /// Whether the bytes have run out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    /// So many bytes, or all there are.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// One of `n`.
    pub fn of(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// One of `n`, which may be more than a byte can say.
    pub fn of_many(&mut self, n: usize) -> usize {
        (usize::from(self.byte()) | usize::from(self.byte()) << 8) % n
    }

    /// True once in `n`, and never when the bytes have run out.
    pub fn once_in(&mut self, n: u8) -> bool {
        self.byte() % n == n - 1
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.of(list.len())]
    }

    pub fn word(&mut self) -> [u8; 8] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number, most likely one at an edge.
    pub fn number(&mut self) -> u64 {
        let shift = u32::from(self.byte()) % 64;
        match self.byte() % 6 {
            0 => 1 << shift,
            1 => (1 << shift) - 1,
            2 => u64::MAX << shift,
            3 => u64::from(self.byte()),
            4 => u64::MAX - u64::from(self.byte()),
            _ => u64::from_le_bytes(self.word()),
        }
    }
}
