//! Columns as a whole: entries come back whatever form their columns take.

use std::{path::Path, sync::Arc};

use proptest::prelude::*;

use super::{
    ask::{Answer, Found, Which},
    build::{ColumnBuilder, Shared},
    codes::{CodeList, CodeRun},
    format::{MAX_COLUMNS, MAX_SHAPES},
    postings::Postings,
    *,
};
use crate::{
    blocks::BlockSink,
    bytes::Spill,
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    json::JsonStyle,
};

const DEPTH: usize = 2;

fn write(dir: &Path, metadata: &[String], ref_docs: &[String]) -> Columns {
    let mut builder = ColumnsBuilder::new(dir);
    let mut style = JsonStyle::python();
    for text in metadata {
        builder
            .push_metadata(text.as_bytes(), &mut style, DEPTH)
            .unwrap();
    }
    for text in ref_docs {
        builder.push_ref_doc(text.as_bytes()).unwrap();
    }
    let path = dir.join("file");
    let _ = std::fs::remove_file(&path);
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    builder.finish(&mut out).unwrap();
    out.finish().unwrap();
    Columns::open(&open(&path), metadata.len() as u32, ref_docs.len() as u32).unwrap()
}

fn open(path: &Path) -> Arc<Container> {
    let options = OpenOptions::default();
    Arc::new(Container::open(path, FileKind::Vectors, Expected::Any, &options).unwrap())
}

fn check(metadata: &[String], ref_docs: &[String]) -> Columns {
    let dir = tempfile::tempdir().unwrap();
    let columns = write(dir.path(), metadata, ref_docs);
    let style = JsonStyle::python();
    let mut walk = columns.walk();
    for (n, text) in metadata.iter().enumerate() {
        let entry = n as u32;
        let mut printed = Vec::new();
        let value = walk.metadata(entry).unwrap();
        assert!(value.print(&style, DEPTH, &mut printed));
        assert_eq!(String::from_utf8_lossy(&printed), *text);
        assert_eq!(
            columns.metadata(entry).unwrap(),
            walk.metadata(entry).unwrap()
        );
    }
    for (n, text) in ref_docs.iter().enumerate() {
        assert_eq!(walk.ref_doc(n as u32).unwrap(), text.as_bytes());
        assert_eq!(columns.ref_doc(n as u32).unwrap(), text.as_bytes());
    }
    assert!(columns.metadata(metadata.len() as u32).is_err());
    assert!(columns.ref_doc(ref_docs.len() as u32).is_err());
    columns
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("[1, 2.0, \"x\"]".to_owned()),
        Just("{\"a\": {}}".to_owned()),
        (0..5_u8).prop_map(|n| n.to_string()),
        "[a-c]{0,3}".prop_map(|s| format!("\"{s}\"")),
    ]
}

