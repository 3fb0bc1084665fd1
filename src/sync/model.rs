//! Atomics that a model checker can take over, at run time: the feature `model`.
//!
//! An atomic that is made while an [`Engine`] is set on its thread is a number. The engine keeps its value, and is asked
//! at each operation: it decides which CPU runs next, and what a read gives. Every other atomic is `std`'s. So the
//! machine runs as it does without the feature: an operation costs one branch more.
//!
//! An operation tells the engine where in the source it stands: that is what `#[track_caller]` is for.
//!
//! Here it differs from `std`: `new` is not `const`, and there is no `get_mut` and no `into_inner`. In a model
//! `compare_exchange_weak` fails only if the values differ.

use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{self, Ordering};

/// Where in the source an operation stands.
pub type Site = &'static Location<'static>;

/// What keeps the values of atomics while a model is checked.
pub trait Engine {
    /// Makes an atomic, and returns its number.
    fn atomic(&self, value: u64) -> u32;

    /// Reads it.
    fn load(&self, atomic: u32, order: Ordering, at: Site) -> u64;

    /// Writes it.
    fn store(&self, atomic: u32, value: u64, order: Ordering, at: Site);

    /// Reads it and writes what `update` makes of that. Returns what was read: `Ok` if it wrote, `Err` if `update` refused.
    fn update(&self, atomic: u32, update: Update<'_>, at: Site) -> Result<u64, u64>;

    /// A fence.
    fn fence(&self, order: Ordering, at: Site);
}

/// A read-modify-write.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a closure")]
pub struct Update<'a> {
    /// The method's name in `std`.
    pub name: &'static str,
    /// The order if it writes.
    pub order: Ordering,
    /// The order if it does not write. `None`: it always writes.
    pub failure: Option<Ordering>,
    /// What it makes of a value; `None` if it leaves that as it is.
    pub change: &'a dyn Fn(u64) -> Option<u64>,
}

thread_local! {
    static ENGINE: Cell<Option<&'static dyn Engine>> = const { Cell::new(None) };
}

/// Hands every atomic that is made on this thread from now on to `engine`; with `None`, to `std`.
pub fn set_engine(engine: Option<&'static dyn Engine>) {
    ENGINE.set(engine);
}

fn engine() -> &'static dyn Engine {
    ENGINE.get().expect("an atomic is used in the model in which it was made")
}

/// A fence, as `std`'s.
#[track_caller]
pub fn fence(order: Ordering) {
    match ENGINE.get() {
        None => atomic::fence(order),
        Some(engine) => engine.fence(order, Location::caller()),
    }
}

/// An atomic: `std`'s, or the engine's.
#[derive(Debug)]
enum Place<S> {
    Std(S),
    Model(u32),
}

impl<S> Place<S> {
    fn new(std: S, value: u64) -> Self {
        ENGINE.get().map_or(Place::Std(std), |engine| Place::Model(engine.atomic(value)))
    }
}

macro_rules! atomic {
    ($name:ident of $t:ty, from $from:expr, with $($fetch:ident as $new:expr),*) => {
        /// As `std`'s.
        #[derive(Debug)]
        pub struct $name(Place<atomic::$name>);

        #[expect(missing_docs, reason = "each method is std's, by its name")]
        impl $name {
            pub fn new(value: $t) -> Self {
                Self(Place::new(atomic::$name::new(value), u64::from(value)))
            }

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $t {
                match &self.0 {
                    Place::Std(std) => std.load(order),
                    Place::Model(it) => $from(engine().load(*it, order, Location::caller())),
                }
            }

            #[track_caller]
            pub fn store(&self, value: $t, order: Ordering) {
                match &self.0 {
                    Place::Std(std) => std.store(value, order),
                    Place::Model(it) => {
                        engine().store(*it, u64::from(value), order, Location::caller());
                    }
                }
            }

            #[track_caller]
            pub fn swap(&self, value: $t, order: Ordering) -> $t {
                match &self.0 {
                    Place::Std(std) => std.swap(value, order),
                    Place::Model(it) => $from(always(*it, "swap", order, &|_| u64::from(value))),
                }
            }

            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $t,
                new: $t,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$t, $t> {
                match &self.0 {
                    Place::Std(std) => std.compare_exchange(current, new, success, failure),
                    Place::Model(it) => {
                        let change = |old| ($from(old) == current).then_some(u64::from(new));
                        let name = "compare_exchange";
                        let failure = Some(failure);
                        let update = Update { name, order: success, failure, change: &change };
                        let done = engine().update(*it, update, Location::caller());
                        done.map($from).map_err($from)
                    }
                }
            }

            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $t,
                new: $t,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$t, $t> {
                match &self.0 {
                    Place::Std(std) => std.compare_exchange_weak(current, new, success, failure),
                    Place::Model(_) => self.compare_exchange(current, new, success, failure),
                }
            }

            #[track_caller]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($t) -> Option<$t>,
            ) -> Result<$t, $t> {
                let mut old = self.load(fetch);
                while let Some(new) = change(old) {
                    match self.compare_exchange_weak(old, new, set, fetch) {
                        Ok(old) => return Ok(old),
                        Err(changed) => old = changed,
                    }
                }
                Err(old)
            }

            $(
            #[track_caller]
            pub fn $fetch(&self, by: $t, order: Ordering) -> $t {
                let new: fn($t, $t) -> $t = $new;
                match &self.0 {
                    Place::Std(std) => std.$fetch(by, order),
                    Place::Model(it) => {
                        let change = |old| u64::from(new($from(old), by));
                        $from(always(*it, stringify!($fetch), order, &change))
                    }
                }
            }
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(Default::default())
            }
        }
    };
}

