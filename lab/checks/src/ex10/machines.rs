//! The machines that the cases run on.

use softlockup::config::Config;
use softlockup::kernel::cpu::Cpu;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::irq;
use softlockup::kernel::smp::{kick_all_cpus_sync, smp_call_function_single};
use softlockup::parts::call_many::Wait;
use softlockup::scenario::At;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Incident, KernelTime, Machine, Parts, Task};

use crate::check::LIMITS;

pub(super) fn run(mut machine: Machine) -> Incident {
    machine.set_host_limits(LIMITS);
    machine.run().expect("these parts come back").incident
}

/// Numbers that no page of the course shows, the same each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // Knuth's MMIX generator; its upper bits are good.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// All CPUs of a machine, in any order.
    pub(super) fn cpus(&mut self, nr_cpus: u32) -> Vec<u32> {
        let mut cpus: Vec<u32> = (0..nr_cpus).collect();
        for n in (1..cpus.len()).rev() {
            cpus.swap(n, self.below(n as u64 + 1) as usize);
        }
        cpus
    }
}

pub(super) fn at(cpu: u32, secs: u64) -> At {
    At { cpu: CpuId(cpu), time: KernelTime::from_secs(secs) }
}

/// What is called: it does nothing.
static NOTHING: CallFunction = CallFunction { name: "do_nothing", func: |_, _| {} };

pub(super) fn small(nr_cpus: u32, secs: u64, parts: Parts) -> Machine {
    let config = Config { nr_cpus, until: KernelTime::from_secs(secs), ..Config::default() };
    Machine::new(config, parts).expect("it can be set up")
}

/// Has `cpu` call `on` at 60 s, with its interrupts off since a moment before.
pub(super) fn calls_with_interrupts_off(machine: &mut Machine, cpu: u32, on: u32) {
    let time = KernelTime::from_secs(60);
    let call = move |cpu: &Cpu| {
        cpu.run_user_until(time);
        let _irq = irq::disable_local(cpu);
        cpu.spend(NSEC_PER_SEC);
        smp_call_function_single(cpu, CpuId(on), &NOTHING, 0, Wait::Sync);
    };
    machine.spawn(CpuId(cpu), Task::new("ring", 100 + cpu, time - 9 * NSEC_PER_SEC, call));
}

pub(super) fn calls_all(machine: &mut Machine, cpu: u32, secs: u64) {
    let time = KernelTime::from_secs(secs);
    let call = move |cpu: &Cpu| {
        cpu.run_user_until(time);
        kick_all_cpus_sync(cpu);
    };
    machine.spawn(CpuId(cpu), Task::new("caller", 200 + cpu, time - 9 * NSEC_PER_SEC, call));
}
