//! The command line.

use std::path::PathBuf;

use crate::values::{
    AblateArg, ArchArg, CallQueueArg, DetectorArg, DieLockArg, KernelArg, NotifierArg,
    PrintOrderArg, ReportForm,
};
use clap::Parser;
use softlockup::config::{
    Ablation, BuddyRule, ConsoleTime, Detectors, PrintOrder, RcuStalls, Sysctl,
    WatchdogThreshChange,
};
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, Before, DieLockPolicy, NestedOops, Notifier};
use softlockup::{Clock, Config, CpuId, Kernel, KernelTime, Scenario};

use crate::scenario::ScenarioName;

/// Live through the article's incident: a nested oops on CPU 0, and soft lockups on the CPUs that wait for it; or
/// through another incident that looks alike.
///
/// The console goes to standard output as it happens, then a report that answers the three questions for this run.
#[derive(Debug, Parser)]
#[command(name = "nested_oops", version, max_term_width = 100)]
pub(crate) struct Args {
    /// What to live through. Flags that say "article" are refused with the others.
    #[arg(long, value_name = "NAME", default_value = "article")]
    scenario: ScenarioName,

    /// How many CPUs the machine has, 1 to 4096 [default: the scenario's]. Victims of the article that are absent are
    /// dropped.
    #[arg(long, value_name = "N")]
    cpus: Option<u32>,

    /// Article: random arrivals instead of its own: about one CPU a minute gets stuck. Each seed names one run.
    #[arg(long, value_name = "S", conflicts_with = "stuck")]
    seed: Option<u64>,

    /// Switch the machine off then, in seconds of kernel time [default: a few seconds after the last report; 600 with
    /// --seed].
    #[arg(long, value_name = "SECS", value_parser = seconds, allow_negative_numbers = true)]
    until: Option<KernelTime>,

    /// Permute the turns of CPUs that can run at the same instant. Each seed names one order.
    #[arg(long, value_name = "S")]
    turn_seed: Option<u64>,

    /// Article: this CPU begins to wait then, instead of its five. Repeatable.
    #[arg(long, value_name = "CPU@SECS", value_parser = cpu_at)]
    stuck: Vec<At>,

    /// Article: CPUs compute before they begin to wait (the default).
    #[arg(long, conflicts_with = "idle")]
    busy: bool,

    /// Article: CPUs idle, with their tick stopped, before they begin to wait: they are reported a sample later.
    #[arg(long)]
    idle: bool,

    /// Article: one more oops, beside CPU 0's at 254.2 s. Repeatable.
    #[arg(long, value_name = "CPU@SECS", value_parser = cpu_at)]
    oops: Vec<At>,

    /// Article: take one cause of the cascade away.
    #[arg(long, value_name = "NAME")]
    ablate: Option<AblateArg>,

    /// Virtual time, or the host's times RATIO with all CPUs in parallel.
    #[arg(long, value_name = "lockstep|wall:RATIO", default_value = "lockstep", value_parser = clock)]
    clock: Clock,

    /// The architecture: arm64, or x86-64 with its order of prints, its die_lock and a console that touches the watchdog.
    #[arg(long, value_name = "ARCH", default_value = "arm64")]
    arch: ArchArg,

    /// The kernel whose behaviour and text the machine follows [default: the scenario's; with --arch x86_64 6.1].
    #[arg(long, value_name = "VERSION")]
    kernel: Option<KernelArg>,

    /// kernel.watchdog_thresh in seconds, 0 (off) to 60.
    #[arg(long, value_name = "SECS", default_value_t = 10)]
    watchdog_thresh: u64,

    /// A task on the last CPU writes another kernel.watchdog_thresh then. All watchdogs start anew.
    #[arg(long, value_name = "THRESH@SECS", value_parser = thresh_at)]
    change_watchdog_thresh: Option<(u64, KernelTime)>,

    /// Which detectors look for lockups, as a list [default: softlockup; with --kernel 6.12 also hardlockup_buddy].
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

    /// kernel.softlockup_all_cpu_backtrace=1: a CPU that reports itself asks all others what they are doing. On arm64
    /// with --kernel 6.12; older ones cannot ask.
    #[arg(long)]
    softlockup_all_cpu_backtrace: bool,

    /// kernel.hardlockup_all_cpu_backtrace=1: the same for a hard lockup.
    #[arg(long)]
    hardlockup_all_cpu_backtrace: bool,

