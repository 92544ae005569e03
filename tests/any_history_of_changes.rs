//! Whatever is done to a directory, in whatever order, with commits, reopened
//! contexts, merged segments and other directories in between: it holds what dicts in
//! memory would hold, in their order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "common/history.rs"]
mod history;

use common::{Files, Storage, library::documents};
use history::{World, check, history};
use proptest::{prelude::*, sample::select};

proptest! {
    // More with PROPTEST_CASES.
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
    ))]

    #[test]
    fn it_holds_what_dicts_would_hold(
        history in history(),
        rewrite_below in select(vec![0, 0, 20_000, 512 << 10]),
    ) {
        let storage = Storage::in_memory(&Files::new());
        // The directory of a context that was moved before it was persisted is not there.
        std::fs::remove_dir(storage.dir()).unwrap();
        let mut world = World::new(storage.dir(), rewrite_below);
        for op in &history {
            world.apply(op);
            check(&world.context, &world.model);
        }
        prop_assert!(storage.verify_deep().problems.is_empty());
        if world.model.vectors.0.len() == world.model.nodes.0.len() {
            documents(&world.context).unwrap();
        }
    }
}
