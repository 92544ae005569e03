//! Python bindings: the private module `twinstore._native`.
//!
//! A face without logic of its own. Each file binds one thing:
//!
//! * `context.rs`: a storage context, and what is done with it as a whole;
//! * `collection.rs`: records of a store by key, as JSON text;
//! * `remote.rs`: what is needed to open a twin on another file system;
//! * `chat.rs`: the messages of conversations;
//! * `arrays.rs`: vectors as numpy arrays, without a copy;
//! * `search.rs`: queries that need no LlamaIndex;
//! * `convert.rs`: pack, unpack, verify and so on; `progress.rs` tells how far they are;
//! * `cli.rs`: the `twinstore` command;
//! * `fork.rs`: forking while other threads are at work;
//! * `structs.rs`: index structs, and their maps entry by entry;
//! * `vectors.rs`: a vector store and its maps; `embeddings.rs` takes vectors in, `rows.rs`
//!   hands the rows out that decide an answer, `selection.rs` has ids that were looked up;
//! * `filters.rs`: metadata filters that Python applies;
//! * `errors.rs`: the library's errors as Python exceptions;
//! * `text.rs`: strings, which may hold lone surrogates.
//!
//! What Python sees is typed in `twinstore/_native.pyi`.

mod arrays;
mod chat;
mod cli;
mod collection;
mod context;
mod convert;
mod embeddings;
mod errors;
mod filters;
mod fork;
mod progress;
mod remote;
mod rows;
mod search;
mod selection;
mod structs;
mod text;
mod vectors;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fork::watch(module)?;
    module.add_class::<context::Context>()?;
    module.add_class::<collection::Collection>()?;
    module.add_class::<arrays::MappedVectors>()?;
    module.add_function(wrap_pyfunction!(arrays::vectors, module)?)?;
    module.add_function(wrap_pyfunction!(arrays::segments, module)?)?;
    module.add_function(wrap_pyfunction!(search::search, module)?)?;
    module.add_function(wrap_pyfunction!(search::vector_ids, module)?)?;
    module.add_function(wrap_pyfunction!(search::embedding, module)?)?;
    module.add_function(wrap_pyfunction!(convert::pack, module)?)?;
    module.add_function(wrap_pyfunction!(convert::unpack, module)?)?;
    module.add_function(wrap_pyfunction!(convert::verify, module)?)?;
    module.add_function(wrap_pyfunction!(convert::compact, module)?)?;
    module.add_function(wrap_pyfunction!(convert::status, module)?)?;
    module.add_function(wrap_pyfunction!(convert::info, module)?)?;
    module.add_function(wrap_pyfunction!(convert::is_json_complete, module)?)?;
    module.add_function(wrap_pyfunction!(remote::twin_files, module)?)?;
    module.add_function(wrap_pyfunction!(remote::damaged_files, module)?)?;
    module.add_function(wrap_pyfunction!(remote::manifest_generation, module)?)?;
    module.add_function(wrap_pyfunction!(remote::sampled_ranges, module)?)?;
    module.add_function(wrap_pyfunction!(cli::run_cli, module)?)?;
    module.add_class::<structs::Structs>()?;
    module.add_class::<structs::StructMap>()?;
    module.add("STRUCT_TYPES", structs::struct_types())?;
    module.add_class::<vectors::Vectors>()?;
    module.add_class::<selection::Selection>()?;
    module.add_class::<filters::Filters>()?;
    module.add(
        "FilterRefused",
        module.py().get_type::<rows::FilterRefused>(),
    )
}
