//! The power goes, or the disk fails, at any moment of any call that changes a
//! directory.
//!
//! Each call (`calls.rs`) runs once on a disk that records what is done to it
//! (`recorder.rs`). Then every disk that a power cut may leave is rebuilt
//! (`power_cut.rs`), and looked at as a user does who comes back (`seen.rs`). What must
//! hold is in `scenario.rs`: the directory is as before the call or as after it; what
//! was told to be done is there; no JSON file is ever half, or ahead of the twin; a
//! context opens if it did before; the next attempt finishes the work, and leaves
//! nothing lying about.
//!
//! The same calls run with each of their steps failing, and in random histories
//! (`histories.rs`).

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod histories;
#[path = "../common/history.rs"]
mod history;
mod power_cut;
mod recorder;
mod scenario;
mod seen;

use calls::*;

/// That the tests here can fail: a disk that forgets a sync is found out.
///
/// Not needed, in brackets: a segment that is given up; the second sync of the manifest,
/// which is for file systems that do not keep the rules; the directory after `sync` was
/// replaced, which is only a memory; a directory that is synced again later on.
#[test]
fn a_sync_that_is_forgotten_is_noticed() {
    assert_eq!(
        PACK.syncs(),
        "(storage) vec rec (rec) rec raw twin tmp twin (tmp) (storage) tmp (twin)"
    );
    assert_eq!(
        PACK_AGAIN.syncs(),
        "vec rec twin tmp twin (tmp) (storage) tmp (twin)"
    );
    let text = ".twinstore (storage) tmp (twin) (storage)";
    let last = "(storage) tmp (twin)";
    assert_eq!(UNPACK.syncs(), format!("{text} {text} {last}"));
    let last = "(storage) tmp (twin) (storage) (storage) storage";
    assert!(DROP_JSON.syncs().ends_with(last));
    // The files, their directory, and the one that it is in.
    assert_eq!(
        UNPACK_OUT.syncs(),
        ".twinstore .twinstore .twinstore .twinstore disk"
    );
}

macro_rules! scenarios {
    ($($name:ident: $scenario:ident;)*) => {
        /// The power goes.
        mod the_power_goes_in {
            $(#[test]
            fn $name() {
                println!("{:?}", super::$scenario.survives_power_cuts());
            })*
        }

        /// The disk is full, or broken, or not ours any more.
        mod the_disk_fails_in {
            $(#[test]
            fn $name() {
                println!("{:?}", super::$scenario.survives_failures());
            })*
        }
    };
}

scenarios! {
    pack: PACK;
    another_pack: PACK_AGAIN;
    a_pack_that_only_records: RECORD_A_TOUCH;
    a_pack_that_drops_the_json: DROP_JSON;
    unpack: UNPACK;
    unpack_to_a_new_directory: UNPACK_OUT;
    the_first_persist: PERSIST_ANEW;
    a_persist_that_appends: PERSIST_CHANGES;
    a_persist_that_writes_stores_whole: PERSIST_WHOLE_STORES;
    a_persist_that_sets_json_aside: PERSIST_WITHOUT_JSON;
    a_persist_to_another_directory: PERSIST_ELSEWHERE;
    a_persist_over_newer_json: PERSIST_OVER_NEWER_JSON;
    a_persist_after_a_crash: PERSIST_AFTER_A_CRASH;
    a_persist_without_sync: PERSIST_WITHOUT_SYNC;
    an_unpack_after_a_crash: UNPACK_AFTER_A_CRASH;
    a_persist_of_a_deletion: DELETE;
    a_persist_that_is_rebased: REBASE;
    compact: COMPACT;
    gc: GC;
    rollback: ROLLBACK;
}
