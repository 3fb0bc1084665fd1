//! Where progress is kept, and how it is written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{Progress, VERSION};
use crate::course::Course;
use crate::source::write_atomically;
use crate::stop::Stop;

const HEAD: &str = "\
# Your progress in the course. `cargo lab` writes this file; you may copy it or merge it. To begin anew
# delete it and its backup: `cargo lab check --all` finds out again what you have passed.

";

/// Where the progress of a course is kept.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: PathBuf,
    backup: PathBuf,
}

impl Store {
    /// The store of a course.
    pub(crate) fn of(course: &Course) -> Self {
        Self {
            path: course.root.join("lab-progress.toml"),
            backup: course.root.join("lab-progress.backup.toml"),
        }
    }

    /// Reads it. A damaged file is put aside, and its backup read instead.
    ///
    /// # Errors
    /// A later version of this program wrote it.
    pub(crate) fn load(&self) -> Result<Progress, Stop> {
        let Ok(text) = fs::read(&self.path) else {
            return Ok(self.load_backup("is missing").unwrap_or_default());
        };
        match read(&text) {
            Ok(progress) => Ok(progress),
            Err(Unreadable::Newer(version)) => Err(Stop::usage(format!(
                "{} has version {version}, and this program writes version {VERSION}: update the course",
                self.path.display()
            ))),
            Err(Unreadable::Damaged) => {
                let aside = self.path.with_file_name("lab-progress.damaged.toml");
                fs::rename(&self.path, &aside).map_err(Stop::file("cannot rename", &self.path))?;
                let what = format!("is damaged (it is now {})", aside.display());
                Ok(self.load_backup(&what).unwrap_or_else(|| {
                    eprintln!(
                        "lab: {} {what}: begin anew with `cargo lab check --all`",
                        self.path.display()
                    );
                    Progress::default()
                }))
            }
        }
    }

    fn load_backup(&self, why: &str) -> Option<Progress> {
        let progress = fs::read(&self.backup).ok().and_then(|text| read(&text).ok())?;
        eprintln!("lab: {} {why}: reading its backup instead", self.path.display());
        Some(progress)
    }

    /// Reads, changes and writes it in one turn.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Progress) -> T) -> Result<T, Stop> {
        let _turn = Turn::take(self.path.parent().unwrap_or(Path::new(".")));
        let old = self.load()?;
        let mut new = old.clone();
        let answer = change(&mut new);
        if new != old || !self.path.exists() {
            self.save(&new)?;
        }
        Ok(answer)
    }

    fn save(&self, progress: &Progress) -> Result<(), Stop> {
        let text = toml::to_string(progress).map_err(Stop::grader)?;
        if let Ok(old) = fs::read(&self.path) {
            write_atomically(&self.backup, &old)
                .map_err(Stop::file("cannot write", &self.backup))?;
        }
        write_atomically(&self.path, format!("{HEAD}{text}").as_bytes())
            .map_err(Stop::file("cannot write", &self.path))
    }
}

enum Unreadable {
    Newer(u32),
    Damaged,
}

fn read(text: &[u8]) -> Result<Progress, Unreadable> {
    let text = std::str::from_utf8(text).map_err(|_| Unreadable::Damaged)?;
    let table: toml::Table = toml::from_str(text).map_err(|_| Unreadable::Damaged)?;
    let version = table.get("version").and_then(toml::Value::as_integer);
    match version.and_then(|version| u32::try_from(version).ok()) {
        Some(version) if version > VERSION => Err(Unreadable::Newer(version)),
        Some(_) => table.try_into().map_err(|_| Unreadable::Damaged),
        None => Err(Unreadable::Damaged),
    }
}

/// A lock on the course's folder: it needs no file of its own, and goes when the program does.
struct Turn {
    _folder: Option<File>,
}

impl Turn {
    fn take(folder: &Path) -> Self {
        #[cfg(unix)]
        let folder = File::open(folder).ok().filter(|folder| {
            rustix::fs::flock(folder, rustix::fs::FlockOperation::LockExclusive).is_ok()
        });
        #[cfg(not(unix))]
        let folder = File::open(folder).ok(); // a folder cannot be locked: two programs at once may lose a step
        Self { _folder: folder }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab-progress.toml");
        let backup = folder.path().join("lab-progress.backup.toml");
        (folder, Store { path, backup })
    }

    fn set_score(store: &Store, score: u32) {
        store
            .update(|progress| {
                progress.exercises.entry("ex01".to_owned()).or_default().score = score;
            })
            .unwrap();
    }

    fn score(store: &Store) -> u32 {
        store.load().unwrap().exercises.get("ex01").map_or(0, |entry| entry.score)
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_its_backup_read() {
        let (folder, store) = store();
        set_score(&store, 3);
        set_score(&store, 5);
        fs::write(&store.path, "version = 1\n[exercise.ex01\nscore =").unwrap();
        assert_eq!(score(&store), 3);
        assert!(folder.path().join("lab-progress.damaged.toml").exists());
    }

    #[test]
    fn a_missing_file_is_no_error() {
        let (_folder, store) = store();
        assert!(store.load().unwrap().is_empty());
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let (_folder, store) = store();
        fs::write(&store.path, "version = 99\n").unwrap();
        assert!(matches!(store.load(), Err(Stop::Usage(_))));
        assert_eq!(fs::read_to_string(&store.path).unwrap(), "version = 99\n");
    }

    #[test]
    fn writers_take_turns() {
        let (_folder, store) = store();
        let one_more = || {
            store
                .update(|progress| {
                    progress.exercises.entry("ex01".to_owned()).or_default().tries += 1;
                })
                .unwrap();
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| one_more()));
            }
        });
        if cfg!(unix) {
            assert_eq!(store.load().unwrap().exercises["ex01"].tries, 40);
        }
    }
}
