//! What the host says about itself, and what it does to a thread that measures.
//!
//! A host need not say anything: without `/proc` and `/sys` whatever is asked is unknown, which is an answer and never
//! an error.

#![expect(clippy::disallowed_methods, reason = "reads the host's clock: that is what it describes")]

use std::fmt;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cores;

/// What a reader who compares two runs must know about the host. `None` is what the host does not say.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// The CPU's name, or on arm64 its implementer and part.
    pub cpu_model: Option<String>,
    /// The host cores that are measured.
    pub cores_measured: Vec<usize>,
    /// How many host cores this process may use.
    pub cores_usable: Option<usize>,
    /// How many host cores are online.
    pub cores_online: Option<usize>,
    /// Which pairs of the measured cores are threads of one physical core, as far as the kernel knows.
    pub smt_siblings: Option<Vec<[usize; 2]>>,
    /// The frequency governors of the measured cores, each once.
    pub governors: Option<Vec<String>>,
    /// What is between the kernel and the hardware.
    pub hypervisor: Hypervisor,
    /// The kernel's release.
    pub kernel_release: Option<String>,
    /// What the kernel reads the time from.
    pub clocksource: Option<String>,
    /// What one `Instant::now` costs, in ns: the median of many batches.
    pub instant_cost_ns: f64,
    /// The smallest step seen between two readings of `Instant::now`, in ns.
    pub instant_step_ns: Option<u64>,
    /// The load averages over 1, 5 and 15 minutes when this was described.
    pub load_before: Option<[f64; 3]>,
    /// The same at [`Host::note_load_after`].
    pub load_after: Option<[f64; 3]>,
}

/// Signs of a hypervisor.
#[derive(Clone, Debug, Serialize)]
pub struct Hypervisor {
    /// Whether there is one. Only x86 can deny it.
    pub seen: Option<bool>,
    /// Its name in `/sys/hypervisor/type`.
    pub kind: Option<String>,
    /// Who made the machine, says its firmware.
    pub vendor: Option<String>,
    /// Which machine it is, says its firmware.
    pub product: Option<String>,
}

impl Host {
    /// Asks the host. Call it before anything is pinned, since a pinned thread may use one core only. Takes a few
    /// milliseconds.
    pub fn describe(cores: &[usize]) -> Host {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let (instant_cost_ns, instant_step_ns) = clock_costs();
        Host {
            cpu_model: cpu_model(&cpuinfo),
            cores_measured: cores.to_vec(),
            cores_usable: Some(cores::usable().len()).filter(|&nr| nr > 0),
            cores_online: said("/sys/devices/system/cpu/online")
                .and_then(|list| parse_core_list(&list))
                .map(|cores| cores.len()),
            smt_siblings: siblings_among(cores),
            governors: governors(cores),
            hypervisor: Hypervisor::describe(&cpuinfo),
            kernel_release: said("/proc/sys/kernel/osrelease"),
            clocksource: said("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            instant_cost_ns,
            instant_step_ns,
            load_before: load_average(),
            load_after: None,
        }
    }

    /// Takes the load averages again, after the measuring.
    pub fn note_load_after(&mut self) {
        self.load_after = load_average();
    }

    /// Whether these are threads of one physical core. `None` if the host does not say.
    pub fn are_siblings(&self, pair: [usize; 2]) -> Option<bool> {
        let is = |sibling: &[usize; 2]| *sibling == pair || *sibling == [pair[1], pair[0]];
        self.smt_siblings.as_ref().map(|siblings| siblings.iter().any(is))
    }
}

impl Hypervisor {
    fn describe(cpuinfo: &str) -> Hypervisor {
        let kind = said("/sys/hypervisor/type");
        let vendor = said("/sys/class/dmi/id/sys_vendor");
        let product = said("/sys/class/dmi/id/product_name");
        let flags = field(cpuinfo, "flags");
        let flag = flags.map(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"));
        let named = [&vendor, &product].into_iter().flatten().any(|name| is_virtual(name));
        let bare = product.as_ref().is_some_and(|product| product.contains("metal"));
        let seen = if kind.is_some() || (named && !bare) { Some(true) } else { flag };
        Hypervisor { seen, kind, vendor, product }
    }
}

/// How often the calling thread was taken off its core against its will, and how often it was moved to another one:
/// since it started, or between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// Involuntary context switches, if the host counts them.
    pub preempted: Option<u64>,
    /// Migrations to another core, if the host counts them.
    pub migrated: Option<u64>,
}

impl Fate {
    /// Nothing happened.
    pub const NONE: Fate = Fate { preempted: Some(0), migrated: Some(0) };

