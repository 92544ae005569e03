//! A disk that does what it is told, remembers it, and fails when asked to.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use twinstore::disk::{Disk, Os};

pub type FileId = usize;
pub type DirId = usize;
/// Names in a directory.
pub type Dir = BTreeMap<String, Node>;

/// The directory below which everything is recorded.
pub const ROOT: DirId = 0;

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    File(FileId),
    Dir(DirId),
}

/// One step, as a disk has it to do. Creating is a name that appears.
#[derive(Debug, Clone)]
pub enum Op {
    Append {
        file: FileId,
        bytes: Vec<u8>,
    },
    Link {
        dir: DirId,
        name: String,
        node: Node,
    },
    Rename {
        dir: DirId,
        from: String,
        to: String,
        node: Node,
    },
    Unlink {
        dir: DirId,
        name: String,
    },
    SyncFile(FileId),
    SyncDir(DirId),
}

/// When calls fail, and how.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The number of the call, from 0.
    pub at: usize,
    /// All later ones, too.
    pub lasting: bool,
    /// As the system numbers errors.
    pub errno: i32,
}

/// What was done to a directory since a moment, from which everything is durable.
#[derive(Debug, Clone)]
pub struct Log {
    /// The directories at the beginning.
    pub start: Vec<Dir>,
    /// So many files were there at the beginning.
    pub old_files: usize,
    pub ops: Vec<Op>,
    /// Calls so far, also those that failed.
    pub calls: usize,
    dirs: Vec<Dir>,
    files: usize,
    fault: Option<Fault>,
}

/// Records what is done below a directory. Each file gets one more name in `pool`, by
/// which it stays the same file (with its inode and times) on a disk that is rebuilt.
#[derive(Debug)]
pub struct Recorder {
    root: PathBuf,
    pool: PathBuf,
    log: Mutex<Log>,
}

impl Recorder {
    /// `pool` is a new directory outside of `root`, on the same disk.
    pub fn start(root: &Path, pool: &Path, fault: Option<Fault>) -> Recorder {
        fs::create_dir(pool).unwrap();
        let mut log = Log {
            start: Vec::new(),
            old_files: 0,
            ops: Vec::new(),
            calls: 0,
            dirs: Vec::new(),
            files: 0,
            fault,
        };
        log.scan(root, pool);
        log.start = log.dirs.clone();
        log.old_files = log.files;
        Recorder {
            root: root.to_owned(),
            pool: pool.to_owned(),
            log: Mutex::new(log),
        }
    }

    pub fn log(&self) -> Log {
        self.locked().clone()
    }

    pub fn len(&self) -> usize {
        self.locked().ops.len()
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.locked().calls
    }

    pub fn fail(&self, fault: Option<Fault>) {
        self.locked().fault = fault;
    }

    fn locked(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// Counts a call; gives the error that it is to end with.
    fn enter(&self) -> (MutexGuard<'_, Log>, io::Result<()>) {
        let mut log = self.locked();
        let call = log.calls;
        log.calls += 1;
        let fails = |fault: &Fault| call == fault.at || (fault.lasting && call > fault.at);
        let fault = log.fault.filter(fails);
        let result = fault.map_or(Ok(()), |f| Err(io::Error::from_raw_os_error(f.errno)));
        (log, result)
    }

    /// The directory that a path is in, and its name there.
    fn place(&self, log: &Log, path: &Path) -> (DirId, String) {
        let dir = log.dir(path.parent().unwrap().strip_prefix(&self.root).unwrap());
        let name = path.file_name().unwrap().to_str().unwrap();
        (dir, name.to_owned())
    }

    fn file(&self, log: &Log, path: &Path) -> FileId {
        let (dir, name) = self.place(log, path);
        match log.dirs[dir][&name] {
            Node::File(file) => file,
            Node::Dir(_) => panic!("{} is a directory", path.display()),
        }
    }

    fn link(&self, log: &mut Log, path: &Path, node: Node) {
        let (dir, name) = self.place(log, path);
        log.dirs[dir].insert(name.clone(), node);
        log.ops.push(Op::Link { dir, name, node });
    }

    fn renamed(&self, log: &mut Log, from: &Path, to: &Path) {
        let (dir, from) = self.place(log, from);
        let (other, to) = self.place(log, to);
        assert_eq!(dir, other, "a rename between directories is not modelled");
        let node = log.dirs[dir].remove(&from).unwrap();
        log.dirs[dir].insert(to.clone(), node);
        log.ops.push(Op::Rename {
            dir,
            from,
            to,
            node,
        });
    }

    fn unlinked(&self, log: &mut Log, path: &Path) {
        let (dir, name) = self.place(log, path);
        log.dirs[dir].remove(&name);
        log.ops.push(Op::Unlink { dir, name });
    }

    fn new_file(&self, log: &mut Log, path: &Path) -> io::Result<FileId> {
        let file = log.files;
        log.files += 1;
        fs::hard_link(path, self.pool.join(file.to_string()))?;
        self.link(log, path, Node::File(file));
        Ok(file)
    }
}

impl Log {
    fn scan(&mut self, path: &Path, pool: &Path) -> DirId {
        let dir = self.dirs.len();
        self.dirs.push(Dir::new());
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let node = match entry.file_type().unwrap().is_dir() {
                true => Node::Dir(self.scan(&entry.path(), pool)),
                false => {
                    fs::hard_link(entry.path(), pool.join(self.files.to_string())).unwrap();
                    self.files += 1;
                    Node::File(self.files - 1)
                }
            };
            self.dirs[dir].insert(entry.file_name().into_string().unwrap(), node);
        }
        dir
    }

