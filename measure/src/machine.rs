//! Calls on a machine: `smp_call_function_single` from CPU 0 to CPU 1, each on its host core.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_utils::CachePadded;
use softlockup::config::{BringUp, Detectors};
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::smp::smp_call_function_single;
use softlockup::parts::call_many::Wait;
use softlockup::{Clock, Config, Cpu, CpuId, KernelTime, Machine, Parts, Task, ThisCpu};

use crate::call::{Caller, Server};
use crate::floor::Floor;
use crate::host::Fate;
use crate::round_trip::{Measured, Plan, measure, serve};

/// Parts with a mailbox in front of each CPU's call queue.
pub fn mailboxes() -> Parts {
    Parts::stock().with_mailboxes()
}

/// How the machine is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Whether it records.
    pub record: bool,
    /// Whether the called CPU idles (WFI: its thread is parked) or spins.
    pub idle: bool,
}

/// A recording machine keeps everything; so it is switched off and booted again after this many calls.
const CALLS_PER_RECORD: u64 = 4000;

/// Measures calls on machines made of these parts. One at a time: a second caller waits until the first is done, as the
/// called function counts in one place.
///
/// # Errors
/// If a machine cannot boot, or not on these cores.
pub fn on_machine(
    parts: fn() -> Parts,
    cores: [usize; 2],
    plan: Plan,
    setup: Setup,
) -> Result<(Measured, [Fate; 2]), String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let most = if setup.record { CALLS_PER_RECORD } else { u64::MAX };
    let mut left = plan.calls;
    let mut all = (Measured::default(), [Fate::NONE; 2]);
    while left > 0 {
        let calls = left.min(most);
        let (measured, fates) = run(parts(), cores, Plan { calls, ..plan }, setup)?;
        all.0.extend(measured);
        all.1 = [0, 1].map(|side| all.1[side].plus(fates[side]));
        left -= calls;
    }
    Ok(all)
}

/// What both sides share.
#[derive(Default)]
struct Meeting {
    floor: Floor,
    over: AtomicBool,
    results: Mutex<(Measured, [Option<Fate>; 2])>,
}

fn run(
    parts: Parts,
    cores: [usize; 2],
    plan: Plan,
    Setup { record, idle }: Setup,
) -> Result<(Measured, [Fate; 2]), String> {
    let config = Config {
        nr_cpus: 2,
        record,
        clock: Clock::Wall { ratio: 1.0 },
        until: KernelTime::from_ns(u64::MAX / 2),
        bring_up: BringUp { first_ns: 0, per_cpu_ns: 0, tick_ns: 0, tick_offset_ns: 0 },
        detectors: Detectors::NONE,
        ..Config::default()
    };
    let mut machine = Machine::new(config, parts).map_err(|error| error.to_string())?;
    let meeting = Arc::new(Meeting::default());
    for (cpu, &core) in [CPU0, CPU1].into_iter().zip(&cores) {
        machine.pin(cpu, core);
        let meeting = Arc::clone(&meeting);
        let task = move |cpu: &Cpu| side(cpu, &meeting, plan, idle);
        machine.spawn(cpu, Task::new("bench", 1, KernelTime::BOOT, task));
    }
    SERVED.next.store(0, Relaxed);
    let run = machine.run().map_err(|error| error.to_string())?;
    if run.host.refused_pins > 0 {
        return Err(format!("no thread can be pinned to core {} or {}", cores[0], cores[1]));
    }
    let (measured, fates) = std::mem::take(&mut *meeting.results.lock().expect("no panic"));
    Ok((measured, fates.map(|fate| fate.unwrap_or(Fate::NONE))))
}

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);

fn side(cpu: &Cpu, meeting: &Meeting, plan: Plan, idle: bool) {
    let before = Fate::now();
    let keep = |measured| {
        let mut results = meeting.results.lock().expect("no panic");
        results.1[cpu.id().index()] = Some(Fate::now().since(before));
        if let Some(measured) = measured {
            results.0 = measured;
        }
    };
    if cpu.id() == CPU1 {
        serve(&meeting.floor, &Called { cpu, idle }, &meeting.over);
        keep(None);
        return;
    }
    keep(Some(measure(&meeting.floor, &Calling { cpu }, plan, &meeting.over)));
    cpu.power_off();
}

/// What CPU 1 has answered. Written by CPU 1 only, so that it costs the caller nothing; Relaxed.
struct Served {
    next: AtomicU64,
    stopped: AtomicBool,
}

static SERVED: CachePadded<Served> =
    CachePadded::new(Served { next: AtomicU64::new(0), stopped: AtomicBool::new(false) });

static ANSWER: CallFunction = CallFunction { name: "answer", func: |_, n| SERVED.answer(n) };

const STOP: u64 = u64::MAX;

impl Served {
    fn answer(&self, n: u64) {
        if n == STOP {
            self.next.store(0, Relaxed);
            self.stopped.store(true, Relaxed);
            return;
        }
        let next = self.next.load(Relaxed);
        assert_eq!(n, next, "a call is missing, came twice or out of turn");
        self.next.store(next + 1, Relaxed);
    }
}

struct Calling<'a> {
    cpu: &'a Cpu,
}

impl Caller for Calling<'_> {
    fn call(&self, n: u64) {
        smp_call_function_single(self.cpu, CPU1, &ANSWER, n, Wait::Sync);
    }

    fn stop(&self) {
        self.call(STOP);
    }
}

struct Called<'a> {
    cpu: &'a Cpu,
    idle: bool,
}

impl Server for Called<'_> {
    fn serve(&self) {
        while !SERVED.stopped.load(Relaxed) {
            match self.idle {
                true => self.cpu.wait_for_interrupt(None),
                false => self.cpu.relax(),
            }
        }
        SERVED.stopped.store(false, Relaxed);
    }
}
