//! Between the two twins: pipelines over `json/` and `segment/`.
//!
//! * [`pack()`] makes or refreshes the binary twin of a persist directory, and
//!   proves for each file that the twin prints it back;
//! * [`unpack()`] prints the JSON files again;
//! * [`verify()`] checks every byte of the twin;
//! * [`info()`] and [`status()`] tell what is there.
//!
//! In the order in which data flow: `recognise` says which files are stores,
//! `vector_store/` turns one into a segment and back, `whole` finds what is no
//! JSON, `pack_file` packs one file, `store_text` prints any store, and
//! `proof` compares that with the source. This layer knows nothing of queries.

mod drop_json;
mod inspect;
mod listing;
mod pack;
mod pack_file;
mod progress;
mod proof;
mod recognise;
mod store_text;
mod temporary;
mod unpack;
mod vector_store;
mod verify;
mod whole;

pub use inspect::{Info, NumberClass, Status, StoreInfo, StoreStatus, info, status};
pub use pack::{Action, PackOptions, PackReport, PackedStore, pack};
pub use progress::{Progress, Silent};
pub use recognise::{store_kind, store_name};
pub use unpack::{UnpackOptions, UnpackReport, UnpackedFile, unpack};
pub use verify::{Problem, VerifyReport, verify};
