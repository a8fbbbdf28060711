//! The executor's folder: layout, version, claims, atomic records.
//!
//! ```text
//! VERSION               the format, one number
//! lock                  held by the one server that uses the folder
//! jobs/KEY/             a live job: job.json, main.json, exit.json, script, params, output, work/
//! claims/KEY            existence decides whether KEY may be started
//! logs/KE/KEY.log       the log's first half, KEY.tail its last one
//! instances/WF/N/       files that the steps of an instance share
//! lib/                  helper modules that are put on the path of jobs
//! ```

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{Claim, ExitRecord, FORMAT_VERSION, MainRecord};

/// The name under which a job's folder lies in `jobs/`, and its claim in `claims/`.
const JOB_FILE: &str = "job.json";

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read or written.
    #[error("cannot use `{path}` for local jobs")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another server works with it.
    #[error("`{0}` is used by another server; give each server a data directory of its own")]
    InUse(PathBuf),
    /// A newer program wrote it.
    #[error(
        "`{path}` has format {found}, this program knows formats up to {FORMAT_VERSION}; use a newer `maestro`"
    )]
    TooNew {
        /// The folder.
        path: PathBuf,
        /// What its `VERSION` says.
        found: String,
    },
}

/// Keeps other servers from the folder.
///
/// The lock belongs to this process and to none of its children: one that is on its way from fork to exec when this
/// process is killed would hold a lock of the other kind for a moment longer, and the next server would be refused. It
/// does not keep this process itself out, which is what the list is for.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

static OPEN_HERE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Lock {
    fn take(folder: &Path) -> Result<Self, OpenError> {
        let mut open_here = OPEN_HERE.lock().unwrap_or_else(PoisonError::into_inner);
        if open_here.contains(folder) {
            return Err(OpenError::InUse(folder.to_owned()));
        }
        let path = folder.join("lock");
        let failed = |source| OpenError::Io {
            path: path.clone(),
            source,
        };
        let file = private_file().create(true).open(&path).map_err(failed)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Err(OpenError::InUse(folder.to_owned())),
            Err(errno) => return Err(failed(errno.into())),
        }
        open_here.insert(folder.to_owned());
        Ok(Self {
            path: folder.to_owned(),
            _file: file,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut open_here = OPEN_HERE.lock().unwrap_or_else(PoisonError::into_inner);
        open_here.remove(&self.path);
    }
}

/// Where everything of the executor lies.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    path: PathBuf,
}

impl Root {
    /// Makes the folder if need be and takes its lock; the folder is ours as long as that lives.
    pub(crate) fn open(path: &Path) -> Result<(Self, Lock), OpenError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        make_dir(path).map_err(at(path))?;
        // Processes get absolute paths, whatever folder they start in.
        let root = Self {
            path: fs::canonicalize(path).map_err(at(path))?,
        };
        let lock = Lock::take(&root.path)?;
        let version_path = root.path.join("VERSION");
        match fs::read_to_string(&version_path) {
            Ok(text) => match text.trim().parse::<u32>() {
                Ok(1..=FORMAT_VERSION) => {}
                _ => {
                    return Err(OpenError::TooNew {
                        path: root.path,
                        found: text.trim().to_owned(),
                    });
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("{FORMAT_VERSION}\n");
                write_atomically(&version_path, text.as_bytes()).map_err(at(&version_path))?;
            }
            Err(error) => return Err(at(&version_path)(error)),
        }
        for name in ["jobs", "claims", "logs", "instances", "lib"] {
            let path = root.path.join(name);
            make_dir(&path).map_err(at(&path))?;
        }
        // Claims are made durable by their folder alone, so the folder must be durable itself.
        sync_dir(&root.path).map_err(at(&root.path))?;
        Ok((root, lock))
    }

    pub(crate) fn job(&self, key: &str) -> JobFolder {
        JobFolder {
            root: self.clone(),
            path: self.path.join("jobs").join(key),
            key: key.to_owned(),
        }
    }

