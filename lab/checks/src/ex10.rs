//! The checks of ex10: whose fault?

use softlockup::config::Config;
use softlockup::incident::report::diagnosis::{Cause, Diagnosis};
use softlockup::kernel::cpu::Cpu;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::irq;
use softlockup::kernel::smp::{kick_all_cpus_sync, smp_call_function_single};
use softlockup::parts::call_many::Wait;
use softlockup::parts::csd_lock::{CsdLock, KernelCsdLock};
use softlockup::scenario::At;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::{Arrivals, Before, DieLockPolicy, NestedOops};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::sync::AtomicU32;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Incident, KernelTime, Machine, Parts, Record, Scenario, Task, ThisCpu};

use crate::check::{Check, Failure, LIMITS, Tier};
use crate::oracle::ask;

/// The name in reports.
pub const ID: &str = "ex10";

/// What a learner writes.
pub type Diagnose = fn(&[Record]) -> (Cause, Vec<CpuId>);

/// What the function must say.
pub fn checks(diagnose: Diagnose) -> Vec<Check> {
    let check = |id, rule, points, cases: fn() -> Vec<Case>| {
        Check::new(Tier::Oracle, id, rule, points, move || {
            cases().into_iter().try_for_each(|case| case.judge(diagnose))
        })
    };
    vec![
        check("oracle::no_records", "where nothing happened no CPU is to blame", 0, no_records),
        check("oracle::article", "in the article CPU 0 waits for itself", 1, articles),
        check(
            "oracle::look_alikes",
            "what looks like the article may be something else",
            2,
            look_alikes,
        ),
        check("oracle::wait_chains", "a chain of waits is followed to its end", 2, wait_chains),
        check("oracle::rings", "all CPUs of a ring are to blame", 1, rings),
        check("oracle::wrong_parts", "a machine with a wrong part is found out", 1, wrong_parts),
    ]
}

/// A run, and what is to be said of it.
#[derive(Debug)]
struct Case {
    name: String,
    incident: Incident,
    truth: Diagnosis,
}

impl Case {
    /// A run of `scenario`.
    fn of(name: String, scenario: &impl Scenario) -> Self {
        let incident = run(scenario.machine().expect("the scenario can be set up"));
        let truth = scenario.conclusion();
        assert_eq!(incident.report().diagnosis, truth, "{name}");
        Case { name, incident, truth }
    }

    /// A run of a machine that is no scenario.
    fn of_machine(name: &str, machine: Machine, cause: Cause, cpus: &[u32]) -> Self {
        let incident = run(machine);
        let truth = Diagnosis { cause, cpus: cpus.iter().copied().map(CpuId).collect() };
        assert_eq!(incident.report().diagnosis, truth, "{name}");
        Case { name: name.to_owned(), incident, truth }
    }

    fn judge(self, diagnose: Diagnose) -> Result<(), Failure> {
        let Case { name, incident, truth } = self;
        let records = incident.records.clone();
        let asked = format!("the cause in the records of {name}");
        let (cause, mut cpus) =
            ask(&asked, move || diagnose(&records)).map_err(|mut failure| {
                if failure.message.contains("goes on") {
                    failure.message += &format!(" It was given the records of {name}.");
                    if truth.cause == Cause::WaitingWithInterruptsOff {
                        failure.message +=
                            " A way from waiter to waiter that ends in a ring has no end";
                        failure.mistake = Some("a ring has no end");
                    }
                }
                failure
            })?;
        cpus.sort();
        cpus.dedup();
        if cause == truth.cause && cpus == truth.cpus {
            return Ok(());
        }
        let report = incident.report();
        let mut way = String::new();
        for stuck in &report.stuck {
            way += &match stuck.waits_for {
                Some(on) if on == stuck.cpu => format!(" CPU#{on} waits for itself."),
                Some(on) => format!(" CPU#{} waits for CPU#{on}.", stuck.cpu),
                None => format!(" CPU#{} is stuck, and waits for no CPU.", stuck.cpu),
            };
        }
        if way.is_empty() {
            way += " No CPU is stuck in the end.";
        }
        let named = |cpus: &[CpuId]| match cpus {
            [] => "no CPU".to_owned(),
            _ => cpus.iter().map(|cpu| format!("CPU#{cpu}")).collect::<Vec<_>>().join(" and "),
        };
        Err(Failure::new(format!(
            "{name}: expected {:?}, to blame {}; the code says {cause:?}, to blame {}.{way} {}",
            truth.cause,
            named(&truth.cpus),
            named(&cpus),
            match cpus == truth.cpus {
                true => meaning(truth.cause),
                false => {
                    "The CPUs that were reported are those that still take their timer; a wrong name sends its \
                     reader to a healthy CPU, and the machine hangs again next week"
                }
            }
        ))
        .with_detail(report.to_string()))
    }
}

