//! Calling a function on other CPUs, and waiting for it: the one unbounded wait on another CPU's interrupts.
//!
//! In Linux: `kernel/smp.c`.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::config::causes::Ablation;
use crate::cpumask::{CpuId, CpuMask};
use crate::kernel::call_single_queue::Posted;
use crate::kernel::cpu::Cpu;
use crate::kernel::csd::{self, CallFunction, CallSingleData};
use crate::kernel::csd_debug::CsdWaiter;
use crate::kernel::irq;
use crate::kernel::mailbox::Mailbox;
use crate::kernel::preempt::{self, DisabledPreemptGuard};
use crate::kernel::shared::Shared;
use crate::kernel::state::smp::WarnOnce;
use crate::parts::call_many::{CrossCalls, Wait};
use crate::parts::call_queue::CsdId;
use crate::parts::csd_lock::CSD_FLAG_LOCK;
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::sync::AtomicU32;
use crate::time::KernelTime;
use crate::vector::Vector;

/// Calls `func` on `target`. In Linux: `smp_call_function_single`.
///
/// With [`Wait::Sync`] and the target's interrupts off this never returns. A call with the caller's own interrupts off
/// warns once, as in Linux, unless an oops is in progress.
///
/// # Panics
/// If the machine has no such CPU.
pub fn smp_call_function_single(
    cpu: &Cpu,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
) {
    if is_halting(cpu) {
        return;
    }
    let _frame = cpu.frame("smp_call_function_single");
    let _preempt = preempt::disable(cpu);
    warn_if_irqs_disabled(cpu, &cpu.shared().smp.single);
    if target == cpu.id() {
        let _irq = irq::disable_local(cpu);
        let _frame = cpu.frame(func.name);
        return (func.func)(cpu, info);
    }
    if !cpu.shared().is_online(target) {
        return; // -ENXIO
    }
    let csd = SingleCsd::take(cpu, target, wait);
    generic_exec_single(cpu, csd.id, target, func, info, wait);
    if wait == Wait::Sync {
        csd_lock_wait(cpu, csd.id, target, 0);
    }
}

/// The csd of a call to one CPU, the caller's alone.
struct SingleCsd<'a> {
    id: CsdId,
    /// It is a letter: its flags, and the mailbox that wants it back.
    letter: Option<(&'a AtomicU32, &'a Mailbox)>,
}

impl<'a> SingleCsd<'a> {
    fn take(cpu: &'a Cpu, target: CpuId, wait: Wait) -> Self {
        let Shared { call_queues, csds, .. } = cpu.shared();
        if wait == Wait::Sync
            && let Some((id, mailbox)) = call_queues.claim_letter(target)
        {
            // The claim comes after the last answer, so the letter is free. To lock it here, and not together with the
            // other stores, or only to look at it, would fetch its line once more.
            return SingleCsd { id, letter: Some((csds.get(id).flags(), mailbox)) };
        }
        let id = csds.single(cpu.id(), wait);
        csd_lock(cpu, id, target);
        SingleCsd { id, letter: None }
    }
}

impl Drop for SingleCsd<'_> {
    /// A letter goes back only if it was answered. It was not if its caller was killed while it waited, or if a wrong csd
    /// lock does not wait: then it stays claimed, and every later call takes the queue.
    fn drop(&mut self) {
        if let Some((flags, mailbox)) = self.letter
            && flags.load(Acquire) & CSD_FLAG_LOCK == 0
        {
            mailbox.release();
        }
    }
}

/// Calls `func` on every online CPU of `mask` but this one; with [`Wait::Sync`] waits for them in the order of their
/// numbers, so for CPU 0 first. In Linux: `smp_call_function_many`.
///
/// The guard is the proof that preemption is off. Otherwise as [`smp_call_function_single`].
pub fn smp_call_function_many(
    cpu: &Cpu,
    mask: &CpuMask,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
    _preempt: &DisabledPreemptGuard<'_>,
) {
    if is_halting(cpu) {
        return;
    }
    let shared = cpu.shared();
    warn_if_irqs_disabled(cpu, &shared.smp.many);
    let mut targets = CpuMask::none(shared.config.nr_cpus);
    mask.iter().filter(|&to| to != cpu.id() && shared.is_online(to)).for_each(|to| targets.set(to));
    if targets.weight() == 1
        && let Some(target) = targets.iter().next()
    {
        return smp_call_function_single(cpu, target, func, info, wait);
    }
    let _frames = cpu.frames(shared.config.kernel.call_many());

    let broadcast = Broadcast { cpu, func, info, wait, mask: targets.first_word() };
    shared.call_many.call_many(&broadcast, &targets, wait);
    cpu.after_part();
}