    /// The job whose folder this is, as the supervisor gets it.
    pub(crate) fn of_job(folder: &Path) -> Option<JobFolder> {
        let root = folder.parent()?.parent()?;
        Some(
            Self {
                path: root.to_owned(),
            }
            .job(folder.file_name()?.to_str()?),
        )
    }

    /// The log's first part; spread over folders, since logs stay when everything else of a job goes.
    pub(crate) fn log(&self, key: &str) -> PathBuf {
        let spread = key.get(..2).unwrap_or(key);
        self.path
            .join("logs")
            .join(spread)
            .join(format!("{key}.log"))
    }

    pub(crate) fn lib(&self) -> PathBuf {
        self.path.join("lib")
    }

    /// The folder that the jobs of one instance share (`spec 07 BX-15`).
    pub(crate) fn instance(&self, workflow_id: &str, instance_id: i64) -> PathBuf {
        self.workflow(workflow_id).join(instance_id.to_string())
    }

    /// The folders of a workflow's instances.
    pub(crate) fn workflow(&self, workflow_id: &str) -> PathBuf {
        self.path.join("instances").join(file_name(workflow_id))
    }

    /// The names in `jobs/` and `claims/`.
    pub(crate) fn keys(&self) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for name in ["jobs", "claims"] {
            for entry in fs::read_dir(self.path.join(name))? {
                if let Ok(key) = entry?.file_name().into_string()
                    && !key.starts_with('.')
                {
                    keys.push(key);
                }
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

/// What the folder of a job says about it.
#[derive(Debug)]
pub(crate) enum Found {
    /// It ended.
    Ended(ExitRecord),
    /// Somebody has claimed it.
    Claimed(Claim),
    /// Nobody has claimed it: it never started.
    Unclaimed,
}

/// Who holds the claim after an attempt to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// We do.
    Won,
    /// Somebody else was first.
    Lost,
}

/// The folder of one job.
#[derive(Clone, Debug)]
pub(crate) struct JobFolder {
    root: Root,
    path: PathBuf,
    key: String,
}

impl JobFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.path.join(JOB_FILE)
    }

    pub(crate) fn params(&self) -> PathBuf {
        self.path.join("params.json")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.path.join("output.json")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    pub(crate) fn main(&self) -> Option<MainRecord> {
        read_json(&self.path.join("main.json")).ok().flatten()
    }

    /// The end is looked at first: a job that ended has a claim as well.
    pub(crate) fn inspect(&self) -> io::Result<Found> {
        if let Some(exit) = self.exit()? {
            return Ok(Found::Ended(exit));
        }
        Ok(match self.claim_file()? {
            Some(claim) => Found::Claimed(claim),
            None => Found::Unclaimed,
        })
    }

    pub(crate) fn exit(&self) -> io::Result<Option<ExitRecord>> {
        // A record that a loss of power has torn is none: then the claim says that the job is lost.
        match read_json(&self.path.join("exit.json")) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            other => other,
        }
    }

    fn claim_path(&self) -> PathBuf {
        self.root.path.join("claims").join(&self.key)
    }

