//! The checks of ex09: who watches whom, and when that CPU is locked up.

use softlockup::config::{BuddyRule, Config, Detectors};
use softlockup::incident::report::{Detection, Detector};
use softlockup::kernel::irq;
use softlockup::parts::contract::{Broken, hardlockup};
use softlockup::parts::hardlockup::HardlockupDetector;
use softlockup::scenario::nested_oops::{NestedOops, OOPS_AT};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Incident, Kernel, KernelTime, Machine, Parts, Task};

use crate::check::{Check, Failure, LIMITS};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex09";

type Rule = fn(&dyn HardlockupDetector) -> Result<(), Broken>;

/// What a [`HardlockupDetector`] must do.
pub fn checks<H: HardlockupDetector + Default>() -> Vec<Check> {
    checks_of(|| Box::new(H::default()), parts::<H>)
}

fn checks_of(new: fn() -> Box<dyn HardlockupDetector>, parts: fn() -> Parts) -> Vec<Check> {
    let contract = |id, rule, points, contract: Rule| {
        Check::contract(id, rule, points, move || contract(&*new()))
    };
    vec![
        contract(
            "contract::hardlockup::no_cpu_watches_itself",
            "no CPU watches itself",
            0,
            hardlockup::no_cpu_watches_itself,
        ),
        contract(
            "contract::hardlockup::watches_another_online_cpu",
            "a CPU that is not alone watches a CPU that is online",
            0,
            hardlockup::watches_another_online_cpu,
        ),
        contract(
            "contract::hardlockup::leaves_no_cpu_unwatched",
            "each online CPU is watched, CPU 0 too",
            2,
            hardlockup::leaves_no_cpu_unwatched,
        ),
        contract(
            "contract::hardlockup::reports_at_the_last_miss_allowed",
            "a CPU is reported at the look that misses it for the `miss_thresh`-th time",
            1,
            hardlockup::reports_at_the_last_miss_allowed,
        ),
        contract(
            "contract::hardlockup::misses_count_in_a_row",
            "a look that finds that the timer ran makes up for the misses before it",
            1,
            hardlockup::misses_count_in_a_row,
        ),
        contract(
            "contract::hardlockup::reports_once",
            "a CPU that stays dark is reported once",
            0,
            hardlockup::reports_once,
        ),
        contract(
            "contract::hardlockup::reports_again_after_it_came_back",
            "a CPU that came back and goes dark again is reported again",
            1,
            hardlockup::reports_again_after_it_came_back,
        ),
        contract(
            "contract::hardlockup::keeps_cpus_apart",
            "what is found of one CPU does not change what is found of another",
            0,
            hardlockup::keeps_cpus_apart,
        ),
        Check::replay(
            "replay::article_on_6_12",
            "on 6.12 a CPU that is alive names CPU 0, once and in time",
            1,
            move || names_cpu_0(parts, [BuddyRule::EVERY_THIRD_SAMPLE, BuddyRule::EVERY_SAMPLE]),
        ),
        Check::replay(
            "replay::a_healthy_hour",
            "in a healthy hour no CPU is named",
            1,
            move || a_healthy_hour(parts()),
        ),
    ]
}

/// The article's incident on 6.12, with this buddy rule.
fn article(rule: BuddyRule) -> NestedOops {
    let mut scenario = NestedOops::default();
    scenario.config.kernel = Kernel::Arm64V6_12;
    scenario.config.detectors =
        Detectors { hardlockup_buddy: Some(rule), ..Detectors::of(Kernel::Arm64V6_12) };
    scenario
}

/// What the buddies say.
fn named(incident: &Incident) -> Vec<Detection> {
    let detections = incident.report().detections;
    detections.into_iter().filter(|found| found.detector == Detector::HardlockupBuddy).collect()
}

