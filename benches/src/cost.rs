//! What it costs a CPU to be watched: by its timer, its heartbeat and its detectors.
//!
//! Two CPUs pass one interruption point after the other, for a slice of the host's time. How many they pass without
//! samples and with dense ones says what a sample takes. It is found warm in the caches, as it would not be every 4 s;
//! and nothing is recorded.
//!
//! Not part of a sample, and so told apart: on a machine in wall-clock time a spinning CPU polls its timer at every
//! interruption point, where real hardware interrupts it.

#![expect(clippy::disallowed_methods, reason = "the host's time is what is measured here")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use softlockup::config::{BringUp, BuddyRule, Detectors};
use softlockup::time::{NSEC_PER_SEC, sample_period_ns};
use softlockup::{Clock, Config, Cpu, CpuId, Kernel, KernelTime, Machine, Parts, Task, ThisCpu};

use softlockup_measure::quantiles::median;

/// How long one machine runs on the host.
const SLICE: Duration = Duration::from_millis(5);

/// Kernel time per host time of a machine with dense samples: one each 20 µs of the host.
const DENSE: f64 = 200_000.0;

const THRESH_SECS: u64 = 10;

const SOFTLOCKUP: Detectors = Detectors { softlockup: true, ..Detectors::NONE };
const BUDDY: Detectors =
    Detectors { hardlockup_buddy: Some(BuddyRule::EVERY_THIRD_SAMPLE), ..SOFTLOCKUP };
const CSD: Detectors = Detectors { csd: true, ..BUDDY };

/// The detectors whose cost is measured: each set has one more.
pub const WATCHED_BY: [(&str, Detectors); 3] =
    [("soft lockup", SOFTLOCKUP), ("+ buddy", BUDDY), ("+ csd debug", CSD)];

/// What was measured.
#[derive(Clone, Debug)]
pub struct Cost {
    /// How long one sample takes with each of [`WATCHED_BY`], in nanoseconds of the host.
    pub sample_ns: [f64; WATCHED_BY.len()],
    /// How long an interruption point takes while no timer is armed.
    pub unarmed_ns: f64,
    /// How much longer it takes while the watchdog's timer is armed, and not due.
    pub armed_ns: f64,
}

/// The host may spoil this many slices in a row.
const MAX_SPOILED: usize = 50;

impl Cost {
    /// How much of a CPU one sample per period takes at ratio 1.
    pub fn share(sample_ns: f64) -> f64 {
        sample_ns / sample_period_ns(THRESH_SECS) as f64
    }
}

/// Measures slices of every kind in turns, and takes the medians of what neighbouring slices differ by: other programs
/// use the host, too.
///
/// # Panics
/// If a CPU was sampled that must not be, or none ever was that must.
pub fn measure(rounds: usize) -> Cost {
    let mut sample_ns: [Vec<f64>; WATCHED_BY.len()] = Default::default();
    let (mut unarmed_ns, mut armed_ns) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let off = slice(0, Detectors::NONE, 1.0);
        let armed = slice(THRESH_SECS, SOFTLOCKUP, 1.0);
        assert_eq!(off.samples, 0, "the watchdog is off");
        unarmed_ns.push(off.pass_ns());
        armed_ns.push(armed.pass_ns() - off.pass_ns());
        for nth in 0..WATCHED_BY.len() {
            let n = (nth + round) % WATCHED_BY.len();
            // A busy host may let a slice pass without a sample, but not so many.
            let mut slices = (0..MAX_SPOILED).map(|_| slice(THRESH_SECS, WATCHED_BY[n].1, DENSE));
            let dense = slices.find(|dense| dense.samples > 0).expect("the watchdog is on");
            let sampling_ns = dense.elapsed_ns - dense.passes * armed.pass_ns();
            sample_ns[n].push(sampling_ns / dense.samples as f64);
        }
    }
    let [mut soft, mut buddy, mut csd] = sample_ns;
    Cost {
        sample_ns: [median(&mut soft), median(&mut buddy), median(&mut csd)],
        unarmed_ns: median(&mut unarmed_ns),
        armed_ns: median(&mut armed_ns),
    }
}

/// What CPU 0 did in its slice.
struct Slice {
    elapsed_ns: f64,
    passes: f64,
    samples: u64,
}

impl Slice {
    /// How long one interruption point took.
    fn pass_ns(&self) -> f64 {
        self.elapsed_ns / self.passes
    }
}

fn slice(watchdog_thresh_secs: u64, detectors: Detectors, ratio: f64) -> Slice {
    let config = Config {
        nr_cpus: 2,
        kernel: Kernel::Arm64V6_12,
        watchdog_thresh_secs,
        pseudo_nmi: true, // a CPU that the host paused for long answers its buddy at once
        bring_up: BringUp { first_ns: 0, per_cpu_ns: 0, tick_ns: 0, tick_offset_ns: 0 },
        detectors,
        clock: Clock::Wall { ratio },
        until: KernelTime::from_ns(1_000_000_000 * NSEC_PER_SEC),
        record: false,
        ..Config::default()
    };
    let mut machine = Machine::new(config, Parts::stock()).expect("the configuration is valid");
    let (slices, done) = mpsc::channel();
    let one_is_done = Arc::new(AtomicBool::new(false));
    for cpu in [CpuId(0), CpuId(1)] {
        let (slices, one_is_done) = (slices.clone(), Arc::clone(&one_is_done));
        let body = move |cpu: &Cpu| {
            let slice = pass(cpu);
            if cpu.id() == CpuId(0) {
                slices.send(slice).expect("the host waits for it");
            }
            if one_is_done.swap(true, AcqRel) {
                cpu.power_off();
            }
        };
        machine.spawn(cpu, Task::new("kernel", cpu.0 + 1, KernelTime::BOOT, body));
    }
    machine.run().expect("two threads");
    done.recv().expect("CPU 0 was done")
}

/// Passes interruption points for a slice.
fn pass(cpu: &Cpu) -> Slice {
    const BATCH: u32 = 100;
    let (begin, sampled) = (Instant::now(), cpu.hrtimer_interrupts(cpu.id()));
    let mut batches = 0;
    let elapsed = loop {
        (0..BATCH).for_each(|_| cpu.cond_resched());
        batches += 1;
        let elapsed = begin.elapsed();
        if elapsed >= SLICE {
            break elapsed;
        }
    };
    Slice {
        elapsed_ns: elapsed.as_nanos() as f64,
        passes: f64::from(batches * BATCH),
        samples: cpu.hrtimer_interrupts(cpu.id()) - sampled,
    }
}

/// For how long the host's host ran other machines, on all cores since the host booted; `None` if the host does not
/// say.
pub fn stolen() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks: u64 = stat.lines().next()?.split_ascii_whitespace().nth(8)?.parse().ok()?;
    Some(Duration::from_millis(10 * ticks)) // USER_HZ is 100
}
