//! Fingerprints of the same text agree, and of others differ where they must.

use super::*;

const LENGTHS: [u64; 12] = [
    0,
    1,
    15,
    16,
    17,
    65_535,
    PART * PARTS - 1,
    PART * PARTS,
    PART * PARTS + 1,
    PART * PARTS + 77_777,
    5 << 20,
    u64::MAX,
];

fn text(length: u64) -> Vec<u8> {
    (0..length).map(|i| (i * i % 251) as u8).collect()
}

#[test]
fn samples_begin_and_end_with_the_text_and_never_overlap() {
    for length in LENGTHS {
        let parts: Vec<_> = (0..PARTS).map(|i| part(length, i)).collect();
        assert_eq!(parts[0].start, 0);
        assert_eq!(parts[15].end, length);
        assert!(parts.windows(2).all(|w| w[0].end <= w[1].start), "{length}");
        if length <= PARTS * PART {
            assert!(parts.windows(2).all(|w| w[0].end == w[1].start));
        }
    }
}

#[test]
fn file_memory_and_stream_agree() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    for length in LENGTHS.into_iter().filter(|&n| n < 1 << 30) {
        let text = text(length);
        std::fs::write(&path, &text).unwrap();
        let expected = Fingerprint::of_bytes(&text);
        assert_eq!(expected.length(), length);
        assert_eq!(Fingerprint::of(&path).unwrap(), expected);
        let samples = Samples::of(&File::open(&path).unwrap(), &path).unwrap();
        assert_eq!(samples, expected.samples);
        for step in [1000, 65_536, 100_000] {
            let mut fingerprinter = Fingerprinter::new(length);
            text.chunks(step).for_each(|c| fingerprinter.update(c));
            assert_eq!(fingerprinter.finish(), expected, "{length} by {step}");
        }
    }
}

#[test]
fn every_changed_byte_of_a_small_text_shows_in_the_samples() {
    let text = text(3000);
    let before = Fingerprint::of_bytes(&text);
    for at in (0..3000).step_by(17) {
        let mut changed = text.clone();
        changed[at] ^= 1;
        assert_ne!(Fingerprint::of_bytes(&changed).samples, before.samples);
    }
}

#[test]
fn a_change_between_the_samples_shows_in_the_hash_only() {
    let mut text = text(5 << 20);
    let before = Fingerprint::of_bytes(&text);
    text[100_000] ^= 1;
    let after = Fingerprint::of_bytes(&text);
    assert_eq!(after.samples, before.samples);
    assert_ne!(after.hash, before.hash);
}

#[test]
fn a_text_of_another_length_than_promised_equals_nothing() {
    let text = text(3000);
    let honest = Fingerprint::of_bytes(&text);
    for promised in [2999, 3001, 0] {
        let mut fingerprinter = Fingerprinter::new(promised);
        fingerprinter.update(&text);
        assert_ne!(fingerprinter.finish(), honest);
    }
}

#[test]
fn a_look_right_after_a_change_does_not_vouch() {
    let stat = |mtime_ns, taken_ns| Stat {
        length: 1,
        mtime_ns,
        inode: 1,
        taken_ns,
    };
    let now = 1_700_000_000_123_456_789;
    assert!(!stat(now, now + 1_000_000).is_settled());
    assert!(stat(now, now + 100_000_000).is_settled());
    // whole seconds: a coarse clock
    let then = 1_700_000_000_000_000_000;
    assert!(!stat(then, then + 900_000_000).is_settled());
    assert!(stat(then, then + 2_100_000_000).is_settled());
    // a time in the future, as after a clock was set back
    assert!(!stat(now + 5, now).is_settled());
}

#[test]
fn what_is_no_file_is_refused_without_opening_it() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Stat::of(&dir.path().join("missing")).unwrap().is_none());
    assert!(matches!(Stat::of(dir.path()), Err(Error::Io { .. })));
    assert!(matches!(Seen::read(dir.path()), Err(Error::Io { .. })));
}

/// As archives leave it.
#[test]
fn a_file_may_be_older_than_1970() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    let file = File::create(&path).unwrap();
    let time = UNIX_EPOCH - std::time::Duration::from_secs(1);
    file.set_modified(time).unwrap();
    let stat = Stat::of(&path).unwrap().unwrap();
    assert_eq!(stat.mtime_ns, -1_000_000_000);
    assert!(stat.is_settled());
}
