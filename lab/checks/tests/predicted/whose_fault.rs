//! What the records and the console tell of the culprit.

use checks::consoles::real;
use softlockup::config::{Config, Detectors};
use softlockup::dmesg::{Message, parse};
use softlockup::scenario::At;
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Kernel, KernelTime, Parts};

use crate::{run, yes_or_no};

pub(crate) fn who_prints_in_a_chain() -> String {
    let mut scenario = WaitChains::default();
    scenario.chains.truncate(1);
    let reports = run(&scenario, Parts::stock()).report().soft_lockups;
    let cpus: Vec<String> = reports.iter().map(|report| report.cpu.to_string()).collect();
    cpus.join(" and ")
}

fn messages(console: &[u8]) -> Vec<Message> {
    parse(console).into_iter().map(|entry| entry.message).collect()
}

/// CPU 3 keeps its interrupts off, and five CPUs call it.
fn five_soft_lockups(kernel: Kernel) -> Vec<Message> {
    let detectors = Detectors { hardlockup_buddy: None, ..Detectors::of(kernel) };
    let config = Config { nr_cpus: 12, kernel, detectors, ..SlowConsole::default().config };
    let call = |cpu| At { cpu: CpuId(cpu), time: KernelTime::from_secs(60 + u64::from(cpu)) };
    let scenario = SlowConsole {
        config,
        slow: At { cpu: CpuId(3), time: KernelTime::from_secs(60) },
        write_ns: 1_000 * NSEC_PER_SEC,
        callers: [5, 6, 7, 8, 9].map(call).to_vec(),
        until: Some(KernelTime::from_secs(110)),
    };
    messages(run(&scenario, Parts::stock()).console().as_bytes())
}

/// Whether a line names CPU 3, by itself or in the first register of a CPU that waits.
fn names_cpu_3(messages: &[Message]) -> bool {
    messages.iter().any(|message| match message {
        Message::HardLockup { cpu, .. } => *cpu == CpuId(3),
        Message::CsdStall { target, .. } => *target == CpuId(3),
        Message::Regs(regs) => regs.get("x0") == Some(3),
        _ => false,
    })
}

pub(crate) fn a_console_of_six_twelve_names_the_cpu() -> String {
    let soft = |messages: &[Message]| {
        messages.iter().filter(|it| matches!(it, Message::SoftLockup { .. })).count()
    };
    let [old, new] = [Kernel::Arm64V4_19, Kernel::Arm64V6_12].map(five_soft_lockups);
    assert!(soft(&old) >= 5 && soft(&new) >= 5, "five CPUs print");
    let is_pointer = |it: &Message| match it {
        Message::Regs(regs) => regs.get("x0").is_some_and(|x0| x0 >= 4_096),
        _ => false,
    };
    let real = messages(real("a64-612-oops-execbusy-smp4"));
    assert!(real.iter().any(is_pointer), "a real 6.12 keeps a pointer there");
    assert!(names_cpu_3(&old), "the reply to the wrong answer says so");
    yes_or_no(names_cpu_3(&new))
}
