//! Two histories from one state: what the second makes of it after the first was
//! written.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Disk, Op, STRUCTS, apply, assert_is, base, element, key,
    model::{MAPS, Member, Model, Record, normal, styled, top},
    op, pretty_assert, printed, styles,
};
use crate::{
    convert::records::Maps,
    json::JsonStyle,
    store::{CollectionPath, Rebase, RecordStore},
};

/// Puts and deletions of single keys.
fn single() -> impl Strategy<Value = Op> {
    op().prop_filter("single keys", |op| {
        matches!(
            op,
            Op::Put(..) | Op::Delete(..) | Op::PutSkeleton(..) | Op::MapPut(..) | Op::MapDelete(..)
        )
    })
}

/// What every key has; maps are collections of their own.
fn flat(model: &Model) -> Vec<(CollectionPath, String, String)> {
    let mut all = Vec::new();
    for (name, member) in &model.members {
        let Member::Keyed(dict) = member else {
            continue;
        };
        for (key, record) in &dict.0 {
            match record {
                Record::Plain(text) => all.push((top(name), key.clone(), text.clone())),
                Record::Struct(one) => {
                    all.push((top(name), key.clone(), one.skeleton(key, &model.inner)));
                    for (map, entries) in MAPS.iter().zip(&one.maps) {
                        let path = top(name).nested(key.as_bytes(), map.as_bytes());
                        let entries = entries.0.iter();
                        all.extend(entries.map(|(k, v)| (path.clone(), k.clone(), v.clone())));
                    }
                }
            }
        }
    }
    all
}

/// The merge of two histories; `None` where both changed a key.
fn merged(
    before: &Model,
    theirs: &Model,
    mine: &Model,
) -> Option<Vec<(CollectionPath, String, String)>> {
    let [before, theirs, mine] = [before, theirs, mine].map(flat);
    let find = |all: &[(CollectionPath, String, String)], path: &CollectionPath, key: &str| {
        let found = all.iter().find(|(p, k, _)| p == path && k == key);
        found.map(|(_, _, value)| value.clone())
    };
    let mut merged = Vec::new();
    for (path, key, _) in before.iter().chain(&theirs).chain(&mine) {
        let [before, theirs, mine] = [&before, &theirs, &mine].map(|all| find(all, path, key));
        if theirs != before && mine != before && theirs != mine {
            return None;
        }
        let value = if mine == before { theirs } else { mine };
        merged.extend(value.map(|value| (path.clone(), key.clone(), value)));
    }
    merged.sort_by_key(|(path, key, _)| (path.to_string(), key.clone()));
    merged.dedup();
    Some(merged)
}

/// What every key has in the store, put together as [`flat`] does.
fn stored(store: &RecordStore) -> Vec<(CollectionPath, String, String)> {
    let mut all = Vec::new();
    for path in store.all_collections() {
        // Maps of other records are parts of those here.
        let is_struct = path.steps()[0] == STRUCTS.as_bytes();
        let is_part = path.steps().len() > 1 && !is_struct;
        if is_part || !store.view(&path).unwrap().keyed {
            continue;
        }
        let mut each = |key: &[u8], text: &[u8]| {
            let whole = store.get(&path, key)?.unwrap();
            let text = if is_struct { text } else { &whole };
            let key = String::from_utf8(key.to_vec()).unwrap();
            all.push((path.clone(), key, normal(text)));
            Ok(())
        };
        store.each_record(&path, &mut each).unwrap();
    }
    all.sort_by_key(|(path, key, _)| (path.to_string(), key.clone()));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_histories_are_there_or_a_key_that_both_changed_is_named(
        entries in vec((0..5_u8, any::<u8>()), 0..5),
        theirs in vec(single(), 0..6),
        mine in vec(single(), 0..6),
    ) {
        let python = JsonStyle::python;
        let before = base(python(), python(), &entries);
        let mut disk = Disk::packed(&before.text(), Maps::Nested);
        let run = |disk: &Disk, ops: &[Op]| {
            let (mut store, mut model) = (disk.open(), before.clone());
            ops.iter().for_each(|op| apply(op, &mut store, &mut model));
            (store, model)
        };
        let (my_store, my_model) = run(&disk, &mine);
        let (their_store, their_model) = run(&disk, &theirs);
        let newer = disk.append(their_store);
        match (my_store.rebase(newer), merged(&before, &their_model, &my_model)) {
            (Ok(rebased), Some(expected)) => {
                prop_assert_eq!(stored(&rebased), expected.clone());
                if theirs.is_empty() {
                    assert_is(&rebased, &my_model);
                }
                let text = printed(&rebased);
                let written = disk.append(rebased);
                pretty_assert(&printed(&written), &text);
                prop_assert_eq!(stored(&written), expected);
            }
            (Err(Rebase::Conflict { .. }), None) => {}
            (rebased, expected) => panic!("{rebased:?}\n{expected:?}"),
        }
    }

    #[test]
    fn changes_are_the_same_on_the_state_that_they_were_made_on(
        style in select(styles()),
        inner in select(styles()),
        entries in vec((0..5_u8, any::<u8>()), 0..5),
        ops in vec(op(), 0..16),
    ) {
        let mut model = base(style, inner, &entries);
        let disk = Disk::packed(&model.text(), Maps::Nested);
        let mut store = disk.open();
        ops.iter().for_each(|op| apply(op, &mut store, &mut model));
        assert_is(&store.rebase(disk.open()).unwrap(), &model);
    }
}

