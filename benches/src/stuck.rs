//! Small machines on which one CPU gets stuck at a random phase.
//!
//! Every machine has two CPUs, so that a host with two cores runs both at once, and switches itself off when the report
//! must be out, however slow the host is: the CPU that decides that counts samples, not time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use softlockup::config::{BringUp, BuddyRule, Detectors};
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::kernel::{irq, preempt};
use softlockup::time::{
    NSEC_PER_SEC, NSEC_PER_TIMESTAMP_UNIT, sample_period_ns, softlockup_thresh,
};
use softlockup::{Clock, Config, Cpu, CpuId, Kernel, KernelTime, Machine, Parts, Task, ThisCpu};

use crate::ideal::{self, CSD_LOCK_TIMEOUT_NS, Grid};

/// Which detector is to notice it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// CPU 0 keeps preemption off and reports itself; CPU 1 idles.
    Softlockup,
    /// CPU 0 turns its interrupts off; CPU 1, which idles, reports it.
    Buddy(BuddyRule),
    /// CPU 1 calls CPU 0, whose interrupts are off, and reports it.
    CsdDebug,
}

/// One machine, before it boots.
#[derive(Clone, Copy, Debug)]
pub struct Stuck {
    /// Which detector is to notice it.
    pub case: Case,
    /// `kernel.watchdog_thresh` in seconds, not 0.
    pub watchdog_thresh_secs: u64,
    /// When the CPUs come online: the phases of their timers.
    pub bring_up: BringUp,
    /// When it happens.
    pub onset: KernelTime,
}

pub(crate) const CPU0: CpuId = CpuId(0);
pub(crate) const CPU1: CpuId = CpuId(1);

/// The kernel function in which CPU 0 gets stuck.
pub(crate) const STUCK: &str = "stuck";

impl Stuck {
    /// A machine whose phases are all random: of the CPUs' timers against the timestamp units and each other, and of
    /// the onset against both. `uniform` draws from 0..1.
    ///
    /// The two timers are kept a little apart: of two samples at the same moment the host's jitter
    /// would decide which is the first.
    pub fn draw(case: Case, watchdog_thresh_secs: u64, mut uniform: impl FnMut() -> f64) -> Self {
        let period_ns = sample_period_ns(watchdog_thresh_secs);
        let apart_ns = Self::apart_ns(watchdog_thresh_secs);
        let mut within = |from: u64, ns: u64| from + (uniform() * ns as f64) as u64;
        let bring_up = BringUp {
            first_ns: within(NSEC_PER_SEC / 5, NSEC_PER_TIMESTAMP_UNIT),
            per_cpu_ns: within(apart_ns, period_ns - 2 * apart_ns),
            tick_ns: 0,
            tick_offset_ns: 0,
        };
        // A CPU that comes online is touched: the buddy's first look finds out nothing.
        let (first, cycle) = match case {
            Case::Softlockup | Case::CsdDebug => (1, 1),
            Case::Buddy(rule) => (rule.every + 1, rule.every),
        };
        let from_ns = bring_up.online_at(CPU1).ns() + first * period_ns;
        let onset = KernelTime::from_ns(within(from_ns, cycle * period_ns));
        Stuck { case, watchdog_thresh_secs, bring_up, onset }
    }

    /// How far the two timers are apart at least: an eighth of a period. A sample that is late by less is still before
    /// the other CPU's next one, and six periods less that much are still more than the threshold.
    pub(crate) fn apart_ns(watchdog_thresh_secs: u64) -> u64 {
        sample_period_ns(watchdog_thresh_secs) / 8
    }

    /// What the share of a delay is taken of, in nanoseconds.
    pub fn threshold_ns(&self) -> u64 {
        match self.case {
            Case::Softlockup => {
                softlockup_thresh(self.watchdog_thresh_secs) * NSEC_PER_TIMESTAMP_UNIT
            }
            Case::Buddy(_) => self.watchdog_thresh_secs * NSEC_PER_SEC,
            Case::CsdDebug => CSD_LOCK_TIMEOUT_NS,
        }
    }

