//! Calls through a mailbox in wall-clock time: each is answered, once and in order, whatever the host does; and where
//! the CPUs' threads run.

#[path = "common/random.rs"]
mod random;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

use softlockup::config::BringUp;
use softlockup::cpumask::CpuMask;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::smp::{smp_call_function_many, smp_call_function_single};
use softlockup::kernel::{irq, preempt};
use softlockup::machine::Run;
use softlockup::parts::call_many::Wait;
use softlockup::{Clock, Config, Cpu, CpuId, KernelTime, Machine, Parts, Task, ThisCpu};

use random::Random;

const MS: u64 = 1_000_000;

fn at(ms: u64) -> KernelTime {
    KernelTime::from_ns(ms * MS)
}

/// What was called in wall-clock time, by target and caller. Several machines run at once, each with its own.
struct Ledger {
    nr_cpus: u32,
    /// The last call that ran, and how many did: written by the target, and read by the caller once it was answered.
    ran: Vec<[AtomicU64; 2]>,
    up: AtomicU32,
    done: AtomicU32,
}

static LEDGERS: [OnceLock<Ledger>; 8] = [const { OnceLock::new() }; 8];

impl Ledger {
    /// A new one, and its number.
    fn open(nr_cpus: u32) -> (u64, &'static Ledger) {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let number = OPENED.fetch_add(1, Relaxed);
        let ran = (0..nr_cpus * nr_cpus).map(|_| Default::default()).collect();
        let ledger = Ledger { nr_cpus, ran, up: AtomicU32::new(0), done: AtomicU32::new(0) };
        (number as u64, LEDGERS[number].get_or_init(|| ledger))
    }

    fn ran(&self, target: CpuId, caller: CpuId) -> &[AtomicU64; 2] {
        &self.ran[(target.0 * self.nr_cpus + caller.0) as usize]
    }
}

/// Called with its caller's number, which says whose call it is and which: a ledger, a CPU, a count.
static NOTE: CallFunction = CallFunction {
    name: "note",
    func: |cpu, info| {
        let (ledger, caller) = (LEDGERS[(info >> 56) as usize].get().unwrap(), info >> 40 & 0xffff);
        let [last, count] = ledger.ran(cpu.id(), CpuId(caller as u32));
        assert!(irq::irqs_disabled(cpu));
        assert!(last.swap(info, Relaxed) < info, "it ran twice, or overtook");
        count.fetch_add(1, Relaxed);
    },
};

/// Every CPU of a machine calls.
fn every_call_runs_once(nr_cpus: u32, record: bool, calls: u64) {
    let (number, ledger) = Ledger::open(nr_cpus);
    let mut machine = mailboxes(wall(nr_cpus, record));
    for n in 0..nr_cpus {
        let body = move |cpu: &Cpu| {
            ledger.up.fetch_add(1, AcqRel);
            relax_until(cpu, || ledger.up.load(Acquire) == nr_cpus);
            call_at_random(cpu, number, ledger, calls);
            if ledger.done.fetch_add(1, AcqRel) + 1 == nr_cpus {
                cpu.power_off();
            }
        };
        machine.spawn(CpuId(n), Task::new("caller", n, at(1), body));
    }
    run_to_power_off(machine);
}

/// Calls CPUs drawn at random: mostly CPU 0, which calls, too. A CPU that draws itself calls all others. At last it
/// calls each CPU once more, and waits for the answer.
fn call_at_random(cpu: &Cpu, number: u64, ledger: &Ledger, calls: u64) {
    let mut random = Random(cpu.id().0.into());
    let mut sent = vec![0; cpu.nr_cpus() as usize];
    let all = CpuMask::all(cpu.nr_cpus());
    let others: Vec<_> = all.iter().filter(|&target| target != cpu.id()).collect();
    for n in 1..=calls + others.len() as u64 {
        if random.chance(5) {
            let _irq = irq::disable_local(cpu);
            (0..random.below(100)).for_each(|_| cpu.relax());
        }
        let any = CpuId(random.below(cpu.nr_cpus().into()) as u32);
        let drawn = (if random.chance(70) { CpuId::BOOT } else { any }, random.wait());
        let last = n.checked_sub(calls + 1).map(|n| (others[n as usize], Wait::Sync));
        let (target, wait) = last.unwrap_or(drawn);
        let info = number << 56 | u64::from(cpu.id().0) << 40 | n;
        let targets = if target == cpu.id() {
            let preempt = preempt::disable(cpu);
            smp_call_function_many(cpu, &all, &NOTE, info, wait, &preempt);
            &others[..]
        } else {
            smp_call_function_single(cpu, target, &NOTE, info, wait);
            &[target]
        };
        for target in targets {
            sent[target.index()] += 1;
            let ran = ledger.ran(*target, cpu.id()).each_ref().map(|word| word.load(Relaxed));
            assert!(
                wait == Wait::Async || ran == [info, sent[target.index()]],
                "it returned early"
            );
        }
    }
}

