//! Measures every pair, one after the other, and says beforehand how long that takes.

#![expect(
    clippy::disallowed_methods,
    reason = "times the host's cores: no simulated CPU runs here"
)]

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use super::matrix::{Matrix, Pair, pairs_of};
use super::pair::round_trip;
use super::stderr;
use softlockup_measure::host::Host;

/// Measures all pairs of the host's measured cores. Pairs are never measured at the same time: they would share caches.
///
/// # Errors
/// A pair that cannot be measured, in one line.
pub(crate) fn measure(host: &Host, slices: u32) -> Result<Matrix, String> {
    let cores = &host.cores_measured;
    let pairs: Vec<[usize; 2]> = pairs_of(cores).collect();
    let took = estimate(&pairs, slices)?;
    let plural = if pairs.len() == 1 { "" } else { "s" };
    let (nr_pairs, nr_cores, took) = (pairs.len(), cores.len(), about(took));
    stderr::note(format_args!("{nr_pairs} pair{plural} of {nr_cores} cores, {took}"));

    let shows_progress = pairs.len() > 1 && io::stderr().is_terminal();
    let mut measured = Vec::with_capacity(pairs.len());
    for cores in pairs.iter().copied() {
        if shows_progress {
            stderr::show(format_args!("\r{} of {}", measured.len() + 1, pairs.len()));
        }
        let trip = round_trip(cores, slices).inspect_err(|_| end_line(shows_progress))?;
        measured.push(Pair {
            cores,
            floor_ns: trip.floor_ns,
            mailbox_ns: trip.mailbox_ns,
            ratio: trip.ratio,
            smt_siblings: host.are_siblings(cores),
            fates: trip.fates,
        });
    }
    end_line(shows_progress);
    Ok(Matrix { cores: cores.clone(), slices, pairs: measured })
}

fn end_line(shows_progress: bool) {
    if shows_progress {
        stderr::say("");
    }
}

/// Tries the first pair for a short while, which also wakes the host's cores up.
fn estimate(pairs: &[[usize; 2]], slices: u32) -> Result<Duration, String> {
    let Some(&first) = pairs.first() else { return Ok(Duration::ZERO) };
    let (tried, start) = (slices.div_ceil(8), Instant::now());
    round_trip(first, tried)?;
    Ok(start.elapsed().mul_f64(f64::from(slices) / f64::from(tried) * pairs.len() as f64))
}

/// A duration as one says it.
fn about(took: Duration) -> String {
    match took.as_secs_f64() {
        secs if secs < 9.5 => format!("about {secs:.1} s"),
        secs if secs < 99.5 => format!("about {secs:.0} s"),
        secs => format!("about {:.0} min (fewer --slices take less)", secs / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_said_in_minutes() {
        let said = [0.26, 9.4, 64.2, 1600.0].map(|secs| about(Duration::from_secs_f64(secs)));
        assert_eq!(said[..3], ["about 0.3 s", "about 9.4 s", "about 64 s"]);
        assert!(said[3].starts_with("about 27 min"), "{}", said[3]);
    }
}
