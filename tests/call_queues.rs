//! Whichever call queue a machine is made of, the same happens: record by record, in lockstep.

#[path = "common/random.rs"]
mod random;

use std::fmt::Debug;

use softlockup::config::{BuddyRule, Detectors, LoseIpi, Sysctl};
use softlockup::cpumask::CpuMask;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::smp::{smp_call_function_many, smp_call_function_single};
use softlockup::kernel::{irq, preempt};
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::{At, ScenarioError};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{
    Clock, Config, Cpu, CpuId, Kernel, KernelTime, Machine, Parts, Scenario, Task, ThisCpu,
};

use random::Random;

const MS: u64 = 1_000_000;

/// How many runs each statement is tried on: 40, or what `SEEDS` in the environment says.
fn seeds() -> u64 {
    std::env::var("SEEDS").map_or(40, |seeds| seeds.parse().expect("SEEDS is a number"))
}

fn at(ms: u64) -> KernelTime {
    KernelTime::from_ns(ms * MS)
}

/// Lives through it with each queue, and compares what would be saved.
fn same_with_either_queue<M: Debug>(
    what: &M,
    parts: impl Fn(&M) -> Parts,
    machine_with: impl Fn(&M, Parts) -> Result<Machine, ScenarioError>,
) {
    let saved = |parts| {
        let mut bytes = Vec::new();
        let machine = machine_with(what, parts).unwrap();
        machine.run().unwrap().incident.save(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let kernel = saved(parts(what));
    let mailbox = saved(parts(what).with_mailboxes());
    if kernel != mailbox {
        let differs = kernel.lines().zip(mailbox.lines()).find(|(one, other)| one != other);
        panic!("{what:?}\nthe first that differs, if none is missing: {differs:#?}");
    }
}

fn same_scenario_with_either_queue(scenario: &(impl Scenario + Debug)) {
    same_with_either_queue(scenario, |it| it.parts(), |it, parts| it.machine_with(parts));
}

fn same_crowd_with_either_queue(crowd: &Crowd) {
    same_with_either_queue(crowd, |_| Parts::stock(), |crowd, parts| crowd.machine_with(parts));
}

/// A machine that differs with `n` in everything there is: its kernel, its detectors, what it does about a lockup.
fn vary(config: &mut Config, n: u64) {
    let mut random = Random(n);
    let kernels = [Kernel::Arm64V4_19, Kernel::Arm64V6_12, Kernel::X86V6_1, Kernel::Arm64V6_1];
    config.kernel = kernels[random.below(4) as usize];
    config.clock = Clock::Lockstep { turn_seed: random.chance(50).then_some(n) };
    config.pseudo_nmi = random.chance(50);
    config.console_touches_watchdog = random.chance(20);
    config.bring_up.first_ns += random.below(4_000) * MS;
    let hardlockup_perf = config.pseudo_nmi || config.kernel == Kernel::X86V6_1;
    let rules = [None, Some(BuddyRule::EVERY_SAMPLE), Some(BuddyRule::EVERY_THIRD_SAMPLE)];
    let hardlockup_buddy = rules[random.below(3) as usize];
    let (softlockup, csd) = (true, random.chance(70));
    config.detectors = Detectors { softlockup, hardlockup_buddy, hardlockup_perf, csd };
    config.sysctl = Sysctl {
        softlockup_panic: random.chance(10),
        hardlockup_panic: random.chance(10),
        panic_on_oops: random.chance(10),
        panic_on_ipistall_ms: [0, 0, 0, 4_000][random.below(4) as usize],
        softlockup_all_cpu_backtrace: random.chance(20),
        hardlockup_all_cpu_backtrace: random.chance(20),
        panic_timeout_secs: [0, 0, 2, -1][random.below(4) as usize],
    };
}

/// CPUs that call one CPU, and sometimes each other, as if drawn by lot; while interrupts are off here and there.
#[derive(Clone, Debug)]
struct Crowd {
    config: Config,
    seed: u64,
    /// Functions that take seconds are called, too.
    slow: bool,
}

impl Crowd {
    fn machine_with(&self, parts: Parts) -> Result<Machine, ScenarioError> {
        let nr_cpus = self.config.nr_cpus;
        let mut machine = Machine::new(self.config.clone(), parts)?;
        for n in 0..nr_cpus {
            let (seed, slow) = (self.seed * 1_000 + u64::from(n), self.slow);
            // Several tasks: a CPU whose task was killed while it waited goes on to call.
            for i in 0..6 {
                let seeds = seed * 100 + i * 10..seed * 100 + i * 10 + 5;
                let body = move |cpu: &Cpu| seeds.for_each(|seed| anything(cpu, seed, slow));
                machine.spawn(CpuId(n), Task::new("crowd", 100 + n, at(9_000 + i), body));
            }
        }
        Ok(machine)
    }
}

static SAY: CallFunction =
    CallFunction { name: "say", func: |cpu, info| cpu.printk(format!("{info}")) };
static SLOW: CallFunction =
    CallFunction { name: "slow", func: |cpu, info| cpu.spend(info % 10 * 700 * MS) };

fn anything(cpu: &Cpu, seed: u64, slow: bool) {
    let mut random = Random(seed);
    // On a grid, so that many of them come at the same instant.
    cpu.run_user_until(cpu.now() + (1 + random.below(4)) * 100 * MS);
    let func = if slow && random.chance(20) { &SLOW } else { &SAY };
    let often = if cpu.id() == CpuId::BOOT { 40 } else { 5 };
    let irq = random.chance(often).then(|| irq::disable_local(cpu));
    if irq.is_some() {
        let long = random.chance(10);
        cpu.spend(random.below(5) * if long { 5_000 } else { 300 } * MS);
    }
    let irq = irq.filter(|_| random.chance(10)); // mostly on again before it calls
    let (n, wait) = (random.below(10), random.wait());
    if n == 0 {
        let (all, preempt) = (CpuMask::all(cpu.nr_cpus()), preempt::disable(cpu));
        smp_call_function_many(cpu, &all, func, seed, wait, &preempt);
    } else {
        let any = CpuId(random.below(cpu.nr_cpus().into()) as u32);
        let target = if n < 8 { CpuId::BOOT } else { any };
        smp_call_function_single(cpu, target, func, seed, wait);
    }
    drop(irq);
}

#[test]
fn the_articles_incident_is_the_same() {
    same_scenario_with_either_queue(&NestedOops::default());
}

#[test]
fn random_arrivals_on_any_machine_are_the_same() {
    for seed in 0..seeds() {
        let mut config = Config { nr_cpus: 8, ..Config::default() };
        vary(&mut config, seed);
        let arrivals = Arrivals::Seed(seed);
        let until = Some(at(420_000));
        same_scenario_with_either_queue(&NestedOops {
            config,
            arrivals,
            until,
            ..NestedOops::default()
        });
    }
}

#[test]
fn the_other_scenarios_are_the_same() {
    same_scenario_with_either_queue(&LostIpi::default());
    same_scenario_with_either_queue(&SlowConsole::default());
    same_scenario_with_either_queue(&IrqsOffCaller::default());
    for seed in 0..seeds() / 2 {
        let mut random = Random(seed);
        let (mut lost, mut slow) = (LostIpi::default(), SlowConsole::default());
        let mut pair = IrqsOffCaller::default();
        for config in [&mut lost.config, &mut slow.config, &mut pair.config] {
            vary(config, seed);
            config.nr_cpus = 8 + random.below(9) as u32;
        }
        (slow.slow.time, pair.time) = (at(20_000), at(24_000));
        slow.write_ns = random.below(40) * NSEC_PER_SEC;
        for callers in [&mut lost.callers, &mut slow.callers, &mut pair.callers] {
            let mut cpus = (0..8).map(CpuId).filter(|_| random.chance(60)).collect::<Vec<_>>();
            cpus.push(CpuId(7));
            callers.clear();
            callers.extend(
                cpus.into_iter().map(|cpu| At { cpu, time: at(20_000 + 4_000 * u64::from(cpu.0)) }),
            );
        }
        same_scenario_with_either_queue(&lost);
        same_scenario_with_either_queue(&slow);
        same_scenario_with_either_queue(&pair);
    }
}

#[test]
fn crowds_of_callers_are_the_same() {
    for seed in 0..seeds() {
        let mut random = Random(seed);
        let nr_cpus = 2 + random.below(10) as u32;
        let mut config = Config { nr_cpus, until: at(90_000), ..Config::default() };
        vary(&mut config, seed);
        let after = at(9_000 + random.below(10_000));
        config.lose_ipi = random.chance(30).then_some(LoseIpi { to: CpuId::BOOT, after });
        same_crowd_with_either_queue(&Crowd { config, seed, slow: false });
    }
}

#[test]
fn crowds_with_slow_functions_are_the_same() {
    for seed in 0..seeds() {
        let mut random = Random(seed);
        let nr_cpus = 2 + random.below(10) as u32;
        let mut config = Config { nr_cpus, until: at(90_000), ..Config::default() };
        vary(&mut config, seed);
        same_crowd_with_either_queue(&Crowd { config, seed, slow: true });
    }
}

#[test]
fn crowds_whose_callers_are_killed_while_they_wait_are_the_same() {
    for seed in 0..seeds() / 2 {
        let mut config = Config { nr_cpus: 6, until: at(60_000), ..Config::default() };
        vary(&mut config, seed);
        config.detectors.csd = true;
        config.sysctl = Sysctl { panic_on_ipistall_ms: 4_000, ..Sysctl::default() };
        same_crowd_with_either_queue(&Crowd { config, seed, slow: false });
    }
}

#[test]
fn large_machines_are_the_same() {
    for nr_cpus in [64, 256] {
        let mut config = Config { nr_cpus, until: at(11_000), ..Config::default() };
        vary(&mut config, u64::from(nr_cpus));
        same_crowd_with_either_queue(&Crowd { config: config.clone(), seed: 1, slow: false });
        let callers = (5..9).map(|n| At { cpu: CpuId(n), time: at(8_000) }).collect();
        same_scenario_with_either_queue(&LostIpi { config, callers, ..LostIpi::default() });
    }
}
