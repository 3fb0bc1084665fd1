//! Agreement with real kernels, run by run.
//!
//! `tests/ground-truth/` holds serial consoles of arm64 and x86-64 kernels that lived through the incident. A case
//! gives the machine what the real run was given: its switches, the moment of the oops, and for each waiting CPU a
//! moment in the window in which it began to wait. Everything else is predicted, and compared headline by headline:
//! what is printed, in which order, by and about which CPU, with which number, and when, to 0.3 s. The kinds of headlines
//! are those of [`Headline`], of all CPUs alike: of the soft lockups each CPU's first [`kept`](Case::kept), and of RCU's
//! stall warnings the first, because the logs are trimmed behind those. What disturbed a run is given to the machine as well: when a grace period of RCU began that
//! never ended; and, because those kernels ran in an emulator whose busy delays take longer than they say, how long they
//! took, where that decides: the 10 s for a backtrace were 12.1 s in the run with CSD-lock debugging, and the 1 s for CPUs
//! to stop was 9.0 s.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use softlockup::config::{BusyDelays, ConsoleTime, Detectors, PrintOrder, RcuStalls, Sysctl};
use softlockup::dmesg::{self, CpuList, Entry, Message};
use softlockup::incident::report::Report;
use softlockup::kernel::fault::Access;
use softlockup::kernel::notifier::NotifierBlock;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::parts::die_chain::Notify;
use softlockup::scenario::nested_oops::DieLockPolicy;
use softlockup::{Config, Cpu, CpuId, Kernel, KernelTime, Machine, Parts, Task};

/// What a CPU does, and when it begins to wait.
#[derive(Clone, Copy)]
enum Waits {
    /// It computes before.
    BusyUntil(f64),
    /// It idles before, with its tick stopped.
    IdleUntil(f64),
}

use Waits::{BusyUntil, IdleUntil};

/// One run of a real kernel.
struct Case {
    log: &'static str,
    /// When it oopses, and whether the notifier faults; `None`: it does not.
    oops: Option<(f64, bool)>,
    kernel: Kernel,
    die_lock: DieLockPolicy,
    /// When CPU 1 oopses as well.
    later_oops: Option<f64>,
    console_touches_watchdog: bool,
    /// Where the samples of CPUs 1 and 3 lie in their period of 4 s.
    phases: [f64; 2],
    waits: &'static [(u32, Waits)],
    detectors: Detectors,
    pseudo_nmi: bool,
    sysctl: Sysctl,
    /// So many of each CPU's soft lockups are compared, from the first on: the trimmed log keeps no more of some CPU.
    kept: usize,
    /// When a grace period of RCU begins that never ends; `None`: the real kernel reported none.
    grace_period: Option<f64>,
    busy_delays: BusyDelays,
    /// How fast the console is, if that decides.
    console_time: Option<ConsoleTime>,
}

const QUIET: Sysctl = Sysctl::OFF;

const PLAIN: Case = Case {
    log: "",
    oops: None,
    kernel: Kernel::Arm64V6_12,
    die_lock: DieLockPolicy::Arm64,
    later_oops: None,
    console_touches_watchdog: false,
    phases: [0.4, 0.5],
    waits: &[],
    detectors: Detectors::of(Kernel::Arm64V6_12),
    pseudo_nmi: false,
    sysctl: QUIET,
    kept: 3,
    grace_period: None,
    busy_delays: BusyDelays { mdelay_ns: 1_000_000, udelay_ns: 1_000 },
    console_time: None,
};

/// The emulator's serial line is faster, but a report of ours has fewer registers: it takes about as long as a real one.
const EMULATED: Option<ConsoleTime> = Some(ConsoleTime { baud: 115_200 });

/// A headline of a console, without names, addresses and offsets.
#[derive(Clone, Debug, PartialEq)]
enum Headline {
    Fault { addr: u64, write: Option<bool> },
    Oops { count: u32 },
    EndTrace,
    HardLockup { cpu: u32 },
    Request { from: u32, to: Vec<u32> },
    Backtrace { cpu: u32 },
    SoftLockup { cpu: u32, secs: u64 },
    CsdStall { first: bool, number: u32, on: u32, target: u32, secs: u64 },
    CsdUnresponsive { number: u32 },
    CsdResend { number: u32, from: u32, to: u32 },
    Panic { reason: String },
    Stopping,
    RetryStop { cpus: Vec<u32> },
    FailedToStop { cpus: Vec<u32> },
    RebootingIn { secs: u32 },
    KernelBug { file: String },
    TaskDump { cpu: u32 },
    RcuStall { self_detected: bool },
    RcuStallCpu { cpu: u32 },
    RcuKthreadStarved { cpu: Option<u32> },
}

