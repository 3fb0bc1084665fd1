//! Which of the machine's kernels is most like that of a log.

use crate::replay::log::Log;
use crate::replay::pairs::{Pair, pairs};
use crate::time::softlockup_thresh;
use crate::version::Kernel;

/// The kernel that a replay runs on, and why that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// The machine's.
    pub kernel: Kernel,
    /// The log's release, if it says so: `6.12.117`.
    pub release: Option<String>,
    /// Why this one.
    pub reason: Reason,
    /// Printing a report touches the watchdog, as an 8250's driver does: reports come every seventh sample.
    pub console_touches_watchdog: bool,
}

/// Why a kernel was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The log's release behaves like that one.
    Release,
    /// A CPU's numbers are totals, as they are since 5.13: they grow from report to report, or one is high.
    NumbersGrow,
    /// The log does not tell: no release, and no number is a total. The machine then reports a task once.
    Unknown,
}

/// 5.13 and later print the total again after every further threshold. In Linux: `update_report_ts`.
const CUMULATIVE: (u32, u32) = (5, 13);

/// From here on arm64 kernels are more like 6.12 than like 6.1: 6.5 brought the buddy.
const LATE: (u32, u32) = (6, 5);

impl Likeness {
    /// Of this log.
    pub(super) fn of(log: &Log, thresh_secs: u64) -> Self {
        let release = log.release.clone();
        let pairs = pairs(&log.reports, thresh_secs);
        let grow = pairs.iter().any(|pair| pair.grows);
        // A kernel that reports once prints 22 or 23.
        let most = softlockup_thresh(thresh_secs) + 4;
        let is_total = log.reports.iter().any(|report| report.number > most);
        let version = release.as_deref().and_then(version);
        let (cumulative, reason) = match version {
            Some(version) if version >= CUMULATIVE || !grow => {
                (version >= CUMULATIVE, Reason::Release)
            }
            _ if grow || is_total => (true, Reason::NumbersGrow),
            _ => (false, Reason::Unknown),
        };
        let kernel = match (cumulative, version) {
            (false, _) => Kernel::Arm64V4_19,
            (true, _) if log.is_x86 => Kernel::X86V6_1,
            (true, Some(version)) if version < LATE => Kernel::Arm64V6_1,
            (true, _) => Kernel::Arm64V6_12,
        };
        let apart = |samples: u64| {
            let same = |pair: &&Pair| pair.samples == samples && (pair.grows || !cumulative);
            pairs.iter().filter(same).count()
        };
        let console_touches_watchdog = apart(7) > apart(6);
        Likeness { kernel, release, reason, console_touches_watchdog }
    }

    /// Whether this kernel prints the total at each further report.
    pub(super) fn is_cumulative(&self) -> bool {
        self.kernel != Kernel::Arm64V4_19
    }
}

/// `6.12.117-rt3` is 6.12.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmesg::diagnosis::diagnose;

    fn likeness(log: &str) -> Likeness {
        let log = log.as_bytes();
        Likeness::of(&Log::read(log, &diagnose(log)[0], 4000), 10)
    }

    fn report(stamp: &str, number: u64) -> String {
        format!("[{stamp}] watchdog: BUG: soft lockup - CPU#1 stuck for {number}s! [a:1]\n")
    }

    #[test]
    fn the_release_decides() {
        for (release, kernel) in [
            ("4.18.0-553.el8_10.aarch64", Kernel::Arm64V4_19),
            ("5.12.19", Kernel::Arm64V4_19),
            ("5.15.0-91-generic", Kernel::Arm64V6_1),
            ("6.8.0", Kernel::Arm64V6_12),
        ] {
            let log = format!(
                "{}[    1.0] CPU: 1 PID: 1 Comm: a Not tainted {release} #1",
                report("30.0", 22)
            );
            let found = likeness(&log);
            assert_eq!((found.kernel, found.reason), (kernel, Reason::Release), "{release}");
            assert_eq!(found.release.as_deref(), Some(release));
        }
    }

    #[test]
    fn without_a_release_the_numbers_do_or_nothing_does() {
        let grows = likeness(&(report("30.0", 22) + &report("54.0", 45)));
        assert_eq!((grows.kernel, grows.reason), (Kernel::Arm64V6_12, Reason::NumbersGrow));
        let high = likeness(&report("130.0", 45));
        assert_eq!((high.kernel, high.reason), (Kernel::Arm64V6_12, Reason::NumbersGrow));
        let once = likeness(&report("30.0", 22));
        assert_eq!((once.kernel, once.reason), (Kernel::Arm64V4_19, Reason::Unknown));
    }

    #[test]
    fn reports_every_seventh_sample_tell_that_printing_touches() {
        let every = |secs: &str, number| likeness(&(report("30.0", 22) + &report(secs, number)));
        assert!(every("58.0", 48).console_touches_watchdog);
        assert!(every("58.0", 22).console_touches_watchdog, "4.19 begins a new count");
        assert!(!every("54.0", 45).console_touches_watchdog);
    }
}
