//! Four CPUs call one another, and one of them cannot always answer.
//!
//! CPUs 0 to 3 call one another: one CPU or all, with and without waiting. Three times CPU 2 turns its interrupts off
//! for 100 ms. The calls to it pile up in its queue meanwhile. When its interrupts come on again, it takes the whole
//! queue and runs every call, the oldest first.
//!
//! *What a reader should conclude.* Nothing is wrong. CPU 2 got one IPI for six calls: only the call that finds the
//! queue empty sends one. A queue is right if no call is lost, none runs twice, and the calls of one caller to one CPU
//! run in the order in which the caller posted them. The article's incident shows none of that: its CPU 0 never takes
//! its queue. So a queue that is last in, first out, hands out one call only, or never asks for an IPI prints the
//! article's console. Here it does not: [`Busy::judge`] says which call went wrong.
//!
//! In Linux: `kernel/smp.c`, `generic_exec_single`, `smp_call_function_many`, `flush_smp_call_function_queue`.
//! Here it differs: each call has a function of its own, so that a record names the call; and a called function takes a
//! millisecond, a thousand times as long as a real one.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{ANY_PID, At, Scenario, ScenarioError, on_this_machine, reported_by, small_machine};
use crate::config::Config;
use crate::config::clock::Clock;
use crate::cpumask::{CpuId, CpuMask};
use crate::incident::Incident;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::csd::CallFunction;
use crate::kernel::smp::{smp_call_function_many, smp_call_function_single};
use crate::kernel::task::Task;
use crate::kernel::{irq, preempt};
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::call_many::Wait;
use crate::record::{Event, Pid, Record};
use crate::time::{CSD_LOCK_TIMEOUT_NS, KernelTime, sample_period_ns};
use crate::vector::Vector;

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct Busy {
    /// The machine. `until` is replaced unless [`Busy::until`] is given.
    pub config: Config,
    /// The calls, at most [`MAX_CALLS`]. In records and in what [`Busy::judge`] says, the first is `call_00`, the
    /// second `call_01`, and so on.
    pub calls: Vec<Call>,
    /// When which CPU has its interrupts off.
    pub masked: Vec<Masked>,
    /// When the machine is switched off; `None` chooses a time at which a CPU that waits for ever has been reported.
    pub until: Option<KernelTime>,
}

/// One call. A CPU that waits, or has its interrupts off, makes its next call when that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The CPU that calls, and when.
    pub from: At,
    /// The CPU that is called, or all.
    pub to: To,
    /// Whether the caller waits.
    pub wait: Wait,
}

/// Which CPUs a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// This one. (`smp_call_function_single`)
    One(CpuId),
    /// Every CPU but the caller. (`smp_call_function_many`)
    All,
}

/// A CPU has its interrupts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked {
    /// Which, and from when on.
    pub at: At,
    /// For how many nanoseconds: at most 5 s. (A CPU that does not answer for longer is
    /// [`slow_console`](super::slow_console)'s.)
    pub ns: u64,
}

/// The most calls that [`Busy`] can make: each has a function of its own.
pub const MAX_CALLS: usize = CALLS.len();

/// What is called. It takes time and does nothing else; its name says which call it is.
const fn call(name: &'static str) -> CallFunction {
    // Not 0: a list of calls that bites its tail would keep its CPU for ever in one and the same moment.
    fn takes_a_millisecond(cpu: &Cpu, _info: u64) {
        cpu.spend(1_000_000);
    }
    CallFunction { name, func: takes_a_millisecond }
}

