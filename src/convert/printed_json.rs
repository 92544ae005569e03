//! The text of a store on its way to the place of its JSON file: printed to a
//! temporary file beside it, and renamed. At no time is there half a file under
//! the name that LlamaIndex opens.

use std::{
    fs,
    io::{BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{Progress, Silent, store_text::StoreText, temporary::TempFile};
use crate::{
    disk,
    error::{Error, Result, SyncProblem},
    persist_dir::{
        Fingerprint, Fingerprinter, Stat, State, Store, SyncFile, Writer, durable, unrecorded,
    },
};

/// A text that was printed and synced, and is not in its place yet. Dropped, it is
/// removed.
#[derive(Debug)]
pub(crate) struct PrintedJson {
    temp: TempFile,
    /// The JSON file.
    path: PathBuf,
    /// The file to be replaced: where `path` is a link, what it leads to.
    target: PathBuf,
    text: Fingerprint,
}

impl PrintedJson {
    /// Prints `store` to a file beside that of the name `file` in `dir`. `length` is
    /// that of the text, where it is known.
    ///
    /// # Errors
    /// Those of reading the store; [`Error::Io`].
    pub(crate) fn print(
        dir: &Path,
        file: &str,
        store: &StoreText,
        length: Option<u64>,
        progress: &dyn Progress,
    ) -> Result<PrintedJson> {
        let (out, mut printed) = PrintedJson::create(dir, file)?;
        progress.begin(file, length.unwrap_or(0));
        let text = write(store, out, printed.temp.path(), length, None, progress);
        progress.end();
        printed.text = text?.unwrap_or(printed.text);
        Ok(printed)
    }

    /// The same for a text whose length is not known. `None` where it is over
    /// `limit`.
    ///
    /// # Errors
    /// As [`print`](Self::print).
    pub(crate) fn print_up_to(
        dir: &Path,
        file: &str,
        store: &StoreText,
        limit: Option<u64>,
    ) -> Result<Option<PrintedJson>> {
        let (out, printed) = PrintedJson::create(dir, file)?;
        let text = write(store, out, printed.temp.path(), None, limit, &Silent)?;
        Ok(text.map(|text| PrintedJson { text, ..printed }))
    }

    /// An empty file beside that of the name `file` in `dir`.
    fn create(dir: &Path, file: &str) -> Result<(disk::File, PrintedJson)> {
        let path = dir.join(file);
        let target = match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_symlink() => {
                fs::canonicalize(&path).map_err(Error::io("open", &path))?
            }
            _ => path.clone(),
        };
        let beside = target.parent().unwrap_or(dir);
        let (out, temp) = TempFile::create(beside)?;
        if let Ok(old) = fs::metadata(&target) {
            // A file that was not for everybody must not become so.
            let set = out.set_permissions(old.permissions());
            set.map_err(Error::io("set permissions of", temp.path()))?;
        }
        let printed = PrintedJson {
            temp,
            path,
            target,
            text: Fingerprint::of_bytes(b""),
        };
        Ok((out, printed))
    }

    /// What was printed.
    pub(crate) fn text(&self) -> &Fingerprint {
        &self.text
    }

    /// Puts the text in the place of the JSON file of `store`, which it equals, if that
    /// still is as it was `seen` (`None`: not there). Returns the length.
    ///
    /// # Errors
    /// [`Error::OutOfSync`] when the file changed meanwhile: it is kept then;
    /// [`Error::Io`].
    pub(crate) fn put(
        self,
        store: &Store,
        seen: Option<Stat>,
        writer: &Writer,
        sync: &mut SyncFile,
    ) -> Result<u64> {
        let PrintedJson {
            temp,
            path,
            target,
            text,
        } = self;
        // A text that was only announced, too: it may be what is there.
        if let Some((text, changed)) = unrecorded(writer.persist_dir(), store, sync)? {
            sync.remember(&store.file, text, changed);
        }
        sync.set_pending(&store.file, text, store.changed);
        sync.save(writer.lock())?;
        // Renaming changes nothing that a stat shows, and nobody else knows of
        // the file yet.
        let stat = Stat::of(temp.path())?;

        // Printing took its time. What somebody persisted meanwhile is not to be
        // lost: a writer that truncates first looks damaged while it writes.
        let changed = || Error::OutOfSync {
            path: path.clone(),
            problem: SyncProblem::Changing,
        };
        match (seen, Stat::of(&target)?) {
            (None, None) => {
                match disk::rename_new(temp.path(), &target) {
                    Ok(()) => temp.renamed(),
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(changed()),
                    Err(e) => return Err(Error::io("create", &path)(e)),
                }
                durable::sync_parent(&target)?;
            }
            (Some(seen), Some(now)) if now.same(&seen) => {
                durable::replace(temp.path(), &target)?;
                temp.renamed();
            }
            _ => return Err(changed()),
        }
        if let Some(stat) = stat {
            sync.record(&store.file, stat, text, store.changed);
        }
        Ok(text.length())
    }

    /// Gives the text its name in a directory that nobody knows of yet, and that is
    /// synced later. Returns the length.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn put_into_new_dir(self) -> Result<u64> {
        let renamed = disk::rename_new(self.temp.path(), &self.path);
        renamed.map_err(Error::io("create", &self.path))?;
        self.temp.renamed();
        Ok(self.text.length())
    }
}

/// Refuses to overwrite, through a link in the place of the JSON file of `store`, a file
/// that nobody knows to be the store's: whoever made the directory may have put any there.
/// In the directory itself such a file is a text that was cut.
///
/// # Errors
/// [`Error::OutOfSync`]; [`Error::Io`].
pub(crate) fn refuse_linked(dir: &Path, store: &Store, now: State) -> Result<()> {
    let path = dir.join(&store.file);
    let is_link = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
    match now {
        State::JsonDamaged { .. } if is_link => Err(Error::OutOfSync {
            path,
            problem: SyncProblem::Linked,
        }),
        _ => Ok(()),
    }
}

/// Prints a store to a new file and syncs it. `None` where the text is over `limit`.
fn write(
    store: &StoreText,
    file: disk::File,
    path: &Path,
    length: Option<u64>,
    limit: Option<u64>,
    progress: &dyn Progress,
) -> Result<Option<Fingerprint>> {
    // Longer pieces are not copied.
    let mut out = BufWriter::with_capacity(64 << 10, file);
    let mut fingerprinter = Fingerprinter::new(length.unwrap_or(0));
    let write = || Error::io("write", path);
    let mut over = false;
    let printed = store.print(&mut |bytes| {
        out.write_all(bytes).map_err(write())?;
        fingerprinter.update(bytes);
        progress.at(fingerprinter.position())?;
        over = limit.is_some_and(|limit| fingerprinter.position() > limit);
        match over {
            // It only ends the printing.
            true => Err(write()(ErrorKind::FileTooLarge.into())),
            false => Ok(()),
        }
    });
    if over {
        return Ok(None);
    }
    printed?;
    let mut file = out.into_inner().map_err(|e| write()(e.into_error()))?;
    file.sync().map_err(Error::io("sync", path))?;
    match length {
        Some(_) => Ok(Some(fingerprinter.finish())),
        // What is sampled depends on the length.
        None => Fingerprint::of(path).map(Some),
    }
}
