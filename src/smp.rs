//! Calling a function on other CPUs, and waiting for it: the one unbounded wait on another CPU's interrupts.
//!
//! In Linux: `kernel/smp.c`.

use std::sync::atomic::{AtomicBool, Ordering::*};

use crate::csd_debug::CsdWaiter;
use crate::csd_table::CallSingleData;
use crate::machine::Shared;
use crate::mailbox::{MailboxCallQueue, Taken};
use crate::preempt::{self, DisabledPreemptGuard};
use crate::record::Event;
use crate::{Ablation, CSD_FLAG_LOCK, Cpu, CpuId, CpuMask, CsdId, ThisCpu, Vector, irq};

/// A kernel function that can be called on another CPU. Called with interrupts off; it must not wait.
#[derive(Debug)]
pub struct CallFunction {
    /// Its name, as it stands in a call trace.
    pub name: &'static str,
    /// What it does, with the argument that the caller gave.
    pub func: fn(&Cpu, u64),
}

/// Whether the caller of a function on another CPU waits until it has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it has run, without any time-out.
    Sync,
    /// Not at all.
    Async,
}

/// Calls `func` on `target`. In Linux: `smp_call_function_single`.
///
/// With [`Wait::Sync`] and the target's interrupts off this never returns. Calling it with one's own interrupts off
/// warns once, as Linux does, unless an oops is in progress.
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
    if nobody_answers(cpu) {
        return;
    }
    let _frame = cpu.frame("smp_call_function_single");
    let _preempt = preempt::disable(cpu);
    warn_if_irqs_disabled(cpu, &cpu.shared().warned_single);
    if target == cpu.id() {
        let _irq = irq::disable_local(cpu);
        let _frame = cpu.frame(func.name);
        return (func.func)(cpu, info);
    }
    if !cpu.shared().is_online(target) {
        return; // -ENXIO
    }
    if wait == Wait::Sync
        && let Some(mailbox) = cpu.shared().parts.mailbox(target)
        && mailbox.claim()
    {
        return call_by_letter(cpu, mailbox, target, func, info);
    }
    let csd = cpu.shared().csds.single(cpu, wait);
    if fill_and_queue(cpu, csd, target, func, info, wait) {
        cpu.send_ipi(target, Vector::CallFunction);
    }
    if wait == Wait::Sync {
        csd_lock_wait(cpu, &Waited::csd(cpu, csd, target, 0));
    }
}

/// The same through `target`'s mailbox, whose letter this CPU has claimed.
fn call_by_letter(
    cpu: &Cpu,
    mailbox: &MailboxCallQueue,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
) {
    mailbox.letter().fill(cpu.id(), func, info);
    cpu.record(Event::CsdQueue { to: target, func: func.name.into() });
    mailbox.post(cpu.letters_ring);
    if cpu.letters_ring {
        cpu.shared().clock.kick(target, &cpu.shared().per_cpu(target).irq);
    } else {
        cpu.send_ipi(target, Vector::CallFunction);
    }
    csd_lock_wait(cpu, &Waited::letter(cpu, mailbox, target));
    mailbox.release();
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
    if nobody_answers(cpu) {
        return;
    }
    let shared = cpu.shared();
    warn_if_irqs_disabled(cpu, &shared.warned_many);
    let mut targets = CpuMask::none(shared.config.nr_cpus);
    mask.iter().filter(|&to| to != cpu.id() && shared.is_online(to)).for_each(|to| targets.set(to));
    if targets.weight() == 1
        && let Some(target) = targets.iter().next()
    {
        return smp_call_function_single(cpu, target, func, info, wait);
    }
    let _frames = cpu.frames(shared.config.kernel.call_many());

    let mut to_interrupt = CpuMask::none(shared.config.nr_cpus);
    for target in targets.iter() {
        let csd = shared.csds.many(cpu.id(), target);
        if fill_and_queue(cpu, csd, target, func, info, wait) {
            to_interrupt.set(target);
        }
    }
    to_interrupt.iter().for_each(|target| cpu.send_ipi(target, Vector::CallFunction));
    if wait == Wait::Sync {
        let mask = targets.first_word();
        for target in targets.iter() {
            let csd = shared.csds.many(cpu.id(), target);
            csd_lock_wait(cpu, &Waited::csd(cpu, csd, target, mask));
        }
    }
}

/// Makes every other CPU take an interrupt, and waits until all have: a way to be sure that none still executes what
/// was just changed. In Linux: `kick_all_cpus_sync`.
pub fn kick_all_cpus_sync(cpu: &Cpu) {
    static DO_NOTHING: CallFunction = CallFunction { name: "do_nothing", func: |_, _| {} };
    let _frame = cpu.frame("kick_all_cpus_sync");
    let _frames = cpu.frames(cpu.shared().config.kernel.smp_call_function());
    let preempt = preempt::disable(cpu);
    let everybody = CpuMask::all(cpu.shared().config.nr_cpus);
    smp_call_function_many(cpu, &everybody, &DO_NOTHING, 0, Wait::Sync, &preempt);
}

/// Whether the machine is being halted: a destructor that runs meanwhile may call, and gets no answer.
fn nobody_answers(cpu: &Cpu) -> bool {
    cpu.shared().check_halt();
    cpu.shared().is_halting()
}