    /// The calling thread's fate up to now. Reads two files: not for a loop that is timed.
    pub fn now() -> Fate {
        let count = |path: &str, name: &str| {
            let text = fs::read_to_string(path).ok()?;
            field(&text, name)?.parse().ok()
        };
        Fate {
            preempted: count("/proc/thread-self/status", "nonvoluntary_ctxt_switches"),
            migrated: count("/proc/thread-self/sched", "se.nr_migrations"),
        }
    }

    /// What happened to the same thread since `earlier`.
    pub fn since(self, earlier: Fate) -> Fate {
        let between = |now: Option<u64>, then: Option<u64>| now?.checked_sub(then?);
        Fate {
            preempted: between(self.preempted, earlier.preempted),
            migrated: between(self.migrated, earlier.migrated),
        }
    }

    /// What happened to two threads, or to one at two times.
    pub fn plus(self, other: Fate) -> Fate {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        Fate {
            preempted: sum(self.preempted, other.preempted),
            migrated: sum(self.migrated, other.migrated),
        }
    }
}

/// Reads the kernel's notation of a set of cores, such as `0,2-5`, in the order it is written in. `None` if it is
/// something else.
pub fn parse_core_list(text: &str) -> Option<Vec<usize>> {
    /// More than any kernel has, and few enough to count out.
    const MAX: usize = 1 << 16;
    let mut cores = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|core| digits && *core <= MAX)
        };
        let (first, last): (usize, usize) = (number(first)?, number(last)?);
        if first > last || cores.len() > MAX {
            return None;
        }
        cores.extend(first..=last);
    }
    Some(cores)
}

/// What a file of one line says.
fn said(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The value of the first line `name: value`, as `/proc` writes it.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(key, value)| (key.trim(), value.trim()))
        .find(|(key, _)| *key == name)
        .map(|it| it.1)
}

/// Whether firmware calls itself so in virtual machines only. An arm64 guest has no other sign.
fn is_virtual(name: &str) -> bool {
    const NAMES: [&str; 7] =
        ["QEMU", "KVM", "VMware", "VirtualBox", "Virtual Machine", "Compute Engine", "Amazon EC2"];
    NAMES.iter().any(|known| name.contains(known))
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    if let Some(model) = field(cpuinfo, "model name") {
        return Some(model.to_owned());
    }
    let (implementer, part) = (field(cpuinfo, "CPU implementer")?, field(cpuinfo, "CPU part")?);
    Some(format!("implementer {implementer}, part {part}"))
}

fn siblings_among(cores: &[usize]) -> Option<Vec<[usize; 2]>> {
    let mut pairs = Vec::new();
    for (i, &core) in cores.iter().enumerate() {
        let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        let siblings = parse_core_list(&said(&path)?)?;
        let others = cores[i + 1..].iter().filter(|other| siblings.contains(other));
        pairs.extend(others.map(|&other| [core, other]));
    }
    Some(pairs)
}

fn governors(cores: &[usize]) -> Option<Vec<String>> {
    let path = |core| format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    let mut governors = cores.iter().map(|core| said(&path(core))).collect::<Option<Vec<_>>>()?;
    governors.sort();
    governors.dedup();
    Some(governors)
}

fn load_average() -> Option<[f64; 3]> {
    let text = said("/proc/loadavg")?;
    let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
    Some([numbers.next()?, numbers.next()?, numbers.next()?])
}

/// What one `Instant::now` costs in ns, and the smallest step seen.
fn clock_costs() -> (f64, Option<u64>) {
    const BATCHES: usize = 51;
    const BATCH: u32 = 1000;
    let mut costs = Vec::with_capacity(BATCHES);
    let mut step = Duration::MAX;
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(Instant::now());
        }
        costs.push(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
        let mut last = Instant::now();
        for _ in 0..BATCH {
            let now = Instant::now();
            let passed = now - last;
            if !passed.is_zero() {
                step = step.min(passed);
            }
            last = now;
        }
    }
    costs.sort_by(f64::total_cmp);
    (costs[BATCHES / 2], u64::try_from(step.as_nanos()).ok())
}

/// What a hypervisor means for a reader of the numbers.
const FLOATING: &str = "\
A hypervisor may move these cores over the physical ones at any moment: the distance between
two of them may change from one second to the next. That is why ratios are taken between
adjoining slices of time.
";

