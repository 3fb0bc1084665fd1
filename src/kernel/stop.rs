//! Stopping the other CPUs: what a panic, a reboot and a power-off do first.
//!
//! Which CPUs still run is in `online` of each; whether they were asked before, in `state/panic.rs`.
//!
//! In Linux: `arch/arm64/kernel/smp.c`, `smp_send_stop`, `local_cpu_stop`; `arch/x86/kernel/smp.c`,
//! `native_stop_other_cpus`.

use crate::cpumask::CpuMask;
use crate::kernel::cpu::Cpu;
use crate::kernel::irq;
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::vector::Vector;

/// How many turns of a microsecond a CPU waits for the others to stop.
const STOP_TIMEOUT_US: u64 = 1_000_000;

/// How many it waits after the request was repeated as an NMI.
const STOP_NMI_TIMEOUT_US: u64 = 10_000;

/// What `system_state` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// It runs, as it does in a panic: the console says that CPUs are being stopped.
    Running,
    /// It restarts or is switched off: the console says so only if a CPU does not stop.
    GoingDown,
}

/// Asks every other CPU to stop, and waits a second. Then, on arm64 since 6.12 and on x86, asks again by NMI, where
/// there are NMIs. Says which CPUs still run: arm64 up to 6.1 prints `cpu_online_mask`, with the calling CPU in it.
pub(crate) fn smp_send_stop(cpu: &Cpu, system: System) {
    let shared = cpu.shared();
    let kernel = shared.config.kernel;
    let others = others_online(cpu);
    if others.is_empty() || (kernel.stops_once() && !shared.panic.stops_first()) {
        return;
    }
    if system == System::Running {
        cpu.record(Event::StoppingCpus);
    }
    ask_and_wait(cpu, &others, Vector::Stop, timeout_ns(cpu));
    let mut left = others_online(cpu);
    if kernel.retries_the_stop() && shared.config.has_nmi() && !left.is_empty() {
        cpu.record(Event::RetryStop { cpus: left.to_string().into() });
        ask_and_wait(cpu, &left, Vector::StopNmi, delay_ns(cpu, STOP_NMI_TIMEOUT_US));
        left = others_online(cpu);
    }
    if !left.is_empty() {
        if !kernel.retries_the_stop() {
            left.set(cpu.id());
        }
        cpu.record(Event::FailedToStop { cpus: left.to_string().into() });
    }
}

/// In wall-clock time no CPU counts as running on only because the host is late.
fn timeout_ns(cpu: &Cpu) -> u64 {
    delay_ns(cpu, STOP_TIMEOUT_US).max(cpu.shared().config.host_slack_ns())
}

/// What so many turns of `udelay(1)` take.
fn delay_ns(cpu: &Cpu, turns: u64) -> u64 {
    turns * cpu.shared().config.busy_delays.udelay_ns
}

fn ask_and_wait(cpu: &Cpu, cpus: &CpuMask, how: Vector, timeout_ns: u64) {
    cpus.iter().for_each(|other| cpu.send_ipi(other, how));
    let deadline = cpu.now() + timeout_ns;
    while !others_online(cpu).is_empty() && cpu.now() < deadline {
        cpu.relax_until(deadline);
    }
}

fn others_online(cpu: &Cpu) -> CpuMask {
    let mut online = cpu.shared().online_mask();
    online.clear(cpu.id());
    online
}

/// The request to stop arrives. In Linux: `local_cpu_stop`.
pub(crate) fn local_cpu_stop(cpu: &Cpu) -> ! {
    cpu.per_cpu().online.clear();
    cpu.record(Event::Stopped);
    let _irq = irq::disable_local(cpu);
    stop_here(cpu)
}

/// Waits for the end with interrupts off.
pub(crate) fn stop_here(cpu: &Cpu) -> ! {
    loop {
        cpu.wait_for_interrupt(None);
    }
}
