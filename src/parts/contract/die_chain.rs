//! The rules of a [`DieChain`].
//!
//! | rule | kept by |
//! |---|---|
//! | [`calls_all_in_order`], [`bad_and_stop_end_it`], [`returns_the_last_answer`], [`begins_anew`], [`keeps_cpus_apart`] | each chain: [`all`] |
//! | [`survives_a_faulting_callback`] | a chain that remembers, for each CPU, which callbacks it is in; not the kernel's |
//!
//! The callbacks write down that they are called. One that faults enters the chain anew from inside itself.

use std::cell::{Cell, RefCell};

use crate::cpumask::CpuId;
use crate::parts::contract::{Broken, Rule, leave, until_it_leaves};
use crate::parts::die_chain::{Callbacks, DieChain, Notify};

/// The article's machine has 64 CPUs.
const CPUS: [CpuId; 2] = [CpuId(0), CpuId(63)];

/// Pairs of CPUs that a memory for fewer than 64 CPUs takes for one.
const ALIKE: [[CpuId; 2]; 4] =
    [CPUS, [CPUS[1], CPUS[0]], [CpuId(32), CpuId(0)], [CpuId(15), CpuId(31)]];

/// The longest chain.
const LONG: [Notify; 32] = [Notify::Done; 32];

/// Every rule that each policy keeps.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    calls_all_in_order(&new)?;
    bad_and_stop_end_it(&new)?;
    returns_the_last_answer(&new)?;
    begins_anew(&new)?;
    keeps_cpus_apart(&new)
}

/// Each callback is called, from the first on.
///
/// # Errors
/// The rule that the part broke.
pub fn calls_all_in_order<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "each callback is called once, in the order of the chain, as long as none ends it",
        "The last callback is the one that starts the crash dump: if it is not called, there is none.",
    );
    use Notify::{Done, Ok as Fine};
    for answers in [&[][..], &[Done], &[Fine, Done], &[Done, Fine, Done, Fine, Done], &LONG] {
        let story = Story::new(answers);
        story.walk(&new(), CPUS[0]);
        let want: Vec<usize> = (0..answers.len()).collect();
        rule.equal(&format!("a chain of {answers:?} called"), story.called(CPUS[0], 0), want)?;
    }
    Ok(())
}

/// `Bad` and `Stop` end the chain.
///
/// # Errors
/// The rule that the part broke.
pub fn bad_and_stop_end_it<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "after a callback that answers `Bad` or `Stop` no further one is called",
        "Such a callback has taken over, as a debugger does: the next one would go on with what no longer is an oops.",
    );
    for end in [Notify::Bad, Notify::Stop] {
        for last in 0..3 {
            let mut answers = [Notify::Done; 4];
            answers[last] = end;
            let story = Story::new(&answers);
            story.walk(&new(), CPUS[0]);
            let called = story.called(CPUS[0], 0);
            let more = called.iter().any(|&n| n > last);
            rule.check(!more, || format!("a chain of {answers:?} called {called:?}"))?;
        }
    }
    Ok(())
}

/// The chain's answer is that of the last callback that was called; `Done` if there is none.
///
/// # Errors
/// The rule that the part broke.
pub fn returns_the_last_answer<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "the chain answers what its last callback answered",
        "`die` kills the task unless it hears `Stop`, and goes on with a broken task if it hears it wrongly.",
    );
    use Notify::{Bad, Done, Ok as Fine, Stop};
    for (answers, want) in [
        (&[][..], Done),
        (&[Fine], Fine),
        (&[Fine, Done], Done),
        (&[Done, Fine], Fine),
        (&[Done, Bad], Bad),
        (&[Fine, Stop], Stop),
        (&[Stop, Done], Stop),
        (&[Bad, Fine], Bad),
    ] {
        let answer = Story::new(answers).walk(&new(), CPUS[0]);
        rule.equal(&format!("a chain of {answers:?}"), answer, Some(want))?;
    }
    Ok(())
}

