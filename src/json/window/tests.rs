use super::*;
use proptest::prelude::*;
use std::io::Write;

const LIMIT: usize = 1 << 20;

fn window(text: &[u8], limit: usize, chunk: usize) -> Window {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text).unwrap();
    Window::with_chunk(file, Path::new("test.json"), limit, chunk).unwrap()
}

fn fault<T: std::fmt::Debug>(result: Result<T>) -> (u64, JsonFault) {
    match result {
        Err(Error::Json {
            path,
            offset,
            fault,
        }) => {
            assert_eq!(path, Path::new("test.json"));
            (offset, fault)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn walks_through_a_file() {
    for chunk in [1, 2, 3, 7, CHUNK] {
        let mut file = window(
            "\u{feff} { \"a\\\"\" : [1, 2] , \"b\":-12.5e3}\n ".as_bytes(),
            LIMIT,
            chunk,
        );
        assert!(file.skip_bom().unwrap());
        assert!(!file.skip_bom().unwrap());
        file.expect(b'{').unwrap();
        assert_eq!(file.string().unwrap(), br#""a\"""#);
        file.expect(b':').unwrap();
        assert_eq!(file.peek().unwrap(), Some(b'['));
        assert_eq!(file.position(), 14);
        assert_eq!(file.value().unwrap(), b"[1, 2]");
        file.expect(b',').unwrap();
        assert_eq!(file.string().unwrap(), br#""b""#);
        file.expect(b':').unwrap();
        assert_eq!(file.value().unwrap(), b"-12.5e3");
        assert_eq!(fault(file.end()), (34, JsonFault::Trailing));
        file.expect(b'}').unwrap();
        file.end().unwrap();
        assert_eq!(file.peek().unwrap(), None);
        assert_eq!(file.position(), file.len());
        file.seek(14).unwrap();
        assert_eq!(file.value().unwrap(), b"[1, 2]");
        file.seek(19).unwrap();
        assert_eq!(fault(file.value()), (19, JsonFault::Unexpected(b']')));
    }
}

#[test]
fn a_number_at_the_very_end_is_whole() {
    for chunk in [1, 2, 5, 8] {
        assert_eq!(
            window(b"12345678", LIMIT, chunk).value().unwrap(),
            b"12345678"
        );
    }
}

#[test]
fn errors_name_the_offset_in_the_file() {
    for chunk in [1, 4, CHUNK] {
        let mut file = window(b"[1, [2, x], 3", LIMIT, chunk);
        file.expect(b'[').unwrap();
        file.value().unwrap();
        assert_eq!(fault(file.expect(b']')), (2, JsonFault::Unexpected(b',')));
        file.expect(b',').unwrap();
        assert_eq!(fault(file.value()), (8, JsonFault::Unexpected(b'x')));
        assert_eq!(file.position(), 4, "a failed call takes nothing");
        assert_eq!(fault(file.string()), (4, JsonFault::Unexpected(b'[')));
        file.seek(0).unwrap();
        assert_eq!(fault(file.value()), (8, JsonFault::Unexpected(b'x')));
        file.seek(12).unwrap();
        file.value().unwrap();
        assert_eq!(fault(file.expect(b']')), (13, JsonFault::Cut));
        assert_eq!(fault(file.value()), (13, JsonFault::Cut));
        file.seek(100).unwrap();
        assert_eq!(file.peek().unwrap(), None);
    }
    let mut empty = window(b"", LIMIT, 1);
    assert!(empty.is_empty());
    assert_eq!(fault(empty.value()), (0, JsonFault::Cut));
    let mut cut = window(b"  \"abc", LIMIT, 1);
    assert_eq!(fault(cut.string()), (6, JsonFault::Cut));
}

#[test]
fn the_limit_bounds_a_value_and_the_memory() {
    let text = format!("[{}]", "1,".repeat(500) + "1");
    for chunk in [1, 100, CHUNK] {
        assert_eq!(
            window(text.as_bytes(), text.len(), chunk).value().unwrap(),
            text.as_bytes()
        );
        let mut small = window(text.as_bytes(), text.len() - 1, chunk);
        assert_eq!(
            fault(small.value()),
            (0, JsonFault::TooLong(text.len() - 1))
        );
    }
    let long = vec![b'['; 100_000];
    let mut file = window(&long, 1000, 10);
    assert_eq!(fault(file.value()), (0, JsonFault::TooLong(1000)));
    assert!(file.buffer.capacity() < 10_000);
}

#[test]
fn a_large_value_does_not_keep_its_memory() {
    let text = format!("[{:?}{}]", "x".repeat(100_000), ", 1".repeat(100_000));
    let mut file = window(text.as_bytes(), LIMIT, 16);
    file.expect(b'[').unwrap();
    file.value().unwrap();
    while file.peek().unwrap() == Some(b',') {
        file.expect(b',').unwrap();
        file.value().unwrap();
    }
    assert!(
        file.buffer.capacity() < 10_000,
        "{}",
        file.buffer.capacity()
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Window::open(Path::new("/nonexistent/x.json"), LIMIT).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/x.json"), "{error}");
}

/// Everything a walk over the file gives, to its end or first error.
fn transcript(mut file: Window) -> Vec<String> {
    let mut lines = Vec::new();
    let mut steps = 0;
    loop {
        let before = file.position();
        let line = match file.peek() {
            Ok(None) => {
                lines.push(format!("{:?}", file.end()));
                return lines;
            }
            Ok(Some(b @ (b',' | b':' | b']' | b'}'))) => format!("{:?}", file.expect(b)),
            // Every other container is entered, the rest taken whole.
            Ok(Some(b @ (b'[' | b'{'))) if steps % 2 == 0 => format!("{:?}", file.expect(b)),
            Ok(Some(b'"')) if steps % 3 == 0 => format!("{:?}", file.string()),
            Ok(Some(_)) => format!("{:?}", file.value()),
            Err(error) => format!("{error:?}"),
        };
        steps += 1;
        let stuck = line.starts_with("Err");
        lines.push(format!("{before} {line}"));
        if stuck {
            return lines;
        }
    }
}

proptest! {
    #[test]
    fn the_chunk_size_makes_no_difference(
        text in "([\\[\\]{}:, \n]|\"[a-é\\\\\"]{0,8}\"|-?[0-9.e]{1,6}|null|NaN){0,20}",
        chunk in 1usize..20,
    ) {
        let whole = transcript(window(text.as_bytes(), LIMIT, CHUNK));
        prop_assert_eq!(transcript(window(text.as_bytes(), LIMIT, chunk)), whole);
    }
}

#[test]
fn a_value_that_is_cut_or_too_long_is_not_skipped() {
    for text in [&b"\"abc"[..], b"{\"a\": [1", b"[1, 2, 3, 4, 5, 6, 7], 1"] {
        let mut window = window(text, LIMIT, 4);
        assert!(!window.skip_value(8).unwrap());
        assert_eq!(window.position(), 0);
    }
}