/// Headlines and when they were printed, in seconds since boot.
type Headlines = Vec<(f64, Headline)>;

impl Headline {
    fn of(message: &Message) -> Option<Self> {
        let numbers = |cpus: &CpuList| cpus.iter().map(|cpu| cpu.0).collect();
        Some(match message {
            Message::Fault { addr, write } => Headline::Fault { addr: *addr, write: *write },
            Message::Oops { count, .. } => Headline::Oops { count: *count },
            Message::EndTrace => Headline::EndTrace,
            Message::HardLockup { cpu, .. } => Headline::HardLockup { cpu: cpu.0 },
            Message::BacktraceRequest { from, to } => {
                Headline::Request { from: from.0, to: numbers(to) }
            }
            Message::Backtrace { cpu, .. } => Headline::Backtrace { cpu: cpu.0 },
            Message::SoftLockup { cpu, secs, .. } => {
                Headline::SoftLockup { cpu: cpu.0, secs: *secs }
            }
            Message::CsdStall { kind, number, on, waiting_ns, target, .. } => Headline::CsdStall {
                first: *kind == dmesg::CsdKind::Detected,
                number: *number,
                on: on.0,
                target: target.0,
                secs: waiting_ns / 1_000_000_000,
            },
            Message::CsdUnresponsive { number } => Headline::CsdUnresponsive { number: *number },
            Message::CsdResend { number, from, to } => {
                Headline::CsdResend { number: *number, from: from.0, to: to.0 }
            }
            Message::Panic { reason } => Headline::Panic { reason: reason.clone() },
            Message::StoppingCpus => Headline::Stopping,
            Message::RetryStop { cpus } => Headline::RetryStop { cpus: numbers(cpus) },
            Message::FailedToStop { cpus } => Headline::FailedToStop { cpus: numbers(cpus) },
            Message::RebootingIn { secs } => Headline::RebootingIn { secs: *secs },
            // The line's number is the build's.
            Message::KernelBug { at } => {
                let file = at.rsplit_once(':').map_or(&**at, |(file, _)| file);
                Headline::KernelBug { file: file.to_owned() }
            }
            Message::TaskDump { cpu } => Headline::TaskDump { cpu: cpu.0 },
            Message::RcuStall { self_detected, .. } => {
                Headline::RcuStall { self_detected: *self_detected }
            }
            Message::RcuStallCpu { cpu, .. } => Headline::RcuStallCpu { cpu: cpu.0 },
            Message::RcuKthreadStarved { cpu, .. } => {
                Headline::RcuKthreadStarved { cpu: cpu.map(|cpu| cpu.0) }
            }
            _ => return None,
        })
    }

    /// Whether it can be part of an RCU stall warning, behind its first line.
    fn may_be_of_a_stall(&self) -> bool {
        matches!(
            self,
            Headline::RcuStallCpu { .. }
                | Headline::RcuKthreadStarved { .. }
                | Headline::Request { .. }
                | Headline::Backtrace { .. }
                | Headline::TaskDump { .. }
        )
    }
}

impl Case {
    /// The headlines of a console that this case can be held to.
    fn headlines(&self, entries: &[Entry]) -> Vec<(f64, Headline)> {
        let mut lockups = HashMap::new();
        let (mut stalls, mut in_a_later_stall) = (0, false);
        let mut headlines = Vec::new();
        for entry in entries {
            let (Some(time), Some(headline)) = (entry.time, Headline::of(&entry.message)) else {
                continue;
            };
            let secs = time.ns() as f64 / 1e9;
            if let Headline::SoftLockup { cpu, .. } = headline {
                let seen = lockups.entry(cpu).or_insert(0);
                *seen += 1;
                if *seen > self.kept {
                    continue;
                }
            }
            // Of the RCU stalls the trimmed log keeps the first.
            if let Headline::RcuStall { .. } = headline {
                stalls += 1;
                in_a_later_stall = stalls > 1;
            }
            in_a_later_stall &=
                matches!(headline, Headline::RcuStall { .. }) || headline.may_be_of_a_stall();
            if !in_a_later_stall {
                headlines.push((secs, headline));
            }
        }
        headlines
    }

