//! Two looks at once, where that is worth a thread.

use std::{panic::resume_unwind, thread};

/// Looking at this much takes about as long as starting a thread does.
const SHORT: u64 = 64 << 10;

/// What `first` and `second` return, each of which looks at some `bytes` of segments.
pub(super) fn both<T: Send>(
    bytes: u64,
    first: impl FnOnce() -> T + Send,
    second: impl FnOnce() -> T,
) -> (T, T) {
    if bytes <= SHORT {
        return (first(), second());
    }
    thread::scope(|scope| {
        let first = scope.spawn(first);
        let second = second();
        let first = first.join().unwrap_or_else(|panic| resume_unwind(panic));
        (first, second)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_returned_in_its_place() {
        for bytes in [0, SHORT, SHORT + 1, u64::MAX] {
            assert_eq!(both(bytes, || 1, || 2), (1, 2));
        }
    }
}