static CALLS: [CallFunction; 32] = [
    call("call_00"),
    call("call_01"),
    call("call_02"),
    call("call_03"),
    call("call_04"),
    call("call_05"),
    call("call_06"),
    call("call_07"),
    call("call_08"),
    call("call_09"),
    call("call_10"),
    call("call_11"),
    call("call_12"),
    call("call_13"),
    call("call_14"),
    call("call_15"),
    call("call_16"),
    call("call_17"),
    call("call_18"),
    call("call_19"),
    call("call_20"),
    call("call_21"),
    call("call_22"),
    call("call_23"),
    call("call_24"),
    call("call_25"),
    call("call_26"),
    call("call_27"),
    call("call_28"),
    call("call_29"),
    call("call_30"),
    call("call_31"),
];

impl Default for Busy {
    /// Four CPUs of 4.19. CPU 2 has its interrupts off from 10.0, 10.3 and 10.6 s on, for 100 ms each. Each time two
    /// calls of each other CPU pile up in its queue, each time in another order.
    fn default() -> Self {
        use To::{All, One};
        use Wait::{Async, Sync};
        let ms = |ms: u64| KernelTime::from_ns(ms * 1_000_000);
        let call = |time, from, to, wait| {
            let from = At { cpu: CpuId(from), time: ms(time) };
            Call { from, to, wait }
        };
        let one = |cpu| One(CpuId(cpu));
        let masked = |time| Masked { at: At { cpu: CpuId(2), time: ms(time) }, ns: 100_000_000 };
        Busy {
            config: Config { nr_cpus: 4, ..small_machine() },
            calls: vec![
                call(10_010, 0, one(2), Async),
                call(10_011, 1, one(2), Async),
                call(10_012, 3, one(2), Async),
                call(10_020, 1, All, Async),
                call(10_021, 0, one(2), Sync),
                call(10_022, 3, All, Sync),
                // All four at about the same time, and each can answer.
                call(10_200, 0, one(1), Sync),
                call(10_200, 1, one(0), Async),
                call(10_200, 2, one(3), Sync),
                call(10_200, 3, All, Async),
                call(10_201, 2, All, Sync),
                call(10_310, 1, one(2), Async),
                call(10_311, 3, All, Async),
                call(10_312, 0, one(2), Async),
                call(10_320, 3, one(2), Sync),
                call(10_321, 1, one(2), Sync),
                call(10_322, 0, All, Sync),
                call(10_610, 3, one(2), Async),
                call(10_611, 0, All, Async),
                call(10_612, 1, one(2), Async),
                call(10_620, 0, one(2), Sync),
                call(10_621, 3, one(2), Sync),
                call(10_622, 1, All, Sync),
                // Its queue is empty again.
                call(10_800, 0, one(2), Sync),
                call(10_900, 2, All, Sync),
            ],
            masked: vec![masked(10_000), masked(10_300), masked(10_600)],
            until: None,
        }
    }
}

impl Scenario for Busy {
    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn set_until(&mut self, until: KernelTime) {
        self.until = Some(until);
    }

    fn machine_with(&self, parts: Parts) -> Result<Machine, ScenarioError> {
        self.config.check()?;
        if self.calls.len() > MAX_CALLS {
            return Err(ScenarioError::TooManyCalls { calls: self.calls.len(), most: MAX_CALLS });
        }
        let calls = self.calls.iter().map(|call| call.from.time);
        let last = calls.chain(self.masked.iter().map(|masked| masked.at.time + masked.ns)).max();
        // A CPU that idled before it waits is reported one sample later.
        let idled = sample_period_ns(self.config.watchdog_thresh_secs);
        let until = self
            .until
            .unwrap_or_else(|| reported_by(&self.config, last.unwrap_or_default()) + idled);
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        for (&masked, pid) in self.masked.iter().zip((0..ANY_PID).rev()) {
            let cpu = on_this_machine(&self.config, masked.at.cpu)?;
            let ns = irqs_off_for(masked.ns)?;
            machine.spawn(
                cpu,
                Task::new("masked", pid, masked.at.time, move |cpu| with_irqs_off(cpu, ns)),
            );
        }
        for ((&call, func), pid) in self.calls.iter().zip(&CALLS).zip(ANY_PID..) {
            let cpu = on_this_machine(&self.config, call.from.cpu)?;
            if let To::One(to) = call.to {
                on_this_machine(&self.config, to)?;
                if to == cpu {
                    return Err(ScenarioError::SameCpu(to));
                }
            }
            machine.spawn(
                cpu,
                Task::new("caller", pid, call.from.time, move |cpu| make(cpu, call, func)),
            );
        }
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        Diagnosis { cause: Cause::None, cpus: Vec::new() }
    }
}

