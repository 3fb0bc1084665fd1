use std::collections::HashMap;
use std::sync::Mutex;

use softlockup::CpuId;
use softlockup::parts::contract::die_chain;
use softlockup::parts::die_chain::{Callbacks, DieChain, KernelDieChain, Notify};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::Relaxed;

/// The rules that each chain keeps, and that this one breaks.
fn broken<D: DieChain>(new: impl Fn() -> D) -> Vec<&'static str> {
    let broken = broken!(die_chain(&new): calls_all_in_order, bad_and_stop_end_it,
        returns_the_last_answer, begins_anew, keeps_cpus_apart);
    assert_eq!(die_chain::all(new).is_ok(), broken.is_empty());
    broken
}

fn survives<D: DieChain>(new: impl Fn() -> D) -> bool {
    die_chain::survives_a_faulting_callback(new).is_ok()
}

#[test]
fn the_kernels_chain_keeps_the_rules_and_does_not_survive() {
    assert!(broken(|| KernelDieChain).is_empty());
    let refused = die_chain::survives_a_faulting_callback(|| KernelDieChain).unwrap_err();
    assert_eq!(refused.happened, "inside callbacks [1] on CPU#0 the chain called [0, 1]");
}

/// Remembers, for each CPU, which callbacks it is in.
#[derive(Default)]
struct RemembersAll(Mutex<HashMap<CpuId, Vec<usize>>>);

impl DieChain for RemembersAll {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let mut answer = Notify::Done;
        let cpu = callbacks.cpu();
        let inside = || self.0.lock().unwrap();
        for n in 0..callbacks.count() {
            if inside().entry(cpu).or_default().contains(&n) {
                continue;
            }
            inside().entry(cpu).or_default().push(n);
            answer = callbacks.call(n);
            inside().entry(cpu).or_default().retain(|&other| other != n);
            if answer.ends_the_chain() {
                break;
            }
        }
        answer
    }
}

/// Remembers, for each CPU, which callback is next; a nested walk goes on from there.
struct RemembersTheNext([AtomicU32; 64]);

impl Default for RemembersTheNext {
    fn default() -> Self {
        RemembersTheNext(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}

impl DieChain for RemembersTheNext {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let next = &self.0[callbacks.cpu().index()];
        let mut answer = Notify::Done;
        for n in next.load(Relaxed)..callbacks.count() as u32 {
            next.store(n + 1, Relaxed);
            answer = callbacks.call(n as usize);
            if answer.ends_the_chain() {
                break;
            }
        }
        next.store(0, Relaxed);
        answer
    }
}

/// Remembers, for each CPU, a bit for each callback, and never calls one again that faulted.
struct RemembersBits([AtomicU32; 64]);

impl DieChain for RemembersBits {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let bits = &self.0[callbacks.cpu().index()];
        let mut answer = Notify::Done;
        for n in 0..callbacks.count() {
            if bits.fetch_or(1 << n, Relaxed) & 1 << n != 0 {
                continue;
            }
            answer = callbacks.call(n);
            bits.fetch_and(!(1 << n), Relaxed);
            if answer.ends_the_chain() {
                break;
            }
        }
        answer
    }
}

#[test]
fn every_right_chain_is_accepted() {
    let bits = || RemembersBits(std::array::from_fn(|_| AtomicU32::new(0)));
    assert!(broken(RemembersAll::default).is_empty());
    assert!(broken(RemembersTheNext::default).is_empty());
    assert!(broken(bits).is_empty());
    assert_eq!(die_chain::survives_a_faulting_callback(RemembersAll::default), Ok(()));
    assert_eq!(die_chain::survives_a_faulting_callback(RemembersTheNext::default), Ok(()));
    assert_eq!(die_chain::survives_a_faulting_callback(bits), Ok(()));
}

/// A chain that is a function.
struct Made(fn(&dyn Callbacks) -> Notify);

impl DieChain for Made {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        (self.0)(callbacks)
    }
}

/// Calls these in turn, until one ends the chain.
fn walk(callbacks: &dyn Callbacks, order: impl Iterator<Item = usize>) -> Notify {
    let mut answer = Notify::Done;
    for n in order {
        answer = callbacks.call(n);
        if answer.ends_the_chain() {
            break;
        }
    }
    answer
}

