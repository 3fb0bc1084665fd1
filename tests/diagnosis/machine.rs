//! Consoles of the machine. What really was wrong is known: each scenario says which CPUs are to blame.
//!
//! With `--nocapture` the share of named CPUs is printed, for each scenario. For whoever mends a rule: `DIAGNOSIS_LOGS=1`
//! prints each log that gave a wrong name, `DIAGNOSIS_UNNAMED=1` what speaks against a name in each undamaged one.

use std::collections::BTreeMap;
use std::env;

use softlockup::config::{BuddyRule, ConsoleTime, Detectors, RcuStalls, Sysctl};
use softlockup::dmesg::diagnosis::diagnose;
use softlockup::scenario::At;
use softlockup::scenario::busy::Busy;
use softlockup::scenario::callback_chain::CallbackChain;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::masked_busy::MaskedBusy;
use softlockup::scenario::nested_irq::NestedIrq;
use softlockup::scenario::nested_oops::{Arrivals, Before, DieLockPolicy, NestedOops};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::slow_report::SlowReport;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::{Clock, Config, CpuId, Kernel, KernelTime, Scenario};

use crate::damage::damaged;
use crate::random::Random;

const KERNELS: [Kernel; 4] =
    [Kernel::Arm64V4_19, Kernel::Arm64V6_1, Kernel::Arm64V6_12, Kernel::X86V6_1];

fn at(cpu: u32, secs: u64) -> At {
    At { cpu: CpuId(cpu), time: KernelTime::from_secs(secs) }
}

/// So many different CPUs of a machine of eight.
fn cpus(random: &mut Random) -> [u32; 8] {
    let mut cpus = [0, 1, 2, 3, 4, 5, 6, 7];
    for last in (1..cpus.len()).rev() {
        cpus.swap(last, random.below(last as u64 + 1) as usize);
    }
    cpus
}

/// Every scenario, on CPUs that the seed chooses.
fn scenarios(random: &mut Random) -> Vec<(&'static str, Box<dyn Scenario>)> {
    let c = cpus(random);
    let article = NestedOops::default();
    let seeded = NestedOops {
        arrivals: Arrivals::Seed(random.below(1_000_000)),
        before: if random.chance(50) { Before::Busy } else { Before::Idle },
        ..NestedOops::default()
    };
    let leaked = NestedOops {
        die_lock: DieLockPolicy::X86,
        more_oopses: vec![at(1 + c[0], 300)],
        ..NestedOops::default()
    };
    let two_oopses = NestedOops { more_oopses: vec![at(1 + c[0], 300)], ..NestedOops::default() };
    vec![
        ("article", Box::new(article)),
        ("article, other arrivals", Box::new(seeded)),
        ("leaked die_lock", Box::new(leaked)),
        ("two oopses", Box::new(two_oopses)),
        (
            "lost ipi",
            Box::new(LostIpi {
                deaf: CpuId(c[0]),
                callers: vec![at(c[1], 60), at(c[2], 62), at(c[3], 100)],
                ..LostIpi::default()
            }),
        ),
        (
            "slow console",
            Box::new(SlowConsole {
                slow: at(c[0], 60),
                callers: vec![at(c[1], 61), at(c[2], 62), at(c[3], 63)],
                ..SlowConsole::default()
            }),
        ),
        (
            "irqs-off callers",
            Box::new(IrqsOffCaller {
                pair: [CpuId(c[0]), CpuId(c[1])],
                callers: vec![at(c[2], 61), at(c[3], 70), at(c[4], 80)],
                ..IrqsOffCaller::default()
            }),
        ),
        (
            "wait chains",
            Box::new(WaitChains {
                culprit: at(c[0], 60),
                chains: vec![
                    vec![at(c[1], 61), at(c[2], 62), at(c[3], 63)],
                    vec![at(c[4], 64), at(c[5], 65), at(c[6], 66), at(c[7], 67)],
                ],
                ..WaitChains::default()
            }),
        ),
        (
            "one wait chain",
            Box::new(WaitChains {
                culprit: at(c[0], 60),
                chains: vec![vec![at(c[1], 61), at(c[2], 62)]],
                ..WaitChains::default()
            }),
        ),
        ("busy", Box::new(Busy::default())),
        ("masked busy", Box::new(MaskedBusy::default())),
        ("nested irq", Box::new(NestedIrq::default())),
        ("slow report", Box::new(SlowReport::default())),
        (
            "callback chain",
            Box::new(CallbackChain {
                oopses: vec![at(c[0] % 4, 10), at((c[0] + 1 + c[1] % 3) % 4, 20)],
                ..CallbackChain::default()
            }),
        ),
    ]
}

