//! Read-copy update, as far as a lockup shows in it: quiescent states, and the grace period that waits for them.
//!
//! A grace period ends when every CPU has passed a *quiescent state* since it began: a context switch, the idle loop, or
//! user mode. A CPU that goes dark, or that waits with preemption off, passes none; so the grace period that is open then
//! stays open. And a kernel thread has to end it: if no CPU can run that thread, the grace period stays open although
//! every CPU has passed.
//!
//! In Linux: `kernel/rcu/tree.c`, `rcu_note_context_switch`, `rcu_gp_fqs_loop`; 4.19 to 6.12.
//! Here it differs: a CPU keeps the time of its last quiescent state, and the open grace period is computed from those
//! times when a tick looks for it. The scheduler runs the kernel thread on a CPU that can run it; so it last ran on the
//! CPU that could be preempted last.

use crate::config::detectors::RcuStalls;
use crate::cpumask::{CpuId, CpuMask};
use crate::kernel::cpu::Cpu;
use crate::parts::this_cpu::ThisCpu;
use crate::time::{JIFFY_NS, KernelTime, NSEC_PER_SEC};
use crate::vector::Vector;

/// `rcu_cpu_stall_timeout`: a grace period that is open for so long is reported.
pub(crate) const STALL_TIMEOUT_NS: u64 = 21 * NSEC_PER_SEC;

/// `RCU_STALL_RAT_DELAY`: a CPU that is not waited for gives those that are so long to report themselves.
const RAT_DELAY_NS: u64 = 2 * JIFFY_NS;

/// A CPU that passed no quiescent state for longer may have held up a grace period.
const HELD_UP_NS: u64 = NSEC_PER_SEC;

/// A grace period that is open.
pub(crate) struct GracePeriod {
    /// When it began.
    pub(crate) start: KernelTime,
    /// The CPUs that have yet to pass a quiescent state: `rnp->qsmask`.
    pub(crate) waits_for: CpuMask,
    /// The CPU that last ran RCU's kernel thread, or can run it now.
    pub(crate) kthread_cpu: CpuId,
    /// Until when the thread could run; [`KernelTime::MAX`] if it still can.
    pub(crate) kthread_ran: KernelTime,
}

/// The open grace period, if there is one.
pub(crate) fn grace_period(cpu: &Cpu) -> Option<GracePeriod> {
    let shared = cpu.shared();
    let call_rcu = shared.config.rcu_stalls?;
    let online = shared.online_mask();
    let passed = |cpu: CpuId| shared.per_cpu(cpu).own.rcu.quiescent_at();
    let held_up_since = online.iter().map(passed).min()?;
    let latest = online.iter().map(passed).max()?;
    let kthread_cpu = online.iter().find(|&cpu| passed(cpu) == latest)?;
    // The thread sleeps for a jiffy before it looks for the first time.
    let held_up_since = held_up_since.min(latest - JIFFY_NS);
    let start = call_rcu.first_after(held_up_since, shared.rcu.no_gp_before())?;
    if start > cpu.now() {
        return None;
    }
    let mut waits_for = CpuMask::none(cpu.nr_cpus());
    online.iter().filter(|&cpu| passed(cpu) < start).for_each(|cpu| waits_for.set(cpu));
    Some(GracePeriod { start, waits_for, kthread_cpu, kthread_ran: latest })
}

impl GracePeriod {
    /// From when `cpu` reports it as stalled. CPUs whose ticks come at one jiffy look in the order of their numbers, a
    /// nanosecond apart; real ones race.
    pub(crate) fn stall_due(&self, cpu: &Cpu) -> KernelTime {
        let js = cpu.shared().rcu.jiffies_stall().max(self.start + STALL_TIMEOUT_NS);
        let rat_delay = if self.waits_for.contains(cpu.id()) { 0 } else { RAT_DELAY_NS };
        js + rat_delay + u64::from(cpu.id().0)
    }
}

/// Whether this CPU's tick looks for a stall: an idle CPU has no tick, but for that on which RCU's kernel thread runs.
pub(crate) fn looks_for_stalls(cpu: &Cpu) -> bool {
    let shared = cpu.shared();
    let runs_kthread = |&of: &CpuId| shared.is_online(of) && is_cpu_in_eqs(cpu, of);
    cpu.task.current() != 0 || (0..cpu.nr_cpus()).map(CpuId).find(runs_kthread) == Some(cpu.id())
}

/// This CPU comes online: grace periods wait for it from now on. In Linux: `rcutree_online_cpu`.
pub(crate) fn rcutree_online_cpu(cpu: &Cpu) {
    eqs_exit(cpu);
    tick_start(cpu);
}