    /// The first name that a file or directory had, without its random digits.
    pub fn name_of(&self, of: Node) -> String {
        let new = self.ops.iter().find_map(|op| match op {
            Op::Link { name, node, .. } if *node == of => Some(name),
            _ => None,
        });
        let old = self.start.iter().flatten();
        let old = old
            .clone()
            .find(|(_, node)| **node == of)
            .map(|(name, _)| name);
        let name = new.or(old).map_or("disk", String::as_str);
        name.split('-').next().unwrap_or_default().to_owned()
    }

    fn dir(&self, path: &Path) -> DirId {
        let mut dir = ROOT;
        for name in path {
            match self.dirs[dir].get(name.to_str().unwrap()) {
                Some(Node::Dir(next)) => dir = *next,
                other => panic!("{} is {other:?}", path.display()),
            }
        }
        dir
    }
}

impl Disk for Recorder {
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        let (mut log, go) = self.enter();
        // A disk that fails knows what it has.
        if path.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        go?;
        let file = Os.create(path)?;
        self.new_file(&mut log, path)?;
        Ok(file)
    }

    /// A write that fails has done half of its work.
    fn append(&self, path: &Path, file: &fs::File, bytes: &[u8]) -> io::Result<usize> {
        let (mut log, go) = self.enter();
        let bytes = match go {
            Ok(()) => bytes,
            Err(_) => &bytes[..bytes.len() / 2],
        };
        let done = Os.append(path, file, bytes)?;
        let file = self.file(&log, path);
        let bytes = bytes[..done].to_vec();
        log.ops.push(Op::Append { file, bytes });
        go.map(|()| done)
    }

    /// Nothing that the simulation looks at depends on permissions.
    fn set_permissions(
        &self,
        path: &Path,
        file: &fs::File,
        permissions: fs::Permissions,
    ) -> io::Result<()> {
        self.enter().1?;
        Os.set_permissions(path, file, permissions)
    }

    fn sync(&self, path: &Path, file: &fs::File) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.sync(path, file)?;
        let file = self.file(&log, path);
        log.ops.push(Op::SyncFile(file));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.sync_dir(path)?;
        let dir = log.dir(path.strip_prefix(&self.root).unwrap());
        log.ops.push(Op::SyncDir(dir));
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        if path.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        go?;
        Os.create_dir(path)?;
        let dir = log.dirs.len();
        log.dirs.push(Dir::new());
        self.link(&mut log, path, Node::Dir(dir));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.rename(from, to)?;
        self.renamed(&mut log, from, to);
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.rename_new(from, to)?;
        self.renamed(&mut log, from, to);
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.hard_link(from, to)?;
        let file = self.file(&log, from);
        self.link(&mut log, to, Node::File(file));
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.copy(from, to)?;
        let file = self.new_file(&mut log, to)?;
        let bytes = fs::read(to)?;
        log.ops.push(Op::Append { file, bytes });
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.remove_file(path)?;
        self.unlinked(&mut log, path);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let (mut log, go) = self.enter();
        go?;
        Os.remove_dir(path)?;
        self.unlinked(&mut log, path);
        Ok(())
    }
}
