//! The rules of a [`CallMany`]. Each one keeps all of them. In which order it posts, interrupts and waits within them is
//! its own affair.
//!
//! They run on a CPU that writes down what it is asked.

use std::cell::RefCell;
use std::fmt;

use crate::cpumask::{CpuId, CpuMask};
use crate::parts::call_many::{CallMany, CrossCalls, Wait};
use crate::parts::contract::{Broken, Rule};
use crate::parts::fake_cpu::FakeCpu;
use crate::parts::this_cpu::ThisCpu;
use crate::time::KernelTime;

/// Every rule.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    posts_once_to_each(&new)?;
    leaves_itself_out(&new)?;
    leaves_out_who_is_not_meant(&new)?;
    interrupts_those_whose_queue_was_empty(&new)?;
    interrupts_after_the_post(&new)?;
    posts_to_all_before_it_waits(&new)?;
    interrupts_all_before_it_waits(&new)?;
    sync_waits_for_all(&new)?;
    async_waits_for_none(&new)
}

/// Each online CPU of the mask but the caller gets the call, once.
///
/// # Errors
/// The rule that the part broke.
pub fn posts_once_to_each<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "the call is posted to each other online CPU of the mask, exactly once",
        "A CPU that is left out still executes what was just changed; a second post waits for the answer to the first.",
    );
    judge(&rule, &BOTH, new, |broadcast, asked| {
        let posts = |target| asked.iter().filter(|&&it| it == Asked::Post(target)).count();
        let wrong = broadcast.targets().find(|&target| posts(target) != 1)?;
        Some(format!("it posted {} times to CPU#{wrong}", posts(wrong)))
    })
}

/// The caller neither posts to itself, nor interrupts itself, nor waits for itself.
///
/// # Errors
/// The rule that the part broke.
pub fn leaves_itself_out<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU does not call itself",
        "It cannot answer while it calls: it waits for itself, as CPU 0 of the article does.",
    );
    judge(&rule, &BOTH, new, |broadcast, asked| {
        let own = asked.iter().find(|it| it.target() == broadcast.me)?;
        Some(format!("it {own}, which is itself"))
    })
}

/// Neither an offline CPU nor one outside of the mask is called.
///
/// # Errors
/// The rule that the part broke.
pub fn leaves_out_who_is_not_meant<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that is offline or not in the mask is not called",
        "An offline CPU takes no interrupt, so its caller waits for ever; and a CPU that is not meant is disturbed for nothing.",
    );
    judge(&rule, &BOTH, new, |broadcast, asked| {
        let meant = |cpu| broadcast.online.contains(cpu) && broadcast.mask.contains(cpu);
        let calls = asked.iter().filter(|it| !matches!(it, Asked::Wait(_)));
        let wrong = calls.into_iter().find(|it| !meant(it.target()))?;
        let is = if broadcast.online.contains(wrong.target()) { "not meant" } else { "offline" };
        Some(format!("it {wrong}, which is {is}"))
    })
}

/// One IPI to each CPU whose queue was empty before the post, and none to the others.
///
/// # Errors
/// The rule that the part broke.
pub fn interrupts_those_whose_queue_was_empty<M: CallMany>(
    new: impl Fn() -> M,
) -> Result<(), Broken> {
    let rule = Rule(
        "of the CPUs that were posted to, those whose queue was empty get one IPI, and the others none",
        "A CPU with calls in its queue has an IPI on its way already; without any IPI a call is never taken.",
    );
    judge(&rule, &BOTH, new, |broadcast, asked| {
        broadcast.targets().find_map(|target| {
            let ipis = asked.iter().filter(|&&it| it == Asked::Ipi(target)).count();
            let owed = usize::from(!broadcast.busy.contains(target));
            let was = if owed == 1 { "empty" } else { "not empty" };
            (ipis != owed)
                .then(|| format!("CPU#{target}, whose queue was {was}, was sent {ipis} IPIs"))
        })
    })
}

