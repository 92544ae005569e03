//! Whether a file holds whole JSON, without understanding it.

use crate::{
    error::{Error, JsonFault, Result},
    json::Window,
};

/// How deep objects are walked member by member instead of being held whole:
/// collections of records.
const WALKED: usize = 2;

/// How much of a file was scanned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// All of it: it is JSON.
    All,
    /// As far as to a value that is too long to be held.
    Part,
}

/// Scans the file to its end, or to a value that is too long to be held.
///
/// # Errors
/// [`Error::Json`] where the text stops being JSON; [`Error::Io`].
pub(crate) fn check_whole(window: &mut Window) -> Result<Scanned> {
    window.skip_bom()?;
    match value(window).and_then(|()| window.end()) {
        Err(Error::Json {
            fault: JsonFault::TooLong(_),
            ..
        }) => Ok(Scanned::Part),
        other => other.map(|()| Scanned::All),
    }
}

/// Scans one value. Not recursive: only objects down to a fixed depth are
/// walked, and `open` counts them.
fn value(window: &mut Window) -> Result<()> {
    let mut open = 0;
    loop {
        if open < WALKED && window.peek()? == Some(b'{') {
            window.expect(b'{')?;
            open += 1;
            if window.peek()? != Some(b'}') {
                key(window)?;
                continue;
            }
        } else {
            window.value()?;
        }
        // After a value, or in an empty object: close what ends here.
        loop {
            match (open, window.peek()?) {
                (0, _) => return Ok(()),
                (_, Some(b',')) => {
                    window.expect(b',')?;
                    key(window)?;
                    break;
                }
                _ => {
                    window.expect(b'}')?;
                    open -= 1;
                }
            }
        }
    }
}

fn key(window: &mut Window) -> Result<()> {
    window.string()?;
    window.expect(b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Scanned, (u64, JsonFault)> {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        let mut window = Window::from_file(file, std::path::Path::new("f"), 1000).unwrap();
        check_whole(&mut window).map_err(|e| match e {
            Error::Json { offset, fault, .. } => (offset, fault),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn whole_json_passes_at_every_depth() {
        for text in [
            "{}",
            "[]",
            " {\"a\": {}} \n",
            "3",
            "{\"a\": {\"b\": {\"c\": [{}]}, \"d\": 1}, \"e\": {}}",
            "\u{feff}{\"a\": null}",
        ] {
            assert_eq!(check(text), Ok(Scanned::All), "{text}");
        }
        let long = format!("{{\"a\": {{\"b\": \"{}\"}}", "x".repeat(2000));
        assert_eq!(
            check(&long),
            Ok(Scanned::Part),
            "what is too long is not judged"
        );
    }

    #[test]
    fn what_is_not_json_is_found_with_its_place() {
        for (text, offset, fault) in [
            ("", 0, JsonFault::Cut),
            ("{\"a\": {\"b\": 1}", 15, JsonFault::Cut),
            ("{\"a\": cut here }", 6, JsonFault::Unexpected(b'c')),
            ("{} {}", 3, JsonFault::Trailing),
            ("{\"a\": {\"b\": 1]}", 13, JsonFault::Unexpected(b']')),
            ("{\"a\" 1}", 5, JsonFault::Unexpected(b'1')),
            ("{\"a\": 1,}", 8, JsonFault::Unexpected(b'}')),
        ] {
            let found = check(text).unwrap_err();
            assert!(found.0.abs_diff(offset) <= 2, "{text}: {found:?}");
            assert_eq!(found.1, fault, "{text}");
        }
    }
}
