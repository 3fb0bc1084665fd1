//! The command line.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Parser, ValueEnum};

use softlockup_measure::host::parse_core_list;

/// How many slices each pair is measured for, unless the user says otherwise: a second or so.
const SLICES: u32 = 40;

/// Measure the round trip between every two host cores, as a heat map: the least that the host can do (floor), the
/// machine's own way of calling another CPU (mailbox), and how many times as long as the floor that call takes.
///
/// Each pair of cores is measured once, by two threads that are pinned to them.
#[derive(Debug, Parser)]
#[command(name = "ipi_matrix", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Measure these host cores, in this order, such as 0,2-5 [default: all that this process may use].
    #[arg(long, value_name = "LIST", value_parser = core_list)]
    cores: Option<Cores>,

    /// How many slices of time each pair is measured for, 1 to 100000. More are steadier.
    #[arg(long, value_name = "N", default_value_t = SLICES, value_parser = slices())]
    pub(crate) slices: u32,

    /// Draw the heat map into this file, or with - to standard output instead of the tables.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,

    /// Write a line for each pair to this file, or with - or nothing to standard output instead of the tables.
    #[arg(long, value_name = "FILE.csv", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) csv: Option<PathBuf>,

    /// Write the pairs and the host as one JSON object to this file, or with - or nothing to standard output instead of
    /// the tables.
    #[arg(long, value_name = "FILE.json", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) json: Option<PathBuf>,

    /// Colour the tables: if standard output is a terminal and NO_COLOR is not set, always, or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ColorArg {
    Auto,
    Always,
    Never,
}

/// A list of cores. A name of its own, since clap takes a `Vec` for a flag that is given several times.
#[derive(Clone, Debug)]
struct Cores(Vec<usize>);

impl Args {
    /// The cores to measure, of those that this process may use.
    ///
    /// # Errors
    /// A core that cannot be used, or too few of them, in one line.
    pub(crate) fn cores(&self, usable: &[usize]) -> Result<Vec<usize>, String> {
        let list = |cores: &[usize]| {
            let cores: Vec<_> = cores.iter().map(usize::to_string).collect();
            cores.join(",")
        };
        let cores = self.cores.as_ref().map_or(usable, |Cores(cores)| cores);
        if let Some(core) = cores.iter().find(|core| !usable.contains(core)) {
            let usable = list(usable);
            return Err(format!("this process may not use core {core}, but only {usable}"));
        }
        if let Some((_, core)) =
            cores.iter().enumerate().find(|(i, core)| cores[..*i].contains(core))
        {
            return Err(format!("--cores names core {core} twice"));
        }
        if cores.len() < 2 {
            let whose = if self.cores.is_some() { "--cores names" } else { "this process may use" };
            let number = if cores.is_empty() { "none" } else { "one" };
            return Err(format!("a round trip needs two host cores, and {whose} {number}"));
        }
        Ok(cores.to_vec())
    }
}

fn slices() -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=100_000)
}

fn core_list(text: &str) -> Result<Cores, String> {
    let cores = parse_core_list(text).map(Cores);
    cores.ok_or_else(|| "a list of cores is such as 0,2-5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(flags: &[&str], usable: &[usize]) -> Result<Vec<usize>, String> {
        Args::try_parse_from([&["ipi_matrix"], flags].concat()).unwrap().cores(usable)
    }

    #[test]
    fn cores_are_all_the_usable_ones_or_those_that_are_named_in_their_order() {
        assert_eq!(cores(&[], &[0, 1, 7]), Ok(vec![0, 1, 7]));
        assert_eq!(cores(&["--cores", "7,0-1"], &[0, 1, 7]), Ok(vec![7, 0, 1]));
    }

    #[test]
    fn cores_that_cannot_be_measured_are_refused() {
        let refused = |list, words: &str| {
            let error = cores(&["--cores", list], &[0, 1, 7]).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused("0-2", "may not use core 2, but only 0,1,7");
        refused("0,1,0", "core 0 twice");
        refused("7", "needs two host cores, and --cores names one");
        assert!(cores(&[], &[3]).unwrap_err().contains("this process may use one"));
        assert!(cores(&[], &[]).unwrap_err().contains("this process may use none"));
    }

    #[test]
    fn csv_without_a_file_is_standard_output() {
        let args = Args::try_parse_from(["ipi_matrix", "--csv", "--json", "x.json"]).unwrap();
        assert_eq!(args.csv, Some(PathBuf::from("-")));
        assert_eq!(args.json, Some(PathBuf::from("x.json")));
        assert_eq!(args.svg, None);
    }
}