/// A read-modify-write that always writes.
#[track_caller]
fn always(it: u32, name: &'static str, order: Ordering, new: &dyn Fn(u64) -> u64) -> u64 {
    let update = Update { name, order, failure: None, change: &|old| Some(new(old)) };
    let (Ok(old) | Err(old)) = engine().update(it, update, Location::caller());
    old
}

macro_rules! atomic_number {
    ($name:ident of $t:ty) => {
        atomic!($name of $t, from |word: u64| word as $t, with
            fetch_add as |old, by| old.wrapping_add(by),
            fetch_sub as |old, by| old.wrapping_sub(by),
            fetch_and as |old, by| old & by,
            fetch_nand as |old, by| !(old & by),
            fetch_or as |old, by| old | by,
            fetch_xor as |old, by| old ^ by,
            fetch_max as |old, by| old.max(by),
            fetch_min as |old, by| old.min(by)
        );
    };
}

atomic_number!(AtomicU32 of u32);
atomic_number!(AtomicU64 of u64);
atomic!(AtomicBool of bool, from |word: u64| word != 0, with
    fetch_and as |old, by| old & by,
    fetch_nand as |old, by| !(old & by),
    fetch_or as |old, by| old | by,
    fetch_xor as |old, by| old ^ by
);

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static ASKED: RefCell<Vec<(&'static str, u32)>> = const { RefCell::new(Vec::new()) };
    }

    fn asked(what: &'static str, at: Site) {
        ASKED.with_borrow_mut(|asked| asked.push((what, at.line())));
    }

    /// Every atomic holds 7.
    struct Sevens;

    impl Engine for Sevens {
        fn atomic(&self, _: u64) -> u32 {
            0
        }
        fn load(&self, _: u32, _: Ordering, at: Site) -> u64 {
            asked("load", at);
            7
        }
        fn store(&self, _: u32, _: u64, _: Ordering, at: Site) {
            asked("store", at);
        }
        fn update(&self, _: u32, update: Update<'_>, at: Site) -> Result<u64, u64> {
            asked(update.name, at);
            (update.change)(7).map(|_| 7).ok_or(7)
        }
        fn fence(&self, _: Ordering, at: Site) {
            asked("fence", at);
        }
    }

    #[test]
    fn an_atomic_belongs_to_the_engine_that_was_set_when_it_was_made() {
        let before = AtomicU32::new(1);
        set_engine(Some(&Sevens));
        let during = AtomicU32::new(1);
        assert_eq!(before.load(Ordering::Relaxed), 1);
        assert_eq!(during.load(Ordering::Relaxed), 7);
        set_engine(None);
        assert_eq!(AtomicU32::new(1).load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_operation_stands_where_the_caller_wrote_it() {
        set_engine(Some(&Sevens));
        let it = AtomicU64::new(0);
        let line = line!();
        it.store(1, Ordering::Relaxed);
        it.fetch_nand(1, Ordering::Relaxed);
        let weak = it.compare_exchange_weak(1, 2, Ordering::AcqRel, Ordering::Acquire);
        let update = it.fetch_update(Ordering::AcqRel, Ordering::Acquire, |it| Some(it + 1));
        fence(Ordering::SeqCst);
        assert_eq!((weak, update), (Err(7), Ok(7)));
        set_engine(None);
        let lines = ASKED.take().into_iter().map(|(what, at)| (what, at - line));
        let want = [
            ("store", 1),
            ("fetch_nand", 2),
            ("compare_exchange", 3),
            ("load", 4),
            ("compare_exchange", 4),
            ("fence", 5),
        ];
        assert!(lines.eq(want));
    }
}
