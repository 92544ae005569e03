//! The column of hashes as a whole.

use std::{collections::HashMap, path::Path, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    Error,
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Fault, Result},
    orders::RankedBits,
};

fn open(path: &Path, meta: HashesMeta, pool: u32) -> Result<HashColumn> {
    let options = OpenOptions::default();
    let file = Container::open(path, FileKind::Records, Expected::Any, &options)?;
    HashColumn::open(&Arc::new(file), meta, pool)
}

/// Hashes that are alike but for one byte, near either end: those that tests
/// and tools make up often are.
fn hash(n: u8) -> [u8; LEN] {
    let mut hash = [0; LEN];
    hash[if n.is_multiple_of(2) { 1 } else { 30 }] = n + 1;
    hash
}

/// Refers to hashes as told and checks that each is found where it was said.
fn check(refers: &[(Option<u32>, u8)], pool: u32) -> HashesMeta {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = HashBuilder::new(dir.path(), HashForm::Hex);
    let mut rows: HashMap<u32, u8> = HashMap::new();
    let mut others: Vec<u8> = Vec::new();
    for &(row, n) in refers {
        let found = builder.refer(row, &hash(n)).unwrap();
        if row.is_some_and(|row| *rows.entry(row).or_insert(n) == n) {
            assert_eq!(found, HashRef::OfRow);
            continue;
        }
        let number = others.iter().position(|&other| other == n);
        let number = number.unwrap_or(others.len());
        if number == others.len() {
            others.push(n);
        }
        assert_eq!(found, HashRef::Other(number as u32));
    }
    let path = dir.path().join("hashes");
    let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
    let meta = builder.finish(pool, &mut out).unwrap();
    out.metadata(&0_u8).unwrap();
    out.finish().unwrap();
    let column = open(&path, meta, pool).unwrap();
    column.check_structure().unwrap();
    for row in 0..pool {
        let expected = rows.get(&row).map(|&n| hash(n));
        assert_eq!(column.of_row(row).unwrap(), expected);
    }
    for (n, &other) in others.iter().enumerate() {
        assert_eq!(column.other(n as u32).unwrap(), hash(other));
    }
    assert!(column.other(others.len() as u32).is_err());
    meta
}

proptest! {
    #[test]
    fn hashes_are_found_where_they_were_said_to_be(
        refers in prop::collection::vec((prop::option::weighted(0.8, 0..700_u32), 0..9_u8), 0..80),
        more in 0..700_u32,
    ) {
        let pool = refers.iter().filter_map(|r| r.0).max().map_or(0, |row| row + 1);
        check(&refers, pool + more);
    }
}

#[test]
fn sections_are_there_when_they_are_needed() {
    let counts = |meta: HashesMeta| (meta.rows, meta.others);
    assert_eq!(counts(check(&[], 3)), (0, 0));
    assert_eq!(counts(check(&[(Some(0), 1), (Some(1), 1)], 2)), (2, 0));
    assert_eq!(counts(check(&[(Some(1), 1), (Some(1), 2)], 2)), (1, 1));
    assert_eq!(counts(check(&[(None, 1), (None, 1)], 0)), (0, 1));
}

/// A column whose sections are as told.
fn ask(hashes: usize, rows: Option<Vec<u8>>, meta: (u32, u32), pool: u32) -> Fault {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hashes");
    let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
    if hashes > 0 {
        out.whole(SectionKind::HASHES, &vec![1; hashes * LEN])
            .unwrap();
    }
    if let Some(rows) = rows {
        out.whole(SectionKind::HASH_ROWS, &rows).unwrap();
    }
    out.metadata(&0_u8).unwrap();
    out.finish().unwrap();
    let form = HashForm::Base64;
    let (rows, others) = meta;
    let column = open(&path, HashesMeta { form, rows, others }, pool);
    match column.and_then(|column| {
        assert!(column.of_row(pool).is_err() || hashes == 0);
        column.check_structure()
    }) {
        Err(Error::Damaged { fault, .. }) => fault,
        Err(other) => panic!("{other}"),
        Ok(()) => panic!("nothing was refused"),
    }
}

#[test]
fn malformed_columns_are_refused() {
    let number = Fault::Bounds("number of rows with a hash");
    assert_eq!(ask(5, None, (5, 0), 4), number);
    assert_eq!(ask(0, None, (4, 0), 4), Fault::Missing);
    let length = Fault::Bounds("section length");
    assert_eq!(ask(3, None, (4, 0), 4), length);
    assert_eq!(ask(5, None, (4, 0), 4), length);
    assert_eq!(ask(1, None, (1, 0), 4), Fault::Missing);
    assert_eq!(ask(1, Some(vec![1; 8]), (1, 0), 4), length);
    let bits = |bits: u8| {
        let mut bytes = vec![0; RankedBits::byte_len(4) as usize];
        bytes[0] = bits;
        Some(bytes)
    };
    let set = Fault::Bounds("number of bits that are set");
    assert_eq!(ask(1, bits(3), (1, 0), 4), set);
    assert_eq!(ask(1, bits(16), (1, 0), 4), Fault::Reserved);
    // sections that are not called for
    assert_eq!(ask(1, None, (0, 0), 4), Fault::Layout);
    assert_eq!(ask(0, bits(0), (0, 0), 4), Fault::Layout);
    assert_eq!(ask(4, bits(15), (4, 0), 4), Fault::Layout);
}