/// An IPI finds the call in the queue.
///
/// # Errors
/// The rule that the part broke.
pub fn interrupts_after_the_post<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU is interrupted after the call was posted to it",
        "An IPI that comes first finds an empty queue, and the call that comes after it lies there without an IPI.",
    );
    judge(&rule, &BOTH, new, |broadcast, asked| {
        broadcast.targets().find_map(|target| {
            let at = |what| asked.iter().position(|&it| it == what);
            let (ipi, post) = (at(Asked::Ipi(target))?, at(Asked::Post(target)));
            let early = post.is_none_or(|post| ipi < post);
            early.then(|| format!("CPU#{target} was sent its IPI before the post"))
        })
    })
}

/// The CPUs work on the call side by side, and not one after the other.
///
/// # Errors
/// The rule that the part broke.
pub fn posts_to_all_before_it_waits<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "the call is posted to all CPUs before the first wait",
        "One after the other takes 63 times as long, and behind a deaf CPU the others never hear of the call.",
    );
    nothing_after_the_first_wait(&rule, new, |it| matches!(it, Asked::Post(_)))
}

/// No IPI is put off until another CPU has answered.
///
/// # Errors
/// The rule that the part broke.
pub fn interrupts_all_before_it_waits<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "each IPI that is owed is sent before the first wait",
        "Behind a deaf CPU that IPI is never sent; and later callers, who find the queue not empty, send none either.",
    );
    nothing_after_the_first_wait(&rule, new, |it| matches!(it, Asked::Ipi(_)))
}

fn nothing_after_the_first_wait<M: CallMany>(
    rule: &Rule,
    new: impl Fn() -> M,
    such: impl Fn(&Asked) -> bool,
) -> Result<(), Broken> {
    judge(rule, &BOTH, new, |_, asked| {
        let mut from_the_wait = asked.iter().skip_while(|it| !matches!(it, Asked::Wait(_)));
        let wait = from_the_wait.next()?;
        let late = from_the_wait.find(|&it| such(it))?;
        Some(format!("it {wait}, and after that it {late}"))
    })
}

/// A synchronous broadcast comes back when all have answered.
///
/// # Errors
/// The rule that the part broke.
pub fn sync_waits_for_all<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "with `Wait::Sync` the caller waits for each CPU that it called",
        "The caller goes on as if that CPU were done: it frees the page, or patches the code, that the CPU still uses.",
    );
    judge(&rule, &[Wait::Sync], new, |broadcast, asked| {
        let left_out = broadcast.targets().find(|&cpu| {
            let after_the_post = asked.iter().skip_while(|&&it| it != Asked::Post(cpu));
            !after_the_post.into_iter().any(|&it| it == Asked::Wait(cpu))
        })?;
        Some(format!("it did not wait for CPU#{left_out} after the post"))
    })
}

/// An asynchronous broadcast comes back at once.
///
/// # Errors
/// The rule that the part broke.
pub fn async_waits_for_none<M: CallMany>(new: impl Fn() -> M) -> Result<(), Broken> {
    let rule = Rule(
        "with `Wait::Async` the caller waits for no CPU",
        "A caller that must not wait (a watchdog that asks all CPUs for a backtrace) hangs behind the CPU that it reports.",
    );
    judge(&rule, &[Wait::Async], new, |_, asked| {
        let wait = asked.iter().find(|it| matches!(it, Asked::Wait(_)))?;
        Some(format!("it {wait}"))
    })
}

const BOTH: [Wait; 2] = [Wait::Sync, Wait::Async];

/// Lets the part make each of some broadcasts. `fault` says what is wrong with what was asked.
fn judge<M: CallMany>(
    rule: &Rule,
    waits: &[Wait],
    new: impl Fn() -> M,
    fault: impl Fn(&Broadcast, &[Asked]) -> Option<String>,
) -> Result<(), Broken> {
    for broadcast in Broadcast::examples() {
        for &wait in waits {
            let (part, asked) = (new(), RefCell::new(Vec::new()));
            let cpu = FakeCpu::new(broadcast.me).with_fuel(MAX_ASKED);
            let came_back = cpu.attempt(|cpu| {
                let caller = Caller { cpu, broadcast: &broadcast, asked: &asked };
                part.call_many(&caller, &broadcast.mask, wait);
            });
            let asked = asked.into_inner();
            let happened = fault(&broadcast, &asked)
                .or_else(|| came_back.err().map(|_| "it never came back".to_owned()));
            if let Some(happened) = happened {
                return rule.broken(format!("when {broadcast}, {wait:?}, {happened}"));
            }
        }
    }
    Ok(())
}