/// So many nanoseconds, if callers can wait for so long without being in trouble.
pub(super) fn irqs_off_for(ns: u64) -> Result<u64, ScenarioError> {
    let most_ns = CSD_LOCK_TIMEOUT_NS;
    if ns <= most_ns { Ok(ns) } else { Err(ScenarioError::MaskedTooLong { ns, most_ns }) }
}

fn with_irqs_off(cpu: &Cpu, ns: u64) {
    let _frame = cpu.frame("masked");
    let _irq = irq::disable_local(cpu);
    cpu.spend(ns);
}

fn make(cpu: &Cpu, call: Call, func: &'static CallFunction) {
    match call.to {
        To::One(to) => smp_call_function_single(cpu, to, func, 0, call.wait),
        To::All => {
            let preempt = preempt::disable(cpu);
            let all = CpuMask::all(cpu.nr_cpus());
            smp_call_function_many(cpu, &all, func, 0, call.wait, &preempt);
        }
    }
}

impl Busy {
    /// Whether the machine's parts did what they are for:
    ///
    /// - every call ran on every CPU it was posted to, exactly once;
    /// - the calls of one caller to one CPU ran in the order in which the caller posted them;
    /// - a caller that waits went on after its call had run, and then it did go on;
    /// - in lockstep: a caller sent an IPI if it found the queue empty, and no IPI if it did not.
    ///
    /// The order of calls by different callers is free.
    ///
    /// # Errors
    /// The first rule that was broken: what was expected, what happened, on which CPU and when.
    pub fn judge(&self, incident: &Incident) -> Result<(), String> {
        let mut judge = Judge::new(self, incident);
        for record in &incident.records {
            judge.read(record)?;
        }
        judge.at_the_end(incident.ended)
    }
}

/// What is known of all calls after the records so far.
struct Judge<'a> {
    calls: &'a [Call],
    nr_cpus: u32,
    /// Whether records are in the order in which things happened to a queue. In wall-clock time a record may come a
    /// little before what it tells of.
    lockstep: bool,
    /// By call and called CPU.
    posts: BTreeMap<(usize, CpuId), Post>,
    /// By caller and called CPU: the calls that have not run yet, in the order in which they were posted.
    waiting: HashMap<(CpuId, CpuId), VecDeque<usize>>,
    /// By CPU: the oldest call in its queue.
    oldest: HashMap<CpuId, String>,
    /// IPIs that are due: the caller found the queue empty, and has sent none yet.
    due: Vec<Due>,
    /// By caller and called CPU: IPIs that are sent once more, because the caller has waited for long.
    sent_again: Vec<(CpuId, CpuId)>,
    /// By CPU: the call that its task makes.
    making: HashMap<CpuId, usize>,
}

/// One call on its way to one CPU.
struct Post {
    posted: KernelTime,
    /// When the called CPU took its queue, with this call in it.
    taken: Option<KernelTime>,
    began: Option<KernelTime>,
    is_done: bool,
}

/// An IPI that is due.
struct Due {
    from: CpuId,
    to: CpuId,
    /// Since when.
    since: KernelTime,
    /// For which call.
    func: String,
}

impl<'a> Judge<'a> {
    fn new(scenario: &'a Busy, incident: &Incident) -> Self {
        Judge {
            calls: &scenario.calls,
            nr_cpus: incident.config.nr_cpus,
            lockstep: matches!(incident.config.clock, Clock::Lockstep { .. }),
            posts: BTreeMap::new(),
            waiting: HashMap::new(),
            oldest: HashMap::new(),
            due: Vec::new(),
            sent_again: Vec::new(),
            making: HashMap::new(),
        }
    }