/// The next oops finds the whole chain again.
///
/// # Errors
/// The rule that the part broke: a chain that remembers a walk that is over.
pub fn begins_anew<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "the next oops calls the callbacks from the first one on, on whichever CPU it comes",
        "A chain that remembers too long tells no callback of the oops that kills the machine.",
    );
    use Notify::{Done, Ok as Fine, Stop};
    for answers in [[Done, Fine, Done], [Done, Stop, Done]] {
        let ends = answers.iter().position(|answer| answer.ends_the_chain());
        let want: Vec<usize> = (0..ends.map_or(answers.len(), |last| last + 1)).collect();
        let chain = new();
        for (n, cpu) in [CPUS[0], CPUS[0], CPUS[1], CPUS[0]].into_iter().enumerate() {
            let story = Story::new(&answers);
            story.walk(&chain, cpu);
            let what = format!("walk {} of a chain of {answers:?}, on CPU#{cpu}, called", n + 1);
            rule.equal(&what, story.called(cpu, 0), want.clone())?;
        }
    }
    Ok(())
}

/// Walks of two CPUs at the same time know nothing of each other.
///
/// # Errors
/// The rule that the part broke: a chain with one memory for all CPUs.
pub fn keeps_cpus_apart<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a walk on one CPU is not changed by a walk on another CPU",
        "A CPU that never comes out of its callback would take the callbacks away from all other CPUs.",
    );
    for [cpu, other] in ALIKE {
        for n in 0..3 {
            let story = Story { meanwhile: Some((n, other)), ..Story::new(&[Notify::Ok; 3]) };
            story.walk(&new(), cpu);
            for walked in [other, cpu] {
                let what = format!(
                    "while CPU#{cpu} was in callback {n}, the chain on CPU#{walked} called"
                );
                rule.equal(&what, story.called(walked, 0), vec![0, 1, 2])?;
            }
        }
    }
    Ok(())
}

/// A callback that faults is left alone while it does, and those after it are called. (Whether those before it hear of
/// the second oops, and whether it is called again later, is the chain's own affair.)
///
/// # Errors
/// The rule that the part broke: [`KernelDieChain`](crate::parts::die_chain::KernelDieChain) calls it again, without
/// end.
pub fn survives_a_faulting_callback<D: DieChain>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a chain that is entered anew from inside a callback does not call that callback again, and calls those after it",
        "It would fault again, without end; and the callback after it, which starts the crash dump, would never run.",
    );
    let short = &LONG[..4];
    let chains =
        [&[1][..], &[0], &[3], &[0, 2], &[1, 2], &[0, 1, 2, 3]].map(|faults| (short, faults));
    let chains = chains.into_iter().chain([(&LONG[..], &[0][..]), (&LONG, &[15, 16])]);
    for [cpu, other] in ALIKE {
        for (answers, faults) in chains.clone() {
            for dies in [true, false] {
                for meanwhile in [None, Some((faults[0], other))] {
                    let story = Story { faults, dies, meanwhile, ..Story::new(answers) };
                    let chain = new();
                    story.walk(&chain, cpu);
                    survived(&rule, &story, cpu)?;
                    if meanwhile.is_some() {
                        let what = format!(
                            "while callback {faults:?} of CPU#{cpu} was called, the chain on CPU#{other} called"
                        );
                        let all: Vec<usize> = (0..answers.len()).collect();
                        rule.equal(&what, story.called(other, 0), all)?;
                    }
                    recovered(&rule, &chain, &story, [cpu, other])?;
                }
            }
        }
    }
    Ok(())
}

/// What a fault in a callback may not do.
fn survived(rule: &Rule, story: &Story<'_>, cpu: CpuId) -> Result<(), Broken> {
    let Story { answers, faults, .. } = story;
    for depth in 1..=faults.len() {
        let inside = &faults[..depth];
        let called = story.called(cpu, depth);
        let what = format!("inside callbacks {inside:?} on CPU#{cpu} the chain called {called:?}");
        rule.check(!inside.iter().any(|n| called.contains(n)), || what.clone())?;
        let stops_at = faults.get(depth).copied();
        let after = inside[depth - 1] + 1..=stops_at.unwrap_or(answers.len() - 1);
        rule.check(after.into_iter().all(|n| called.contains(&n)), || what)?;
    }
    // If no task died, the outer walk went on.
    let heard = |n| (0..=faults.len()).any(|depth| story.called(cpu, depth).contains(&n));
    match (0..answers.len()).find(|&n| !heard(n)) {
        Some(n) => rule.broken(format!("callback {n} on CPU#{cpu} heard of no oops")),
        None => Ok(()),
    }
}