/// More than any broadcast needs.
const MAX_ASKED: u32 = 10_000;

/// What a broadcast asks of its CPU.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Post(CpuId),
    Ipi(CpuId),
    Wait(CpuId),
}

impl Asked {
    fn target(self) -> CpuId {
        match self {
            Asked::Post(target) | Asked::Ipi(target) | Asked::Wait(target) => target,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = match self {
            Asked::Post(_) => "posted to",
            Asked::Ipi(_) => "sent an IPI to",
            Asked::Wait(_) => "waited for",
        };
        write!(f, "{did} CPU#{}", self.target())
    }
}

/// One broadcast, and the machine on which it is made.
struct Broadcast {
    me: CpuId,
    mask: CpuMask,
    online: CpuMask,
    /// The CPUs that have a call in their queue already.
    busy: CpuMask,
}

impl fmt::Display for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broadcast { me, mask, online, .. } = self;
        write!(f, "CPU#{me} calls [{mask}] of [{online}]")
    }
}

impl Broadcast {
    fn examples() -> [Broadcast; 8] {
        let all = |nr_cpus| CpuMask::all(nr_cpus);
        let some = |nr_cpus, cpus: &[u32]| {
            let mut mask = CpuMask::none(nr_cpus);
            cpus.iter().for_each(|&cpu| mask.set(CpuId(cpu)));
            mask
        };
        let new = |me, mask, online, busy| Broadcast { me: CpuId(me), mask, online, busy };
        let mut all_but_two = all(70);
        all_but_two.clear(CpuId(0));
        all_but_two.clear(CpuId(64));
        [
            new(2, all(8), all(8), some(8, &[])),
            new(2, all(8), some(8, &[0, 1, 2, 3, 4, 6]), some(8, &[1, 6])),
            new(0, some(4, &[1, 3]), all(4), some(4, &[3])),
            new(3, all(4), all(4), all(4)),
            new(1, some(4, &[1]), all(4), some(4, &[])),
            new(1, some(4, &[]), all(4), some(4, &[])),
            new(1, some(4, &[2]), some(4, &[1]), some(4, &[])),
            new(5, all(70), all_but_two, some(70, &[69])),
        ]
    }

    /// The CPUs that are to be called.
    fn targets(&self) -> impl Iterator<Item = CpuId> + '_ {
        self.mask.iter().filter(|&cpu| cpu != self.me && self.online.contains(cpu))
    }
}

/// A CPU that writes down what it is asked. Every other CPU answers at once.
struct Caller<'a, 'b> {
    cpu: &'a FakeCpu<'b>,
    broadcast: &'a Broadcast,
    asked: &'a RefCell<Vec<Asked>>,
}

impl Caller<'_, '_> {
    fn write_down(&self, asked: Asked) {
        self.asked.borrow_mut().push(asked);
        self.cpu.relax(); // which ends a part that never stops asking
    }
}

impl ThisCpu for Caller<'_, '_> {
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

impl CrossCalls for Caller<'_, '_> {
    fn is_online(&self, cpu: CpuId) -> bool {
        self.broadcast.online.contains(cpu)
    }

    fn post(&self, target: CpuId) -> bool {
        let again = self.asked.borrow().contains(&Asked::Post(target));
        self.write_down(Asked::Post(target));
        !again && !self.broadcast.busy.contains(target)
    }

    fn send_ipi(&self, target: CpuId) {
        self.write_down(Asked::Ipi(target));
    }

    fn csd_lock_wait(&self, target: CpuId) {
        self.write_down(Asked::Wait(target));
    }
}