fn told(named: &[Detection]) -> String {
    let line = |found: &Detection| {
        format!("{}  CPU#{} reports CPU#{}\n", found.time, found.reporter_cpu, found.named_cpu)
    };
    named.iter().take(12).map(line).collect()
}

fn names_cpu_0(parts: fn() -> Parts, rules: [BuddyRule; 2]) -> Result<(), Failure> {
    for rule in rules {
        let named = named(&replay::live(&article(rule), parts())?);
        // A look each 4 or 12 s; the last one before CPU 0 went dark may have come just before its timer ran.
        let period = 4 * NSEC_PER_SEC * rule.every;
        let latest = OOPS_AT + (u64::from(rule.miss_thresh) + 1) * period;
        let happened = match &named[..] {
            [] => "no CPU named any".to_owned(),
            [first, ..] if first.named_cpu != CpuId(0) => {
                format!(
                    "CPU#{} named CPU#{} at {} s",
                    first.reporter_cpu, first.named_cpu, first.time
                )
            }
            [first, ..] if first.time > latest => {
                format!("CPU#{} named it at {} s only", first.reporter_cpu, first.time)
            }
            [_] => continue,
            [first, second, ..] => format!(
                "CPU#{} named it at {} s, and then CPU#{} named CPU#{} at {} s; there were {} reports",
                first.reporter_cpu,
                first.time,
                second.reporter_cpu,
                second.named_cpu,
                second.time,
                named.len()
            ),
        };
        return Err(Failure::new(format!(
            "CPU#0 takes no interrupt from {OOPS_AT} s on, a CPU looks at another one every {} s, and miss {} in a \
             row is to be reported: so one report was to name CPU#0, by {latest} s. But {happened}. This one line \
             is what the article's reader did not have",
            KernelTime::from_ns(period),
            rule.miss_thresh
        ))
        .with_detail(told(&named)));
    }
    Ok(())
}

fn a_healthy_hour(parts: Parts) -> Result<(), Failure> {
    let hour = KernelTime::from_secs(3_600);
    let kernel = Kernel::Arm64V6_12;
    let detectors =
        Detectors { hardlockup_buddy: Some(BuddyRule::EVERY_SAMPLE), ..Detectors::of(kernel) };
    let config = Config { nr_cpus: 6, kernel, detectors, until: hour, ..Config::default() };
    let mut machine = Machine::new(config, parts).expect("the machine can be set up");
    machine.set_host_limits(LIMITS);
    for cpu in [0, 3] {
        // Now and then a CPU has its interrupts off for 6 s: that is slow, and not dead.
        for n in 1..20 {
            let at = KernelTime::from_secs(150 * n + 40 * u64::from(cpu));
            machine.spawn(
                CpuId(cpu),
                Task::new("slow", 100 + n as u32, at, |cpu| {
                    let _irq = irq::disable_local(cpu);
                    cpu.spend(6 * NSEC_PER_SEC);
                }),
            );
        }
    }
    let incident = machine.run().map_err(|error| Failure::new(error.to_string()))?.incident;
    let named = named(&incident);
    let Some(first) = named.first() else { return Ok(()) };
    Err(Failure::new(format!(
        "six CPUs are healthy for an hour; two of them have their interrupts off for 6 s now and then, and a CPU \
         is to be reported that misses three looks in a row, one each 4 s. So no CPU was to be named; but CPU#{} \
         named CPU#{} at {} s, and there were {} such reports. With `hardlockup_panic` each one is a reboot of a \
         machine on which nothing is wrong",
        first.reporter_cpu,
        first.named_cpu,
        first.time,
        named.len()
    ))
    .with_detail(told(&named)))
}

fn parts<H: HardlockupDetector + Default>() -> Parts {
    Parts::stock().with_hardlockup_detector(H::default())
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&article(BuddyRule::EVERY_THIRD_SAMPLE), parts())
}

/// What `lab replay` shows.
pub fn replayed<H: HardlockupDetector + Default>() -> String {
    beside_stock(parts::<H>)
}