static NOTHING: CallFunction = CallFunction { name: "nothing", func: |_, _| {} };

/// A call that is never answered lasts until ten minutes of the host's are over: more than the busiest host needs.
fn wall(nr_cpus: u32, record: bool) -> Config {
    let bring_up = BringUp { first_ns: 0, per_cpu_ns: 0, tick_ns: 0, tick_offset_ns: 0 };
    let (clock, until) = (Clock::Wall { ratio: 100.0 }, at(60_000_000));
    Config { nr_cpus, clock, until, bring_up, record, ..Config::default() }
}

fn mailboxes(config: Config) -> Machine {
    Machine::new(config, Parts::stock().with_mailboxes()).unwrap()
}

fn run_to_power_off(machine: Machine) -> Run {
    let run = machine.run().unwrap();
    assert!(run.host.hung.is_empty(), "{:?}", run.host);
    assert!(run.incident.ended < run.incident.config.until, "a CPU waits for ever");
    run
}

fn relax_until(cpu: &Cpu, mut done: impl FnMut() -> bool) {
    while !done() {
        cpu.relax();
    }
}

#[test]
fn every_call_runs_once_and_in_order_in_wall_clock_time() {
    let more_than_cores = std::thread::available_parallelism().map_or(3, |n| n.get() as u32 + 2);
    for record in [false, true] {
        every_call_runs_once(2, record, if record { 5_000 } else { 50_000 });
        every_call_runs_once(more_than_cores, record, 300);
    }
}

/// Its watchdog is off, so that nothing but a call wakes it.
#[test]
fn a_letter_wakes_a_cpu_that_sleeps() {
    static RAN: AtomicU32 = AtomicU32::new(0);
    static COUNT: CallFunction =
        CallFunction { name: "count", func: |_, _| _ = RAN.fetch_add(1, Relaxed) };
    static UP: AtomicBool = AtomicBool::new(false);
    let mut machine = mailboxes(Config { watchdog_thresh_secs: 0, ..wall(2, false) });
    machine.spawn(CpuId(0), Task::new("up", 1, at(0), |_| UP.store(true, Release)));
    machine.spawn(
        CpuId(1),
        Task::new("caller", 2, at(0), |cpu| {
            relax_until(cpu, || UP.load(Acquire));
            for n in 1..=10_000 {
                smp_call_function_single(cpu, CpuId(0), &COUNT, 0, Wait::Sync);
                assert_eq!(RAN.load(Relaxed), n);
                (0..n % 64).for_each(|_| cpu.relax()); // it lies down about now
            }
            cpu.power_off();
        }),
    );
    run_to_power_off(machine);
}

