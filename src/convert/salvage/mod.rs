//! `salvage`: everything that can still be read of a damaged twin, as JSON
//! that LlamaIndex loads, and a list of what was lost.
//!
//! Nothing is believed that no checksum vouches for, but checksums are asked
//! at the finest grain there is: the section's where a block of a file is
//! damaged, the compressed block's where the section is. What can be told of a
//! damaged file is set right before (`container/mend.rs`); flipped bits of the data only
//! where the text that comes of it is the one that was packed, and of a manifest where it
//! makes sense. `store.rs` prints
//! what is left of one store; `report.rs` gathers what is not.

mod report;
mod store;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

pub use report::{Loss, LossKind, SalvageReport, SalvagedStore, SetRight};

use super::{
    Progress,
    fresh_dir::{FreshDir, refuse_target},
    gc::refuse_without_twin,
};
use crate::{
    bytes::Backend,
    container::{OpenOptions, Verify},
    disk,
    error::{Error, Result},
    persist_dir::{Snapshot, manifest, names::manifest_name},
};

/// The report's name in the new directory.
const REPORT: &str = "SALVAGE.json";

/// What `salvage` is to do.
#[derive(Debug, Clone)]
pub struct SalvageOptions {
    /// The generation to read; without it, the newest whose manifest is whole, or can be
    /// set right.
    pub generation: Option<u64>,
    /// How files are opened. They are always verified, as
    /// [`Verify::Finely`] says.
    pub open: OpenOptions,
}

impl Default for SalvageOptions {
    /// Files are read: where a disk fails under a map, the system ends the process.
    fn default() -> SalvageOptions {
        SalvageOptions {
            generation: None,
            open: OpenOptions {
                backend: Backend::Read,
                ..OpenOptions::default()
            },
        }
    }
}

/// Writes what is left of the twin in `dir` to the new directory `out`: each
/// file whole, or without the entries that cannot be read, or its intact
/// pieces. Where nothing is damaged, `out` holds what `unpack --out` writes,
/// and the report.
///
/// The twin and its JSON files are only read.
///
/// # Errors
/// [`Error::NoTwin`], [`Error::LostManifests`], [`Error::NoGeneration`];
/// [`Error::DamagedManifest`] where no manifest can be read;
/// [`Error::TargetExists`]; [`Error::TargetInTwin`]; [`Error::Io`]. Damage is
/// reported.
pub fn salvage(
    dir: &Path,
    out: &Path,
    options: &SalvageOptions,
    progress: &dyn Progress,
) -> Result<SalvageReport> {
    refuse_target(dir, out)?;
    refuse_without_twin(dir)?;
    let open = OpenOptions {
        verify: Verify::Finely,
        ..options.open
    };
    let Readable {
        snapshot,
        damaged,
        set_right,
    } = Readable::find(dir, options.generation, &open)?;
    let fresh = FreshDir::create(out)?;
    let files: Vec<&str> = snapshot
        .stores()
        .map(|s| s.record().file.as_str())
        .collect();
    let is_taken = |name: &str| files.contains(&name);
    let mut stores: Vec<SalvagedStore> = Vec::new();
    for store in snapshot.stores() {
        let taken = |name: &str| {
            let mut written = stores.iter().filter_map(|s| s.written.as_deref());
            is_taken(name) || name == REPORT || written.any(|other| other == name)
        };
        let salvaged = store::salvage_store(&snapshot, &store, fresh.path(), &taken, progress)?;
        stores.push(salvaged);
    }
    let taken = |name: &str| {
        let mut written = stores.iter().filter_map(|s| s.written.as_deref());
        is_taken(name) || written.any(|other| other == name)
    };
    let report = SalvageReport {
        generation: snapshot.generation(),
        damaged_generations: damaged,
        set_right,
        out: out.to_owned(),
        report: free_name(REPORT, &taken),
        stores,
    };
    write_report(&report, &fresh.path().join(&report.report))?;
    fresh.publish(out)?;
    Ok(report)
}

/// What is to be salvaged.
struct Readable {
    snapshot: Snapshot,
    /// Generations whose manifests cannot be read.
    damaged: Vec<u64>,
    /// What was set right of its manifest.
    set_right: Option<SetRight>,
}

impl Readable {
    /// The generation asked for, or the newest whose manifest can be read.
    fn find(dir: &Path, generation: Option<u64>, open: &OpenOptions) -> Result<Readable> {
        let mut damaged = Vec::new();
        let error = match Snapshot::open(dir, generation, open) {
            Ok(snapshot) => return Ok(Readable::whole(snapshot, damaged)),
            Err(e @ Error::LostGeneration { generation, .. }) => {
                damaged.push(generation);
                e
            }
            // The disk may not give it back, or something else may have its name.
            Err(e @ (Error::DamagedManifest { .. } | Error::Io { .. })) => e,
            Err(e) => return Err(e),
        };
        let kept = match generation {
            Some(generation) => vec![generation],
            None => manifest::generations(&manifest::twin_dir(dir))?,
        };
        for generation in kept.into_iter().rev() {
            if let Ok(snapshot) = Snapshot::open(dir, Some(generation), open) {
                return Ok(Readable::whole(snapshot, damaged));
            }
            if let Ok(Some((snapshot, mended))) = Snapshot::open_mended(dir, generation, open) {
                let set_right = Some(SetRight::of(manifest_name(generation), &mended));
                return Ok(Readable {
                    set_right,
                    ..Readable::whole(snapshot, damaged)
                });
            }
            damaged.push(generation);
        }
        Err(error)
    }

    fn whole(snapshot: Snapshot, damaged: Vec<u64>) -> Readable {
        Readable {
            snapshot,
            damaged,
            set_right: None,
        }
    }
}

fn write_report(report: &SalvageReport, path: &PathBuf) -> Result<()> {
    let write = || Error::io("write", path);
    let mut text = serde_json::to_vec_pretty(report).map_err(|e| write()(e.into()))?;
    text.push(b'\n');
    let mut file = disk::create(path).map_err(write())?;
    file.write_all(&text).map_err(write())?;
    file.sync().map_err(Error::io("sync", path))
}

/// `name`, with a number behind it where it is taken.
fn free_name(name: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
    let mut free = name.to_owned();
    let mut number = 2_u64;
    while is_taken(&free) {
        free = format!("{name}.{number}");
        number += 1;
    }
    free
}
