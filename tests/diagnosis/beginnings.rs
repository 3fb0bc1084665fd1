//! Whether the beginning of a log is missing: the taint of the first dump tells.

use softlockup::dmesg::diagnosis::{Caveat, diagnose};

fn headline(cpu: u32) -> String {
    format!(
        "[  52.00000{cpu}] watchdog: BUG: soft lockup - CPU#{cpu} stuck for 22s! [task/{cpu}:10{cpu}]\n"
    )
}

fn cpu_line(cpu: u32, taint: &str) -> String {
    format!("[  52.00001{cpu}] CPU: {cpu} PID: 10{cpu} Comm: task/{cpu} {taint} 6.1.0 #1\n")
}

const NOT_TAINTED: &str = "Not tainted";
const TAINTED: &str = "Tainted: G             L    ";

fn head_is_missing(log: &str) -> bool {
    let is_it = |caveat: &Caveat| matches!(caveat, Caveat::HeadIsMissing { .. });
    diagnose(log.as_bytes()).iter().any(|incident| incident.caveats.iter().any(is_it))
}

#[test]
fn of_two_cpus_that_report_at_once_one_is_tainted_by_the_other() {
    let headlines = headline(2) + &headline(3);
    let log = headlines.clone() + &cpu_line(3, NOT_TAINTED) + &cpu_line(2, TAINTED);
    assert!(!head_is_missing(&log), "{log}");
    let late = headlines + &cpu_line(3, TAINTED) + &cpu_line(2, TAINTED);
    assert!(head_is_missing(&late), "{late}");
}

#[test]
fn a_first_dump_that_is_tainted_by_an_earlier_one_has_no_head() {
    assert!(head_is_missing(&(headline(2) + &cpu_line(2, TAINTED))));
    assert!(!head_is_missing(&(headline(2) + &cpu_line(2, NOT_TAINTED))));
    // Another CPU's line, which no headline is of, tells nothing.
    assert!(head_is_missing(&(headline(2) + &cpu_line(4, NOT_TAINTED) + &cpu_line(2, TAINTED))));
}
