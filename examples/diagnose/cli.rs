//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Say which CPU does not answer, out of the text of a kernel's console.
///
/// When a machine locks up, the CPUs that report themselves are mostly victims:
/// they wait for another one, which says nothing. diagnose reads a console, a
/// dmesg or a syslog and says which CPU that is, which lines say so, who waits
/// for it since when, why the printed seconds are what they are, and what to do
/// next. It names a CPU only if the log convicts one. Else it says what keeps it
/// from doing so.
#[derive(Debug, Parser)]
#[command(
    name = "diagnose",
    version,
    verbatim_doc_comment,
    after_help = STATUS,
    after_long_help = LONG
)]
pub(crate) struct Args {
    /// The log; standard input if it is - or missing.
    ///
    /// Any text will do: a serial console, dmesg in any of its forms,
    /// journalctl, syslog, netconsole, /dev/kmsg, a mail that wraps lines.
    /// The whole log is better than a part of it: what stands before the
    /// first report often decides.
    #[arg(
        value_name = "FILE",
        default_value = "-",
        hide_default_value = true,
        verbatim_doc_comment
    )]
    pub(crate) file: PathBuf,

    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    /// Replay the last incident, and compare numbers.
    ///
    /// A machine of threads lives through it, and prints its soft lockups
    /// beside the log's. It is given which CPU is silent and since when the
    /// others wait. The last line says how many numbers are equal.
    #[arg(long, conflicts_with = "json", verbatim_doc_comment)]
    pub(crate) replay: bool,

    /// Colour the text: auto, always or never.
    ///
    /// auto: if standard output is a terminal and NO_COLOR is not set.
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) color: ColorArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ColorArg {
    Auto,
    Always,
    Never,
}

/// What the exit codes mean: main.rs has the same numbers.
const STATUS: &str = "\
Exit status:
  0  a CPU is named
  1  something waited, and no CPU is at fault: all were answered, or timers
     were late
  2  the command line or the file is bad
  3  there is a lockup, and the log convicts no CPU
  4  there is no lockup in the log
  If the log holds several incidents, the status is that of the last one.";

/// What a manual page would say behind the options.
const LONG: &str = "\
How sure it is:
  certain  A fact leaves no other explanation. Callers say for which CPU they
           wait, and it waits for nobody; it faulted inside the report of its
           own oops; a watchdog, or a second look, shows it running with
           interrupts off; its stack shows that it waits for a lock it holds.
  likely   A fact convicts it and nothing speaks for another CPU. Registers of
           those that wait point into its per-CPU area; every other CPU reported
           itself; or it is the only one that a detector calls silent.
  no name  Facts point at different CPUs, or only at CPUs that wait; the
           beginning of the log is missing; dumps are mixed; a lock's holder is
           not shown. It says which.

What it never says:
  That the CPU that reports most is guilty. CPU 0 for want of another. Why the
  bug exists. Who holds a lock that no stack shows. A name out of a small number
  in a register.

The numbers:
  A CPU samples itself every 4 s (2/5 of kernel.watchdog_thresh), and prints the
  time since its stopper last ran in units of 2^30 ns, 1.074 s:
  floor(T/U) - floor(F/U). So stamp and number give F. The wait began between F
  and the next sample; if the CPU was idle before, up to a sample earlier.
  Numbers that do not fit their stamps mean that timers were late.

The replay:
  With --replay a machine whose CPUs are threads lives through the last
  incident. Each CPU samples itself at the phase that its stamps show and waits
  since the time that its first number shows; whether it was idle before, or
  touched by something meanwhile, follows from how late it reports. Every number
  is the machine's own. It confirms the numbers and the waits, and not the name:
  any other silent CPU would leave the same victims.

Exit status:
  0  a CPU is named
  1  something waited, and no CPU is at fault: all were answered, or timers
     were late
  2  the command line or the file is bad
  3  there is a lockup, and the log convicts no CPU
  4  there is no lockup in the log
  If the log holds several incidents, the status is that of the last one.

JSON:
  {\"schema\": \"softlockup.diagnosis\", \"version\": 1, \"exit_status\": n,
   \"incidents\": [...]}, and an incident is
  verdict   \"named\" with cpu, confidence (\"certain\", \"likely\") and
            facts_for_it; \"nobody_at_fault\" with why; \"not_convicted\";
            \"no_lockup\"
  facts     each with fact, cpu, line, weight (\"certain\", \"likely\", \"silent\",
            \"hint\"), text, and what belongs to its kind
  victims   each with cpu, comm, pid, class, function, line, time_ns, printed,
            reckoning, began_ns (from and to) and next (time_ns, number)
  caveats   each with caveat and text, and what belongs to its kind
  advice    each with advice and text
  numbers   fit and misfit: how many printed numbers follow from their stamps
  lines     the first and the last line; times_ns the first and the last stamp
  Times are nanoseconds since boot; what is not known is null. Fields may be
  added; if one changes its meaning, the version changes.

Examples:
  diagnose console.log
  journalctl -k -b -1 | diagnose
  diagnose --replay console.log
  diagnose --json console.log | jq '.incidents[-1].cpu'";
