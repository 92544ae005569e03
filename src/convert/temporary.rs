//! Temporary files in a persist directory: their names and permissions, and
//! how leftovers go.

use std::{fs, path::Path};

/// Names of temporary files and directories of ours begin so …
const PREFIX: &str = ".twinstore-tmp-";
/// … and go on with this many random letters and digits.
const RANDOM: usize = 12;

/// Whether a file of this name is a temporary one of ours, and can be nothing
/// else.
pub(crate) fn is_temp(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).unwrap_or_default();
    random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A builder of temporary names whose files and directories get the
/// permissions that any program's would: `mode` less the umask.
pub(crate) fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// Removes what an interrupted run left. The lock is held, so that no other
/// run is using them; what cannot be removed does no harm.
pub(crate) fn remove_leftovers(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        if is_temp(&entry.file_name().to_string_lossy()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
