//! Virtual time. One CPU runs at a time; which one is next depends on the machine's state and the seed only.
//!
//! Each CPU's thread sleeps on a condition variable of its own until it is given *the turn*, runs up to its next wait,
//! and hands the turn on:
//!
//! 1. to a CPU that has something to do: an interrupt that it accepts, a deadline that has come;
//! 2. or to a CPU that *looks* (it spins in `relax`), if something visible happened since its last look (a record, an
//!    IPI, an unlocked csd). It then looks [`LOOKS`] times in all, because a part's own atomics are invisible to the
//!    machine, and a hand-over through them may take a few looks to arrive;
//! 3. or, if no CPU can make progress, to a CPU that can after time has jumped to the next event.
//!
//! If several CPUs can run, the next one by number after the CPU that ran last gets the turn, or one drawn by the seed.
//!
//! The state is behind one mutex. While the machine runs, only the CPU with the turn takes the mutex (and, a few times
//! a second, the host, to see whose turn it is). The turn passes through the mutex, so everything that one CPU did is
//! visible to the next.
//!
//! In Linux: nothing; this is what hardware does by itself. Shuttle and loom schedule threads in a similar way, to find
//! orders that fail; here one order is chosen, and the times with it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::config::Config;
use crate::cpumask::{CpuId, CpuMask};
use crate::hardware::clock::clocked::{Clocked, TIMERS, Waiting, timer_of};
use crate::hardware::interrupts::Interrupts;
use crate::random::SplitMix64;
use crate::time::KernelTime;
use crate::vector::Vector;

/// How often a spinning CPU looks after the last visible event before time may move on.
const LOOKS: u8 = 3;

/// Turns within one instant after which time moves on although CPUs still make "progress": two CPUs that wake each
/// other for ever must not stop the clock. Enough for many broadcasts at once; halved each time it is used up, down to
/// [`LEAST_PATIENCE`], until an instant comes to rest by itself.
fn patience(nr_cpus: usize) -> u64 {
    (256 * nr_cpus as u64).max(1 << 16)
}
const LEAST_PATIENCE: u64 = 1 << 10;

/// The clock, and which CPU has the turn.
#[derive(Debug)]
pub(crate) struct Lockstep {
    turns: Mutex<Turns>,
    wakers: Box<[Condvar]>,
    /// Written when time jumps, by the CPU with the turn; Relaxed, the turn carries it.
    now: AtomicU64,
    /// Set by the CPU with the turn, taken when it hands on; Relaxed, likewise.
    visible: AtomicBool,
}

#[derive(Debug)]
struct Turns {
    running: Option<CpuId>,
    last: CpuId,
    seats: Box<[Seat]>,
    /// The CPUs that would take a turn now.
    eager: CpuMask,
    /// The CPUs that wait with `looks`.
    looking: CpuMask,
    /// Counts visible events.
    epoch: u64,
    turns_now: u64,
    patience: u64,
    events: BinaryHeap<Reverse<(KernelTime, CpuId)>>,
    until: KernelTime,
    random: Option<SplitMix64>,
}

/// What a waiting CPU waits for.
#[derive(Clone, Debug, Default)]
struct Seat {
    accepts: u32,
    timers: [Option<KernelTime>; TIMERS.len()],
    deadline: Option<KernelTime>,
    looked_at_epoch: u64,
    looks: u8,
}

impl Lockstep {
    pub(crate) fn new(config: &Config, turn_seed: Option<u64>) -> Self {
        let nr_cpus = config.nr_cpus;
        let mut turns = Turns {
            running: None,
            last: CpuId(nr_cpus - 1),
            seats: vec![Seat::default(); nr_cpus as usize].into(),
            eager: CpuMask::none(nr_cpus),
            looking: CpuMask::none(nr_cpus),
            epoch: 0,
            turns_now: 0,
            patience: patience(nr_cpus as usize),
            events: BinaryHeap::with_capacity(2 * nr_cpus as usize),
            until: config.until,
            random: turn_seed.map(SplitMix64::new),
        };
        for cpu in (0..nr_cpus).map(CpuId) {
            turns.set_deadline(cpu, config.online_at(cpu));
        }
        Lockstep {
            turns: Mutex::new(turns),
            wakers: (0..nr_cpus).map(|_| Condvar::new()).collect(),
            now: AtomicU64::new(0),
            visible: AtomicBool::new(false),
        }
    }

    pub(crate) fn now(&self) -> KernelTime {
        KernelTime::from_ns(self.now.load(Relaxed))
    }

    pub(crate) fn start(&self, machine: &impl Clocked) {
        let mut turns = self.turns.lock();
        self.hand_on(&mut turns, machine);
    }

    pub(crate) fn first_turn(&self, machine: &impl Clocked, cpu: CpuId) {
        self.sleep_until_turn(&mut self.turns.lock(), machine, cpu);
    }

    pub(crate) fn arm_timer(&self, cpu: CpuId, vector: Vector, at: KernelTime) {
        let mut turns = self.turns.lock();
        turns.seats[cpu.index()].timers[timer_of(vector)] = Some(at);
        turns.events.push(Reverse((at, cpu)));
    }

