//! META: collections and members.

use super::Break;
use crate::{
    Outcome::Damaged,
    common::forge::{Order, Parent, PlaneMeta, RecordMember, Style},
};

pub fn cases(rec: &mut Break<'_>) {
    // META
    rec(
        "rec-section-of-vectors",
        Damaged("COLUMNS at byte 512: sections are not laid out end to end"),
        &|r| {
            r.plain.insert(b"COLS", vec![]);
        },
    );
    rec(
        "rec-without-styles",
        Damaged("META at byte 832: style has a value that the format does not allow"),
        &|r| r.meta.styles.clear(),
    );
    rec(
        "rec-too-many-styles",
        Damaged("META at byte 832: style has a value that the format does not allow"),
        &|r| r.meta.styles.resize(65, Style::default()),
    );
    rec(
        "rec-style-not-white-space",
        Damaged("META at byte 832: style has a value that the format does not allow"),
        &|r| r.meta.styles[1].lead = vec![0],
    );
    rec(
        "rec-too-many-planes",
        Damaged("META at byte 832: number of planes has a value that the format does not allow"),
        &|r| r.meta.planes.resize(65, PlaneMeta::default()),
    );
    let parent = |collection| {
        Some(Parent {
            collection,
            record: b"beta".to_vec(),
        })
    };
    rec(
        "rec-parent-after-its-child",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[1].parent = parent(2);
            r.meta.collections[2].keyed = true;
        },
    );
    rec(
        "rec-parent-is-itself",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| r.meta.collections[1].parent = parent(1),
    );
    rec(
        "rec-parent-without-keys",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| r.meta.collections[0].keyed = false,
    );
    rec(
        "rec-nested-without-keys",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| r.meta.collections[1].keyed = false,
    );
    rec(
        "rec-style-of-the-top-level",
        Damaged(
            "META at byte 832: a collection's style has a value that the format does not allow",
        ),
        &|r| r.meta.collections[0].style = 1,
    );
    rec(
        "rec-nested-too-deep",
        Damaged(
            "META at byte 832: nesting of collections has a value that the format does not allow",
        ),
        &|r| {
            let mut inner = r.meta.collections[1].clone();
            inner.entries = 0;
            (inner.order, inner.records.items, inner.records.blocks) =
                (Order::Range { first: 0 }, 0, 0);
            for around in [1, 3, 4] {
                inner.parent = parent(around);
                r.meta.collections.push(inner.clone());
            }
        },
    );
    rec(
        "rec-collection-style",
        Damaged(
            "META at byte 832: a collection's style has a value that the format does not allow",
        ),
        &|r| r.meta.collections[1].style = 2,
    );
    rec(
        "rec-collection-entries",
        Damaged("META at byte 832: number of records has a value that the format does not allow"),
        &|r| r.meta.collections[2].entries = 3,
    );
    rec(
        "rec-collection-twice",
        Damaged(
            "META at byte 832: a repeated collection has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].name = b"docstore/data".to_vec();
        },
    );
    rec(
        "rec-member-of-no-collection",
        Damaged(
            "META at byte 832: a member's collection has a value that the format does not allow",
        ),
        &|r| {
            let RecordMember::Collection { collection, .. } = &mut r.meta.members[1] else {
                unreachable!()
            };
            *collection = 3;
        },
    );
    rec(
        "rec-member-of-a-nested-collection",
        Damaged(
            "META at byte 832: a member's collection has a value that the format does not allow",
        ),
        &|r| {
            r.meta.members.push(RecordMember::Collection {
                collection: 1,
                key: b"\"m\"".to_vec(),
            });
        },
    );
    rec(
        "rec-member-twice",
        Damaged(
            "META at byte 832: a member's collection has a value that the format does not allow",
        ),
        &|r| {
            let again = r.meta.members[0].clone();
            r.meta.members.push(again);
        },
    );
    rec(
        "rec-collection-without-member",
        Damaged(
            "META at byte 832: a collection without a member has a value that the format does not allow",
        ),
        &|r| drop(r.meta.members.remove(1)),
    );
    rec(
        "rec-order-of-records-without-keys",
        Damaged(
            "META at byte 832: the order of a map without entries has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].order = Order::Range { first: 1 };
        },
    );
}