    /// How long after the onset the report comes if nothing is ever late, in nanoseconds.
    pub fn ideal_delay_ns(&self) -> u64 {
        let grids = [CPU0, CPU1].map(|cpu| self.grid(self.bring_up.online_at(cpu)));
        self.ideal(grids, grids[0].last_at(self.onset), self.onset).ns_since(self.onset)
    }

    /// The machine, which switches itself off behind the report.
    pub fn machine(&self, clock: Clock) -> Machine {
        let none = Detectors::NONE;
        let config = Config {
            nr_cpus: 2,
            kernel: Kernel::Arm64V6_12,
            watchdog_thresh_secs: self.watchdog_thresh_secs,
            pseudo_nmi: true, // or a CPU that asks a dark CPU for a backtrace waits for 10 s
            bring_up: self.bring_up,
            detectors: match self.case {
                Case::Softlockup => Detectors { softlockup: true, ..none },
                Case::Buddy(rule) => Detectors { hardlockup_buddy: Some(rule), ..none },
                Case::CsdDebug => Detectors { csd: true, ..none },
            },
            clock,
            until: self.onset + 100 * sample_period_ns(self.watchdog_thresh_secs),
            ..Config::default()
        };
        let mut machine = Machine::new(config, Parts::stock()).expect("the configuration is valid");
        let stuck = *self;
        match self.case {
            Case::Softlockup => {
                machine.spawn(CPU0, task(move |cpu| keep_preemption_off(cpu, stuck)));
            }
            Case::Buddy(rule) => machine.spawn(CPU0, task(move |cpu| go_dark(cpu, stuck, rule))),
            Case::CsdDebug => {
                let called = Arc::new(AtomicU64::new(NOT_DARK));
                let caller = Arc::clone(&called);
                machine.spawn(CPU0, task(move |cpu| never_answer(cpu, &called)));
                machine.spawn(CPU1, task(move |cpu| call_cpu0(cpu, stuck, &caller)));
            }
        }
        machine
    }

    /// `last` is the last sample that the stuck CPU took in health.
    pub(crate) fn ideal(&self, grids: [Grid; 2], last: u64, onset: KernelTime) -> KernelTime {
        let [cpu0, cpu1] = grids;
        match self.case {
            Case::Softlockup => ideal::softlockup(&cpu0, last),
            Case::Buddy(rule) => ideal::buddy(&cpu0, last, &cpu1, rule),
            Case::CsdDebug => ideal::csd_debug(onset),
        }
    }

    pub(crate) fn grid(&self, origin: KernelTime) -> Grid {
        let &Stuck { watchdog_thresh_secs, bring_up, .. } = self;
        Grid { origin, watchdog_thresh_secs, bring_up }
    }
}

/// Work from the boot on, so that no CPU whose phase matters was idle before: that would begin a new count.
fn task(body: impl FnOnce(&Cpu) + Send + 'static) -> Task {
    Task::new("stuck", 1, KernelTime::BOOT, body)
}

/// How long a CPU waits until it looks again, in nanoseconds. In virtual time no CPU is woken for another CPU's sample.
const STEP_NS: u64 = NSEC_PER_SEC / 10;

fn keep_preemption_off(cpu: &Cpu, stuck: Stuck) {
    work_until(cpu, stuck.onset);
    let _frame = cpu.frame(STUCK);
    let _preempt = preempt::disable(cpu);
    let thresh = stuck.watchdog_thresh_secs;
    let ns = (softlockup_thresh(thresh) + 1) * NSEC_PER_TIMESTAMP_UNIT;
    let report = ns.div_ceil(sample_period_ns(thresh));
    // It takes its samples itself, so it is behind the report here; and one more, where a second report would show.
    wait_for_samples(cpu, CPU0, cpu.hrtimer_interrupts(CPU0) + report + 1);
    cpu.power_off();
}

