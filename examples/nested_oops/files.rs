//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Where something is to be written in the end, if anywhere.
pub(crate) struct Destination(Option<PathBuf>);

impl Destination {
    /// Finds out whether `path` can be written, without leaving anything there.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, String> {
        if let Some(path) = path {
            let tried = if is_special(path) { Ok(()) } else { temporary_beside(path).map(drop) };
            tried.map_err(|error| cannot_write(path, &error))?;
        }
        Ok(Destination(path.map(Path::to_owned)))
    }

    /// Writes a temporary file beside the destination and moves it there when it is complete. Devices and pipes are
    /// written as they are.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), String> {
        let Some(path) = self.0 else { return Ok(()) };
        let written = if is_special(&path) {
            File::create(&path).and_then(|file| buffered(file, write).map(drop))
        } else {
            temporary_beside(&path).and_then(|file| {
                let file = buffered(file, write)?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            })
        };
        written.map_err(|error| cannot_write(&path, &error))
    }
}

fn buffered<W: Write>(
    file: W,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<W> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|is| !is.is_file() && !is.is_dir())
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::metadata(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    // tempfile's errors name the temporary path; the user asked for another.
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