/// Prepares a csd and posts it. Returns whether its target needs an IPI.
fn fill_and_queue(
    cpu: &Cpu,
    csd_id: CsdId,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
) -> bool {
    let shared = cpu.shared();
    let csd = shared.csds.get(csd_id);
    Waited::csd(cpu, csd_id, target, 0).wait(cpu);
    shared.parts.csd_lock(csd.flags(), cpu);
    if wait == Wait::Sync {
        // Still the caller's alone: nobody else has seen this csd yet.
        let flags = csd.flags().load(Relaxed) | shared.config.kernel.csd_sync_flag();
        csd.flags().store(flags, Relaxed);
    }
    csd.fill(cpu.id(), func, info);
    // Recorded before it can be seen, as everything that another CPU answers to: else the answer might come first.
    cpu.record(Event::CsdQueue { to: target, func: func.name.into() });
    shared.parts.queue_push(target, csd_id, &shared.csds)
}

/// Waits until the called CPU has answered. This is where every victim of the article stands.
fn csd_lock_wait(cpu: &Cpu, waited: &Waited<'_>) {
    let count = cpu.preempt_count.get();
    if cpu.shared().config.ablate == Some(Ablation::PreemptOnInWait) {
        cpu.preempt_count.set(0);
    }
    waited.wait(cpu);
    cpu.preempt_count.set(count);
}

/// A csd that somebody waits for.
struct Waited<'a> {
    csd: &'a CallSingleData,
    csd_id: CsdId,
    target: CpuId,
    mask: u64,
    /// The flags that a letter would have if it were a csd of Linux: always the same, its caller waits.
    letter_flags: Option<u32>,
}

impl<'a> Waited<'a> {
    fn csd(cpu: &'a Cpu, csd_id: CsdId, target: CpuId, mask: u64) -> Self {
        let csd = cpu.shared().csds.get(csd_id);
        Waited { csd, csd_id, target, mask, letter_flags: None }
    }

    fn letter(cpu: &Cpu, mailbox: &'a MailboxCallQueue, target: CpuId) -> Self {
        let Shared { csds, config, .. } = cpu.shared();
        let letter_flags = Some(CSD_FLAG_LOCK | config.kernel.csd_sync_flag());
        Waited { csd: mailbox.letter(), csd_id: csds.letter(target), target, mask: 0, letter_flags }
    }

    /// Waits until the csd is free; records that, if it is not.
    fn wait(&self, cpu: &Cpu) {
        let &Waited { csd, csd_id, target, mask, letter_flags } = self;
        let (parts, debug) = (&cpu.shared().parts, cpu.shared().config.detectors.csd);
        let flags = csd.flags().load(Relaxed);
        if flags & CSD_FLAG_LOCK == 0 {
            return parts.csd_lock_wait(csd.flags(), cpu);
        }
        let _frame = cpu.frame(if debug { "__csd_lock_wait" } else { "csd_lock_wait" });
        let flags = letter_flags.unwrap_or(flags);
        cpu.record(Event::CsdWait { on: target, flags, mask });
        if debug {
            let waiter = CsdWaiter::new(cpu, csd, csd_id, target);
            parts.csd_lock_wait_debug(csd.flags(), &waiter);
            waiter.done();
        } else {
            parts.csd_lock_wait(csd.flags(), cpu);
        }
        cpu.record(Event::CsdWaitEnd { on: target });
    }
}

/// Runs every call posted to this CPU: a letter, if there is one, then the queue from its oldest on; a letter that is
/// younger waits for its turn. Called by the IPI, with interrupts off. In Linux: `flush_smp_call_function_queue` of 4.19. (5.8 and later run the calls that somebody waits for first.)
///
/// `rang`: no IPI came, but a letter that rings by itself and was taken; then the queue behind it is looked at only if
/// the letter says so.
pub(crate) fn flush_smp_call_function_queue(cpu: &Cpu, rang: Option<Taken>) {
    let _frame = cpu.frame("flush_smp_call_function_queue");
    let shared = cpu.shared();
    cpu.per_cpu().own.trigger_backtrace.store(true, Release);
    let mailbox = shared.parts.mailbox(cpu.id());
    let mut letter = rang.or_else(|| mailbox?.take());
    // Everything is taken before anything runs: whoever posts from now on sends an IPI.
    let mut next = None;
    if rang.is_none_or(|letter| letter.more) {
        next = shared.parts.queue_take_all(cpu.id(), &shared.csds);
        if letter.is_none() {
            letter = mailbox.and_then(MailboxCallQueue::take_older);
            if letter.is_some_and(|letter| letter.more) {
                cpu.irq().raise(Vector::CallFunction); // what is behind it was perhaps not yet there
            }
        }
    }
    if let (Some(mailbox), Some(_)) = (mailbox, letter) {
        let csd = mailbox.letter();
        run(cpu, csd.request(), shared.csds.letter(cpu.id()));
        cpu.record(Event::CsdUnlock { from: csd.owner() });
        mailbox.answer();
    }
    while let Some(csd_id) = next {
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
    cpu.shared().parts.csd_unlock(csd.flags());
}

/// Runs the called function, and lets others see which one it is.
fn run(cpu: &Cpu, (func, info): (Option<&'static CallFunction>, u64), csd_id: CsdId) {
    let Some(func) = func else { return };
    let own = &cpu.per_cpu().own;
    let _frame = cpu.frame(func.name);
    own.cur_csd_func.store(Some(func));
    own.cur_csd.store(csd_id.0 + 1, Release);
    (func.func)(cpu, info);
    own.cur_csd.store(0, Release);
}

/// A synchronous call with interrupts off deadlocks if the other side does the same. Linux says so, once; but not
/// while an oops is in progress, and since CPU0's never ends, nobody in the article was warned of anything.
fn warn_if_irqs_disabled(cpu: &Cpu, warned: &AtomicBool) {
    let shared = cpu.shared();
    let deadlock_prone = irq::irqs_disabled(cpu) && shared.oops_in_progress.load(Relaxed) == 0;
    if deadlock_prone && !warned.swap(true, Relaxed) {
        cpu.record(Event::Warn);
    }
}