    fn read(&mut self, record: &Record) -> Result<(), String> {
        let &Record { time, cpu, ref event, .. } = record;
        match *event {
            Event::TaskStart { pid, .. } => {
                if let Some(n) = self.call_of_task(pid) {
                    self.making.insert(cpu, n);
                }
            }
            Event::TaskEnd { .. } => self.goes_on(cpu, time)?,
            Event::CsdQueue { to, ref func } => self.posts(cpu, to, func, time),
            Event::CsdResend { to, .. } => self.sent_again.push((cpu, to)),
            Event::IpiSend { to, vector: Vector::CallFunction } => self.sends(cpu, to, time)?,
            Event::Enter { ref func } if func == "flush_smp_call_function_queue" => {
                self.oldest.remove(&cpu);
                let here = self.posts.iter_mut().filter(|((_, to), _)| *to == cpu);
                here.for_each(|(_, post)| _ = post.taken.get_or_insert(time));
            }
            Event::Enter { ref func } => self.begins(cpu, func, time)?,
            Event::Exit { ref func } => {
                if let Some(n) = self.number(func)
                    && let Some(post) = self.posts.get_mut(&(n, cpu))
                {
                    post.is_done = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Which call has this function.
    fn number(&self, func: &str) -> Option<usize> {
        CALLS.iter().position(|call| call.name == func).filter(|&n| n < self.calls.len())
    }

    fn call_of_task(&self, pid: Pid) -> Option<usize> {
        let n = pid.checked_sub(ANY_PID)? as usize;
        (n < self.calls.len()).then_some(n)
    }

    fn targets(&self, n: usize) -> Vec<CpuId> {
        match self.calls[n].to {
            To::One(to) => vec![to],
            To::All => {
                (0..self.nr_cpus).map(CpuId).filter(|to| *to != self.calls[n].from.cpu).collect()
            }
        }
    }

    fn posts(&mut self, cpu: CpuId, to: CpuId, func: &str, time: KernelTime) {
        if let Entry::Vacant(empty) = self.oldest.entry(to) {
            empty.insert(func.to_owned());
            self.due.push(Due { from: cpu, to, since: time, func: func.to_owned() });
        }
        if let Some(n) = self.number(func) {
            let post = Post { posted: time, taken: None, began: None, is_done: false };
            self.posts.insert((n, to), post);
            self.waiting.entry((cpu, to)).or_default().push_back(n);
        }
    }

    fn sends(&mut self, cpu: CpuId, to: CpuId, time: KernelTime) -> Result<(), String> {
        if let Some(again) = self.sent_again.iter().position(|sent| *sent == (cpu, to)) {
            self.sent_again.swap_remove(again);
            return Ok(());
        }
        // The latest: if an earlier one was not sent, it never will be.
        if let Some(sent) = self.due.iter().rposition(|due| (due.from, due.to) == (cpu, to)) {
            self.due.remove(sent);
            return Ok(());
        }
        if !self.lockstep {
            return Ok(());
        }
        let ipi = format!("CPU#{cpu} sent CPU#{to} an IPI at {time} s");
        Err(match self.oldest.get(&to) {
            Some(oldest) => format!(
                "{ipi}. None was due: CPU#{to}'s queue was not empty, {oldest} was in it, and an IPI for that call was \
                 on its way"
            ),
            None => format!("{ipi} for no call"),
        })
    }

    fn begins(&mut self, cpu: CpuId, func: &str, time: KernelTime) -> Result<(), String> {
        let Some(n) = self.number(func) else { return Ok(()) };
        let caller = self.calls[n].from.cpu;
        let Some(post) = self.posts.get_mut(&(n, cpu)) else {
            let targets = self.targets(n);
            let to = targets.iter().map(|to| format!("CPU#{to}")).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "CPU#{cpu} ran {func} at {time} s. That call was not in its queue: CPU#{caller} posts it once, to {to}"
            ));
        };
        if let Some(before) = post.began.replace(time) {
            return Err(format!(
                "CPU#{cpu} ran {func} of CPU#{caller} twice, at {before} s and at {time} s. A call runs once"
            ));
        }
        let posted = post.posted;
        let waiting = self.waiting.entry((caller, cpu)).or_default();
        if let Some(&first) = waiting.front()
            && first != n
        {
            let (first_func, first_posted) = (CALLS[first].name, self.posts[&(first, cpu)].posted);
            return Err(format!(
                "CPU#{cpu} ran {func} of CPU#{caller}, posted at {posted} s, at {time} s. {first_func} was to run \
                 before it: CPU#{caller} had posted that at {first_posted} s, and a queue is first in, first out"
            ));
        }
        waiting.pop_front();
        Ok(())
    }

    /// A task ends. If it made a call and was to wait, the call has run.
    fn goes_on(&mut self, cpu: CpuId, time: KernelTime) -> Result<(), String> {
        let Some(n) = self.making.remove(&cpu) else { return Ok(()) };
        let is_open = |to: &CpuId| self.posts.get(&(n, *to)).is_some_and(|post| !post.is_done);
        let open = self.targets(n).into_iter().find(is_open);
        match open.filter(|_| self.calls[n].wait == Wait::Sync) {
            Some(to) => Err(format!(
                "CPU#{cpu} went on at {time} s. It was to wait for CPU#{to}, which had not run {} then",
                CALLS[n].name
            )),
            None => Ok(()),
        }
    }

    /// What was to happen and never did.
    fn at_the_end(&self, ended: KernelTime) -> Result<(), String> {
        let lost = self.posts.iter().filter(|(_, post)| post.began.is_none());
        if let Some((&(n, to), post)) = lost.min_by_key(|((n, _), post)| (post.posted, *n)) {
            return Err(self.lost(n, to, post));
        }
        for (n, call) in self.calls.iter().enumerate() {
            let (func, cpu) = (CALLS[n].name, call.from.cpu);
            let unposted = |to: &CpuId| !self.posts.contains_key(&(n, *to));
            if let Some(to) = self.targets(n).into_iter().find(unposted) {
                let due = call.from.time;
                return Err(format!(
                    "CPU#{cpu} was to post {func} to CPU#{to} at {due} s, and had not when the machine was switched \
                     off, at {ended} s"
                ));
            }
            if self.making.get(&cpu) == Some(&n) {
                return Err(format!(
                    "CPU#{cpu} was to go on when {func} had run. It has run, and CPU#{cpu} still waited when the \
                     machine was switched off, at {ended} s"
                ));
            }
        }
        match self.due.first().filter(|_| self.lockstep) {
            Some(Due { from, to, since, func }) => Err(format!(
                "CPU#{from} posted {func} to CPU#{to} at {since} s and sent no IPI. One was due: CPU#{to}'s queue was \
                 empty"
            )),
            None => Ok(()),
        }
    }

    fn lost(&self, n: usize, to: CpuId, post: &Post) -> String {
        let (func, caller, posted) = (CALLS[n].name, self.calls[n].from.cpu, post.posted);
        let is_due = |due: &Due| (due.from, due.to) == (caller, to) && due.func == func;
        let no_ipi = self.due.iter().any(is_due);
        let why = match post.taken {
            _ if no_ipi => format!("CPU#{to}'s queue was empty, and CPU#{caller} sent no IPI"),
            Some(taken) => {
                format!("CPU#{to} took its queue at {taken} s, and was to run every call in it")
            }
            None => format!("CPU#{to} did not take its queue after that"),
        };
        format!("CPU#{to} never ran {func}, which CPU#{caller} posted at {posted} s: {why}")
    }
}
