//! The numbers: every pair of cores, and what is known of it.

use serde::Serialize;

use super::heat::{COOL, Scale, WARM};
use softlockup_measure::host::Fate;

/// What was measured of one pair.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) cores: [usize; 2],
    pub(crate) floor_ns: f64,
    pub(crate) mailbox_ns: f64,
    pub(crate) ratio: f64,
    pub(crate) smt_siblings: Option<bool>,
    /// What the two threads suffered, in the order of `cores`.
    pub(crate) fates: [Fate; 2],
}

/// All pairs of `cores`, each once: a round trip is as long from either end.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Matrix {
    pub(crate) cores: Vec<usize>,
    /// How many slices of time each pair was measured for.
    pub(crate) slices: u32,
    /// In the order of [`pairs_of`].
    pub(crate) pairs: Vec<Pair>,
}

/// The pairs of `cores`: the first with each later one, then the second, and so on.
pub(crate) fn pairs_of(cores: &[usize]) -> impl Iterator<Item = [usize; 2]> {
    let later = |i: usize| cores[i + 1..].iter();
    cores.iter().enumerate().flat_map(move |(i, &a)| later(i).map(move |&b| [a, b]))
}

impl Matrix {
    /// The pair at a place of the table, or `None` on its diagonal.
    pub(crate) fn at(&self, row: usize, column: usize) -> Option<&Pair> {
        let (i, j) = (row.min(column), row.max(column));
        // Pairs whose first core is an earlier one.
        let before = i * (2 * self.cores.len() - i - 1) / 2;
        (i != j).then(|| &self.pairs[before + j - i - 1])
    }

    /// The colour scale of one of the three tables.
    pub(crate) fn scale(&self, quantity: Quantity) -> Scale {
        let shades = if quantity == Quantity::Ratio { &COOL } else { &WARM };
        Scale::over(self.pairs.iter().map(|pair| quantity.of(pair)), shades)
    }

    /// One of the three tables in a line: its least, median and greatest number, and where they are.
    pub(crate) fn summary(&self, quantity: Quantity) -> String {
        let mut pairs: Vec<&Pair> = self.pairs.iter().collect();
        pairs.sort_by(|a, b| quantity.of(a).total_cmp(&quantity.of(b)));
        let text = |pair: &Pair| quantity.text(quantity.of(pair));
        let place = |pair: &Pair| format!("cores {} and {}", pair.cores[0], pair.cores[1]);
        match pairs.as_slice() {
            [] => String::new(),
            [pair] => format!("{} ({})", text(pair), place(pair)),
            [least, .., most] => format!(
                "least {} ({}), median {}, most {} ({})",
                text(least),
                place(least),
                text(pairs[pairs.len() / 2]),
                text(most),
                place(most),
            ),
        }
    }

    /// How often the measuring threads suffered something, by core: "never", or "3 (core 0: 2, core 1: 1)", or
    /// "unknown".
    pub(crate) fn suffered(&self, what: impl Fn(&Fate) -> Option<u64>) -> String {
        let on = |core: usize| {
            let threads = self.pairs.iter().flat_map(|pair| pair.cores.iter().zip(&pair.fates));
            threads.filter(|(other, _)| **other == core).map(|(_, fate)| what(fate)).sum()
        };
        let counts: Option<Vec<u64>> = self.cores.iter().map(|core| on(*core)).collect();
        let Some(counts) = counts else { return "unknown".to_owned() };
        let some = self.cores.iter().zip(&counts).filter(|(_, count)| **count > 0);
        let some: Vec<_> = some.map(|(core, count)| format!("core {core}: {count}")).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 { "never".to_owned() } else { format!("{total} ({})", some.join(", ")) }
    }

    /// How often the measuring threads were preempted, if that was more than once in ten slices.
    pub(crate) fn disturbed(&self) -> Option<u64> {
        let threads = self.pairs.iter().flat_map(|pair| &pair.fates);
        let times = threads.map(|fate| fate.preempted).sum::<Option<u64>>()?;
        (times * 10 > self.nr_slices()).then_some(times)
    }

    /// How many slices of time all pairs were measured for.
    pub(crate) fn nr_slices(&self) -> u64 {
        u64::from(self.slices) * self.pairs.len() as u64
    }
}

/// Which of the three tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantity {
    /// The least that this pair can do.
    Floor,
    /// What the machine's own way of calling costs.
    Mailbox,
    /// The second by the first.
    Ratio,
}

impl Quantity {
    pub(crate) const ALL: [Quantity; 3] = [Quantity::Floor, Quantity::Mailbox, Quantity::Ratio];