/// After the fault, the callbacks that did not fault hear of the next oops.
fn recovered<D: DieChain>(
    rule: &Rule,
    chain: &D,
    &Story { answers, faults: faulted, .. }: &Story<'_>,
    cpus: [CpuId; 2],
) -> Result<(), Broken> {
    for cpu in cpus {
        let story = Story::new(answers);
        story.walk(chain, cpu);
        let called = story.called(cpu, 0);
        let silent = (0..answers.len()).find(|n| !faulted.contains(n) && !called.contains(n));
        rule.check(silent.is_none(), || {
            format!(
                "after callbacks {faulted:?} faulted, the next oops on CPU#{cpu} called {called:?}"
            )
        })?;
    }
    Ok(())
}

/// What the callbacks of a chain answer, what they do, and which were called.
struct Story<'a> {
    answers: &'a [Notify],
    /// These fault, each one once if the task goes on after that.
    faults: &'a [usize],
    /// After the walk inside its innermost fault the task is killed: no call returns.
    dies: bool,
    /// While that callback is called, that other CPU oopses, too.
    meanwhile: Option<(usize, CpuId)>,
    called: RefCell<Vec<Called>>,
    /// The callbacks that have faulted, the outermost first; and of those, how many are still inside their fault.
    faulted: RefCell<Vec<usize>>,
    faulting: Cell<usize>,
}

struct Called {
    cpu: CpuId,
    depth: usize,
    n: usize,
}

/// More calls than any right walk makes.
const MAX_CALLS: usize = 1_000;

impl<'a> Story<'a> {
    fn new(answers: &'a [Notify]) -> Self {
        Story {
            answers,
            faults: &[],
            dies: false,
            meanwhile: None,
            called: RefCell::default(),
            faulted: RefCell::default(),
            faulting: Cell::default(),
        }
    }

    /// Lets `cpu` walk the chain. `None` if it did not come back.
    fn walk<D: DieChain>(&self, chain: &D, cpu: CpuId) -> Option<Notify> {
        until_it_leaves(|| chain.call(&Walk { story: self, chain, cpu, depth: 0 }))
    }

    /// Which callbacks `cpu` called in its walk inside `depth` others.
    fn called(&self, cpu: CpuId, depth: usize) -> Vec<usize> {
        let called = self.called.borrow();
        let of_that_walk = called.iter().filter(|it| (it.cpu, it.depth) == (cpu, depth));
        of_that_walk.map(|it| it.n).collect()
    }
}

/// One walk along the chain.
struct Walk<'a, D> {
    story: &'a Story<'a>,
    chain: &'a D,
    cpu: CpuId,
    depth: usize,
}

impl<D: DieChain> Callbacks for Walk<'_, D> {
    fn count(&self) -> usize {
        self.story.answers.len()
    }

    fn cpu(&self) -> CpuId {
        self.cpu
    }

    fn call(&self, n: usize) -> Notify {
        let Walk { story, chain, cpu, depth } = *self;
        story.called.borrow_mut().push(Called { cpu, depth, n });
        let endless = story.called.borrow().len() > MAX_CALLS;
        let Some(&answer) = story.answers.get(n).filter(|_| !endless) else { leave() };
        let is_other = story.meanwhile.is_some_and(|(_, other)| cpu == other);
        if is_other {
            return answer; // this one does not fault
        }
        if let Some((_, other)) = story.meanwhile.filter(|&(during, _)| (during, 0) == (n, depth)) {
            chain.call(&Walk { story, chain, cpu: other, depth: 0 });
        }
        if story.faults.contains(&n) {
            let earlier = story.faulted.borrow().iter().position(|&faulted| faulted == n);
            match earlier {
                None => self.fault(n),
                // Called again from inside its own fault: that is enough to see.
                Some(at) if at < story.faulting.get() => leave(),
                Some(_) => {}
            }
        }
        answer
    }
}

impl<D: DieChain> Walk<'_, D> {
    /// The second oops: the chain is entered anew.
    fn fault(&self, n: usize) {
        let Walk { story, chain, cpu, depth } = *self;
        story.faulted.borrow_mut().push(n);
        story.faulting.set(depth + 1);
        chain.call(&Walk { story, chain, cpu, depth: depth + 1 });
        if story.dies {
            leave();
        }
        story.faulting.set(depth);
    }
}
