//! The checks of ex05: the lock bit of a csd.

use softlockup::Parts;
use softlockup::parts::contract::csd_lock as rules;
use softlockup::parts::csd_lock::CsdLock;
use softlockup::parts::erased::{DynCsdLock, Erased};
use softlockup::scenario::busy::Busy;
use softlockup::scenario::nested_oops::NestedOops;

use crate::check::{Check, Failure};
use crate::{replay, reported};

/// The name in reports.
pub const ID: &str = "ex05";

/// What a [`CsdLock`] must do.
pub fn checks<C: CsdLock + Default>() -> Vec<Check> {
    #[cfg_attr(not(feature = "models"), expect(unused_mut, reason = "the models come last"))]
    let mut checks = checks_of(|| Erased(Box::new(C::default())), parts::<C>);
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::csd_lock",
        "in every interleaving the caller sees the answer, and a csd in use is not used again",
        2,
        || models::csd_lock(C::default),
    ));
    checks
}

fn checks_of(new: fn() -> Erased<dyn DynCsdLock>, parts: fn() -> Parts) -> Vec<Check> {
    vec![
        Check::contract(
            "contract::csd_lock::lock_and_unlock",
            "`lock` marks a free csd as in use, and `unlock` clears every flag",
            1,
            move || {
                rules::takes_a_free_csd(new)?;
                rules::unlock_clears_everything(new)
            },
        ),
        Check::contract(
            "contract::csd_lock::wait",
            "`wait` ends when the csd is free, and not before",
            1,
            move || {
                rules::wait_for_a_free_csd_is_over(new)?;
                rules::wait_ends_at_the_unlock(new)?;
                rules::keeps_csds_apart(new)
            },
        ),
        Check::contract(
            "contract::csd_lock::lock_waits_by_itself",
            "`lock` waits until the csd's older request is answered, and only then changes the flags",
            1,
            move || rules::lock_waits_by_itself(new),
        ),
        Check::replay(
            "replay::busy",
            "four busy CPUs call one another, and each caller goes on when it was answered",
            1,
            move || each_caller_is_answered(parts),
        ),
        Check::replay(
            "replay::article",
            "CPU 0 is deaf, and each CPU that calls it waits and reports itself",
            1,
            move || each_victim_waits(parts),
        ),
    ]
}

fn each_caller_is_answered(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = Busy::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. A caller that goes on without its answer frees or overwrites what the called CPU still uses"
        ))
    })
}

fn each_victim_waits(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = NestedOops::default();
    let (mine, stock) = replay::live_and_stock(&scenario, parts())?;
    reported::as_stock(&stock, &mine).map_err(|happened| {
        let failure = Failure::new(format!(
            "{happened}. A wait for a deaf CPU has no end: a caller that goes on without an answer executes code that \
             CPU 0 has not heard of"
        ));
        reported::with_console(failure, &mine)
    })
}

fn parts<C: CsdLock + Default>() -> Parts {
    Parts::stock().with_csd_lock(C::default())
}

/// What `lab replay` shows.
pub fn replayed<C: CsdLock + Default>() -> String {
    beside_stock(parts::<C>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&NestedOops::default(), parts())
}