#[test]
fn wrong_walks_are_refused() {
    let rules = |walk| broken(|| Made(walk));
    let backwards = rules(|callbacks| walk(callbacks, (0..callbacks.count()).rev()));
    assert!(backwards.contains(&"calls_all_in_order"));
    let not_the_last = rules(|callbacks| walk(callbacks, 0..callbacks.count().saturating_sub(1)));
    assert!(not_the_last.contains(&"calls_all_in_order"));
    let one_too_many = rules(|callbacks| walk(callbacks, 0..callbacks.count() + 1));
    assert!(one_too_many.contains(&"calls_all_in_order"));
    let not_the_first = rules(|callbacks| walk(callbacks, 1..callbacks.count()));
    assert!(not_the_first.contains(&"calls_all_in_order"));
    let ignores_stop = rules(|callbacks| {
        let mut answers = (0..callbacks.count()).map(|n| callbacks.call(n));
        let ends = answers.by_ref().find(|answer| answer.ends_the_chain());
        answers.fold(ends.unwrap_or(Notify::Done), |ends, _| ends)
    });
    assert!(ignores_stop.contains(&"bad_and_stop_end_it"));
    let hears_stop_only = rules(|callbacks| {
        let mut answer = Notify::Done;
        for n in 0..callbacks.count() {
            answer = callbacks.call(n);
            if answer == Notify::Stop {
                break;
            }
        }
        answer
    });
    assert_eq!(hears_stop_only, ["bad_and_stop_end_it", "returns_the_last_answer"]);
    let ok_ends_it = rules(|callbacks| {
        let mut answer = Notify::Done;
        for n in 0..callbacks.count() {
            answer = callbacks.call(n);
            if answer != Notify::Done {
                break;
            }
        }
        answer
    });
    assert!(ok_ends_it.contains(&"calls_all_in_order"));
    let answers_done = rules(|callbacks| {
        walk(callbacks, 0..callbacks.count());
        Notify::Done
    });
    assert_eq!(answers_done, ["returns_the_last_answer"]);
    let answers_the_first = rules(|callbacks| {
        let mut first = None;
        for n in 0..callbacks.count() {
            let answer = callbacks.call(n);
            first.get_or_insert(answer);
            if answer.ends_the_chain() {
                break;
            }
        }
        first.unwrap_or(Notify::Done)
    });
    assert_eq!(answers_the_first, ["returns_the_last_answer"]);
    let for_ever = rules(|callbacks| walk(callbacks, std::iter::repeat(0)));
    assert!(for_ever.contains(&"calls_all_in_order"));
}

/// A chain whose memory is wrong.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    /// One for all CPUs.
    OneForAllCpus,
    /// It is not cleared at the end of a walk.
    NeverCleared,
    /// It is not cleared if a callback ends the walk.
    NotClearedByStop,
    /// A nested walk calls no callback at all.
    NestedWalksNothing,
    /// A nested walk calls the faulting callback once more.
    CallsItAgain,
    /// Only the innermost callback is left out.
    RemembersTheInnermost,
}

/// As [`RemembersTheNext`].
struct WrongMemory([AtomicU32; 64], Wrong);

impl DieChain for WrongMemory {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let cpu = if self.1 == Wrong::OneForAllCpus { 0 } else { callbacks.cpu().index() };
        let next = &self.0[cpu];
        let first = next.load(Relaxed);
        let innermost = first.checked_sub(1);
        let order: Vec<u32> = match self.1 {
            Wrong::NestedWalksNothing if first > 0 => vec![],
            Wrong::CallsItAgain => (first.saturating_sub(1)..callbacks.count() as u32).collect(),
            Wrong::RemembersTheInnermost => {
                (0..callbacks.count() as u32).filter(|&n| Some(n) != innermost).collect()
            }
            _ => (first..callbacks.count() as u32).collect(),
        };
        let mut answer = Notify::Done;
        for n in order {
            next.store(n + 1, Relaxed);
            answer = callbacks.call(n as usize);
            if answer.ends_the_chain() {
                if self.1 == Wrong::NotClearedByStop {
                    return answer;
                }
                break;
            }
        }
        if self.1 != Wrong::NeverCleared {
            next.store(0, Relaxed);
        }
        answer
    }
}

#[test]
fn wrong_memories_are_refused() {
    let chain = |wrong| move || WrongMemory(std::array::from_fn(|_| AtomicU32::new(0)), wrong);
    assert_eq!(broken(chain(Wrong::OneForAllCpus)), ["keeps_cpus_apart"]);
    assert!(!survives(chain(Wrong::OneForAllCpus)));
    assert_eq!(broken(chain(Wrong::NeverCleared)), ["begins_anew"]);
    assert_eq!(broken(chain(Wrong::NotClearedByStop)), ["begins_anew"]);
    for wrong in [Wrong::NestedWalksNothing, Wrong::CallsItAgain, Wrong::RemembersTheInnermost] {
        assert!(broken(chain(wrong)).is_empty());
        assert!(!survives(chain(wrong)));
    }
}

/// A bit for each callback that a CPU is in, for fewer CPUs and callbacks than there are.
struct Small {
    inside: [AtomicU32; 64],
    cpus: usize,
    callbacks: usize,
}

impl DieChain for Small {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let inside = &self.inside[callbacks.cpu().index() % self.cpus];
        let mut answer = Notify::Done;
        for n in 0..callbacks.count() {
            let bit = 1 << (n % self.callbacks);
            if inside.fetch_or(bit, Relaxed) & bit != 0 {
                continue;
            }
            answer = callbacks.call(n);
            inside.fetch_and(!bit, Relaxed);
            if answer.ends_the_chain() {
                break;
            }
        }
        answer
    }
}

#[test]
fn a_chain_for_a_small_machine_is_refused() {
    let of = |cpus, callbacks| {
        move || Small { inside: std::array::from_fn(|_| AtomicU32::new(0)), cpus, callbacks }
    };
    assert!(broken(of(64, 32)).is_empty());
    assert!(survives(of(64, 32)));
    for cpus in [1, 16, 32] {
        assert_eq!(broken(of(cpus, 32)), ["keeps_cpus_apart"]);
    }
    assert!(!survives(of(64, 16)));
}