    fn claim_file(&self) -> io::Result<Option<Claim>> {
        match read_json(&self.claim_path()) {
            // The claim's existence is durable, its content only over the death of processes.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(Claim::Lost(
                "the machine stopped while the job was being started".into(),
            ))),
            other => other,
        }
    }

    /// Tries to get the claim. Whoever gets it decides: a supervisor starts the job, anybody else sees to it that
    /// nobody ever does.
    ///
    /// The link appears with its content or not at all, and only once: a bare `O_EXCL` would show an empty file
    /// to a server that looks in the wrong moment, and that would call a starting job lost. The one fsync, of the
    /// folder, is what keeps the promise never to start twice over a loss of power.
    pub(crate) fn claim(&self, claim: &Claim) -> io::Result<Claimed> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let claims = self.root.path.join("claims");
        let draft = claims.join(format!(
            ".{}.{}.{}",
            self.key,
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        write_json(&draft, claim)?;
        let linked = fs::hard_link(&draft, self.claim_path());
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => {
                sync_dir(&claims)?;
                Ok(Claimed::Won)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Claimed::Lost),
            Err(error) => Err(error),
        }
    }

    /// Removes everything but the log. The folder goes before the claim: a late supervisor that then gets the claim
    /// looks for the folder and gives up.
    pub(crate) fn remove(&self) -> io::Result<()> {
        ignore_missing(fs::remove_dir_all(&self.path))?;
        ignore_missing(fs::remove_file(self.claim_path()))
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A file name for text of any kind: what is not plain is written as `%` and two hex digits.
fn file_name(text: &str) -> String {
    use std::fmt::Write as _;
    let mut name = String::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            b'.' if at > 0 => name.push('.'),
            _ => {
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    name
}

/// Makes a folder that only its owner can enter; one that exists is fine.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Opens a file for writing that only its owner can read, empty.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    private_file().create(true).truncate(true).open(path)
}

pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    create_private(path)?.write_all(content)
}

/// Replaces a file at once: a reader sees the old content or the new one. Not durable over a loss of power.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<File> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut file = create_private(Path::new(&draft))?;
    file.write_all(content)?;
    fs::rename(&draft, path)?;
    Ok(file)
}

/// Makes sure that a file has this content, with its folder.
pub(crate) fn write_if_different(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    write_atomically(path, content).map(drop)
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_private(path, &serde_json::to_vec(value)?)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (tempfile::TempDir, Root, Lock) {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, lock) = Root::open(dir.path()).expect("opens");
        (dir, root, lock)
    }

    #[test]
    fn of_many_claimants_one_wins_and_all_see_it() {
        let (_dir, root, _lock) = root();
        let wins: usize = std::thread::scope(|scope| {
            let claimants: Vec<_> = (0..8)
                .map(|n| {
                    let folder = root.job("k");
                    scope.spawn(move || {
                        match folder.claim(&Claim::Lost(n.to_string())).expect("claims") {
                            Claimed::Won => 1,
                            Claimed::Lost => 0,
                        }
                    })
                })
                .collect();
            claimants.into_iter().map(|c| c.join().expect("ends")).sum()
        });
        assert_eq!(wins, 1);
        assert_eq!(root.keys().expect("lists"), ["k"]);
    }

    #[test]
    fn a_claim_whose_content_a_loss_of_power_took_still_stands() {
        let (_dir, root, _lock) = root();
        let folder = root.job("k");
        fs::write(folder.claim_path(), b"").expect("writes");
        assert!(matches!(
            folder.inspect().expect("reads"),
            Found::Claimed(Claim::Lost(_))
        ));
        assert_eq!(
            folder.claim(&Claim::Cancelled).expect("claims"),
            Claimed::Lost
        );
    }

    #[test]
    fn a_second_server_is_refused() {
        let (dir, _root, lock) = root();
        assert!(matches!(Root::open(dir.path()), Err(OpenError::InUse(_))));
        drop(lock);
        Root::open(dir.path()).expect("free again");
    }

    #[test]
    fn a_newer_format_is_refused_and_left_alone() {
        let (dir, _root, lock) = root();
        drop(lock);
        fs::write(dir.path().join("VERSION"), "2\n").expect("writes");
        assert!(
            matches!(Root::open(dir.path()), Err(OpenError::TooNew { found, .. }) if found == "2")
        );
    }

    #[test]
    fn names_of_instance_folders_cannot_leave_their_folder() {
        assert_eq!(file_name("../a/b c"), "%2e.%2fa%2fb%20c");
        assert_eq!(file_name("maestro.x-1_Y"), "maestro.x-1_Y");
    }
}