/// One fact a line. What the host does not say is "unknown".
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
        let count = |fact: Option<usize>| known(&fact.map(|count| count.to_string()));
        let mut line = |name, value| writeln!(f, "{:<15} {value}", format!("{name}:"));

        line("CPU", known(&self.cpu_model))?;
        let (usable, online) = (count(self.cores_usable), count(self.cores_online));
        let measured = self.cores_measured.len();
        line("cores", format!("{usable} usable of {online} online, {measured} measured"))?;
        let siblings = self.smt_siblings.as_ref().map(|pairs| match pairs.as_slice() {
            [] => "none of the measured pairs".to_owned(),
            pairs => {
                let pairs = pairs.iter().map(|[a, b]| format!("{a} and {b}"));
                pairs.collect::<Vec<_>>().join(", ")
            }
        });
        line("SMT siblings", known(&siblings))?;
        let governors = self.governors.as_ref().map(|governors| governors.join(", "));
        line("governor", governors.unwrap_or_else(|| "not shown by this host".to_owned()))?;
        line("hypervisor", self.hypervisor.to_string())?;
        line("kernel", known(&self.kernel_release))?;
        line("clocksource", known(&self.clocksource))?;
        let step = self.instant_step_ns.map(|step| format!("{step} ns"));
        let (cost, step) = (self.instant_cost_ns, known(&step));
        line("Instant::now", format!("{cost:.1} ns a call, smallest step {step}"))?;
        let load = |load: Option<[f64; 3]>| {
            known(&load.map(|[one, five, fifteen]| format!("{one:.2} {five:.2} {fifteen:.2}")))
        };
        let before = load(self.load_before);
        line(
            "load average",
            match self.load_after {
                None => before,
                after => format!("{before} before, {} after", load(after)),
            },
        )?;
        if self.hypervisor.seen == Some(true) {
            f.write_str(FLOATING)?;
        }
        Ok(())
    }
}

impl fmt::Display for Hypervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.seen, &self.kind) {
            (_, Some(kind)) => kind,
            (Some(true), _) => "yes",
            (Some(false), _) => "none seen",
            (None, _) => "unknown",
        })?;
        for (name, fact) in [("vendor", &self.vendor), ("product", &self.product)] {
            write!(f, "; {name} {}", fact.as_deref().unwrap_or("unknown"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_list_is_read_as_the_kernel_writes_it() {
        assert_eq!(parse_core_list("0\n"), Some(vec![0]));
        assert_eq!(parse_core_list("0,2-5"), Some(vec![0, 2, 3, 4, 5]));
        assert_eq!(parse_core_list("7-8,3"), Some(vec![7, 8, 3]));
        for bad in ["", ",", "1,", "-", "1-", "-1", "5-2", "a", "0x1", "+1", "1 2", "0-99999999"] {
            assert_eq!(parse_core_list(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 17\nmodel name\t: A CPU: fast\nse.nr_migrations   :    3\n";
        assert_eq!(field(text, "model name"), Some("A CPU: fast"));
        assert_eq!(field(text, "se.nr_migrations"), Some("3"));
        assert_eq!(field(text, "name"), None);
        assert_eq!(cpu_model(text).as_deref(), Some("A CPU: fast"));
        let arm = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n";
        assert_eq!(cpu_model(arm).as_deref(), Some("implementer 0x41, part 0xd0c"));
        assert_eq!(cpu_model(""), None);
    }

    #[test]
    fn what_the_host_does_not_say_is_unknown() {
        let unknown = Hypervisor { seen: None, kind: None, vendor: None, product: None };
        assert_eq!(unknown.to_string(), "unknown; vendor unknown; product unknown");
        let mut host = Host::describe(&[70_000, 70_001]);
        assert_eq!((&host.smt_siblings, host.are_siblings([70_000, 70_001])), (&None, None));
        host.kernel_release = None;
        let text = host.to_string();
        assert!(text.contains("SMT siblings:   unknown\n"), "{text}");
        assert!(text.contains("governor:       not shown by this host\n"), "{text}");
        assert!(text.contains("kernel:         unknown\n"), "{text}");
    }

    #[test]
    fn siblings_are_siblings_in_either_order() {
        let mut host = Host::describe(&[0]);
        host.smt_siblings = Some(vec![[0, 4]]);
        assert_eq!(
            [[0, 4], [4, 0], [0, 1]].map(|pair| host.are_siblings(pair)),
            [Some(true), Some(true), Some(false)]
        );
    }

    #[test]
    fn a_fate_is_a_difference_and_unknown_if_either_end_is() {
        let fate = |preempted, migrated| Fate { preempted, migrated };
        assert_eq!(fate(Some(5), Some(2)).since(fate(Some(3), None)), fate(Some(2), None));
        let now = Fate::now();
        let never = |known: Option<u64>| known.map(|_| 0);
        assert_eq!(now.since(now), fate(never(now.preempted), never(now.migrated)));
    }
}
