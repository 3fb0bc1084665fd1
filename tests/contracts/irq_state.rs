use std::fmt::Debug;

use softlockup::parts::contract::irq_state;
use softlockup::parts::irq_state::{IrqState, KernelIrqState};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;

/// The rules that a part breaks.
fn broken<I: IrqState>(new: impl Fn() -> I) -> Vec<&'static str> {
    let broken = broken!(irq_state(&new): starts_on_and_empty, save_turns_interrupts_off,
        only_the_outermost_restore_turns_them_on, restore_says_whether_they_are_on,
        raising_adds_one, what_comes_while_off_is_kept, takes_the_lowest_that_is_asked_for, the_others_stay_pending,
        takes_each_once, looking_takes_nothing, an_nmi_gets_through);
    assert_eq!(irq_state::all(new).is_ok(), broken.is_empty());
    broken
}

#[test]
fn the_kernels_interrupts_keep_the_rules() {
    assert!(broken(KernelIrqState::default).is_empty());
}

/// What a part does. By default it counts how many saves are open.
trait Does: Debug + Send + Sync + 'static {
    fn raise(pending: &AtomicU32, _depth: &AtomicU32, vector: u32) {
        pending.fetch_or(vector, SeqCst);
    }

    fn is_pending(pending: &AtomicU32, _depth: &AtomicU32, vectors: u32) -> bool {
        pending.load(SeqCst) & vectors != 0
    }

    fn take(pending: &AtomicU32, _depth: &AtomicU32, vectors: u32) -> Option<u32> {
        let wanted = pending.load(SeqCst) & vectors;
        let lowest = wanted & wanted.wrapping_neg();
        pending.fetch_and(!lowest, SeqCst);
        (lowest != 0).then_some(lowest)
    }

    fn save(depth: &AtomicU32) -> bool {
        depth.fetch_add(1, Relaxed) > 0
    }

    fn restore(_pending: &AtomicU32, depth: &AtomicU32, _were_off: bool) -> bool {
        depth.fetch_sub(1, Relaxed) == 1
    }
}

#[derive(Debug)]
struct Part<T> {
    pending: AtomicU32,
    depth: AtomicU32,
    _does: T,
}

impl<T: Does> IrqState for Part<T> {
    fn raise(&self, vector: u32) {
        T::raise(&self.pending, &self.depth, vector);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        T::is_pending(&self.pending, &self.depth, vectors)
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        T::take(&self.pending, &self.depth, vectors)
    }

    fn save(&self) -> bool {
        T::save(&self.depth)
    }

    fn restore(&self, were_off: bool) -> bool {
        T::restore(&self.pending, &self.depth, were_off)
    }

    fn is_off(&self) -> bool {
        self.depth.load(Relaxed) > 0
    }
}

/// The rules that a part breaks that does this.
fn broken_by<T: Does>(does: fn() -> T) -> Vec<&'static str> {
    broken(|| Part { pending: AtomicU32::new(0), depth: AtomicU32::new(0), _does: does() })
}

/// Makes a part with other methods, and says which rules it breaks.
macro_rules! broken_by {
    ($($method:item)*) => {{
        #[derive(Debug)]
        struct This;
        impl Does for This { $($method)* }
        broken_by(|| This)
    }};
}

#[test]
fn every_right_part_is_accepted() {
    assert!(broken_by! {}.is_empty(), "a counted depth");
    let a_flag = broken_by! {
        fn save(flag: &AtomicU32) -> bool {
            flag.swap(1, SeqCst) == 1
        }
        fn restore(_: &AtomicU32, flag: &AtomicU32, were_off: bool) -> bool {
            flag.store(were_off.into(), SeqCst);
            !were_off
        }
    };
    assert!(a_flag.is_empty());
    let by_exchange = broken_by! {
        fn take(pending: &AtomicU32, _: &AtomicU32, vectors: u32) -> Option<u32> {
            let without_lowest = |word: u32| {
                let wanted = word & vectors;
                (wanted != 0).then_some(word & !(wanted & wanted.wrapping_neg()))
            };
            let before = pending.fetch_update(AcqRel, Acquire, without_lowest).ok()?;
            Some(1 << (before & vectors).trailing_zeros())
        }
    };
    assert!(by_exchange.is_empty());
}

#[test]
fn wrong_flags_are_refused() {
    let does_not_mask = broken_by! {
        fn save(_: &AtomicU32) -> bool {
            false
        }
        fn restore(_: &AtomicU32, _: &AtomicU32, _: bool) -> bool {
            true
        }
    };
    assert!(does_not_mask.contains(&"save_turns_interrupts_off"));
    let says_nothing = broken_by! {
        fn save(depth: &AtomicU32) -> bool {
            depth.fetch_add(1, Relaxed);
            false
        }
    };
    assert_eq!(says_nothing, ["save_turns_interrupts_off"]);
    let says_what_is_now = broken_by! {
        fn save(depth: &AtomicU32) -> bool {
            depth.fetch_add(1, Relaxed);
            true
        }
    };
    assert_eq!(says_what_is_now, ["save_turns_interrupts_off"]);
    let does_not_nest = broken_by! {
        fn restore(_: &AtomicU32, depth: &AtomicU32, _: bool) -> bool {
            depth.store(0, Relaxed);
            true
        }
    };
    assert!(does_not_nest.contains(&"only_the_outermost_restore_turns_them_on"));
    let never_on_again = broken_by! {
        fn restore(_: &AtomicU32, _: &AtomicU32, were_off: bool) -> bool {
            !were_off
        }
    };
    assert!(never_on_again.contains(&"only_the_outermost_restore_turns_them_on"));
    let says_what_was = broken_by! {
        fn restore(_: &AtomicU32, depth: &AtomicU32, were_off: bool) -> bool {
            depth.fetch_sub(1, Relaxed);
            were_off
        }
    };
    assert_eq!(says_what_was, ["restore_says_whether_they_are_on"]);
}

