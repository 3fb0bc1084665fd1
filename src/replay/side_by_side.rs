//! The log's reports beside the machine's, and what agrees.

use crate::replay::headline::Headline;

/// One report: the log's, the machine's, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the log has.
    pub real: Option<Headline>,
    /// What the machine printed.
    pub replayed: Option<Headline>,
}

/// All reports, in the order of their stamps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideBySide {
    /// The rows.
    pub rows: Vec<Row>,
    /// Reports of the machine that are older than the log's first: the log begins too late, or something is wrong.
    pub before_the_log: usize,
}

impl Row {
    /// Whether both are there and print the same number.
    pub fn is_equal(&self) -> bool {
        self.off_by() == Some(0)
    }

    /// The machine's number less the log's, if both are there.
    pub fn off_by(&self) -> Option<i64> {
        let (real, replayed) = self.real.as_ref().zip(self.replayed.as_ref())?;
        Some(replayed.number as i64 - real.number as i64)
    }

    /// By how many nanoseconds their stamps differ, if both are there.
    pub fn apart_ns(&self) -> Option<u64> {
        let (real, replayed) = self.real.as_ref().zip(self.replayed.as_ref())?;
        Some(real.time.ns().abs_diff(replayed.time.ns()))
    }

    fn headline(&self) -> &Headline {
        self.real.as_ref().or(self.replayed.as_ref()).expect("a row has a report")
    }
}

impl SideBySide {
    /// Puts each report of the log beside the machine's of the same CPU that is less than half a period away.
    pub(super) fn of(real: &[Headline], replayed: Vec<Headline>, period_ns: u64) -> Self {
        let mut rows: Vec<Row> =
            real.iter().map(|real| Row { real: Some(real.clone()), replayed: None }).collect();
        let first = real.first().map(|headline| headline.time);
        let mut before_the_log = 0;
        for ours in replayed {
            let fits = |row: &Row| {
                row.replayed.is_none()
                    && row.real.as_ref().is_some_and(|real| {
                        real.cpu == ours.cpu
                            && real.time.ns().abs_diff(ours.time.ns()) < period_ns / 2
                    })
            };
            if let Some(row) = rows.iter_mut().find(|row| fits(row)) {
                row.replayed = Some(ours);
            } else if first.is_some_and(|first| ours.time < first) {
                before_the_log += 1;
            } else {
                rows.push(Row { real: None, replayed: Some(ours) });
            }
        }
        rows.sort_by_key(|row| row.headline().time);
        SideBySide { rows, before_the_log }
    }

    /// How many reports the log has.
    pub fn reports(&self) -> usize {
        self.rows.iter().filter(|row| row.real.is_some()).count()
    }

    /// How many of them the machine repeats with the same number.
    pub fn equal(&self) -> usize {
        self.rows.iter().filter(|row| row.is_equal()).count()
    }

    /// By how many nanoseconds the stamps of one row differ at most; `None` if no report has a partner.
    pub fn apart_ns(&self) -> Option<u64> {
        self.rows.iter().filter_map(Row::apart_ns).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpumask::CpuId;
    use crate::time::{KernelTime, NSEC_PER_SEC};

    fn report(ms: u64, cpu: u32, number: u64) -> Headline {
        let time = KernelTime::from_ns(ms * (NSEC_PER_SEC / 1000));
        Headline { time, cpu: CpuId(cpu), number, task: None }
    }

    #[test]
    fn a_wrong_number_a_missing_report_and_one_too_many_each_show() {
        let real = [report(30_003, 1, 22), report(54_000, 1, 45), report(60_000, 2, 22)];
        let ours = vec![
            report(6_000, 1, 9),
            report(30_000, 1, 22),
            report(54_000, 1, 44),
            report(70_000, 3, 22),
        ];
        let both = SideBySide::of(&real, ours, 4 * NSEC_PER_SEC);
        let off_by: Vec<_> = both.rows.iter().map(Row::off_by).collect();
        assert_eq!(off_by, [Some(0), Some(-1), None, None]);
        assert_eq!((both.equal(), both.reports(), both.before_the_log), (1, 3, 1));
        assert_eq!(both.apart_ns(), Some(3_000_000));
        assert_eq!(both.rows[3].real, None);
        assert_eq!(both.rows[2].replayed, None);
    }
}