    /// kernel.panic=SECS: restart so long after a panic; at once if negative, never if 0.
    #[arg(long, value_name = "SECS", default_value_t = 0, allow_negative_numbers = true)]
    panic_timeout: i32,

    /// kernel.panic_on_oops=1. It does not help here: die() checks it after the notifiers.
    #[arg(long)]
    panic_on_oops: bool,

    /// smp.panic_on_ipistall, with the detector csd; 0 is never.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    panic_on_ipistall: u64,

    /// Printing takes time: a line its length at this many baud [default with the flag: 115200]. Other CPUs' reports wait
    /// where this kernel lets them wait.
    #[arg(long, value_name = "BAUD", num_args = 0..=1, require_equals = true, default_missing_value = "115200")]
    console_time: Option<u32>,

    /// RCU says which CPUs hold up a grace period, after 21 s and again after 63 s more: one is always open.
    #[arg(long)]
    rcu_stalls: bool,

    /// How calls reach another CPU. The incident is the same with each.
    #[arg(long, value_name = "QUEUE", default_value = "kernel")]
    pub(crate) call_queue: CallQueueArg,

    /// Article: which CPU may enter die() while another oops is reported: none (arm64), its own CPU until a task dies
    /// (x86), its own CPU (nesting) [default: the architecture's].
    #[arg(long, value_name = "POLICY")]
    die_lock: Option<DieLockArg>,

    /// Article: what listens on the die chain: a callback that faults once, each time, or never; or no callback
    /// [default: faulting].
    #[arg(long, value_name = "KIND")]
    notifier: Option<NotifierArg>,

    /// Article: when an oops prints its registers: after the notifiers (stock arm64), or before (the article's console)
    /// [default: vendor].
    #[arg(long, value_name = "ORDER")]
    print_order: Option<PrintOrderArg>,

    /// Save what happened, as JSON Lines.
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) records: Option<PathBuf>,

    /// Read what happened from a file saved with --records, and boot no machine.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = [
        "scenario", "cpus", "seed", "until", "turn_seed", "stuck", "busy", "idle", "arch", "oops", "ablate", "clock", "kernel",
        "watchdog_thresh", "change_watchdog_thresh", "detectors", "pseudo_nmi", "softlockup_panic", "hardlockup_panic",
        "softlockup_all_cpu_backtrace", "hardlockup_all_cpu_backtrace", "panic_timeout",
        "panic_on_oops", "panic_on_ipistall", "console_time", "rcu_stalls", "call_queue", "die_lock", "notifier",
        "print_order",
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

impl Args {
    /// Whether the console is printed: JSON has standard output for itself.
    pub(crate) fn shows_console(&self) -> bool {
        !self.quiet && matches!(self.report, ReportForm::Text)
    }

    /// The incident that is asked for.
    ///
    /// # Errors
    /// Flags that do not go together, in one line.
    pub(crate) fn scenario(&self) -> Result<Box<dyn Scenario>, String> {
        if self.scenario != ScenarioName::Article
            && let Some((flag, _)) =
                self.given_of_the_article().into_iter().find(|(_, given)| *given)
        {
            return Err(format!("{flag} goes with --scenario article only"));
        }
        let mut scenario = self.scenario.scenario(self.article());
        *scenario.config_mut() = self.config(scenario.config())?;
        if let Some(until) = self.until {
            scenario.set_until(until);
        }
        Ok(scenario)
    }

