//! How far a cargo call is: read from the bar that cargo draws on its standard error.

use std::fmt;
use std::io::Read;

/// Cargo draws its bar into a pipe too, and wide enough for the numbers.
pub(super) const SHOWN: [(&str, &str); 3] = [
    ("CARGO_TERM_PROGRESS_WHEN", "always"),
    ("CARGO_TERM_PROGRESS_WIDTH", "120"),
    ("CARGO_TERM_QUIET", "false"),
];

/// How many crates are done, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crates {
    done: u32,
    all: u32,
}

impl fmt::Display for Crates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {} crates", self.done, self.all)
    }
}

/// Reads to the end, and returns what is no bar.
pub(super) fn follow(from: Option<impl Read>, tell: &dyn Fn(Crates)) -> String {
    let (mut text, mut line, mut buffer) = (Vec::new(), Vec::new(), [0; 4096]);
    let mut told = None;
    let Some(mut from) = from else { return String::new() };
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        for byte in &buffer[..length] {
            match byte {
                b'\r' | b'\n' => {
                    text.extend_from_slice(&line);
                    text.push(b'\n');
                    line.clear();
                }
                byte => line.push(*byte),
            }
        }
        // The bar is one write, and its end comes with the next one.
        if let Some(crates) = bar(&String::from_utf8_lossy(&line))
            && told.replace(crates) != Some(crates)
        {
            tell(crates);
        }
    }
    text.extend_from_slice(&line);
    let text = String::from_utf8_lossy(&text);
    text.lines().filter(|line| bar(line).is_none()).map(|line| format!("{line}\n")).collect()
}

/// `    Building [=====>         ] 12/96: loom, shuttle`
fn bar(line: &str) -> Option<Crates> {
    let (_, numbers) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?;
    let (done, rest) = numbers.split_once('/')?;
    let all = rest.split(|char: char| !char.is_ascii_digit()).next()?;
    Some(Crates { done: done.parse().ok()?, all: all.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_bar_is_told_and_the_rest_is_kept() {
        let said = "   Compiling loom v0.7.3\n    Building [>      ] 6/96: libc, loom\r\
                    error: it is broken\n    Building [=>     ] 7/96: loom";
        let told = RefCell::new(Vec::new());
        let rest =
            follow(Some(said.as_bytes()), &|crates| told.borrow_mut().push(crates.to_string()));
        assert_eq!(told.take(), ["7 of 96 crates"]);
        assert_eq!(rest, "   Compiling loom v0.7.3\nerror: it is broken\n");
    }

    #[test]
    fn what_cargo_may_draw_one_day_is_no_number() {
        for line in ["Building", "Building [=> ] many/96", "Building [=> ] 7 of 96", "Checking x"] {
            assert_eq!(bar(line), None, "{line}");
        }
    }
}