    pub(crate) fn something_visible(&self) {
        self.visible.store(true, Relaxed);
    }

    pub(crate) fn kick(&self, target: CpuId, irq: &Interrupts) {
        let mut turns = self.turns.lock();
        if irq.has(turns.seats[target.index()].accepts) {
            turns.eager.set(target);
        }
    }

    pub(crate) fn wait(&self, machine: &impl Clocked, cpu: CpuId, waiting: Waiting, accepts: u32) {
        machine.end_turn(cpu);
        let mut turns = self.turns.lock();
        turns.seats[cpu.index()].accepts = accepts;
        self.let_others_look(&mut turns);
        match waiting.deadline {
            Some(deadline) if deadline > self.now() => turns.set_deadline(cpu, deadline),
            Some(_) => turns.eager.set(cpu), // past: after the others' turns
            None => turns.seats[cpu.index()].deadline = None,
        }
        if waiting.looks {
            turns.looked(cpu);
        }
        self.hand_on(&mut turns, machine);
        self.sleep_until_turn(&mut turns, machine, cpu);
    }

    pub(crate) fn wake_all(&self) {
        // With the lock: a CPU between its look at the halting flag and its sleep would miss the call.
        let _turns = self.turns.lock();
        self.wakers.iter().for_each(|waker| _ = waker.notify_one());
    }

    pub(crate) fn is_running(&self, cpu: CpuId) -> bool {
        self.turns.lock().running == Some(cpu)
    }

    fn sleep_until_turn(
        &self,
        turns: &mut MutexGuard<'_, Turns>,
        machine: &impl Clocked,
        cpu: CpuId,
    ) {
        while turns.running != Some(cpu) && !machine.is_halting() {
            self.wakers[cpu.index()].wait(turns);
        }
        machine.count_progress(cpu);
        // While this CPU runs it need not be woken: it takes what is pending by itself.
        turns.seats[cpu.index()].accepts = 0;
    }

    fn let_others_look(&self, turns: &mut Turns) {
        if self.visible.swap(false, Relaxed) {
            turns.epoch += 1;
            turns.eager.add_all(&turns.looking);
        }
    }

    /// Gives the turn to the next CPU, letting time jump if it must; halts the machine when its time is over.
    fn hand_on(&self, turns: &mut Turns, machine: &impl Clocked) {
        loop {
            if turns.turns_now < turns.patience
                && let Some(next) = turns.pick()
            {
                turns.running = Some(next);
                turns.last = next;
                turns.turns_now += 1;
                turns.eager.clear(next);
                turns.looking.clear(next);
                self.wakers[next.index()].notify_one();
                return;
            }
            turns.patience = match turns.turns_now == turns.patience {
                true => (turns.patience / 2).max(LEAST_PATIENCE),
                false => patience(turns.seats.len()),
            };
            turns.turns_now = 0;
            let next_event = turns.events.peek().map(|Reverse((time, _))| *time);
            let Some(time) = next_event.filter(|&time| time <= turns.until) else {
                self.now.store(turns.until.ns(), Relaxed);
                turns.running = None;
                machine.begin_halt();
                self.wakers.iter().for_each(|waker| _ = waker.notify_one());
                return;
            };
            self.now.store(time.ns(), Relaxed);
            turns.fire_events(time, machine);
        }
    }
}

impl Turns {
    fn pick(&mut self) -> Option<CpuId> {
        match &mut self.random {
            None => self.eager.next_after(self.last),
            Some(random) => match self.eager.weight() as u64 {
                0 => None,
                n => self.eager.iter().nth(random.below(n) as usize),
            },
        }
    }

    fn looked(&mut self, cpu: CpuId) {
        let seat = &mut self.seats[cpu.index()];
        if seat.looked_at_epoch != self.epoch {
            seat.looked_at_epoch = self.epoch;
            seat.looks = 0;
        }
        seat.looks = seat.looks.saturating_add(1);
        self.looking.set(cpu);
        if seat.looks < LOOKS {
            self.eager.set(cpu);
        }
    }

    fn set_deadline(&mut self, cpu: CpuId, deadline: KernelTime) {
        // A loop that waits for one deadline asks for it at every look; one event is enough.
        if self.seats[cpu.index()].deadline.replace(deadline) != Some(deadline) {
            self.events.push(Reverse((deadline, cpu)));
        }
    }

    /// Everything that happens at `time`. Events whose timer or deadline was moved since are stale and do nothing.
    fn fire_events(&mut self, time: KernelTime, machine: &impl Clocked) {
        while let Some(&Reverse((at, cpu))) = self.events.peek()
            && at <= time
        {
            self.events.pop();
            let seat = &mut self.seats[cpu.index()];
            let irq = machine.interrupts(cpu);
            for (timer, vector) in seat.timers.iter_mut().zip(TIMERS) {
                if timer.take_if(|due| *due == at).is_some() {
                    irq.raise(vector);
                }
            }
            if irq.has(seat.accepts) {
                self.eager.set(cpu);
            }
            if seat.deadline == Some(at) {
                seat.deadline = None;
                self.eager.set(cpu);
            }
        }
    }
}