    fn machine(&self, until: KernelTime) -> Machine {
        let ns = |secs: f64| (secs * 1e9) as u64;
        let mut config = Config {
            nr_cpus: 4,
            kernel: self.kernel,
            console_touches_watchdog: self.console_touches_watchdog,
            print_order: PrintOrder::Stock,
            pseudo_nmi: self.pseudo_nmi,
            detectors: self.detectors,
            sysctl: self.sysctl,
            rcu_stalls: self.grace_period.map(|at| RcuStalls { first_ns: ns(at), every_ns: 0 }),
            busy_delays: self.busy_delays,
            console_time: self.console_time,
            until,
            ..Config::default()
        };
        // High-resolution timers: no tick to wait for.
        config.bring_up.tick_ns = 0;
        config.bring_up.per_cpu_ns = ns((self.phases[1] - self.phases[0]) / 2.0);
        config.bring_up.first_ns = ns(self.phases[0]) - config.bring_up.per_cpu_ns;

        let parts = self.die_lock.plug_into(Parts::stock());
        let mut machine = Machine::new(config, parts).unwrap();
        let mut oops = |cpu: u32, at: f64| {
            let start = KernelTime::from_secs_f64(at).unwrap();
            let body = |cpu: &Cpu| cpu.null_deref(Access::Write, 0);
            machine.spawn(CpuId(cpu), Task::new("kbox_culprit", 80 + cpu, start, body));
        };
        if let Some(at) = self.later_oops {
            oops(1, at);
        }
        if let Some((at, notifier_faults)) = self.oops {
            oops(0, at);
            let faults = AtomicBool::new(notifier_faults);
            machine.register_die_notifier(NotifierBlock::new("kbox_die", 0, move |cpu: &Cpu| {
                cpu.printk("kbox: die event detected");
                if faults.swap(false, SeqCst) {
                    cpu.null_deref(Access::Read, 8);
                }
                Notify::Done
            }));
        }
        for &(cpu, waits) in self.waits {
            let (start, onset) = match waits {
                BusyUntil(onset) => (onset - 9.0, onset),
                IdleUntil(onset) => (onset, onset),
            };
            let onset = KernelTime::from_secs_f64(onset).unwrap();
            let start = KernelTime::from_secs_f64(start).unwrap();
            let body = move |cpu: &Cpu| {
                cpu.run_user_until(onset);
                kick_all_cpus_sync(cpu);
            };
            machine.spawn(CpuId(cpu), Task::new(format!("kbox_kick/{cpu}"), 76 + cpu, start, body));
        }
        machine
    }

    /// The headlines of the real console, and of ours with the report.
    fn both(&self) -> (Headlines, Headlines, Report) {
        let path = format!("{}/tests/ground-truth/{}.log", env!("CARGO_MANIFEST_DIR"), self.log);
        let real = self.headlines(&dmesg::parse(&std::fs::read(path).unwrap()));
        let end = real.last().map_or(100.0, |(secs, _)| secs + 0.5);
        let until = KernelTime::from_secs_f64(end).unwrap();
        let incident = self.machine(until).run().unwrap().incident;
        let ours = self.headlines(&dmesg::parse(incident.console().as_bytes()));
        (real, ours, incident.report())
    }

    fn agrees(&self) {
        let (real, ours, _) = self.both();
        for (n, (real, ours)) in real.iter().zip(&ours).enumerate() {
            assert_eq!(real.1, ours.1, "{}, headline {n}: real {real:?}, ours {ours:?}", self.log);
            let apart = (real.0 - ours.0).abs();
            assert!(apart < 0.3, "{}, headline {n}: real {real:?}, ours {ours:?}", self.log);
        }
        assert_eq!(real.len(), ours.len(), "{}: {:?}", self.log, ours.get(real.len()..));
    }
}

const X86: Case = Case {
    kernel: Kernel::X86V6_1,
    die_lock: DieLockPolicy::X86,
    detectors: Detectors::of(Kernel::X86V6_1),
    console_touches_watchdog: true,
    ..PLAIN
};

