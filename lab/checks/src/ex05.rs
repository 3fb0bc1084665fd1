//! The checks of ex05: the lock bit of a csd.

use softlockup::parts::contract::csd_lock as rules;
use softlockup::parts::csd_lock::CsdLock;
use softlockup::scenario::busy::Busy;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::{Parts, Scenario};

use crate::check::{Check, Failure};
use crate::{replay, reported};

/// The name in reports.
pub const ID: &str = "ex05";

/// What a [`CsdLock`] must do.
pub fn checks<C: CsdLock + Default>() -> Vec<Check> {
    #[cfg_attr(not(feature = "models"), expect(unused_mut, reason = "the models come last"))]
    let mut checks = vec![
        Check::contract(
            "contract::csd_lock::lock_and_unlock",
            "`lock` marks a free csd as in use, and `unlock` clears every flag",
            1,
            || {
                rules::takes_a_free_csd(C::default)?;
                rules::unlock_clears_everything(C::default)
            },
        ),
        Check::contract(
            "contract::csd_lock::wait",
            "`wait` ends when the csd is free, and not before",
            1,
            || {
                rules::wait_for_a_free_csd_is_over(C::default)?;
                rules::wait_ends_at_the_unlock(C::default)?;
                rules::keeps_csds_apart(C::default)
            },
        ),
        Check::contract(
            "contract::csd_lock::lock_waits_by_itself",
            "`lock` waits until the csd's older request is answered, and only then changes the flags",
            1,
            || rules::lock_waits_by_itself(C::default),
        ),
        Check::replay(
            "replay::busy",
            "four busy CPUs call one another, and each caller goes on when it was answered",
            1,
            each_caller_is_answered::<C>,
        ),
        Check::replay(
            "replay::article",
            "CPU 0 is deaf, and each CPU that calls it waits and reports itself",
            1,
            each_victim_waits::<C>,
        ),
    ];
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::csd_lock",
        "in every interleaving the caller sees the answer, and a csd in use is not used again",
        2,
        || crate::models::csd_lock(C::default),
    ));
    checks
}

fn each_caller_is_answered<C: CsdLock + Default>() -> Result<(), Failure> {
    let scenario = Busy::default();
    let incident = replay::live(&scenario, Parts::stock().with_csd_lock(C::default()))?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. A caller that goes on without its answer frees or overwrites what the called CPU still uses"
        ))
    })
}

fn each_victim_waits<C: CsdLock + Default>() -> Result<(), Failure> {
    let scenario = NestedOops::default();
    let stock = replay::live(&scenario, scenario.parts())?;
    let mine = replay::live(&scenario, Parts::stock().with_csd_lock(C::default()))?;
    reported::as_stock(&stock, &mine).map_err(|happened| {
        let failure = Failure::new(format!(
            "{happened}. A wait for a deaf CPU has no end: a caller that goes on without an answer executes code that \
             CPU 0 has not heard of"
        ));
        reported::with_console(failure, &mine)
    })
}

/// What `lab replay` shows.
pub fn replayed<C: CsdLock + Default>() -> String {
    replay::beside_stock(&NestedOops::default(), Parts::stock().with_csd_lock(C::default()))
}
