//! The binary that runs was made from the file that is graded.
//!
//! Cargo decides by time stamps. A file that was edited while it was compiled, or that was put back with an older time
//! stamp, is taken for the one of the build before (rust-lang/cargo#7740). So the file's hash is taken before the build
//! and after; and beside the build stands the hash that its binary was made from.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cargo::{self, Build, Crates, Outcome};
use crate::sandbox::Cancel;
use crate::source::{hash_of, write_atomically};
use crate::stop::Stop;

/// How often a file may change under the build.
const TRIES: usize = 20;

/// Builds, as often as it takes to have a binary of this very file. Returns the file's hash too.
pub(crate) fn build(
    build: &Build<'_>,
    bin: &str,
    file: &Path,
    cancel: &Cancel,
    tell: &(dyn Fn(Crates) + Sync),
) -> Result<(Outcome, String), Stop> {
    let note = notes(build.target).join(bin);
    for _ in 0..TRIES {
        let before = hash_of(file).map_err(|error| {
            Stop::usage(format!(
                "cannot read {}: {error} (`cargo lab reset {} --yes` puts it back)",
                file.display(),
                bin
            ))
        })?;
        let outcome = cargo::build(build, cancel, tell)?;
        if hash_of(file).map_err(Stop::file("cannot read", file))? != before {
            continue;
        }
        let Outcome::Built(built) = &outcome else { return Ok((outcome, before)) };
        let made_from = fs::read_to_string(&note).unwrap_or_default();
        if built.learner_is_fresh && made_from != before {
            touch(file)?; // cargo took it for the file of the last build
            continue;
        }
        if made_from != before {
            write_note(&note, &before)?;
        }
        return Ok((outcome, before));
    }
    Err(Stop::usage(format!("{} changes all the time: let it rest for a moment", file.display())))
}

/// The folder of the notes of a target folder.
pub(crate) fn notes(target: &Path) -> PathBuf {
    target.join("made-from")
}

fn write_note(note: &Path, hash: &str) -> Result<(), Stop> {
    fs::create_dir_all(note.parent().unwrap_or(note))
        .and_then(|()| write_atomically(note, hash.as_bytes()))
        .map_err(Stop::file("cannot write", note))
}

fn touch(file: &Path) -> Result<(), Stop> {
    File::options()
        .append(true)
        .open(file)
        .and_then(|open| open.set_modified(SystemTime::now()))
        .map_err(Stop::file("cannot touch", file))
}