fn entry() -> impl Strategy<Value = String> {
    let members = prop::collection::vec(("[a-e]", value()), 0..5);
    prop_oneof![
        20 => members.prop_map(|members| {
            let members = members.iter().map(|(k, v)| format!("\"{k}\": {v}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }),
        1 => Just("{ }".to_owned()),
        1 => Just("null".to_owned()),
        1 => Just("{\"\\u0061\": 1}".to_owned()),
        1 => Just("{\"a\":1}".to_owned()),
    ]
}

/// Some answer that depends on all of what was found.
fn judge(found: &Found<'_>) -> Answer {
    let sum = |bytes: &[u8]| bytes.iter().map(|&b| u32::from(b)).sum::<u32>();
    let number = match found {
        Found::Value(value) => sum(value),
        Found::Absent => 1,
        Found::NoObject(text) => sum(text) + 1,
    };
    match number % 3 {
        0 => Answer::No,
        1 => Answer::Yes,
        _ => Answer::Unfit,
    }
}

/// Asks about each key, and compares with what each entry says itself.
fn check_answers(columns: &Columns, entries: u32, only: &[u32]) {
    for key in ["a", "b", "c", "e", "none"].map(str::as_bytes) {
        let expected: Vec<_> = (0..entries)
            .map(|entry| judge(&columns.metadata(entry).unwrap().find(key)))
            .collect();
        for which in [Which::All, Which::Only(only)] {
            let answers = columns.ask(key, which, &mut |found| judge(&found)).unwrap();
            for (entry, &expected) in (0..).zip(&expected) {
                if matches!(which, Which::Only(only) if !only.contains(&entry)) {
                    continue;
                }
                let (yes, unfit) = (answers.yes.contains(entry), answers.unfit.contains(entry));
                assert_eq!(yes, expected == Answer::Yes);
                assert_eq!(unfit, expected == Answer::Unfit);
            }
        }
    }
}

/// Writes codes to a file of their own.
fn packed(list: &CodeList, spill: &mut Spill, path: &Path) -> CodeRun {
    let mut out = ContainerWriter::create(path, FileKind::Vectors).unwrap();
    out.begin(SectionKind::CODES).unwrap();
    let run = list.pack(spill, &mut out).unwrap();
    out.finish().unwrap();
    let file = open(path);
    let span = file.require(SectionKind::CODES).unwrap();
    assert_eq!(span.len(), run.byte_len());
    CodeRun::open(&file, span, run).unwrap()
}

/// Unpacks all codes at once.
fn check_bulk(codes: &[u32]) {
    let dir = tempfile::tempdir().unwrap();
    let mut spill = Spill::new(dir.path());
    let mut list = CodeList::default();
    for &code in codes {
        list.push(code, &mut spill).unwrap();
    }
    let run = packed(&list, &mut spill, &dir.path().join("file"));
    let mut all = Vec::new();
    run.each(|first, group| {
        assert_eq!(first as usize, all.len());
        all.extend_from_slice(group);
        Ok(())
    })
    .unwrap();
    assert_eq!(all, codes);
    let first = codes.first().copied().unwrap_or_default();
    assert_eq!(
        run.all_are(first).unwrap(),
        codes.iter().all(|&code| code == first)
    );
    assert_eq!(run.all_are(first ^ 1).unwrap(), codes.is_empty());
    // Marks of codes that are few enough for a table.
    let most = codes.iter().copied().max().unwrap_or_default();
    if most < 1 << 20 {
        let mut marks: Vec<u8> = (0..=most).map(|code| (code * 7 % 4) as u8).collect();
        let planes = run.marks(&marks).unwrap();
        for (n, &code) in (0..).zip(codes) {
            let mark = marks[code as usize];
            assert_eq!(planes.low.contains(n), mark & 1 != 0);
            assert_eq!(planes.high.contains(n), mark & 2 != 0);
        }
        let postings = Postings::of(&run, marks.len()).unwrap();
        for code in [0, first, most] {
            // Only that code has a mark; then there are few, or it says so.
            let mut one = vec![0; marks.len()];
            one[code as usize] = 1 + (code % 3) as u8;
            let many = codes.iter().filter(|&&c| c == code).count() > codes.len() / 4;
            let expected = (!many).then(|| run.marks(&one).unwrap());
            assert_eq!(postings.marks(&one), expected);
        }
        marks.pop();
        assert_eq!(run.marks(&marks).is_err(), codes.contains(&most));
        assert_eq!(
            Postings::of(&run, marks.len()).is_err(),
            codes.contains(&most)
        );
    }
}

#[test]
fn long_runs_are_unpacked_in_pieces() {
    for most in [1, 6, 70_000, u32::MAX] {
        let codes: Vec<u32> = (0..200_001_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 3) % most)
            .collect();
        check_bulk(&codes);
        let mut same = vec![most; 200_001];
        check_bulk(&same);
        same[200_000] = most - 1;
        check_bulk(&same);
    }
}

proptest! {
    #[test]
    fn codes_of_any_width_are_unpacked_at_once(
        width in 0..33_u32,
        codes in prop::collection::vec(any::<u32>(), 0..300),
    ) {
        let codes = codes.iter().map(|&code| (u64::from(code) & ((1 << width) - 1)) as u32);
        check_bulk(&codes.collect::<Vec<_>>());
    }

    #[test]
    fn entries_of_all_shapes_are_asked(
        common in entry(),
        others in prop::collection::vec((0..200_u32, entry()), 0..20),
        count in 0..200_u32,
        only in prop::collection::btree_set(0..200_u32, 0..20),
        kept: bool,
    ) {
        let mut metadata = vec![common; count as usize];
        for (place, other) in others {
            if let Some(entry) = metadata.get_mut(place as usize) {
                *entry = other;
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let columns = write(dir.path(), &metadata, &[]);
        if !kept {
            columns.kept.room.store(0, std::sync::atomic::Ordering::Relaxed);
        }
        let only: Vec<_> = only.into_iter().filter(|&entry| entry < count).collect();
        check_answers(&columns, count, &only);
        check_answers(&columns, count, &only);
    }

    #[test]
    fn entries_of_all_shapes_come_back(
        metadata in prop::collection::vec(entry(), 0..60),
        ref_docs in prop::collection::vec(value(), 0..60),
    ) {
        check(&metadata, &ref_docs);
    }

    #[test]
    fn codes_come_back_packed(
        codes in prop::collection::vec(prop_oneof![9 => 0..3_u32, 1 => any::<u32>()], 0..200),
        gaps in prop::collection::vec(0..9000_u32, 0..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(dir.path());
        let mut list = CodeList::default();
        let mut model = Vec::new();
        for chunk in codes.chunks(codes.len().div_ceil(4).max(1)) {
            for &code in chunk {
                list.push(code, &mut spill).unwrap();
                model.push(code);
            }
            let gap = gaps.get(model.len() % 4).copied().unwrap_or(0);
            model.resize(model.len() + gap as usize, 0);
            list.fill(model.len() as u32, &mut spill).unwrap();
        }
        let run = packed(&list, &mut spill, &dir.path().join("file"));
        for (n, &code) in model.iter().enumerate() {
            prop_assert_eq!(run.get(n as u32).unwrap(), code);
        }
        prop_assert!(run.get(model.len() as u32).is_err());
    }
}

#[test]
fn a_column_that_gives_its_dictionary_up_keeps_its_values() {
    let dir = tempfile::tempdir().unwrap();
    for plain_at in 0..6 {
        let mut shared = Shared {
            codes: Spill::new(dir.path()),
            blocks: BlockSink::new(Spill::new(dir.path())),
        };
        let mut column = ColumnBuilder::default();
        let pushed = [(0, "1"), (3, "2"), (4, "1"), (9, "3"), (10, "2")];
        for (n, (entry, value)) in pushed.iter().enumerate() {
            if n == plain_at {
                column.make_plain(&mut shared).unwrap();
            }
            column.push(*entry, value.as_bytes(), &mut shared).unwrap();
        }
        column.fill(12, &mut shared).unwrap();
        let digest = column.digest();
        assert_eq!(digest.0, 12);
        let path = dir.path().join(format!("file{plain_at}"));
        let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
        out.begin(SectionKind::CODES).unwrap();
        let storage = column.finish(&mut shared, &mut out).unwrap();
        assert_eq!(
            matches!(storage, format::Storage::Plain { .. }),
            plain_at < 5
        );
        if let format::Storage::Plain { values } = storage {
            shared.blocks.finish(&mut out).unwrap();
            out.finish().unwrap();
            let blocks = crate::blocks::Blocks::open(&open(&path)).unwrap();
            let mut cursor = crate::blocks::Cursor::new(&blocks, values, 100);
            let mut expected = [""; 12];
            pushed
                .iter()
                .for_each(|(entry, value)| expected[*entry as usize] = value);
            for (n, value) in expected.iter().enumerate() {
                assert_eq!(
                    cursor.get(n as u64).unwrap(),
                    value.as_bytes(),
                    "{plain_at} {n}"
                );
            }
        }
    }
}

/// Keys that few entries have take room for those, not for all entries.
#[test]
fn rare_keys_take_little_room() {
    let metadata: Vec<String> = (0..20_000)
        .map(|n| format!("{{\"key {}\": {n}}}", n % 400))
        .collect();
    check(&metadata, &[]);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &metadata, &[]);
    let text: usize = metadata.iter().map(String::len).sum();
    let len = std::fs::metadata(dir.path().join("file")).unwrap().len();
    assert!(len < text as u64, "{len} of {text}");
}

#[test]
fn columns_with_equal_values_share_one_storage() {
    let metadata: Vec<String> = (0..50)
        .map(|n| format!("{{\"doc_id\": \"{n}\", \"ref_doc_id\": \"{n}\", \"page\": {n}}}"))
        .collect();
    let refs: Vec<String> = (0..50).map(|n| format!("\"{n}\"")).collect();
    let columns = check(&metadata, &refs);
    // doc_id, ref_doc_id and the map are one; page differs by its quotes.
    assert_eq!(columns.storage_count(), 2);
    let fewer = check(&metadata, &refs[..49]);
    assert_eq!(fewer.storage_count(), 3);
}

#[test]
fn more_keys_and_shapes_than_there_is_room_for_come_back_as_text() {
    let keys: Vec<String> = (0..MAX_COLUMNS + 10)
        .map(|n| format!("{{\"key {n}\": {n}}}"))
        .collect();
    assert_eq!(check(&keys, &[]).keys().count(), MAX_COLUMNS);
    let shapes: Vec<String> = (0..MAX_SHAPES + 10)
        .map(|n| {
            let bits = (0..13).filter(|bit| n >> bit & 1 == 1);
            let members: Vec<String> = bits.map(|bit| format!("\"{bit}\": 0")).collect();
            format!("{{{}}}", members.join(", "))
        })
        .collect();
    check(&shapes, &[]);
}

#[test]
fn a_rare_key_of_many_entries_comes_back() {
    let entry = |n| match n % 4 {
        0 => format!(r#"{{"rare": {n}}}"#),
        _ => "{}".to_owned(),
    };
    check(&(0..20_000).map(entry).collect::<Vec<_>>(), &[]);
}