    /// What stands above the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Quantity::Floor => "floor, ns",
            Quantity::Mailbox => "mailbox, ns",
            Quantity::Ratio => "mailbox / floor",
        }
    }

    /// What is measured, in a few words.
    pub(crate) fn explanation(self) -> &'static str {
        match self {
            Quantity::Floor => "a number in one cache line, there and back",
            Quantity::Mailbox => "a call through the machine's IPI mailbox, and csd_lock_wait",
            Quantity::Ratio => "median over adjoining slices of time",
        }
    }

    /// A pair's number in this table.
    pub(crate) fn of(self, pair: &Pair) -> f64 {
        match self {
            Quantity::Floor => pair.floor_ns,
            Quantity::Mailbox => pair.mailbox_ns,
            Quantity::Ratio => pair.ratio,
        }
    }

    /// A number of this table in at most five characters, unless it takes more than a second.
    pub(crate) fn text(self, value: f64) -> String {
        if self == Quantity::Ratio {
            let digits = [10.0, 100.0].iter().filter(|limit| value < **limit).count();
            return format!("{value:.digits$}");
        }
        for (unit, name) in [(1.0, ""), (1e3, "k"), (1e6, "M")] {
            let value = value / unit;
            if value < 999.5 || name == "M" {
                let digits = [9.995, 99.95].iter().filter(|limit| value < **limit).count();
                let digits = if name.is_empty() { 0 } else { digits };
                return format!("{value:.digits$}{name}");
            }
        }
        unreachable!("the last unit takes everything")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A made-up matrix: the farther two cores are apart in the list, the longer it takes.
    pub(crate) fn made_up(cores: &[usize]) -> Matrix {
        let pair = |cores: [usize; 2]| Pair {
            cores,
            floor_ns: 50.0 + 10.0 * cores[0].abs_diff(cores[1]) as f64,
            mailbox_ns: 150.0 + 20.0 * cores[0].abs_diff(cores[1]) as f64,
            ratio: 2.5,
            smt_siblings: Some(cores[0].abs_diff(cores[1]) == 1),
            fates: [Fate { preempted: Some(1), migrated: None }, Fate::default()],
        };
        Matrix { cores: cores.to_vec(), slices: 3, pairs: pairs_of(cores).map(pair).collect() }
    }

    #[test]
    fn every_pair_stands_at_both_of_its_places() {
        let cores = [4, 0, 9, 7];
        let matrix = made_up(&cores);
        assert_eq!(matrix.pairs.len(), 6);
        for (row, &a) in cores.iter().enumerate() {
            for (column, &b) in cores.iter().enumerate() {
                let pair = matrix.at(row, column).map(|pair| pair.cores);
                match row.cmp(&column) {
                    std::cmp::Ordering::Less => assert_eq!(pair, Some([a, b])),
                    std::cmp::Ordering::Equal => assert_eq!(pair, None),
                    std::cmp::Ordering::Greater => assert_eq!(pair, Some([b, a])),
                }
            }
        }
    }

    #[test]
    fn a_number_takes_five_characters() {
        let ns = |value| Quantity::Floor.text(value);
        assert_eq!([0.4, 47.3, 999.4].map(ns), ["0", "47", "999"]);
        assert_eq!(
            [999.6, 9_994.0, 9_996.0, 99_960.0].map(ns),
            ["1.00k", "9.99k", "10.0k", "100k"]
        );
        assert_eq!([999_600.0, 12_300_000.0].map(ns), ["1.00M", "12.3M"]);
        let ratio = |value| Quantity::Ratio.text(value);
        assert_eq!([1.0, 9.994, 12.34, 123.4].map(ratio), ["1.00", "9.99", "12.3", "123"]);
    }

    #[test]
    fn suffering_is_summed_by_core_and_unknown_if_one_thread_did_not_say() {
        let mut matrix = made_up(&[0, 1, 2]);
        let preempted = |fate: &Fate| fate.preempted;
        assert_eq!(matrix.suffered(preempted), "unknown");
        for pair in &mut matrix.pairs {
            pair.fates[1].preempted = Some(0);
        }
        assert_eq!(matrix.suffered(preempted), "3 (core 0: 2, core 1: 1)");
        assert_eq!(matrix.suffered(|_| Some(0)), "never");
        assert_eq!((matrix.disturbed(), matrix.nr_slices()), (Some(3), 9));
        matrix.slices = 10;
        assert_eq!(matrix.disturbed(), None, "no more than once in ten slices");
    }

    #[test]
    fn a_summary_says_where_the_ends_are() {
        let summary = made_up(&[0, 1, 5]).summary(Quantity::Floor);
        assert_eq!(summary, "least 60 (cores 0 and 1), median 90, most 100 (cores 0 and 5)");
        assert_eq!(made_up(&[0, 1]).summary(Quantity::Ratio), "2.50 (cores 0 and 1)");
    }
}