/// Why the cause matters, if the CPU is the right one.
fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::SelfDeadlock => {
            "It holds `die_lock` and waits for it. Its interrupts are off as well, but to switch them on would not set it free"
        }
        Cause::LeakedDieLock => {
            "The task that held `die_lock` is dead, so no CPU can give it back. Each later oops, on any CPU, hangs there too"
        }
        Cause::InterruptsOff => {
            "It waits for no CPU, and takes no interrupt: the bug is in what it runs, and not in a lock"
        }
        Cause::LostIpi => {
            "It took its timer after a call's interrupt was sent to it, so its interrupts are on. To send that \
             interrupt once more sets every caller free; with its interrupts off it would change nothing"
        }
        Cause::WaitingWithInterruptsOff => {
            "Each of them waits with its interrupts off, so none can answer another. Each is at fault as much as the next"
        }
        Cause::SlowCpu => {
            "It answered in the end. A reader who takes that for a hang reboots a machine that is well"
        }
        Cause::Unanswered => {
            "It took the call's interrupt, and its callers still wait: a part of the kernel is wrong, and no task's code is"
        }
        _ => "Each CPU answers. A false alarm costs a reboot, and the next one is not believed",
    }
}

fn run(mut machine: Machine) -> Incident {
    machine.set_host_limits(LIMITS);
    machine.run().expect("these parts come back").incident
}

/// Numbers that no page of the course shows, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        // Knuth's MMIX generator; its upper bits are good.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// All CPUs of a machine, in any order.
    fn cpus(&mut self, nr_cpus: u32) -> Vec<u32> {
        let mut cpus: Vec<u32> = (0..nr_cpus).collect();
        for n in (1..cpus.len()).rev() {
            cpus.swap(n, self.below(n as u64 + 1) as usize);
        }
        cpus
    }
}

fn at(cpu: u32, secs: u64) -> At {
    At { cpu: CpuId(cpu), time: KernelTime::from_secs(secs) }
}

fn no_records() -> Vec<Case> {
    let truth = || Diagnosis { cause: Cause::None, cpus: Vec::new() };
    let config = Config { nr_cpus: 4, until: KernelTime::from_secs(60), ..Config::default() };
    let healthy = run(Machine::new(config, Parts::stock()).expect("it can be set up"));
    let empty = Incident { records: Vec::new(), ..healthy.clone() };
    vec![
        Case { name: "a machine without a record".to_owned(), incident: empty, truth: truth() },
        Case { name: "a minute of an idle machine".to_owned(), incident: healthy, truth: truth() },
    ]
}

/// The article's incident at other times, on other CPUs.
fn article(seed: u64, before: Before) -> NestedOops {
    let config = Config { nr_cpus: 16, ..Config::default() };
    NestedOops { config, arrivals: Arrivals::Seed(seed), before, ..NestedOops::default() }
}

fn articles() -> Vec<Case> {
    let seed = |n: u64| {
        article(
            0x5EED_1000 + 7_919 * n,
            if n.is_multiple_of(2) { Before::Busy } else { Before::Idle },
        )
    };
    let cases = (0..4).map(|n| {
        Case::of(format!("the article's incident, with other victims (run {n})"), &seed(n))
    });
    cases.collect()
}