/// One broadcast of a CPU.
struct Broadcast<'a> {
    cpu: &'a Cpu,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
    /// The first word of the mask of CPUs that are called.
    mask: u64,
}

impl Broadcast<'_> {
    fn csd(&self, target: CpuId) -> CsdId {
        let nr_cpus = self.cpu.nr_cpus();
        assert!(target.0 < nr_cpus, "there is no CPU#{target} on a machine of {nr_cpus}");
        assert_ne!(
            target,
            self.cpu.id(),
            "CPU#{target} calls itself: it cannot answer while it calls"
        );
        self.cpu.shared().csds.many(self.cpu.id(), target)
    }
}

impl ThisCpu for Broadcast<'_> {
    fn id(&self) -> CpuId {
        self.cpu.id()
    }

    fn now(&self) -> KernelTime {
        self.cpu.now()
    }

    fn relax(&self) {
        self.cpu.relax();
    }

    fn relax_until(&self, deadline: KernelTime) {
        self.cpu.relax_until(deadline);
    }
}

impl CrossCalls for Broadcast<'_> {
    fn is_online(&self, cpu: CpuId) -> bool {
        cpu.0 < self.cpu.nr_cpus() && self.cpu.shared().is_online(cpu)
    }

    fn post(&self, target: CpuId) -> bool {
        let &Broadcast { cpu, func, info, wait, .. } = self;
        let csd = self.csd(target);
        csd_lock(cpu, csd, target);
        fill_and_queue(cpu, csd, target, func, info, wait) == Posted::First
    }

    fn send_ipi(&self, target: CpuId) {
        self.csd(target); // is there such a CPU?
        self.cpu.send_ipi(target, Vector::CallFunction);
    }

    fn csd_lock_wait(&self, target: CpuId) {
        csd_lock_wait(self.cpu, self.csd(target), target, self.mask);
    }
}

/// Makes every other CPU take an interrupt, and waits until all have: a way to be sure that no CPU still executes what
/// was just changed. In Linux: `kick_all_cpus_sync`.
// ANCHOR: kick_all_cpus_sync
pub fn kick_all_cpus_sync(cpu: &Cpu) {
    static DO_NOTHING: CallFunction = CallFunction { name: "do_nothing", func: |_, _| {} };
    let _frame = cpu.frame("kick_all_cpus_sync");
    let _frames = cpu.frames(cpu.shared().config.kernel.smp_call_function());
    let preempt = preempt::disable(cpu);
    let all = CpuMask::all(cpu.shared().config.nr_cpus);
    smp_call_function_many(cpu, &all, &DO_NOTHING, 0, Wait::Sync, &preempt);
}
// ANCHOR_END: kick_all_cpus_sync

/// Whether the machine is being halted: a destructor that runs meanwhile may call, and gets no answer.
fn is_halting(cpu: &Cpu) -> bool {
    cpu.shared().check_halt();
    cpu.shared().is_halting()
}

/// Posts a call, and interrupts its target if that is owed.
fn generic_exec_single(
    cpu: &Cpu,
    csd: CsdId,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
) {
    match fill_and_queue(cpu, csd, target, func, info, wait) {
        Posted::First => cpu.send_ipi(target, Vector::CallFunction),
        Posted::Rings => cpu.kick(target),
        Posted::Behind => {}
    }
}

/// Prepares a csd, which is the caller's alone, and posts it.
fn fill_and_queue(
    cpu: &Cpu,
    csd_id: CsdId,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
) -> Posted {
    let shared = cpu.shared();
    let csd = shared.csds.get(csd_id);
    if wait == Wait::Sync {
        // Still the caller's alone: no other CPU has seen this csd yet. A letter was claimed, and is locked here.
        let is_letter = csd_id == csd::letter(target);
        let flags = if is_letter { CSD_FLAG_LOCK } else { csd.flags().load(Relaxed) };
        csd.flags().store(flags | shared.config.kernel.csd_sync_flag(), Relaxed);
    }
    csd.fill(cpu.id(), func, info);
    // Recorded before it can be seen, as everything that another CPU answers to: else the answer might come first.
    cpu.record(Event::CsdQueue { to: target, func: func.name.into() });
    shared.call_queues.push(target, csd_id, &shared.csds)
}

