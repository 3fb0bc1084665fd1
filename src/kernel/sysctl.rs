//! What a task can write to `/proc/sys/kernel` while the machine runs.
//!
//! A new `watchdog_thresh` stops the watchdog of every CPU and starts it anew, one CPU after another: so all of them
//! sample at about the same time from then on, whatever their phases were. What they counted is kept: a buddy goes on
//! to look at every third of *all* its samples, old and new.
//!
//! In Linux: `kernel/watchdog.c`, `proc_watchdog_thresh`, `__lockup_detector_reconfigure`; `kernel/up.c` and
//! `kernel/smp.c`, `smp_call_on_cpu`.
//! Here it differs: there is no kworker on the other CPU; its work is done where the stopper may run, too.

use crate::config::sysctl::MAX_WATCHDOG_THRESH_SECS;
use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::kernel::state::watchdog::Work;
use crate::kernel::watchdog;
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::vector::Vector;

/// Writes `kernel.watchdog_thresh`, as `sysctl` does: nothing happens if it is the same number, 0 switches the watchdog
/// off. Waits for every CPU: for ever, if one lets no task run.
///
/// # Panics
/// If `secs` is more than Linux accepts ([`MAX_WATCHDOG_THRESH_SECS`]).
pub fn write_watchdog_thresh(cpu: &Cpu, secs: u64) {
    assert!(
        secs <= MAX_WATCHDOG_THRESH_SECS,
        "watchdog_thresh is 0 to {MAX_WATCHDOG_THRESH_SECS} seconds, not {secs}"
    );
    let state = &cpu.shared().watchdog;
    while !state.watchdog_mutex.try_lock() {
        cpu.relax();
    }
    if state.thresh_secs() != secs {
        state.set_thresh_secs(secs);
        cpu.record(Event::WatchdogThresh { secs });
        on_each_cpu_in_turn(cpu, Work::StopWatchdog);
        state.set_sample_period();
        if secs != 0 {
            on_each_cpu_in_turn(cpu, Work::StartWatchdog);
        }
    }
    state.watchdog_mutex.unlock();
}

fn on_each_cpu_in_turn(cpu: &Cpu, work: Work) {
    for target in cpu.shared().online_mask().iter() {
        smp_call_on_cpu(cpu, target, work);
    }
}

/// Has `target` do something in a task of its own, and waits until it has.
fn smp_call_on_cpu(cpu: &Cpu, target: CpuId, work: Work) {
    if target == cpu.id() {
        return run(cpu, work);
    }
    let _frame = cpu.frame("smp_call_on_cpu");
    let posted = &cpu.shared().per_cpu(target).watchdog_work;
    posted.post(work, cpu.id());
    cpu.send_ipi(target, Vector::Reschedule);
    while posted.is_pending() {
        cpu.relax();
    }
}

/// The work that another CPU posted; wakes that CPU when it is done. In Linux: a kworker, `smp_call_on_cpu_callback`.
pub(crate) fn do_posted_work(cpu: &Cpu) {
    let posted = &cpu.per_cpu().watchdog_work;
    if let Some((work, by)) = posted.get() {
        run(cpu, work);
        posted.done();
        cpu.send_ipi(by, Vector::Reschedule);
    }
}

fn run(cpu: &Cpu, work: Work) {
    match work {
        Work::StopWatchdog => watchdog::watchdog_disable(cpu),
        Work::StartWatchdog => watchdog::watchdog_enable(cpu),
    }
}