    /// The flags that make sense for the article's incident only, and which of them were given.
    fn given_of_the_article(&self) -> [(&'static str, bool); 9] {
        [
            ("--seed", self.seed.is_some()),
            ("--stuck", !self.stuck.is_empty()),
            ("--busy", self.busy),
            ("--idle", self.idle),
            ("--oops", !self.oops.is_empty()),
            ("--ablate", self.ablate.is_some()),
            ("--die-lock", self.die_lock.is_some()),
            ("--notifier", self.notifier.is_some()),
            ("--print-order", self.print_order.is_some()),
        ]
    }

    /// The scenario's machine, changed as the command line says.
    fn config(&self, default: &Config) -> Result<Config, String> {
        let clock = match (self.clock, self.turn_seed) {
            (Clock::Wall { .. }, Some(_)) => {
                return Err("--turn-seed permutes turns, and --clock wall has none".to_owned());
            }
            (Clock::Lockstep { .. }, turn_seed) => Clock::Lockstep { turn_seed },
            (wall, None) => wall,
        };
        let kernel = match (self.arch, self.kernel) {
            (ArchArg::Arm64, None) => default.kernel,
            (ArchArg::Arm64, Some(KernelArg::V4_19)) => Kernel::Arm64V4_19,
            (ArchArg::Arm64, Some(KernelArg::V6_1)) => Kernel::Arm64V6_1,
            (ArchArg::Arm64, Some(KernelArg::V6_12)) => Kernel::Arm64V6_12,
            (ArchArg::X86_64, None | Some(KernelArg::V6_1)) => Kernel::X86V6_1,
            (ArchArg::X86_64, Some(_)) => {
                return Err("--arch x86_64 has --kernel 6.1 only".to_owned());
            }
        };
        let nr_cpus = self.cpus.unwrap_or(default.nr_cpus);
        Ok(Config {
            nr_cpus,
            kernel,
            console_touches_watchdog: self.arch == ArchArg::X86_64,
            detectors: self.detectors(kernel)?,
            pseudo_nmi: self.pseudo_nmi,
            sysctl: Sysctl {
                softlockup_panic: self.softlockup_panic,
                hardlockup_panic: self.hardlockup_panic,
                panic_on_oops: self.panic_on_oops,
                panic_on_ipistall_ms: self.panic_on_ipistall,
                softlockup_all_cpu_backtrace: self.softlockup_all_cpu_backtrace,
                hardlockup_all_cpu_backtrace: self.hardlockup_all_cpu_backtrace,
                panic_timeout_secs: self.panic_timeout,
            },
            watchdog_thresh_secs: self.watchdog_thresh,
            watchdog_thresh_change: self.change_watchdog_thresh.map(|(secs, at)| {
                WatchdogThreshChange { cpu: CpuId(nr_cpus.saturating_sub(1)), at, secs }
            }),
            print_order: match self.print_order {
                Some(PrintOrderArg::Stock) => PrintOrder::Stock,
                Some(PrintOrderArg::Vendor) => PrintOrder::Vendor,
                None => default.print_order,
            },
            ablate: self.ablate.map(|ablate| match ablate {
                AblateArg::IrqsOnInDie => Ablation::IrqsOnInDie,
                AblateArg::PreemptOnInWait => Ablation::PreemptOnInWait,
                AblateArg::FeedFromTimer => Ablation::FeedFromTimer,
            }),
            console_time: self.console_time.map(|baud| ConsoleTime { baud }),
            rcu_stalls: self.rcu_stalls.then(RcuStalls::default),
            clock,
            ..default.clone()
        })
    }

    fn article(&self) -> NestedOops {
        NestedOops {
            die_lock: match (self.die_lock, self.arch) {
                (Some(DieLockArg::Arm64), _) | (None, ArchArg::Arm64) => DieLockPolicy::Arm64,
                (Some(DieLockArg::X86), _) | (None, ArchArg::X86_64) => DieLockPolicy::X86,
                (Some(DieLockArg::Nesting), _) => DieLockPolicy::Nesting,
            },
            notifier: match self.notifier {
                None | Some(NotifierArg::Faulting) => Notifier::Faulting { times: 1 },
                Some(NotifierArg::Recursing) => Notifier::Faulting { times: u32::MAX },
                Some(NotifierArg::Harmless) => Notifier::Harmless,
                Some(NotifierArg::None) => Notifier::None,
            },
            arrivals: match (self.seed, self.stuck.is_empty()) {
                (Some(seed), _) => Arrivals::Seed(seed),
                (None, true) => Arrivals::Article,
                (None, false) => Arrivals::Stuck(self.stuck.clone()),
            },
            before: if self.idle { Before::Idle } else { Before::Busy },
            more_oopses: self.oops.clone(),
            ..NestedOops::default()
        }
    }

    fn detectors(&self, kernel: Kernel) -> Result<Detectors, String> {
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

fn thresh_at(text: &str) -> Result<(u64, KernelTime), String> {
    let parts = text.split_once('@');
    let both = parts.and_then(|(thresh, secs)| Some((thresh.parse().ok()?, seconds(secs).ok()?)));
    both.ok_or_else(|| "say which threshold and when, such as 5@200".to_owned())
}

fn clock(text: &str) -> Result<Clock, String> {
    let ratio = || text.strip_prefix("wall:")?.parse().ok();
    match (text, ratio()) {
        ("lockstep", _) => Ok(Clock::default()),
        (_, Some(ratio)) => Ok(Clock::Wall { ratio }),
        _ => Err("say lockstep, or wall:RATIO, such as wall:200".to_owned()),
    }
}