/// Waits until the csd's older call is answered, and marks it as in use.
fn csd_lock(cpu: &Cpu, csd: CsdId, target: CpuId) {
    let lock = &cpu.shared().csd_lock;
    wait_for_csd(cpu, csd, target, 0, |flags, cpu| lock.lock(flags, cpu));
}

/// Waits until the called CPU has answered. This is where every victim of the article stands.
fn csd_lock_wait(cpu: &Cpu, csd: CsdId, target: CpuId, mask: u64) {
    let count = cpu.preempt.count();
    if cpu.shared().config.ablate == Some(Ablation::PreemptOnInWait) {
        cpu.preempt.set_count(0);
    }
    let lock = &cpu.shared().csd_lock;
    wait_for_csd(cpu, csd, target, mask, |flags, cpu| lock.wait(flags, cpu));
    cpu.preempt.set_count(count);
}

/// Lets `wait`, an operation of the csd lock, wait until the csd is free; and records the wait, if the csd is not free.
fn wait_for_csd(
    cpu: &Cpu,
    csd_id: CsdId,
    target: CpuId,
    mask: u64,
    wait: impl FnOnce(&AtomicU32, &dyn ThisCpu),
) {
    let Shared { csds, config, .. } = cpu.shared();
    let csd = csds.get(csd_id);
    let flags = csd.flags().load(Relaxed);
    if flags & CSD_FLAG_LOCK == 0 {
        wait(csd.flags(), cpu);
        return cpu.after_part();
    }
    let debug = config.detectors.csd;
    let _frame = cpu.frame(if debug { "__csd_lock_wait" } else { "csd_lock_wait" });
    let _awaiting = cpu.watchdog.awaits(target);
    cpu.record(Event::CsdWait { on: target, flags, mask });
    if debug {
        let waiter = CsdWaiter::new(cpu, csd, csd_id, target);
        wait(csd.flags(), &waiter);
        cpu.after_part();
        waiter.done();
    } else {
        wait(csd.flags(), cpu);
        cpu.after_part();
    }
    cpu.record(Event::CsdWaitEnd { on: target });
}

/// Runs every call that was posted to this CPU, from the oldest on. Called by the IPI, with interrupts off. In Linux:
/// `flush_smp_call_function_queue` of 4.19. (5.8 and later run the calls whose callers wait first.)
pub(crate) fn flush_smp_call_function_queue(cpu: &Cpu) {
    let _frame = cpu.frame("flush_smp_call_function_queue");
    let shared = cpu.shared();
    cpu.per_cpu().own.current_csd.allow_backtrace();
    // Everything is taken before anything runs: a CPU that posts from now on sends an IPI.
    let mut next = shared.call_queues.take_all(cpu.id(), &shared.csds);
    let mut left = shared.csds.len();
    while let Some(csd_id) = next {
        assert!(left > 0, "the list that `take_all` returned bites its own tail");
        left -= 1;
        let csd = shared.csds.get(csd_id);
        // Once it is unlocked the csd is its owner's again: everything in it is read before.
        next = csd.link().get();
        if csd.flags().load(Relaxed) & shared.config.kernel.csd_sync_flag() != 0 {
            run(cpu, csd.request(), csd_id);
            csd_unlock(cpu, csd);
        } else {
            let request = csd.request();
            csd_unlock(cpu, csd);
            run(cpu, request, csd_id);
        }
    }
}

fn csd_unlock(cpu: &Cpu, csd: &CallSingleData) {
    cpu.record(Event::CsdUnlock { from: csd.owner() });
    cpu.shared().csd_lock.unlock(csd.flags());
}

/// Runs the called function, and lets others see which one it is.
fn run(cpu: &Cpu, (func, info): (Option<&'static CallFunction>, u64), csd: CsdId) {
    let Some(func) = func else { return };
    let current = &cpu.per_cpu().own.current_csd;
    let _frame = cpu.frame(func.name);
    current.begin(csd, func);
    (func.func)(cpu, info);
    current.end();
}

/// A synchronous call with interrupts off deadlocks if the other side does the same. Linux says so, once; but not
/// while an oops is in progress, and since CPU 0's never ends, no CPU of the article was warned of anything.
/// In Linux: `WARN_ON_ONCE(cpu_online(this_cpu) \&\& irqs_disabled() \&\& !oops_in_progress …)`.
fn warn_if_irqs_disabled(cpu: &Cpu, once: &WarnOnce) {
    let deadlock_prone = irq::irqs_disabled(cpu) && !cpu.shared().die.oops_in_progress();
    if deadlock_prone && once.is_first() {
        cpu.record(Event::Warn);
    }
}
