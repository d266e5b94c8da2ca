//! The store: finished records on disk, found again by what their numbers depend on, whatever happens to the process.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{
    Database, DatabaseError, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition,
};
use sha2::{Digest, Sha256};

use crate::seed::Key;
use crate::table::Value;

/// Name of the store's file in the output folder.
pub const FILE: &str = "store.redb";

const RECORDS: TableDefinition<&Key, &[u8]> = TableDefinition::new("records 1");
const NOTES: TableDefinition<&str, &str> = TableDefinition::new("notes 1");

/// Bytes of pages that are kept in memory, so that a process does not grow with its store.
const CACHE: usize = 16 << 20;

/// Bytes of the checksum at the end of a record.
const SEAL: usize = 8;

/// An open store. The operating system's lock on the file keeps other processes out, and goes with the process.
pub struct Store {
    /// There until the store is dropped.
    database: Option<Database>,
    path: PathBuf,
}

/// The records that were there when the view was taken.
pub struct View<'a> {
    store: &'a Store,
    records: ReadOnlyTable<&'static Key, &'static [u8]>,
}

/// Records and their keys.
pub type Batch = Vec<(Key, Vec<Value>)>;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Somebody else is at work there.
    #[error("{}: another process is running in this folder; wait for it, or give another folder with --out", path.display())]
    Busy {
        /// The store's file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("{}: is damaged ({reason}); the same command with --repair keeps what can be read and computes the rest again", path.display())]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// What was noticed.
        reason: String,
    },
    /// The system failed; what was committed before stays.
    #[error("{}: cannot be read or written: {source}; finished work is kept, and the same command goes on", path.display())]
    Io {
        /// The store's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Store {
    /// Opens the store of a folder that exists, or makes an empty one.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(FILE);
        guarded(&path, || {
            if !path.exists() {
                // Whoever was first may have tidied up after us.
                create(folder, &path).or_else(|error| if path.exists() { Ok(()) } else { Err(error) })?;
            }
            let database = Database::builder().set_cache_size(CACHE).open(&path)?;
            Ok(Self { database: Some(database), path: path.clone() })
        })
    }

    /// A text that the store of a folder keeps under a name, read without a change to the file. `None` also if there is no store, or one that only
    /// [`open`](Self::open) can read.
    pub fn glance(folder: &Path, name: &str) -> Result<Option<String>, Fault> {
        let path = folder.join(FILE);
        guarded(&path, || {
            let database = match ReadOnlyDatabase::open(&path) {
                Err(DatabaseError::DatabaseAlreadyOpen) => return Err(redb::Error::DatabaseAlreadyOpen),
                Err(_) => return Ok(None),
                Ok(database) => database,
            };
            let notes = database.begin_read()?.open_table(NOTES)?;
            Ok(notes.get(name)?.map(|text| text.value().to_owned()))
        })
    }

    /// An empty store in memory, for a study that need not outlive the process.
    pub fn in_memory() -> Result<Self, Fault> {
        let path = PathBuf::from("memory");
        guarded(&path, || {
            let database = Database::builder().create_with_backend(InMemoryBackend::new())?;
            begin(&database)?;
            Ok(Self { database: Some(database), path: path.clone() })
        })
    }

    /// Keeps the records of a damaged store that can still be read, and lets go of the rest. Returns how many are kept.
    pub fn repair(folder: &Path) -> Result<u64, Fault> {
        let path = folder.join(FILE);
        let io_fault = |source| Fault::Io { path: path.clone(), source };
        let (saved, notes) = match Self::open(folder).and_then(|store| store.readable()) {
            Err(Fault::Damaged { .. }) => Default::default(),
            other => other?,
        };
        let new = tempfile::Builder::new().prefix(".superpose-").suffix(".tmp").tempdir_in(folder).map_err(io_fault)?;
        let store = Self::open(new.path())?;
        store.put(&saved)?;
        notes.iter().try_for_each(|(name, text)| store.keep_note(name, text))?;
        drop(store);
        fs::rename(new.path().join(FILE), &path).map_err(io_fault)?;
        Ok(saved.len() as u64)
    }

    /// The records as they are now.
    pub fn view(&self) -> Result<View<'_>, Fault> {
        let records = guarded(&self.path, || Ok(self.database().begin_read()?.open_table(RECORDS)?))?;
        Ok(View { store: self, records })
    }

    /// Adds records; when this returns they are on the disk.
    pub fn put(&self, batch: &Batch) -> Result<(), Fault> {
        guarded(&self.path, || {
            let transaction = self.database().begin_write()?;
            {
                let mut records = transaction.open_table(RECORDS)?;
                for (key, values) in batch {
                    records.insert(key, seal(key, values).as_slice())?;
                }
            }
            Ok(transaction.commit()?)
        })
    }

    /// A text that was kept under a name.
    pub fn note(&self, name: &str) -> Result<Option<String>, Fault> {
        guarded(&self.path, || {
            let notes = self.database().begin_read()?.open_table(NOTES)?;
            Ok(notes.get(name)?.map(|text| text.value().to_owned()))
        })
    }

    /// Keeps a text under a name.
    pub fn keep_note(&self, name: &str, text: &str) -> Result<(), Fault> {
        guarded(&self.path, || {
            let transaction = self.database().begin_write()?;
            transaction.open_table(NOTES)?.insert(name, text)?;
            Ok(transaction.commit()?)
        })
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("it is taken only when the store is dropped")
    }

    /// All records that are whole, and the notes. Stops at the first page that cannot be read.
    fn readable(self) -> Result<(Batch, Vec<(String, String)>), Fault> {
        let (mut saved, mut notes) = (Vec::new(), Vec::new());
        let _ = guarded(&self.path, || {
            for entry in self.database().begin_read()?.open_table(NOTES)?.iter()? {
                let (name, text) = entry?;
                notes.push((name.value().to_owned(), text.value().to_owned()));
            }
            Ok(())
        });
        let _ = guarded(&self.path, || {
            for entry in self.database().begin_read()?.open_table(RECORDS)?.iter()? {
                let (key, sealed) = entry?;
                saved.extend(unseal(key.value(), sealed.value()).map(|values| (*key.value(), values)));
            }
            Ok(())
        });
        Ok((saved, notes))
    }
}

