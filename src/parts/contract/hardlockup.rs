//! The rules of a [`HardlockupDetector`].
//!
//! | rule | kept by |
//! |---|---|
//! | [`watches_another_online_cpu`], [`no_cpu_watches_itself`], [`leaves_no_cpu_unwatched`] | each detector: [`all`] |
//! | [`reports_at_the_last_miss_allowed`], [`misses_count_in_a_row`], [`reports_once`], [`reports_again_after_it_came_back`], [`keeps_cpus_apart`] | each detector: [`all`] |
//! | [`watches_the_next`] | the kernel's |
//!
//! A look is judged by its verdict. What a detector keeps in its [`HardlockupWatch`] is its own affair.

use crate::cpumask::{CpuId, CpuMask};
use crate::parts::contract::{Broken, Rule};
use crate::parts::hardlockup::HardlockupVerdict::{Alive, AlreadyReported, Lockup, Missed};
use crate::parts::hardlockup::{HardlockupDetector, HardlockupVerdict, HardlockupWatch};

/// Every rule that each policy keeps.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    no_cpu_watches_itself(detector)?;
    watches_another_online_cpu(detector)?;
    leaves_no_cpu_unwatched(detector)?;
    reports_at_the_last_miss_allowed(detector)?;
    misses_count_in_a_row(detector)?;
    reports_once(detector)?;
    reports_again_after_it_came_back(detector)?;
    keeps_cpus_apart(detector)
}

/// Machines of which some CPUs, or all, are online.
fn machines() -> [CpuMask; 8] {
    let some = |nr_cpus, cpus: &[u32]| {
        let mut mask = CpuMask::none(nr_cpus);
        cpus.iter().for_each(|&cpu| mask.set(CpuId(cpu)));
        mask
    };
    [
        CpuMask::all(2),
        CpuMask::all(4),
        CpuMask::all(64),
        CpuMask::all(65),
        some(8, &[0, 3, 7]),
        some(8, &[1, 2, 6]),
        some(64, &[0, 63]),
        some(200, &[5, 64, 130]),
    ]
}

/// A CPU that is alone watches none.
///
/// # Errors
/// The rule that the part broke.
pub fn no_cpu_watches_itself<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that is alone watches no CPU, and none watches itself",
        "A CPU that takes no timer does not look either: it would be the last to notice.",
    );
    for nr_cpus in [1, 8] {
        for cpu in CpuMask::all(nr_cpus).iter() {
            let mut alone = CpuMask::none(nr_cpus);
            alone.set(cpu);
            let what = format!("what CPU#{cpu} watches on a machine where it is alone");
            rule.equal(&what, detector.watches(cpu, &alone), None)?;
        }
    }
    pairs(detector, |online, cpu, watched| {
        rule.check(watched != Some(cpu), || format!("of [{online}] CPU#{cpu} watches itself"))
    })
}

/// Every CPU that is not alone watches one that is online.
///
/// # Errors
/// The rule that the part broke.
pub fn watches_another_online_cpu<H: HardlockupDetector + ?Sized>(
    detector: &H,
) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that is not alone watches a CPU that is online",
        "The timer of an offline CPU does not run: it would be reported though nothing is wrong.",
    );
    pairs(detector, |online, cpu, watched| match watched {
        Some(watched) if online.contains(watched) => Ok(()),
        Some(watched) => {
            rule.broken(format!("of [{online}] CPU#{cpu} watches CPU#{watched}, which is offline"))
        }
        None => rule.broken(format!("of [{online}] CPU#{cpu} watches no CPU")),
    })
}

/// Each online CPU is watched, CPU 0 too.
///
/// # Errors
/// The rule that the part broke: a detector that does not go round leaves CPU 0 out.
pub fn leaves_no_cpu_unwatched<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    let rule = Rule(
        "each online CPU is watched by another one, CPU 0 too",
        "The article's culprit is CPU 0: a detector that does not go round misses exactly that CPU.",
    );
    for online in machines() {
        let watched: Vec<_> =
            online.iter().filter_map(|cpu| detector.watches(cpu, &online)).collect();
        if let Some(cpu) = online.iter().find(|cpu| !watched.contains(cpu)) {
            return rule.broken(format!("of [{online}] CPU#{cpu} is watched by none"));
        }
    }
    Ok(())
}

/// The kernel's: each CPU watches the next one that is online, and the last one watches the first.
///
/// # Errors
/// The rule that the part broke.
pub fn watches_the_next<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    let rule = Rule(
        "each CPU watches the next one that is online, and the last one the first",
        "So a reader who sees which CPU reports knows which CPU is dark, even if the line is cut.",
    );
    pairs(detector, |online, cpu, watched| {
        let next = online.iter().find(|&other| other > cpu).or_else(|| online.iter().next());
        rule.equal(&format!("of [{online}], what CPU#{cpu} watches"), watched, next)
    })
}

/// Hands `check` each CPU of each machine, and the CPU that it watches.
fn pairs<H: HardlockupDetector + ?Sized>(
    detector: &H,
    check: impl Fn(&CpuMask, CpuId, Option<CpuId>) -> Result<(), Broken>,
) -> Result<(), Broken> {
    machines().iter().try_for_each(|online| {
        online.iter().try_for_each(|cpu| check(online, cpu, detector.watches(cpu, online)))
    })
}

const THRESHOLDS: [u32; 3] = [1, 3, 5];

