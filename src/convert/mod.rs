//! Between the two twins: pipelines over `json/` and `segment/`.
//!
//! * [`pack()`] makes or refreshes the binary twin of a persist directory, and
//!   proves for each file that the twin prints it back;
//! * [`unpack()`] prints the JSON files again;
//! * [`verify()`] checks every byte of the twin, and on request every value;
//! * [`info()`], [`status()`] and [`is_json_complete`] tell what is there;
//! * [`StoreView`] looks up single records and lists keys, [`get`] and
//!   [`stores`] are its short forms;
//! * [`rollback()`] goes back to an older generation, [`gc()`] removes what no
//!   generation needs;
//! * [`json_of_records`] and [`json_of_vectors`] are the JSON of a store as it is in
//!   memory;
//! * [`salvage()`] writes what is left of a damaged twin.
//!
//! In the order in which data flow: `recognise` says which files are stores,
//! `vector_store/` turns one into a segment and back, `whole` finds what is no
//! JSON and `loadable` what is no store, `pack_file` packs one file, `store_text` prints any store, and
//! `proof` compares that with the source. `append/` writes the changes of a store
//! and merges its segments. This layer knows nothing of queries.

mod append;
mod compact;
mod deep;
mod drop_json;
mod fresh_dir;
mod gc;
mod inspect;
mod listing;
mod loadable;
mod lookup;
mod pack;
mod pack_file;
mod printed_json;
mod problem;
mod progress;
mod proof;
mod recognise;
mod records;
mod recover;
mod references;
mod rollback;
mod salvage;
mod select;
mod stale_json;
mod store_text;
mod temporary;
mod unpack;
mod vector_store;
mod verify;
mod whole;

pub(crate) use append::{Appended, append_records, append_rows, compact_records, compact_rows};
pub use compact::{CompactOptions, CompactReport, CompactedStore, compact};
pub use gc::{GcReport, gc};
pub use inspect::{
    CollectionInfo, Info, NumberClass, Status, StoreInfo, StoreStatus, info, is_json_complete,
    status,
};
pub use lookup::{Found, StoreEntry, StoreView, get, stores};
pub(crate) use pack::packed_store;
pub use pack::{Action, PackOptions, PackReport, PackedStore, pack};
pub(crate) use printed_json::{PrintedJson, refuse_linked};
pub use problem::Problem;
pub use progress::{Progress, Silent};
pub use recognise::{store_kind, store_name};
pub use references::Warning;
pub use rollback::{Change, RollbackReport, RolledStore, rollback};
pub use salvage::{
    Loss, LossKind, SalvageOptions, SalvageReport, SalvagedStore, SetRight, salvage,
};
pub(crate) use stale_json::set_aside;
pub(crate) use store_text::{StoreText, Structure};
pub use store_text::{json_of_records, json_of_vectors};
pub(crate) use temporary::remove_leftovers;
pub use unpack::{UnpackOptions, UnpackReport, UnpackedFile, unpack};
pub use verify::{VerifyOptions, VerifyReport, verify};