/// The runs. Each is a test of its own, and a row of `tests/ground-truth/AGREEMENT.md`.
macro_rules! cases {
    ($($name:ident: $case:expr;)*) => {
        $(#[test]
        fn $name() {
            $case.agrees();
        })*

        #[test]
        fn the_table_is_made_of_these_cases() {
            let mut table = String::from(TABLE_HEAD);
            $(table.push_str(&$case.row(stringify!($name)));)*
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ground-truth/AGREEMENT.md");
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(path, &table).unwrap();
            }
            let written = std::fs::read_to_string(path).unwrap_or_default();
            assert!(table == written, "run `BLESS=1 cargo test --test ground_truth`:\n{table}");
        }
    };
}

const TABLE_HEAD: &str = "\
# What these kernels did, and the machine does

Made by `tests/ground_truth.rs` from its own cases; times are seconds after the oops, of the real kernel and of the machine.
What is compared: of every CPU, each headline that the tests know (`Headline` there), in its order and with its time, to
0.3 s. Of a CPU's soft lockups the first three (with pseudo-NMIs the first two), and of RCU's stall warnings the first:
the recorded logs are trimmed behind those. The table shows who names CPU 0, and each CPU's first soft lockup.

| run | who names CPU 0 | first soft lockups | RCU stall | outcome |
|---|---|---|---|---|
";

impl Case {
    /// One row of the table.
    fn row(&self, name: &str) -> String {
        let (real, ours, report) = self.both();
        let oops = self.oops.map_or(0.0, |(at, _)| at);
        let after = |of: &[(f64, Headline)], n: usize| format!("{:.1}", of[n].0 - oops);
        let mut named = Vec::new();
        let mut locked = Vec::new();
        let mut stalls = Vec::new();
        let mut seen = Vec::new();
        for (n, (_, headline)) in real.iter().enumerate() {
            let (then, now) = (after(&real, n), after(&ours, n));
            match headline {
                Headline::HardLockup { cpu } => {
                    named.push(format!("the buddy of CPU {cpu} +{then} / +{now}"))
                }
                Headline::CsdStall { first: true, on, .. } => {
                    named.push(format!("csd on CPU {on} +{then} / +{now}"));
                }
                Headline::RcuStall { .. } => stalls.push(format!("+{then} / +{now}")),
                Headline::RcuStallCpu { cpu } => stalls.push(format!("CPU {cpu}")),
                Headline::RcuKthreadStarved { cpu: Some(cpu) } => {
                    stalls.push(format!("its thread starves on CPU {cpu}"));
                }
                Headline::SoftLockup { cpu, secs } if !seen.contains(cpu) => {
                    seen.push(*cpu);
                    locked.push(format!("CPU {cpu} {secs}s +{then} / +{now}"));
                }
                _ => {}
            }
        }
        let or = |none: &str, list: Vec<String>| match list.is_empty() {
            true => none.to_owned(),
            false => list.join(", "),
        };
        let outcome = format!("{:?}", report.outcome).to_lowercase();
        format!(
            "| {} (`{}`) | {} | {} | {} | {outcome} |\n",
            name.replace('_', " "),
            self.log,
            or("no CPU", named),
            or("no CPU", locked),
            or("none", stalls),
        )
    }
}

const THE_ARTICLES_INCIDENT: Case = Case {
    log: "a64-612-oops-execbusy-smp4",
    oops: Some((29.019, true)),
    phases: [0.4076, 0.4804],
    waits: &[(1, BusyUntil(29.0193)), (2, BusyUntil(29.0205)), (3, BusyUntil(29.0196))],
    grace_period: Some(29.017),
    console_time: EMULATED,
    ..PLAIN
};

const SOFTLOCKUP_PANIC_PANICS: Case = Case {
    log: "a64-612-softpanic-smp4",
    oops: Some((25.3186, true)),
    phases: [0.4296, 0.5052],
    waits: &[(1, BusyUntil(30.0)), (2, IdleUntil(34.0)), (3, IdleUntil(34.0))],
    // Its command line says panic=5.
    sysctl: Sysctl { softlockup_panic: true, panic_timeout_secs: 5, ..QUIET },
    busy_delays: BusyDelays { udelay_ns: 8_961, ..PLAIN.busy_delays },
    console_time: EMULATED,
    ..PLAIN
};

