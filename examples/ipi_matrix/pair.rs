//! Measures one pair of host cores.

use softlockup_measure::host::Fate;
use softlockup_measure::machine::{Setup, mailboxes, on_machine};
use softlockup_measure::round_trip::Plan;

/// What a pair of host cores costs.
pub(crate) struct RoundTrip {
    /// One cache line there and back, in ns.
    pub(crate) floor_ns: f64,
    /// A call on the machine, with its mailbox, in ns.
    pub(crate) mailbox_ns: f64,
    /// The median of the ratios of adjoining slices.
    pub(crate) ratio: f64,
    /// What the two threads suffered.
    pub(crate) fates: [Fate; 2],
}

/// About as many calls as one slice has.
const CALLS_PER_SLICE: u64 = 1500;

/// Measures a pair for about `slices` slices.
///
/// # Errors
/// If a thread cannot be pinned to its core, or the host gives none.
pub(crate) fn round_trip(cores: [usize; 2], slices: u32) -> Result<RoundTrip, String> {
    let plan = Plan::calls(u64::from(slices) * CALLS_PER_SLICE);
    let setup = Setup { record: false, idle: false };
    let (measured, fates) = on_machine(mailboxes, cores, plan, setup)?;
    Ok(RoundTrip {
        floor_ns: measured.median(|slice| Some(slice.floor_before_ns)).unwrap_or(f64::NAN),
        mailbox_ns: measured.median(|slice| Some(slice.call_ns)).unwrap_or(f64::NAN),
        ratio: measured.ratio().unwrap_or(f64::NAN),
        fates,
    })
}
