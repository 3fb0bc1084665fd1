//! Where kernels differ, and what their switches do: arm64 6.1 beside 4.19 and 6.12, all CPUs' backtraces, stopping the
//! other CPUs, and a threshold that changes while the machine runs.

mod all_cpu_backtrace;
mod arm64_6_1;
mod stopping;
mod watchdog_thresh;

use softlockup::config::{BringUp, Detectors};
use softlockup::dmesg::{self, Message};
use softlockup::kernel::irq;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{Config, Cpu, CpuId, Event, Incident, Kernel, KernelTime, Machine, Parts, Task};

type Body = Box<dyn FnOnce(&Cpu) + Send>;

fn at(secs: f64) -> KernelTime {
    KernelTime::from_secs_f64(secs).unwrap()
}

/// Four CPUs of this kernel, whose timers are served at their own nanosecond.
fn four_cpus(kernel: Kernel, until: f64) -> Config {
    let detectors = Detectors::of(kernel);
    let bring_up = BringUp { tick_ns: 0, ..BringUp::default() };
    Config { nr_cpus: 4, kernel, detectors, bring_up, until: at(until), ..Config::default() }
}

/// Runs it with these tasks: on which CPU, from when, and what.
fn run(config: Config, tasks: Vec<(u32, f64, Body)>) -> Incident {
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    for (n, (cpu, start, body)) in tasks.into_iter().enumerate() {
        machine.spawn(CpuId(cpu), Task::new(format!("task/{n}"), 70 + n as u32, at(start), body));
    }
    machine.run().unwrap().incident
}

/// A task that takes no interrupts from `from` on, for ever.
fn dark(cpu: u32, from: f64) -> (u32, f64, Body) {
    let body = |cpu: &Cpu| {
        let _irq = irq::disable_local(cpu);
        cpu.spend(10_000 * NSEC_PER_SEC);
    };
    (cpu, from, Box::new(body))
}

/// A task that computes, and at `onset` begins to wait for every CPU.
fn waits(cpu: u32, onset: f64) -> (u32, f64, Body) {
    let body = move |cpu: &Cpu| {
        cpu.run_user_until(at(onset));
        kick_all_cpus_sync(cpu);
    };
    (cpu, onset - 9.0, Box::new(body))
}

/// The soft lockups of a run: when, which CPU, which number.
fn soft_lockups(incident: &Incident) -> Vec<(KernelTime, CpuId, u64)> {
    let found = incident.records.iter().filter_map(|record| match record.event {
        Event::SoftLockup { printed } => Some((record.time, record.cpu, printed)),
        _ => None,
    });
    found.collect()
}

/// What the console says, without the lines that no reader knows.
fn messages(incident: &Incident) -> Vec<(f64, Message)> {
    let entries = dmesg::parse(incident.console().as_bytes());
    let known = entries.into_iter().filter(|entry| !matches!(entry.message, Message::Other(_)));
    known.filter_map(|entry| Some((entry.time?.ns() as f64 / 1e9, entry.message))).collect()
}
