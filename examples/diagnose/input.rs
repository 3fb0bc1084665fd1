//! The log: a file, or standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Reads all of it.
///
/// # Errors
/// If it cannot be read, or if there is nothing in it, in one line.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let is_stdin = path == Path::new("-");
    let mut log = Vec::new();
    let read = if is_stdin {
        if io::stdin().is_terminal() {
            eprintln!("note: reading a log from the terminal; Ctrl-D ends it");
        }
        io::stdin().lock().read_to_end(&mut log)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut log))
    };
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    match read {
        Err(error) => Err(format!("cannot read {name}: {error}")),
        Ok(_) if log.iter().all(u8::is_ascii_whitespace) => {
            Err(format!("{name} is empty: give it the text of a console"))
        }
        Ok(_) => Ok(log),
    }
}
