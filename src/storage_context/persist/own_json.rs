//! JSON files that this context's stores wrote by themselves: they are newer than the
//! twin, and hold nothing that the context does not know.

use std::path::Path;

use crate::{
    disk,
    error::{Error, Result},
    persist_dir::{Manifest, Samples, State, SyncFile, manifest, state},
    storage_context::StorageContext,
};

impl StorageContext {
    /// Notes that the JSON file `file` of the directory was just written with what this
    /// context has of its store. Somebody else's newer JSON stands in the way of
    /// [`persist`](Self::persist); this does not, as long as it stays as it is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn wrote_json(&mut self, file: &str) -> Result<()> {
        if let Some(opened) = &self.opened {
            let samples = samples_of(&opened.dir.join(file))?;
            self.own_json.insert(file.to_owned(), samples);
        }
        Ok(())
    }

    /// Those of the files that were written so and still are as they were, and that are
    /// not the text of a generation.
    pub(super) fn own_json(&self, dir: &Path, newest: &Manifest) -> Result<Vec<String>> {
        let (sync, _) = SyncFile::load(&manifest::twin_dir(dir));
        let mut own = Vec::new();
        for (file, written) in &self.own_json {
            let state = match newest.store(file) {
                Some(store) => state(dir, store, &sync)?,
                None if dir.join(file).is_file() => State::JsonNewer,
                None => State::JsonAbsent,
            };
            let is_news = matches!(state, State::JsonNewer | State::Diverged);
            if is_news && samples_of(&dir.join(file))? == *written {
                own.push(file.clone());
            }
        }
        Ok(own)
    }
}

fn samples_of(path: &Path) -> Result<Samples> {
    let file = disk::open(path).map_err(Error::io("open", path))?;
    Samples::of(&file, path)
}