/// CPU 1 posts a letter to CPU 0, whose interrupts are off, and CPU 2 a call behind it.
#[test]
fn what_was_posted_while_interrupts_were_off_runs_in_order_when_they_come_on() {
    static RAN: AtomicU64 = AtomicU64::new(0);
    static APPEND: CallFunction = CallFunction {
        name: "append",
        func: |_, n| RAN.store(10 * RAN.load(Relaxed) + n, Relaxed),
    };
    /// Whose step it is.
    static STEP: AtomicU32 = AtomicU32::new(0);
    let rounds = 50;
    for record in [false, true] {
        STEP.store(0, Release);
        let mut machine = mailboxes(wall(3, record));
        machine.spawn(
            CpuId(0),
            Task::new("masked", 1, at(0), move |cpu| {
                for round in 0..rounds {
                    let irq = irq::disable_local(cpu);
                    STEP.store(4 * round + 1, Release);
                    relax_until(cpu, || STEP.load(Acquire) == 4 * round + 3);
                    assert_eq!(RAN.swap(0, Relaxed), 0, "interrupts are off");
                    drop(irq);
                    assert_eq!(RAN.swap(0, Relaxed), 12);
                    relax_until(cpu, || STEP.load(Acquire) == 4 * round + 4);
                }
                cpu.power_off();
            }),
        );
        machine.spawn(
            CpuId(1),
            Task::new("sync", 2, at(0), move |cpu| {
                for round in 0..rounds {
                    relax_until(cpu, || STEP.load(Acquire) == 4 * round + 1);
                    STEP.store(4 * round + 2, Release);
                    smp_call_function_single(cpu, CpuId(0), &APPEND, 1, Wait::Sync);
                    STEP.store(4 * round + 4, Release);
                }
            }),
        );
        machine.spawn(
            CpuId(2),
            Task::new("async", 3, at(0), move |cpu| {
                for round in 0..rounds {
                    relax_until(cpu, || STEP.load(Acquire) == 4 * round + 2);
                    // CPU 1 answers where it waits, so its letter is posted.
                    smp_call_function_single(cpu, CpuId(1), &NOTHING, 0, Wait::Sync);
                    smp_call_function_single(cpu, CpuId(0), &APPEND, 2, Wait::Async);
                    STEP.store(4 * round + 3, Release);
                }
            }),
        );
        run_to_power_off(machine);
    }
}

/// In a process of its own (`--exact --ignored`, by the test below): whatever it prints to stderr is its own.
#[test]
#[ignore = "run by machines_full_of_calls_halt_quietly"]
fn halt_machines_full_of_calls() {
    for n in 0..200 {
        let nr_cpus = 2 + n % 3;
        let turns = if nr_cpus == 2 { 2_000 } else { 50 }; // few where threads may have to share a core
        let mut machine = mailboxes(wall(nr_cpus, n % 4 == 0));
        for cpu in 0..nr_cpus {
            let mut random = Random(u64::from(1_000 * n + cpu));
            let body = move |cpu: &Cpu| {
                let last_turn = random.below(turns);
                for turn in 0.. {
                    let target = CpuId(random.below(cpu.nr_cpus().into()) as u32);
                    smp_call_function_single(cpu, target, &NOTHING, turn, random.wait());
                    cpu.relax();
                    if turn == last_turn {
                        cpu.power_off();
                    }
                }
            };
            machine.spawn(CpuId(cpu), Task::new("caller", cpu, at(0), body));
        }
        run_to_power_off(machine);
    }
}

#[test]
fn machines_full_of_calls_halt_quietly() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "--nocapture", "halt_machines_full_of_calls"]);
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
    assert_eq!(errors, "", "a halt is quiet");
}

#[test]
fn a_pin_is_kept_or_counted_as_refused() {
    let mine = core_affinity::get_core_ids().unwrap().last().unwrap().id;
    for clock in [Clock::default(), Clock::Wall { ratio: 100.0 }] {
        let pinned_to = |core| {
            let config = Config { nr_cpus: 3, clock, ..wall(3, true) };
            let mut machine = Machine::new(config, Parts::stock()).unwrap();
            machine.pin(CpuId(1), core);
            let look = move |cpu: &Cpu| {
                let cores = core_affinity::get_core_ids().unwrap_or_default();
                cpu.printk(if cores.len() == 1 && cores[0].id == core { "there" } else { "not" });
                cpu.power_off();
            };
            machine.spawn(CpuId(1), Task::new("look", 1, at(1_000), look));
            let run = run_to_power_off(machine);
            let console = run.incident.console();
            (run.host.refused_pins, ["there", "not"].map(|word| console.matches(word).count()))
        };
        assert_eq!(pinned_to(mine), (0, [1, 0]));
        for core in [1023, 4095] {
            assert_eq!(pinned_to(core), (1, [0, 1])); // and runs all the same
        }
    }
}

#[test]
#[should_panic(expected = "the machine has no CPU#2")]
fn a_cpu_that_does_not_exist_cannot_be_pinned() {
    let config = Config { nr_cpus: 2, ..Config::default() };
    Machine::new(config, Parts::stock()).unwrap().pin(CpuId(2), 0);
}