/// What comes of two histories, by name.
fn outcome(theirs: &[Op], mine: &[Op]) -> Result<String, (String, String)> {
    let python = JsonStyle::python;
    let before = base(python(), python(), &[(1, 0), (2, 0)]);
    let mut disk = Disk::packed(&before.text(), Maps::Nested);
    let (mut store, mut model) = (disk.open(), before.clone());
    mine.iter().for_each(|op| apply(op, &mut store, &mut model));
    let (mut other, mut model) = (disk.open(), before);
    theirs
        .iter()
        .for_each(|op| apply(op, &mut other, &mut model));
    let newer = disk.append(other);
    match store.rebase(newer) {
        Ok(rebased) => Ok(printed(&rebased)),
        Err(Rebase::Conflict { collection, key }) => {
            Err((collection.to_string(), String::from_utf8(key).unwrap()))
        }
        Err(Rebase::Error(e)) => panic!("{e}"),
    }
}

#[test]
fn a_struct_that_one_deletes_and_the_other_fills_is_a_conflict() {
    let fill = Op::MapPut(1, 0, 3, 7);
    let structs = || Err(("index_store/data".to_owned(), key(1)));
    assert_eq!(
        outcome(std::slice::from_ref(&fill), &[Op::DeleteStruct(1)]),
        structs()
    );
    assert_eq!(
        outcome(&[Op::DeleteStruct(1)], std::slice::from_ref(&fill)),
        structs()
    );
    assert!(outcome(&[Op::DeleteStruct(2)], &[fill]).is_ok());
}

#[test]
fn two_may_fill_a_map_that_was_empty() {
    let text = outcome(&[Op::MapPut(1, 1, 3, 7)], &[Op::MapPut(1, 1, 4, 8)]).unwrap();
    for (k, n) in [(3, 7), (4, 8)] {
        let entry = format!("\\\"id_\\\": \\\"key-\\\\u00e9-number-{k}\\\", \\\"n\\\": {n}e2");
        assert!(text.contains(&entry), "{entry} {text}");
    }
}

#[test]
fn a_collection_that_one_clears_is_not_to_be_added_to() {
    let conflict = outcome(&[Op::Put("docs", 4, 1)], &[Op::Clear("docs")]);
    assert_eq!(conflict, Err(("docs".to_owned(), key(4))));
    assert!(outcome(&[Op::Put("more", 4, 1)], &[Op::Clear("docs")]).is_ok());
}

#[test]
fn members_of_a_set_are_added_and_removed_by_both() {
    let theirs = [
        Op::Push("triplets", 0),
        Op::Remove("triplets", 3),
        Op::Push("triplets", 5),
    ];
    let mine = [
        Op::Push("triplets", 0),
        Op::Remove("triplets", 1),
        Op::Push("triplets", 6),
    ];
    let text = outcome(&theirs, &mine).unwrap();
    let expected = [element(0), element(5), element(6)].join(",");
    let expected = styled(&format!("[{expected}]"), &JsonStyle::python());
    assert!(
        text.contains(&format!("\"triplets\": {expected}")),
        "{text}"
    );
}
