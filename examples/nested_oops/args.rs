//! The command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use softlockup::scenario::nested_oops::{
    Arrivals, At, Before, DieLockPolicy, NestedOops, Notifier,
};
use softlockup::{
    Ablation, BuddyRule, Clock, Config, CpuId, Detectors, KernelTime, KernelVersion, PrintOrder,
    Sysctl,
};

/// Live through the article's incident: a nested oops on CPU 0, and soft lockups on whoever waits for it.
///
/// The console goes to standard output as it happens, then a report that answers the three questions for this run.
#[derive(Debug, Parser)]
#[command(name = "nested_oops", version, max_term_width = 100)]
pub(crate) struct Args {
    /// How many CPUs the machine has, 1 to 4096. Victims of the article that are absent are dropped.
    #[arg(long, value_name = "N", default_value_t = 64)]
    cpus: u32,

    /// Random arrivals instead of the article's: about one CPU a minute gets stuck. Each seed names one run.
    #[arg(long, value_name = "S", conflicts_with = "stuck")]
    seed: Option<u64>,

    /// Switch the machine off then, in seconds of kernel time [default: a few seconds after the last report; 600 with --seed].
    #[arg(long, value_name = "SECS", value_parser = seconds, allow_negative_numbers = true)]
    until: Option<KernelTime>,

    /// Permute the turns of CPUs that can run at the same instant. Each seed names one order.
    #[arg(long, value_name = "S")]
    turn_seed: Option<u64>,

    /// This CPU begins to wait then, instead of the article's five. Repeatable.
    #[arg(long, value_name = "CPU@SECS", value_parser = cpu_at)]
    stuck: Vec<At>,

    /// CPUs compute before they begin to wait (the default).
    #[arg(long, conflicts_with = "idle")]
    busy: bool,

    /// CPUs idle, with their tick stopped, before they begin to wait: they are reported a sample later.
    #[arg(long)]
    idle: bool,

    /// One more oops, beside CPU 0's at 254.2 s. Repeatable.
    #[arg(long, value_name = "CPU@SECS", value_parser = cpu_at)]
    oops: Vec<At>,

    /// Take one cause of the cascade away.
    #[arg(long, value_name = "NAME")]
    ablate: Option<AblateArg>,

    /// Virtual time, or the host's times RATIO with all CPUs in parallel.
    #[arg(long, value_name = "lockstep|wall:RATIO", default_value = "lockstep", value_parser = clock)]
    clock: Clock,

    /// The kernel whose behaviour and text the machine follows.
    #[arg(long, value_name = "VERSION", default_value = "4.19")]
    kernel: KernelArg,

    /// kernel.watchdog_thresh in seconds, 0 (off) to 60.
    #[arg(long, value_name = "SECS", default_value_t = 10)]
    watchdog_thresh: u64,

    /// Who looks for lockups, as a list [default: softlockup; with --kernel 6.12 also hardlockup_buddy].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    detectors: Option<Vec<DetectorArg>>,

    /// Backtraces, the perf detector and the second request to stop are NMIs (irqchip.gicv3_pseudo_nmi=1).
    #[arg(long)]
    pseudo_nmi: bool,

    /// kernel.softlockup_panic=1.
    #[arg(long)]
    softlockup_panic: bool,

    /// kernel.hardlockup_panic=1.
    #[arg(long)]
    hardlockup_panic: bool,

    /// kernel.panic_on_oops=1. It does not help here: die() checks it behind the notifiers.
    #[arg(long)]
    panic_on_oops: bool,

    /// smp.panic_on_ipistall, with the detector csd; 0 is never.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    panic_on_ipistall: u64,

    /// Who may enter die() while another oops is reported: nobody (arm64), its own CPU until a task dies (x86), its
    /// own CPU (nesting).
    #[arg(long, value_name = "POLICY", default_value = "arm64")]
    die_lock: DieLockArg,

    /// What listens on the die chain: a callback that faults once, one that does not, or nobody.
    #[arg(long, value_name = "KIND", default_value = "faulting")]
    notifier: NotifierArg,

    /// When an oops prints its registers: after the notifiers (stock arm64), or before (the article's console).
    #[arg(long, value_name = "ORDER", default_value = "vendor")]
    print_order: PrintOrderArg,