fn look_alikes() -> Vec<Case> {
    let mut random = Random(0x5EED_2000);
    let mut cases = Vec::new();
    for n in 0..3 {
        let cpus = random.cpus(8);
        let lost = LostIpi {
            deaf: CpuId(cpus[0]),
            callers: vec![at(cpus[1], 60), at(cpus[2], 63 + n), at(cpus[3], 90)],
            ..LostIpi::default()
        };
        cases.push(Case::of(format!("a lost interrupt (run {n})"), &lost));

        let slow = SlowConsole {
            slow: at(cpus[4], 60),
            write_ns: (9 + n) * NSEC_PER_SEC,
            callers: vec![at(cpus[5], 61), at(cpus[6], 62), at(cpus[0], 65)],
            ..SlowConsole::default()
        };
        cases.push(Case::of(format!("a slow console (run {n})"), &slow));
        let endless = SlowConsole {
            write_ns: 400 * NSEC_PER_SEC,
            until: Some(KernelTime::from_secs(100 + n)),
            ..slow
        };
        cases.push(Case::of(
            format!("a console that is still being written to in the end (run {n})"),
            &endless,
        ));

        let leaked = NestedOops {
            die_lock: DieLockPolicy::X86,
            more_oopses: vec![at(9 + n as u32, 300)],
            ..article(0x5EED_2000 + n, Before::Busy)
        };
        cases.push(Case::of(
            format!("x86's die_lock, and an oops after the nested one (run {n})"),
            &leaked,
        ));
    }
    let nesting =
        NestedOops { die_lock: DieLockPolicy::Nesting, ..article(0x5EED_2009, Before::Busy) };
    cases.push(Case::of("a die_lock that nests".to_owned(), &nesting));
    cases
}

fn wait_chains() -> Vec<Case> {
    let mut random = Random(0x5EED_3000);
    let mut case = |n: usize| {
        let mut cpus = random.cpus(8 + n as u32).into_iter();
        let mut secs = 60..;
        let mut next = || Some(at(cpus.next()?, secs.next()?));
        let mut chain = |length| (0..length).map_while(|_| next()).collect::<Vec<At>>();
        let culprit = chain(1)[0];
        let chains = match n {
            0 => vec![chain(3)],
            1 => vec![chain(2), chain(4)],
            2 => vec![chain(6), chain(1)],
            _ => vec![chain(3), chain(3), chain(3)],
        };
        let config = Config { nr_cpus: 8 + n as u32, ..WaitChains::default().config };
        let scenario = WaitChains { config, culprit, chains, until: None };
        Case::of(format!("chains of waits that end at one CPU (run {n})"), &scenario)
    };
    let mut cases: Vec<Case> = (0..4).map(&mut case).collect();
    let name = "a CPU that was slow, and then another one that hangs";
    cases.push(Case::of_machine(name, slow_and_then_stuck(), Cause::InterruptsOff, &[3]));
    cases
}

fn slow_and_then_stuck() -> Machine {
    let mut machine = small(6, 140, Parts::stock());
    for (cpu, from, secs) in [(2, 40, 9), (3, 70, 1_000)] {
        let time = KernelTime::from_secs(from);
        let masked = move |cpu: &Cpu| {
            cpu.run_user_until(time);
            let _irq = irq::disable_local(cpu);
            cpu.spend(secs * NSEC_PER_SEC);
        };
        machine.spawn(CpuId(cpu), Task::new("masked", 300 + cpu, time - 9 * NSEC_PER_SEC, masked));
    }
    calls_all(&mut machine, 5, 41);
    calls_all(&mut machine, 1, 80);
    machine
}

/// What is called: it does nothing.
static NOTHING: CallFunction = CallFunction { name: "do_nothing", func: |_, _| {} };