/// Arms the tick at which this CPU would notice a stall, for as far as it can know one. In Linux:
/// `tick_nohz_restart_sched_tick`; there the tick comes at every jiffy.
pub(crate) fn tick_start(cpu: &Cpu) {
    if cpu.shared().config.rcu_stalls.is_none() {
        return;
    }
    let now = cpu.now();
    // No grace period that begins now or later is reported earlier.
    let mut next = now + STALL_TIMEOUT_NS;
    if looks_for_stalls(cpu)
        && let Some(gp) = grace_period(cpu)
    {
        next = next.min(gp.stall_due(cpu).max(now + JIFFY_NS));
    }
    cpu.shared().clock.arm_timer(cpu.id(), Vector::Tick, next);
}

/// Another task runs here: a quiescent state. In Linux: `rcu_note_context_switch`.
pub(crate) fn note_context_switch(cpu: &Cpu) {
    if cpu.shared().config.rcu_stalls.is_some() && !is_in_eqs(cpu) {
        note(cpu, cpu.now());
    }
}

/// The CPU idles, or leaves the kernel: a quiescent state that lasts. Returns whether it begins here. In Linux:
/// `kernel/context_tracking.c`, `ct_idle_enter`, `ct_user_enter`.
pub(crate) fn eqs_enter(cpu: &Cpu) -> bool {
    let enters = cpu.shared().config.rcu_stalls.is_some() && !is_in_eqs(cpu);
    if enters {
        note(cpu, KernelTime::MAX);
    }
    enters
}

/// It ends. In Linux: `ct_idle_exit`, `ct_user_exit`.
pub(crate) fn eqs_exit(cpu: &Cpu) {
    if cpu.shared().config.rcu_stalls.is_some() {
        cpu.per_cpu().own.rcu.set_quiescent_at(cpu.now());
    }
}

/// An interrupt ends it for as long as its handler runs. Returns whether there was one to end. In Linux: `ct_irq_enter`.
pub(crate) fn irq_enter(cpu: &Cpu) -> bool {
    let leaves = cpu.shared().config.rcu_stalls.is_some() && is_in_eqs(cpu);
    if leaves {
        eqs_exit(cpu);
    }
    leaves
}

fn is_in_eqs(cpu: &Cpu) -> bool {
    is_cpu_in_eqs(cpu, cpu.id())
}

fn is_cpu_in_eqs(cpu: &Cpu, of: CpuId) -> bool {
    cpu.shared().per_cpu(of).own.rcu.quiescent_at() == KernelTime::MAX
}

/// This CPU passes a quiescent state. If a grace period waited for it alone, that one ends, and the next begins later.
fn note(cpu: &Cpu, at: KernelTime) {
    let (own, now) = (&cpu.per_cpu().own.rcu, cpu.now());
    let held_up = now.ns_since(own.quiescent_at()) > HELD_UP_NS;
    let open = held_up.then(|| grace_period(cpu)).flatten();
    own.set_quiescent_at(at);
    if let Some(open) = open
        && grace_period(cpu).is_none_or(|still| still.start != open.start)
    {
        cpu.shared().rcu.gp_ends(now);
    }
}

impl RcuStalls {
    /// When the first grace period begins that `held_up_since` does not end, and that is not over by `after`.
    fn first_after(&self, held_up_since: KernelTime, after: KernelTime) -> Option<KernelTime> {
        let first = KernelTime::from_ns(self.first_ns);
        let since = (held_up_since + 1).max(after);
        if since <= first {
            return Some(first);
        }
        let gps = since.ns_since(first).div_ceil(self.every_ns.max(1));
        (self.every_ns > 0).then(|| first + gps.saturating_mul(self.every_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPS: RcuStalls = RcuStalls { first_ns: 100, every_ns: 12 };

    fn first_after(gps: RcuStalls, held_up_since: u64, after: u64) -> Option<u64> {
        let ns = KernelTime::from_ns;
        gps.first_after(ns(held_up_since), ns(after)).map(KernelTime::ns)
    }

    #[test]
    fn the_first_grace_period_that_began_after_the_last_quiescent_state_is_held_up() {
        assert_eq!(first_after(GPS, 40, 0), Some(100));
        assert_eq!(first_after(GPS, 99, 0), Some(100));
        // A quiescent state at the moment it begins ends it.
        assert_eq!(first_after(GPS, 100, 0), Some(112));
        assert_eq!(first_after(GPS, 111, 0), Some(112));
        assert_eq!(first_after(GPS, 112, 0), Some(124));
    }

    #[test]
    fn a_grace_period_that_is_over_is_not_held_up() {
        assert_eq!(first_after(GPS, 100, 130), Some(136));
        assert_eq!(first_after(GPS, 100, 136), Some(136));
    }

    #[test]
    fn if_only_one_begins_a_later_quiescent_state_leaves_none() {
        let once = RcuStalls { every_ns: 0, ..GPS };
        assert_eq!(first_after(once, 99, 0), Some(100));
        assert_eq!(first_after(once, 100, 0), None);
    }

    #[test]
    fn while_every_cpu_is_in_a_quiescent_state_none_is_held_up_before_the_end_of_time() {
        assert!(first_after(GPS, u64::MAX, 0) >= Some(u64::MAX - 12));
    }
}
