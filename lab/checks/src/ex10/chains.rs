//! Chains of CPUs that wait for one another, and rings.

use softlockup::config::Config;
use softlockup::incident::report::diagnosis::Cause;
use softlockup::kernel::cpu::Cpu;
use softlockup::kernel::irq;
use softlockup::scenario::At;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, KernelTime, Machine, Parts, Task};

use crate::ex10::case::Case;
use crate::ex10::machines::{Random, at, calls_all, calls_with_interrupts_off, small};

pub(super) fn wait_chains() -> Vec<Case> {
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

pub(super) fn rings() -> Vec<Case> {
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
