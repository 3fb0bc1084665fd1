//! Which lines of a text a page shows.

use anyhow::{Context, Result, bail, ensure};

/// Picks lines: `grep A`, `grep A || B`, `from A to B`, `lines 3..9`, or all of them. Something must be picked.
pub(crate) fn pick<'text>(text: &'text str, how: &str) -> Result<Vec<&'text str>> {
    let lines: Vec<&str> = text.lines().collect();
    let (verb, arg) = how.trim().split_once(' ').unwrap_or((how.trim(), ""));
    let picked = match verb {
        "" => lines,
        "grep" => {
            let wanted: Vec<&str> = arg.split(" || ").map(str::trim).collect();
            ensure!(wanted.iter().all(|word| !word.is_empty()), "grep for what?");
            lines.into_iter().filter(|line| wanted.iter().any(|word| line.contains(word))).collect()
        }
        "from" => {
            let (from, to) = arg.split_once(" to ").context("say `from A to B`")?;
            let first = find(&lines, from)?;
            let last = first + find(&lines[first..], to)?;
            lines[first..=last].to_vec()
        }
        "lines" => {
            let (first, last) = arg.split_once("..").context("say `lines 3..9`")?;
            let (first, last): (usize, usize) = (first.trim().parse()?, last.trim().parse()?);
            let fits = first > 0 && first <= last && last <= lines.len();
            ensure!(fits, "the text has the lines 1..{}", lines.len());
            lines[first - 1..last].to_vec()
        }
        other => bail!("cannot pick lines by `{other}`: say grep, from … to, lines, or nothing"),
    };
    ensure!(picked.iter().any(|line| !line.trim().is_empty()), "no line was picked by `{how}`");
    Ok(picked)
}

fn find(lines: &[&str], word: &str) -> Result<usize> {
    let word = word.trim();
    lines
        .iter()
        .position(|line| line.contains(word))
        .with_context(|| format!("no line with `{word}`"))
}

#[cfg(test)]
mod tests {
    use super::pick;

    const TEXT: &str = "one\ntwo\nthree\ntwo again\n";

    #[test]
    fn each_picker_picks_its_lines() {
        assert_eq!(pick(TEXT, "grep two").unwrap(), ["two", "two again"]);
        assert_eq!(pick(TEXT, "grep one || three").unwrap(), ["one", "three"]);
        assert_eq!(pick(TEXT, "from two to again").unwrap(), ["two", "three", "two again"]);
        assert_eq!(pick(TEXT, "lines 2..3").unwrap(), ["two", "three"]);
        assert_eq!(pick(TEXT, "").unwrap().len(), 4);
    }

    #[test]
    fn picking_nothing_is_an_error() {
        for how in ["grep four", "grep ", "from two to one", "lines 3..9", "lines 0..1", "tail 3"] {
            assert!(pick(TEXT, how).is_err(), "{how}");
        }
        assert!(pick("", "").is_err());
    }
}