fn small(nr_cpus: u32, secs: u64, parts: Parts) -> Machine {
    let config = Config { nr_cpus, until: KernelTime::from_secs(secs), ..Config::default() };
    Machine::new(config, parts).expect("it can be set up")
}

/// Has `cpu` call `on` at 60 s, with its interrupts off since a moment before.
fn calls_with_interrupts_off(machine: &mut Machine, cpu: u32, on: u32) {
    let time = KernelTime::from_secs(60);
    let call = move |cpu: &Cpu| {
        cpu.run_user_until(time);
        let _irq = irq::disable_local(cpu);
        cpu.spend(NSEC_PER_SEC);
        smp_call_function_single(cpu, CpuId(on), &NOTHING, 0, Wait::Sync);
    };
    machine.spawn(CpuId(cpu), Task::new("ring", 100 + cpu, time - 9 * NSEC_PER_SEC, call));
}

fn calls_all(machine: &mut Machine, cpu: u32, secs: u64) {
    let time = KernelTime::from_secs(secs);
    let call = move |cpu: &Cpu| {
        cpu.run_user_until(time);
        kick_all_cpus_sync(cpu);
    };
    machine.spawn(CpuId(cpu), Task::new("caller", 200 + cpu, time - 9 * NSEC_PER_SEC, call));
}

fn rings() -> Vec<Case> {
    let pair = |pair: [u32; 2], callers: [u32; 2]| IrqsOffCaller {
        pair: pair.map(CpuId),
        callers: callers.iter().zip(61..).map(|(&cpu, secs)| at(cpu, secs)).collect(),
        ..IrqsOffCaller::default()
    };
    let three = || {
        let mut machine = small(8, 120, Parts::stock());
        for (cpu, on) in [(6, 3), (3, 4), (4, 6)] {
            calls_with_interrupts_off(&mut machine, cpu, on);
        }
        for (cpu, secs) in [(1, 65), (7, 70)] {
            calls_all(&mut machine, cpu, secs);
        }
        machine
    };
    vec![
        Case::of("two CPUs that call each other".to_owned(), &pair([1, 5], [7, 3])),
        Case::of("two others that call each other".to_owned(), &pair([7, 4], [0, 2])),
        Case::of_machine(
            "three CPUs that call each other in a ring",
            three(),
            Cause::WaitingWithInterruptsOff,
            &[3, 4, 6],
        ),
    ]
}

/// A csd lock whose `unlock` forgets some of what is given back.
struct Forgets(fn(u32) -> bool);

impl CsdLock for Forgets {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        if !self.0(flags.load(softlockup::sync::Ordering::Relaxed)) {
            KernelCsdLock.unlock(flags);
        }
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.wait(flags, cpu);
    }
}

fn wrong_parts() -> Vec<Case> {
    let forgets = |forgets: fn(u32) -> bool| Parts::stock().with_csd_lock(Forgets(forgets));
    let mut all = small(6, 120, forgets(|_| true));
    calls_all(&mut all, 4, 60);
    calls_all(&mut all, 2, 70);
    let mut chain = small(6, 120, forgets(|_| true));
    calls_all(&mut chain, 0, 60);
    vec![
        Case::of_machine("an unlock that does nothing", all, Cause::Unanswered, &[0]),
        Case::of_machine("the same, called by CPU 0", chain, Cause::Unanswered, &[1]),
    ]
}

/// What `lab replay` shows.
pub fn replayed(diagnose: Diagnose) -> String {
    let mut text = String::new();
    let cases = [articles(), look_alikes(), wait_chains(), rings()].into_iter().flatten();
    for Case { name, incident, truth } in cases {
        let records = incident.records;
        let said = match ask("a cause", move || diagnose(&records)) {
            Ok((cause, cpus)) => Diagnosis { cause, cpus }.to_string(),
            Err(failure) => failure.message,
        };
        text += &format!("{name}\n    the report: {truth}\n    your code:  {said}\n");
    }
    text
}