cases! {
    a_healthy_machine: Case { log: "a64-612-baseline-execbusy-smp4", ..PLAIN };
    one_oops_and_a_harmless_notifier: Case { log: "a64-612-nest0-smp4", oops: Some((25.999, false)), ..PLAIN };
    the_articles_incident: THE_ARTICLES_INCIDENT;
    with_csd_lock_debugging: Case {
        log: "a64-612-csd-smp4",
        oops: Some((25.830, true)),
        phases: [0.4313, 0.5033],
        waits: &[(1, IdleUntil(31.4657)), (2, BusyUntil(28.468)), (3, IdleUntil(28.4711))],
        detectors: Detectors { csd: true, ..PLAIN.detectors },
        busy_delays: BusyDelays { mdelay_ns: 1_213_000, ..PLAIN.busy_delays },
        ..PLAIN
    };
    with_pseudo_nmis: Case {
        log: "a64-612-pnmi-smp4",
        oops: Some((26.332, true)),
        phases: [0.4571, 0.5332],
        waits: &[(1, IdleUntil(32.63)), (2, BusyUntil(30.0)), (3, BusyUntil(32.75))],
        grace_period: Some(32.637),
        pseudo_nmi: true,
        kept: 2,
        ..PLAIN
    };
    softlockup_panic_panics: SOFTLOCKUP_PANIC_PANICS;
    panic_on_oops_does_not: Case {
        log: "a64-612-panic_on_oops-smp4",
        oops: Some((26.587, true)),
        phases: [0.4528, 0.5208],
        waits: &[(1, IdleUntil(34.0)), (2, BusyUntil(34.0)), (3, BusyUntil(31.0))],
        sysctl: Sysctl { panic_on_oops: true, ..QUIET },
        ..PLAIN
    };
    without_a_hard_lockup_detector_no_cpu_names_cpu0: Case {
        log: "a64-d61-oops-kick-smp4",
        oops: Some((148.759, true)),
        phases: [0.585, 0.6692],
        waits: &[(1, IdleUntil(150.5)), (2, IdleUntil(150.5)), (3, IdleUntil(150.5))],
        kernel: Kernel::Arm64V6_1,
        detectors: Detectors::of(Kernel::Arm64V6_1),
        console_time: EMULATED,
        ..PLAIN
    };
    x86_survives_one_nested_oops: Case { log: "x86-d61-nest1-smp4", oops: Some((12.787, true)), ..X86 };
    x86_hangs_in_silence_at_a_later_oops: Case {
        log: "x86-d61-nest1-again-smp4",
        oops: Some((13.894, true)),
        later_oops: Some(26.18),
        phases: [0.8524, 1.3314],
        waits: &[(2, IdleUntil(28.0)), (3, IdleUntil(31.0))],
        ..X86
    };
}

/// The seconds from CPU 1's first report to the first headline that is `to`.
fn after_cpu_1(headlines: &Headlines, to: fn(&Headline) -> bool) -> f64 {
    let first = |is: fn(&Headline) -> bool| {
        headlines.iter().find(|(_, headline)| is(headline)).expect("it is printed").0
    };
    first(to) - first(|it| matches!(it, Headline::SoftLockup { cpu: 1, .. }))
}

/// CPU 2's sample comes less than 45 ms after CPU 1's, but CPU 1's report has to end before CPU 2's headline.
#[test]
fn a_second_report_waits_for_the_first_as_on_the_real_kernel() {
    let (real, ours, _) = THE_ARTICLES_INCIDENT.both();
    for headlines in [&real, &ours] {
        let to = |it: &Headline| matches!(it, Headline::SoftLockup { cpu: 2, .. });
        let secs = after_cpu_1(headlines, to);
        assert!((0.050..0.075).contains(&secs), "{secs}");
    }
}

#[test]
fn a_panic_comes_after_its_report_as_on_the_real_kernel() {
    let (real, ours, _) = SOFTLOCKUP_PANIC_PANICS.both();
    for headlines in [&real, &ours] {
        let secs = after_cpu_1(headlines, |it| matches!(it, Headline::Panic { .. }));
        assert!((0.025..0.075).contains(&secs), "{secs}");
    }
}