/// What a detector remembers of one CPU.
struct Looked<'a, H: ?Sized> {
    rule: &'a Rule,
    detector: &'a H,
    watch: HardlockupWatch,
    miss_thresh: u32,
}

impl<'a, H: HardlockupDetector + ?Sized> Looked<'a, H> {
    /// A CPU that was found alive once, when its timer had run `interrupts` times.
    fn alive(
        rule: &'a Rule,
        detector: &'a H,
        interrupts: u64,
        miss_thresh: u32,
    ) -> Result<Self, Broken> {
        let watch = HardlockupWatch::default();
        let mut cpu = Looked { rule, detector, watch, miss_thresh };
        cpu.expect("a look at a CPU whose timer ran", interrupts, Alive)?;
        Ok(cpu)
    }

    fn look(&mut self, interrupts: u64) -> HardlockupVerdict {
        let (next, verdict) = self.detector.check(self.watch, interrupts, self.miss_thresh);
        self.watch = next;
        verdict
    }

    fn expect(
        &mut self,
        what: &str,
        interrupts: u64,
        want: HardlockupVerdict,
    ) -> Result<(), Broken> {
        let verdict = self.look(interrupts);
        let miss_thresh = self.miss_thresh;
        self.rule.equal(&format!("with a miss_thresh of {miss_thresh}, {what}"), verdict, want)
    }

    /// It goes dark: some looks that miss it, and then the one that reports it.
    fn goes_dark(&mut self, interrupts: u64) -> Result<(), Broken> {
        for miss in 1..self.miss_thresh {
            self.expect(&format!("miss {miss}"), interrupts, Missed)?;
        }
        self.expect(&format!("miss {}", self.miss_thresh), interrupts, Lockup)
    }
}

/// A dark CPU is reported at the `miss_thresh`-th look that misses it.
///
/// # Errors
/// The rule that the part broke.
pub fn reports_at_the_last_miss_allowed<H: HardlockupDetector + ?Sized>(
    detector: &H,
) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU is reported at the look that misses it for the `miss_thresh`-th time in a row, and not before",
        "A look too early is a false alarm, and with `hardlockup_panic` a reboot; a look too late is 4 or 12 s lost.",
    );
    for miss_thresh in THRESHOLDS {
        Looked::alive(&rule, detector, 7, miss_thresh)?.goes_dark(7)?;
    }
    Ok(())
}

/// A look that finds a new count begins the count of misses again.
///
/// # Errors
/// The rule that the part broke.
pub fn misses_count_in_a_row<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    let rule = Rule(
        "a look that finds that the timer ran makes up for the misses before it",
        "A CPU that is late now and then is alive: in the end its misses of a whole day would add up.",
    );
    for miss_thresh in [2, 3, 5] {
        let mut cpu = Looked::alive(&rule, detector, 1, miss_thresh)?;
        for interrupts in 2..20 {
            for miss in 1..miss_thresh {
                cpu.expect(&format!("miss {miss} since it ran"), interrupts - 1, Missed)?;
            }
            cpu.expect("a look after its timer ran", interrupts, Alive)?;
        }
    }
    Ok(())
}

/// A CPU that stays dark is not reported again.
///
/// # Errors
/// The rule that the part broke.
pub fn reports_once<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that was reported and stays dark is not reported again",
        "Nothing new has happened, and each report asks a CPU for a stack that it cannot give.",
    );
    for miss_thresh in THRESHOLDS {
        let mut cpu = Looked::alive(&rule, detector, 7, miss_thresh)?;
        (1..=miss_thresh).for_each(|_| _ = cpu.look(7));
        for look in 1..=20 {
            cpu.expect(&format!("look {look} after the report"), 7, AlreadyReported)?;
        }
    }
    Ok(())
}

/// A CPU that comes back and goes dark again is reported again.
///
/// # Errors
/// The rule that the part broke.
pub fn reports_again_after_it_came_back<H: HardlockupDetector + ?Sized>(
    detector: &H,
) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that came back after its report, and goes dark again, is reported again",
        "Otherwise a CPU that was slow once can hang for good, and no CPU says so.",
    );
    for miss_thresh in THRESHOLDS {
        let mut cpu = Looked::alive(&rule, detector, 7, miss_thresh)?;
        (0..=miss_thresh).for_each(|_| _ = cpu.look(7));
        for interrupts in [8, 9] {
            cpu.expect("a look after it came back", interrupts, Alive)?;
            cpu.goes_dark(interrupts)?;
        }
    }
    Ok(())
}

/// What is remembered of a CPU lies in its watch.
///
/// # Errors
/// The rule that the part broke: a detector that keeps something in itself, which all CPUs share.
pub fn keeps_cpus_apart<H: HardlockupDetector + ?Sized>(detector: &H) -> Result<(), Broken> {
    let rule = Rule(
        "what is found of one CPU does not change what is found of another",
        "Each CPU watches one at its own time: two CPUs that are late once would add up to a lockup.",
    );
    let mut first = Looked::alive(&rule, detector, 7, 2)?;
    let mut second = Looked::alive(&rule, detector, 7, 2)?;
    first.expect("one CPU's first miss", 7, Missed)?;
    second.expect("another CPU's first miss", 7, Missed)?;
    first.expect("one CPU's second miss", 7, Lockup)?;
    second.expect("another CPU's look after it ran", 8, Alive)?;
    first.expect("one CPU's third miss", 7, AlreadyReported)?;
    second.goes_dark(8)
}
