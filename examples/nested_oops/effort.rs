//! How much work a run is for the host: what would take days is refused before the machine boots.

use softlockup::time::{NSEC_PER_SEC, sample_period_ns};
use softlockup::{Clock, Config};

/// In virtual time the samples are most of the work. So many take some minutes in a debug build, and 4 GB of records.
const MAX_SAMPLES: u64 = 20_000_000;

/// In wall-clock time a run may take so long.
const MAX_HOST_SECS: u64 = 24 * 60 * 60;

/// A host core runs about so many samples a second, most of them a switch to another thread.
const SAMPLES_PER_CORE: f64 = 50_000.0;

/// What to know before the start: with too many CPUs in too fast a time every timer is late.
pub(crate) fn note(config: &Config) -> Option<String> {
    let Clock::Wall { ratio } = config.clock else { return None };
    let period_ns = shortest_period_ns(config);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpus = config.nr_cpus;
    let wanted = f64::from(cpus) * ratio * NSEC_PER_SEC as f64 / period_ns as f64;
    let given = SAMPLES_PER_CORE * cores as f64;
    (period_ns > 0 && wanted > given).then(|| {
        format!(
            "{cpus} CPUs at {ratio} times the host's time take {wanted:.0} samples a second, and {cores} host cores \
             give about {given:.0}: timers will be late; take fewer CPUs, or a ratio below {:.0}",
            ratio * given / wanted
        )
    })
}

/// The shortest time from one sample to the next; 0 if there is never any.
fn shortest_period_ns(config: &Config) -> u64 {
    let later = config.watchdog_thresh_change.map(|change| change.secs);
    let periods = [Some(config.watchdog_thresh_secs), later].into_iter().flatten();
    periods.map(sample_period_ns).filter(|&period| period > 0).min().unwrap_or(0)
}

/// # Errors
/// The run that `config` describes cannot end in reasonable time. One line says what can.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    let until = config.until.ns() / NSEC_PER_SEC;
    let longest = match config.clock {
        Clock::Wall { ratio } => (MAX_HOST_SECS as f64 * ratio) as u64,
        Clock::Lockstep { .. } => match shortest_period_ns(config) {
            0 => return Ok(()), // the watchdog is off: time jumps to the next event, however far it is
            period => {
                (MAX_SAMPLES / u64::from(config.nr_cpus)).saturating_mul(period) / NSEC_PER_SEC
            }
        },
    };
    if until <= longest {
        return Ok(());
    }
    let cpus = config.nr_cpus;
    Err(format!(
        "{until} s of kernel time on {cpus} CPUs would not end in reasonable time: stay below {longest} s \
         (--until, --stuck, --oops), or take fewer CPUs"
    ))
}