/// Closing writes too, and redb may panic over damage that it meets then: what was committed is on the disk already.
impl Drop for Store {
    fn drop(&mut self) {
        let database = self.database.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

impl View<'_> {
    /// Whether a record is there.
    pub fn has(&self, key: &Key) -> Result<bool, Fault> {
        guarded(&self.store.path, || Ok(self.records.get(key)?.is_some()))
    }

    /// The fault of a record that was found, or computed, and is no longer there.
    pub fn lost(&self) -> Fault {
        Fault::Damaged { path: self.store.path.clone(), reason: "a record is lost".to_owned() }
    }

    /// The values of a record, if it is there.
    pub fn get(&self, key: &Key) -> Result<Option<Vec<Value>>, Fault> {
        let path = &self.store.path;
        guarded(path, || match self.records.get(key)? {
            None => Ok(None),
            Some(sealed) => match unseal(key, sealed.value()) {
                Some(values) => Ok(Some(values)),
                None => Err(redb::Error::Corrupted("a record does not match its checksum".into())),
            },
        })
    }
}

/// Makes an empty store whole or not at all: a process that dies here leaves no half store, and of two processes one is first.
fn create(folder: &Path, path: &Path) -> Result<(), redb::Error> {
    let new = tempfile::Builder::new().prefix(".superpose-").suffix(".tmp").tempdir_in(folder)?;
    let temporary = new.path().join(FILE);
    {
        begin(&Database::create(&temporary)?)?;
    }
    match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// Makes the tables.
fn begin(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(NOTES)?;
    Ok(transaction.commit()?)
}

/// Does something with the store; whatever goes wrong becomes one of our faults. redb panics on some kinds of damage: that is damage too.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Fault> {
    let path = || path.to_owned();
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let damaged = |reason: String| Fault::Damaged { path: path(), reason };
    let error = match outcome {
        Err(_) => return Err(damaged("its pages contradict each other".into())),
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error,
    };
    Err(match error {
        redb::Error::DatabaseAlreadyOpen => Fault::Busy { path: path() },
        redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => damaged(source.to_string()),
        redb::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => damaged("it is too short".into()),
        redb::Error::Io(source) => Fault::Io { path: path(), source },
        redb::Error::PreviousIo => Fault::Io { path: path(), source: io::Error::other("an earlier write failed") },
        redb::Error::Corrupted(reason) => damaged(reason),
        other => damaged(other.to_string()),
    })
}

/// The values as bytes, with a checksum over them and the key.
fn seal(key: &Key, values: &[Value]) -> Vec<u8> {
    let mut bytes = postcard::to_allocvec(values).expect("numbers and words have a postcard form");
    let checksum = checksum(key, &bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn unseal(key: &Key, sealed: &[u8]) -> Option<Vec<Value>> {
    let (bytes, seal) = sealed.split_at_checked(sealed.len().checked_sub(SEAL)?)?;
    (seal == checksum(key, bytes)).then(|| postcard::from_bytes(bytes).ok())?
}

fn checksum(key: &Key, bytes: &[u8]) -> [u8; SEAL] {
    let digest = Sha256::new_with_prefix(key).chain_update(bytes).finalize();
    digest[..SEAL].try_into().expect("a digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(k: u8) -> (Key, Vec<Value>) {
        (
            [k; 32],
            vec![Value::Number(0.1 * f64::from(k)), Value::Whole(k.into()), Value::Text("ok".into()), Value::Undefined],
        )
    }

    #[test]
    fn law_records_come_back_bit_for_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        {
            let store = Store::open(folder.path()).expect("a new store");
            store.put(&(0..200).map(record).collect()).expect("committed");
            store.keep_note("scenario", "{}").expect("committed");
        }
        let store = Store::open(folder.path()).expect("the same store");
        let view = store.view().expect("a view");
        for k in 0..200 {
            assert_eq!(view.get(&[k; 32]).expect("readable"), Some(record(k).1));
        }
        assert_eq!(view.get(&[200; 32]).expect("readable"), None);
        assert_eq!(store.note("scenario").expect("readable").as_deref(), Some("{}"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing stands beside the store");
    }

    #[test]
    fn law_a_second_process_is_kept_out_until_the_first_is_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Store::open(folder.path()).expect("a new store");
        assert!(matches!(Store::open(folder.path()), Err(Fault::Busy { .. })));
        drop(first);
        assert!(Store::open(folder.path()).is_ok());
    }

    #[test]
    fn law_a_flipped_byte_is_never_read_as_a_number() {
        let folder = tempfile::tempdir().expect("a folder");
        Store::open(folder.path()).expect("a new store").put(&(0..200).map(record).collect()).expect("committed");
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).expect("bytes");
        let (mut noticed, mut unread) = (0, 0);
        for position in (0..whole.len()).step_by(whole.len() / 97) {
            let mut bytes = whole.clone();
            bytes[position] ^= 0x10;
            fs::write(&path, &bytes).expect("written");
            let outcome = Store::open(folder.path()).and_then(|store| {
                let view = store.view()?;
                (0..200).map(|k| view.get(&[k; 32])).collect::<Result<Vec<_>, _>>()
            });
            match outcome {
                Ok(values) => {
                    // A page that is not in use, or a record that is no longer found: computed again, never wrong.
                    assert!(values.iter().zip(0..).all(|(found, k)| found.is_none() || *found == Some(record(k).1)));
                    unread += 1;
                }
                Err(Fault::Damaged { .. }) => {
                    noticed += 1;
                    Store::repair(folder.path()).expect("repaired");
                    let store = Store::open(folder.path()).expect("sound again");
                    let view = store.view().expect("a view");
                    for k in 0..200 {
                        assert!(view.get(&[k; 32]).expect("readable").is_none_or(|values| values == record(k).1));
                    }
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(noticed > 0 && unread > 0, "{noticed} noticed, {unread} in unused pages");
    }
}