    /// Save what happened, as JSON Lines.
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) records: Option<PathBuf>,

    /// Read what happened from a file saved with --records, and boot no machine.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = [
        "cpus", "seed", "until", "turn_seed", "stuck", "busy", "idle", "oops", "ablate", "clock", "kernel",
        "watchdog_thresh", "detectors", "pseudo_nmi", "softlockup_panic", "hardlockup_panic",
        "panic_on_oops", "panic_on_ipistall", "die_lock", "notifier", "print_order",
    ])]
    pub(crate) replay: Option<PathBuf>,

    /// Save a trace for Perfetto (ui.perfetto.dev) or chrome://tracing: one track per CPU.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) trace: Option<PathBuf>,

    /// Print the report as text, or as one JSON object and nothing else.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) report: ReportForm,

    /// Do not print the console.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReportForm {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AblateArg {
    /// die() leaves interrupts on: CPU 0 answers while it spins, and reports itself
    IrqsOnInDie,
    /// Waiters wait with preemption on: their watchdogs are fed
    PreemptOnInWait,
    /// The timer feeds the watchdog that it should watch
    FeedFromTimer,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KernelArg {
    #[value(name = "4.19")]
    V4_19,
    #[value(name = "6.12")]
    V6_12,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum DetectorArg {
    /// Nobody
    None,
    /// Each CPU samples itself
    Softlockup,
    /// Each CPU samples the next one, at every third sample of its own
    HardlockupBuddy,
    /// The same at every sample, and reports at the third miss (2026)
    #[value(name = "hardlockup_buddy_2026")]
    HardlockupBuddy2026,
    /// Each CPU samples itself by an NMI; needs --pseudo-nmi
    HardlockupPerf,
    /// Who waits for a call for more than 5 s says for whom
    Csd,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DieLockArg {
    Arm64,
    X86,
    Nesting,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NotifierArg {
    Faulting,
    Harmless,
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrintOrderArg {
    Stock,
    Vendor,
}

impl Args {
    /// Whether the console is printed: JSON has standard output for itself.
    pub(crate) fn shows_console(&self) -> bool {
        !self.quiet && matches!(self.report, ReportForm::Text)
    }

    /// The incident that is asked for.
    pub(crate) fn scenario(&self) -> Result<NestedOops, String> {
        let clock = match (self.clock, self.turn_seed) {
            (Clock::Wall { .. }, Some(_)) => {
                return Err("--turn-seed permutes turns, and --clock wall has none".to_owned());
            }
            (Clock::Lockstep { .. }, turn_seed) => Clock::Lockstep { turn_seed },
            (wall, None) => wall,
        };
        let kernel = match self.kernel {
            KernelArg::V4_19 => KernelVersion::V4_19,
            KernelArg::V6_12 => KernelVersion::V6_12,
        };
        let config = Config {
            nr_cpus: self.cpus,
            kernel,
            detectors: self.detectors(kernel)?,
            pseudo_nmi: self.pseudo_nmi,
            sysctl: Sysctl {
                softlockup_panic: self.softlockup_panic,
                hardlockup_panic: self.hardlockup_panic,
                panic_on_oops: self.panic_on_oops,
                panic_on_ipistall_ms: self.panic_on_ipistall,
            },
            watchdog_thresh_secs: self.watchdog_thresh,
            print_order: match self.print_order {
                PrintOrderArg::Stock => PrintOrder::Stock,
                PrintOrderArg::Vendor => PrintOrder::Vendor,
            },
            ablate: self.ablate.map(|ablate| match ablate {
                AblateArg::IrqsOnInDie => Ablation::IrqsOnInDie,
                AblateArg::PreemptOnInWait => Ablation::PreemptOnInWait,
                AblateArg::FeedFromTimer => Ablation::FeedFromTimer,
            }),
            clock,
            ..Config::default()
        };
        Ok(NestedOops {
            config,
            die_lock: match self.die_lock {
                DieLockArg::Arm64 => DieLockPolicy::Arm64,
                DieLockArg::X86 => DieLockPolicy::X86,
                DieLockArg::Nesting => DieLockPolicy::Nesting,
            },
            notifier: match self.notifier {
                NotifierArg::Faulting => Notifier::Faulting { times: 1 },
                NotifierArg::Harmless => Notifier::Harmless,
                NotifierArg::None => Notifier::None,
            },
            arrivals: match (self.seed, self.stuck.is_empty()) {
                (Some(seed), _) => Arrivals::Seed(seed),
                (None, true) => Arrivals::Article,
                (None, false) => Arrivals::Stuck(self.stuck.clone()),
            },
            before: if self.idle { Before::Idle } else { Before::Busy },
            more_oopses: self.oops.clone(),
            until: self.until,
        })
    }
}

impl Args {
    fn detectors(&self, kernel: KernelVersion) -> Result<Detectors, String> {
        let Some(list) = &self.detectors else { return Ok(Detectors::of(kernel)) };
        let has = |detector| list.contains(&detector);
        if has(DetectorArg::HardlockupPerf) && !self.pseudo_nmi {
            return Err("the detector hardlockup_perf is an NMI: it needs --pseudo-nmi".to_owned());
        }
        if has(DetectorArg::None) && list.len() > 1 {
            return Err("--detectors none goes with no other".to_owned());
        }
        let hardlockup_buddy =
            match (has(DetectorArg::HardlockupBuddy), has(DetectorArg::HardlockupBuddy2026)) {
                (true, true) => return Err("--detectors takes one buddy, not both".to_owned()),
                (true, false) => Some(BuddyRule::EVERY_THIRD_SAMPLE),
                (false, true) => Some(BuddyRule::EVERY_SAMPLE),
                (false, false) => None,
            };
        Ok(Detectors {
            softlockup: has(DetectorArg::Softlockup),
            hardlockup_buddy,
            hardlockup_perf: has(DetectorArg::HardlockupPerf),
            csd: has(DetectorArg::Csd),
        })
    }
}

/// Reads the command line. `None` if it asked for help or the version, which is printed by then.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn parse() -> Result<Option<Args>, String> {
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

fn seconds(text: &str) -> Result<KernelTime, String> {
    let secs = text.parse().ok().and_then(KernelTime::from_secs_f64);
    secs.ok_or_else(|| "a time is seconds since boot, such as 338.462".to_owned())
}

fn cpu_at(text: &str) -> Result<At, String> {
    let parts = text.split_once('@').and_then(|(cpu, secs)| {
        Some(At { cpu: CpuId(cpu.parse().ok()?), time: seconds(secs).ok()? })
    });
    parts.ok_or_else(|| "say which CPU and when, such as 35@338.462".to_owned())
}

fn clock(text: &str) -> Result<Clock, String> {
    let ratio = || text.strip_prefix("wall:")?.parse().ok();
    match (text, ratio()) {
        ("lockstep", _) => Ok(Clock::default()),
        (_, Some(ratio)) => Ok(Clock::Wall { ratio }),
        _ => Err("say lockstep, or wall:RATIO, such as wall:200".to_owned()),
    }
}
