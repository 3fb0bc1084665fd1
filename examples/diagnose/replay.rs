//! The machine's console beside the log's.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use softlockup::dmesg::diagnosis::Diagnosis;
use softlockup::replay::{Headline, Note, Reason, Replay, Row, SideBySide};
use softlockup::{CpuId, Kernel};

use crate::wrap::paragraph;

/// What is said of a log whose last incident is lived through once more.
pub(crate) fn page(log: &[u8], incident: Option<&Diagnosis>, colored: bool) -> String {
    let mut out = String::new();
    let bold = style(Style::new().bold(), colored);
    let Some(incident) = incident else { return out };
    let replay = match Replay::of(log, incident) {
        Ok(replay) => replay,
        Err(why) => {
            _ = writeln!(out, "\n{bold}Replay{bold:#}");
            paragraph(&mut out, "  ", &format!("There is nothing to live through: {why}."));
            return out;
        }
    };
    _ = writeln!(out, "\n{bold}Replay{bold:#}");
    paragraph(&mut out, "  ", &what_runs(&replay));
    for note in &replay.notes {
        paragraph(&mut out, "  ", &note_text(note));
    }
    let both = match replay.run() {
        Ok(both) => both,
        Err(error) => {
            paragraph(&mut out, "  ", &format!("The machine cannot run: {error}."));
            return out;
        }
    };
    _ = writeln!(out, "\n{bold}{:>28}  |{:>28}  |{bold:#}", "the log", "the machine");
    for row in &both.rows {
        row_text(&mut out, row, colored);
    }
    out.push('\n');
    out.push_str(&summary(&both));
    out
}

fn style(style: Style, colored: bool) -> Style {
    if colored { style } else { Style::new() }
}

fn what_runs(replay: &Replay) -> String {
    let config = &replay.scenario.config;
    let like = match replay.likeness.kernel {
        Kernel::Arm64V4_19 => "4.19",
        Kernel::Arm64V6_1 => "6.1",
        Kernel::X86V6_1 => "x86's 6.1",
        _ => "6.12",
    };
    let release = replay.likeness.release.as_deref();
    let why = match (replay.likeness.reason, release) {
        (Reason::Release, Some(release)) => format!("the log's is {release}"),
        (Reason::NumbersGrow, Some(release)) => {
            format!("the log's is {release}, but its numbers are totals")
        }
        (Reason::NumbersGrow, None) => {
            "the log does not say which it is; its numbers are totals".to_owned()
        }
        _ => "the log does not say which it is, and no number of it is a total".to_owned(),
    };
    let silent = replay.scenario.culprit;
    let touches = match replay.likeness.console_touches_watchdog {
        true => " Printing touches the watchdog.",
        false => "",
    };
    format!(
        "A machine of {} CPUs, on which CPU {} takes no interrupts from {} s on; each other wait begins \
         in the middle of the time in which it can have begun. The watchdog is that of {like}: {why}.{touches}",
        config.nr_cpus, silent.cpu, silent.time
    )
}

fn note_text(note: &Note) -> String {
    match note {
        Note::StandIn(cpu) => format!(
            "The log names no silent CPU. CPU {cpu} is only a stand-in for it: one that the log does not show."
        ),
        Note::CulpritReports { culprit, stand_in } => format!(
            "CPU {culprit} reports itself, so it takes interrupts and waits here like the others; CPU {stand_in} is \
             only a stand-in for what they wait for."
        ),
        Note::TooManyCpus(cpus) => format!("Left out, no machine has so many: {}.", list(cpus)),
        Note::TooManyWaiters(cpus) => {
            format!("Left out, too many wait: {}.", list(cpus))
        }
        Note::Unstamped(n) => format!("Left out: {n} without a stamp."),
        Note::Assumed(cpus) => format!(
            "The first number does not follow from its stamp, and the nearest sample is taken: {}.",
            list(cpus)
        ),
        Note::Touched(cpus) => format!(
            "Reported later than idle or busy CPUs do, so something touched the watchdog while it waited: {}.",
            list(cpus)
        ),
        Note::LaterWaits(n) => {
            format!("Not lived through: {n} of CPUs that ran after an earlier report.")
        }
        Note::TooLate(n) => {
            format!("Not lived through: {n} that come too long after the first wait began.")
        }
        _ => "Something else was assumed.".to_owned(),
    }
}

/// `CPUs 1, 2 and 14 more`.
fn list(cpus: &[CpuId]) -> String {
    const MOST: usize = 8;
    let shown: Vec<String> = cpus.iter().take(MOST).map(ToString::to_string).collect();
    let more = match cpus.len().saturating_sub(MOST) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let noun = if cpus.len() == 1 { "CPU" } else { "CPUs" };
    format!("{noun} {}{more}", shown.join(", "))
}

/// 28 columns wide.
fn report(headline: Option<&Headline>) -> String {
    headline.map_or_else(
        || format!("{:>28}", "-"),
        |Headline { time, cpu, number, .. }| {
            let cpu = format!("CPU#{cpu}");
            format!("{time:>14} {cpu:>8} {:>4}", format!("{number}s"))
        },
    )
}

fn row_text(out: &mut String, row: &Row, colored: bool) {
    let (says, color) = match (row.off_by(), &row.real) {
        (Some(0), _) => ("equal".to_owned(), AnsiColor::Green),
        (Some(off), _) => (format!("{off:+}"), AnsiColor::Red),
        (None, Some(_)) => ("not printed".to_owned(), AnsiColor::Red),
        (None, None) => ("not in the log".to_owned(), AnsiColor::Yellow),
    };
    let says = match row.apart_ns() {
        Some(apart) => format!("{says}, {} ms", millis(apart)),
        None => says,
    };
    let color = style(Style::new().fg_color(Some(color.into())), colored);
    let (real, ours) = (report(row.real.as_ref()), report(row.replayed.as_ref()));
    _ = writeln!(out, "{real}  |{ours}  | {color}{says}{color:#}");
}

/// Milliseconds with one digit, rounded up, so that nothing is called nearer than it is.
fn millis(ns: u64) -> String {
    let tenths = ns.div_ceil(100_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn summary(both: &SideBySide) -> String {
    let mut out = String::new();
    if both.before_the_log > 0 {
        let n = both.before_the_log;
        paragraph(&mut out, "", &format!("Before the log's first report the machine printed {n}."));
    }
    let extra = both.rows.iter().filter(|row| row.real.is_none()).count();
    if extra > 0 {
        let text = format!(
            "{extra} of the machine's are not in the log: lines are missing, or those CPUs went on."
        );
        paragraph(&mut out, "", &text);
    }
    let apart = both
        .apart_ns()
        .map_or_else(String::new, |apart| format!("; stamps within {} ms", millis(apart)));
    _ = writeln!(out, "{} of {} numbers equal{apart}", both.equal(), both.reports());
    out
}