/// One of the switches that change what is printed.
fn switches(config: &mut Config, kernel: Kernel, random: &mut Random) {
    config.kernel = kernel;
    config.console_touches_watchdog = kernel == Kernel::X86V6_1;
    config.detectors = Detectors::of(kernel);
    config.clock = Clock::Lockstep { turn_seed: Some(random.below(1_000)) };
    config.pseudo_nmi = random.chance(30);
    config.detectors.csd = random.chance(30);
    if random.chance(40) {
        let rules = [BuddyRule::EVERY_THIRD_SAMPLE, BuddyRule::EVERY_SAMPLE];
        config.detectors.hardlockup_buddy = Some(rules[random.below(2) as usize]);
    }
    config.detectors.hardlockup_perf = config.pseudo_nmi && random.chance(70);
    if config.detectors.hardlockup_perf {
        config.detectors.hardlockup_buddy = None;
    }
    config.rcu_stalls = random.chance(40).then(RcuStalls::default);
    config.console_time = random.chance(30).then_some(ConsoleTime { baud: 115_200 });
    config.sysctl = Sysctl {
        softlockup_panic: random.chance(20),
        softlockup_all_cpu_backtrace: random.chance(30),
        hardlockup_all_cpu_backtrace: random.chance(30),
        ..Sysctl::OFF
    };
}

/// A run: its console, and the CPUs that are to blame.
struct Run {
    scenario: &'static str,
    kernel: Kernel,
    console: String,
    guilty: Vec<CpuId>,
}

fn runs(seed: u64) -> Vec<Run> {
    let mut random = Random(seed);
    let mut runs = Vec::new();
    for kernel in KERNELS {
        for (name, mut scenario) in scenarios(&mut random) {
            switches(scenario.config_mut(), kernel, &mut random);
            let Ok(machine) = scenario.machine() else { continue };
            let incident = machine.run().expect("it runs").incident;
            let guilty = scenario.conclusion().cpus;
            runs.push(Run { scenario: name, kernel, console: incident.console(), guilty });
        }
    }
    runs
}

/// How often a CPU was named, and how often it could have been.
#[derive(Default)]
struct Score {
    named: u32,
    logs: u32,
}

/// Reads every run whole and `damages` times damaged, and returns every wrong name.
fn wrong_names(seeds: std::ops::Range<u64>, damages: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for seed in seeds {
        for (run, n) in runs(seed).iter().zip(0..) {
            for damage in 0..=damages {
                let mut random = Random(seed ^ n << 32 ^ damage << 48);
                let log = match damage {
                    0 => run.console.clone(),
                    _ => damaged(&run.console, &mut random),
                };
                let state = if damage == 0 { "whole" } else { "damaged" };
                let key = format!("{state:<8} {}", run.scenario);
                for incident in diagnose(log.as_bytes()) {
                    let score = scores.entry(key.clone()).or_default();
                    score.logs += u32::from(!run.guilty.is_empty());
                    let Some(cpu) = incident.culprit() else {
                        if damage == 0
                            && env::var_os("DIAGNOSIS_UNNAMED").is_some()
                            && !run.guilty.is_empty()
                        {
                            let (scenario, kernel) = (run.scenario, run.kernel);
                            eprintln!(
                                "unnamed: {scenario}, {kernel:?}, seed {seed}: {:?} {:?}",
                                incident.facts, incident.caveats
                            );
                        }
                        continue;
                    };
                    score.named += 1;
                    if !run.guilty.contains(&cpu) {
                        let Run { scenario, kernel, guilty, .. } = run;
                        let text = format!(
                            "{scenario}, {kernel:?}: seed {seed}, damage {damage}: CPU {cpu}, not {guilty:?}"
                        );
                        let facts: Vec<_> =
                            incident.facts.iter().map(|fact| format!("{fact:?}")).collect();
                        eprintln!("{text}\n{}", facts.join("\n"));
                        if env::var_os("DIAGNOSIS_LOGS").is_some() {
                            eprintln!("{log}");
                        }
                        wrong.push(text);
                    }
                }
            }
        }
    }
    for (key, Score { named, logs }) in scores.iter().filter(|(_, score)| score.logs > 0) {
        eprintln!("{key:<40} named in {named:>6} of {logs:>6} logs in which a CPU is to blame");
    }
    let sum = |count: fn(&Score) -> u32| scores.values().map(count).sum::<u32>();
    let (named, logs, wrong_ones) =
        (sum(|score| score.named), sum(|score| score.logs), wrong.len());
    eprintln!("in all: named in {named} of {logs} logs, {wrong_ones} wrong");
    wrong
}

#[test]
fn no_console_of_the_machine_convicts_a_cpu_that_is_not_to_blame() {
    let wrong = wrong_names(0..1, 6);
    assert!(wrong.is_empty(), "{} wrong names: {wrong:#?}", wrong.len());
}

#[test]
#[ignore = "an hour: DIAGNOSIS_SEEDS says how many, 1000 by default, DIAGNOSIS_FROM the first, \
            and DIAGNOSIS_DAMAGES how often each console is damaged"]
fn nor_does_any_of_a_thousand_seeds() {
    let number = |name| env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let from = number("DIAGNOSIS_FROM").unwrap_or(0);
    let to = from + number("DIAGNOSIS_SEEDS").unwrap_or(1000);
    let wrong = wrong_names(from..to, number("DIAGNOSIS_DAMAGES").unwrap_or(6));
    assert!(wrong.is_empty(), "{} wrong names: {wrong:#?}", wrong.len());
}
