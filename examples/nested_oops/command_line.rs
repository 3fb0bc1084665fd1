//! Reading a command line: what is wrong with it is said in one line.

use clap::Parser;
use clap::error::ErrorKind;

/// Reads the command line. `None` if it asked for help or the version, which is printed by then.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn parse<Args: Parser>() -> Result<Option<Args>, String> {
    match Args::try_parse() {
        Ok(args) => Ok(Some(args)),
        Err(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            error.print().map_err(|error| error.to_string()).map(|()| None)
        }
        Err(error) => {
            // clap's first paragraph says what is wrong; the others repeat the usage.
            let text = error.render().to_string();
            let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
            let line = lines.collect::<Vec<_>>().join(" ");
            Err(format!("{} (see --help)", line.trim_start_matches("error: ")))
        }
    }
}
