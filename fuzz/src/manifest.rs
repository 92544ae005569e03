//! Manifests: whatever one says, opening the twin gives a generation whose files
//! lie in the directory, or an error; and what no manifest names is left alone.

use std::{fs, path::Path};

use twinstore::{
    Error, StorageContext,
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions, Verify, record},
    convert::{gc, info, status},
    persist_dir::{KEEP, Manifest, Snapshot, TWIN, manifest},
};

use super::{reading::files_of, scratch};

/// Takes `data` as a manifest, or as changes to one.
pub fn run(data: &[u8]) {
    let dir = scratch::scratch("storage");
    let twin = dir.join(TWIN);
    let path = manifest::manifest_path(&twin, GENERATION);
    if !twin.is_dir() {
        fs::create_dir_all(&twin).unwrap();
    }
    for bytes in files_of(data, FileKind::Manifest) {
        fs::write(&path, &bytes).unwrap();
        opened(&dir, &path, &bytes);
    }
}

fn opened(dir: &Path, path: &Path, bytes: &[u8]) {
    let twin = dir.join(TWIN);
    let read = manifest::read(&twin, GENERATION);
    let options = [Backend::Map, Backend::Read].map(|backend| OpenOptions {
        backend,
        verify: Verify::Eager,
    });
    let decoded = options.map(|options| {
        let file = Container::open(path, FileKind::Manifest, Expected::Any, &options)?;
        file.metadata::<Manifest>()
    });
    let words = decoded.map(|result| format!("{result:?}"));
    assert_eq!(words[0], words[1], "the backends disagree");
    match &read {
        Ok(manifest) => {
            believed(manifest, &twin);
            assert_eq!(words[0], format!("{:?}", Ok::<_, Error>(manifest)));
        }
        Err(e) => assert!(matches!(e, Error::Damaged { .. }), "{e}"),
    }
    for options in &options {
        let opened = Snapshot::open(dir, None, options);
        assert_eq!(opened.is_ok(), read.is_ok(), "{opened:?}");
        if let Ok(twin) = opened {
            for store in twin.stores() {
                // Nothing that it names is there.
                assert!(store.segments().is_err() || store.record().segments.is_empty());
                assert!(store.verbatim().is_err() || store.record().verbatim.is_none());
            }
        }
    }
    let _ = status(dir);
    let _ = info(dir, None, &options[0]);
    let _ = StorageContext::from_persist_dir(dir);
    left_alone(dir, path, bytes, &read);
}

/// So many of the files that it names are there when garbage is collected.
const SEGMENTS: usize = 16;

/// What the golden manifest is of.
const GENERATION: u64 = 1;

/// A manifest is of the generation that its name says, and its encoding is the only
/// one it has.
fn believed(manifest: &Manifest, twin: &Path) {
    assert_eq!(manifest.generation, GENERATION);
    for segment in manifest.segments() {
        let path = segment.name.path_in(twin);
        assert_eq!(path.parent(), Some(twin));
    }
    for store in &manifest.stores {
        let path = Path::new(&store.file);
        assert_eq!(path.file_name(), Some(path.as_os_str()), "{path:?}");
    }
    let again = scratch::scratch("manifest-again");
    let _ = fs::remove_file(&again);
    record::write(&again, FileKind::Manifest, manifest).unwrap();
    let back: Manifest = record::read(&again, FileKind::Manifest).unwrap();
    assert_eq!(back, *manifest);
}

/// Garbage collection beside it removes nothing that is not ours, and not the
/// manifest.
fn left_alone(dir: &Path, path: &Path, bytes: &[u8], read: &twinstore::Result<Manifest>) {
    let foreign = [dir.join("notes.txt"), dir.join(TWIN).join("notes.seg")];
    let orphan = dir.join(TWIN).join("vec-00000000000000ff.seg");
    for file in foreign.iter().chain([&orphan]) {
        if !file.exists() {
            fs::write(file, b"somebody's").unwrap();
        }
    }
    // Nothing goes while one of the files that it names is missed.
    let named_files = read.iter().flat_map(Manifest::segments).take(SEGMENTS);
    let paths = named_files.map(|s| s.name.path_in(&dir.join(TWIN)));
    let made: Vec<_> = paths.filter(|path| !path.exists()).collect();
    made.iter().for_each(|path| fs::write(path, b"").unwrap());
    let collected = gc(dir, KEEP);
    for path in made {
        fs::remove_file(path).unwrap();
    }
    assert!(foreign.iter().all(|file| file.exists()));
    let named = |manifest: &Manifest| {
        let mut names = manifest.segments().map(|s| s.name.path_in(&dir.join(TWIN)));
        names.any(|name| name == orphan)
    };
    // Nor while a manifest is damaged, nor what one names.
    let stays = collected.is_err() || !read.as_ref().is_ok_and(|m| !named(m));
    assert!(!stays || orphan.exists());
    assert_eq!(fs::read(path).unwrap(), bytes);
}