#[test]
fn what_loses_interrupts_is_refused() {
    let drops_while_off = broken_by! {
        fn raise(pending: &AtomicU32, depth: &AtomicU32, vector: u32) {
            if depth.load(Relaxed) == 0 {
                pending.fetch_or(vector, SeqCst);
            }
        }
    };
    assert_eq!(drops_while_off, ["what_comes_while_off_is_kept", "an_nmi_gets_through"]);
    let restore_clears = broken_by! {
        fn restore(pending: &AtomicU32, depth: &AtomicU32, _: bool) -> bool {
            pending.store(0, SeqCst);
            depth.fetch_sub(1, Relaxed) == 1
        }
    };
    assert_eq!(restore_clears, ["what_comes_while_off_is_kept", "an_nmi_gets_through"]);
    let remembers_one = broken_by! {
        fn raise(pending: &AtomicU32, _: &AtomicU32, vector: u32) {
            pending.store(vector, SeqCst);
        }
    };
    assert!(remembers_one.contains(&"raising_adds_one"));
    let adds = broken_by! {
        fn raise(pending: &AtomicU32, _: &AtomicU32, vector: u32) {
            pending.fetch_add(vector, SeqCst);
        }
    };
    assert!(adds.contains(&"raising_adds_one"));
    let takes_all = broken_by! {
        fn take(pending: &AtomicU32, _: &AtomicU32, vectors: u32) -> Option<u32> {
            let wanted = pending.swap(0, SeqCst) & vectors;
            (wanted != 0).then(|| 1 << wanted.trailing_zeros())
        }
    };
    assert!(takes_all.contains(&"the_others_stay_pending"));
    let looking_clears = broken_by! {
        fn is_pending(pending: &AtomicU32, _: &AtomicU32, vectors: u32) -> bool {
            pending.fetch_and(!vectors, SeqCst) & vectors != 0
        }
    };
    assert!(looking_clears.contains(&"looking_takes_nothing"));
}

#[test]
fn what_takes_wrong_interrupts_is_refused() {
    let highest_first = broken_by! {
        fn take(pending: &AtomicU32, _: &AtomicU32, vectors: u32) -> Option<u32> {
            let wanted = pending.load(SeqCst) & vectors;
            let highest = 1u32.checked_shl(31 - wanted.leading_zeros().min(31))?;
            pending.fetch_and(!highest, SeqCst);
            (wanted != 0).then_some(highest)
        }
    };
    assert_eq!(highest_first, ["takes_the_lowest_that_is_asked_for"]);
    let takes_what_is_not_asked_for = broken_by! {
        fn take(pending: &AtomicU32, _: &AtomicU32, _: u32) -> Option<u32> {
            let word = pending.load(SeqCst);
            pending.store(word & word.wrapping_sub(1), SeqCst);
            (word != 0).then(|| 1 << word.trailing_zeros())
        }
    };
    assert!(takes_what_is_not_asked_for.contains(&"takes_the_lowest_that_is_asked_for"));
    let never_gone = broken_by! {
        fn take(pending: &AtomicU32, _: &AtomicU32, vectors: u32) -> Option<u32> {
            let wanted = pending.load(SeqCst) & vectors;
            (wanted != 0).then(|| 1 << wanted.trailing_zeros())
        }
    };
    assert!(never_gone.contains(&"takes_each_once"));
    let the_flag_masks_nmis = broken_by! {
        fn take(pending: &AtomicU32, depth: &AtomicU32, vectors: u32) -> Option<u32> {
            let wanted = pending.load(SeqCst) & vectors;
            if depth.load(Relaxed) > 0 || wanted == 0 {
                return None;
            }
            let lowest = wanted & wanted.wrapping_neg();
            pending.fetch_and(!lowest, SeqCst);
            Some(lowest)
        }
    };
    assert_eq!(the_flag_masks_nmis, ["an_nmi_gets_through"]);
    let looks_at_all = broken_by! {
        fn is_pending(pending: &AtomicU32, _: &AtomicU32, _: u32) -> bool {
            pending.load(SeqCst) != 0
        }
    };
    assert_eq!(looks_at_all, ["looking_takes_nothing", "an_nmi_gets_through"]);
}

/// Comes up with interrupts off.
#[test]
fn a_part_that_comes_up_deaf_is_refused() {
    #[derive(Debug)]
    struct This;
    impl Does for This {}
    let new = || Part { pending: AtomicU32::new(0), depth: AtomicU32::new(1), _does: This };
    assert!(broken(new).contains(&"starts_on_and_empty"));
}
