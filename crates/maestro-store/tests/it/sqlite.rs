//! SQLite: the suite, and what is particular to files.

use maestro_store::{Store, sqlite};
use tempfile::TempDir;

use crate::suite::{Backend, suite};

pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Backend for Sqlite {
    fn open(&self) -> Store {
        sqlite::open(self.0.path(), &sqlite::Options::default()).unwrap()
    }
}

suite!(Sqlite::new());