fn go_dark(cpu: &Cpu, stuck: Stuck, BuddyRule { every, miss_thresh }: BuddyRule) {
    work_until(cpu, stuck.onset);
    let _irq = irq::disable_local(cpu);
    let looks = cpu.hrtimer_interrupts(CPU1) / every;
    let report = (looks + 1 + u64::from(miss_thresh)) * every;
    // The other CPU counts a sample first and looks then: a CPU that sees the next sample is behind the report.
    wait_for_samples(cpu, CPU1, report + 1);
    cpu.power_off();
}

/// In place of the moment at which CPU 1 calls: CPU 0 can still answer.
const NOT_DARK: u64 = 0;

/// In place of the moment at which CPU 1 calls: it has not yet.
const NOT_CALLED: u64 = u64::MAX;

/// `called` is when CPU 1 calls, in nanoseconds of kernel time.
fn never_answer(cpu: &Cpu, called: &AtomicU64) {
    let _irq = irq::disable_local(cpu);
    called.store(NOT_CALLED, Relaxed);
    let due_ns = || ideal::csd_debug(KernelTime::from_ns(called.load(Relaxed))).ns();
    while cpu.now().ns() < due_ns() {
        cpu.relax_until(cpu.now() + STEP_NS);
    }
    // Between two more samples the other CPU looks at the clock.
    wait_for_samples(cpu, CPU1, cpu.hrtimer_interrupts(CPU1) + 2);
    cpu.power_off();
}

fn call_cpu0(cpu: &Cpu, stuck: Stuck, called: &AtomicU64) {
    work_until(cpu, stuck.onset);
    while called.load(Relaxed) == NOT_DARK {
        cpu.relax_until(cpu.now() + STEP_NS); // the host is slow to start CPU 0
    }
    called.store(cpu.now().ns(), Relaxed);
    kick_all_cpus_sync(cpu);
}

/// Works in the kernel, preemptibly.
fn work_until(cpu: &Cpu, until: KernelTime) {
    while cpu.now() < until {
        cpu.relax_until(until);
    }
}

/// Waits until the watchdog of CPU `of` has sampled it `n` times.
fn wait_for_samples(cpu: &Cpu, of: CpuId, n: u64) {
    while cpu.hrtimer_interrupts(of) < n {
        cpu.relax_until(cpu.now() + STEP_NS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The delay that this share of all machines stays below, in seconds of kernel time.
    fn quantile(case: Case, share: f64) -> f64 {
        let mut random = Random::new(4);
        let draw = |_| Stuck::draw(case, 10, || random.uniform()).ideal_delay_ns();
        let mut delays: Vec<u64> = (0..100_000).map(draw).collect();
        delays.sort_unstable();
        delays[(delays.len() as f64 * share) as usize] as f64 / 1e9
    }

    #[test]
    fn uniform_phases_give_the_delays_of_the_closed_forms() {
        let near = |case, share, secs: f64| {
            let found = quantile(case, share);
            assert!((found - secs).abs() < 0.03, "{case:?}: {found}, not {secs}");
        };
        // Six periods after the last feed, which was up to one ago: uniform in 20..24 s.
        near(Case::Softlockup, 0.5, 22.0);
        near(Case::Softlockup, 0.99, 24.0 - 0.04);
        // The first look behind the last sample comes 4, 8 or 12 s later, less how far its timer is ahead, 0.5..3.5 s;
        // the report 12 s behind that; the onset up to 4 s behind the sample: 8 + U(0, 12) + U(0.5, 3.5).
        near(Case::Buddy(BuddyRule::EVERY_THIRD_SAMPLE), 0.5, 16.0);
        let tail = (2.0 * 12.0 * 3.0 * 0.01f64).sqrt();
        near(Case::Buddy(BuddyRule::EVERY_THIRD_SAMPLE), 0.99, 23.5 - tail);
        near(Case::CsdDebug, 0.5, 5.0);
    }
}
