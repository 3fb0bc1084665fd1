//! What kernel code may ask of the CPU it runs on.

use crate::cpumask::CpuId;
use crate::time::KernelTime;

/// The CPU that is running this code. A part sees nothing else of the machine.
///
/// The same part runs on a [`Cpu`](crate::Cpu) of the machine, on a [`FakeCpu`](crate::parts::fake_cpu::FakeCpu) without
/// threads, and under loom.
///
/// In Linux: `smp_processor_id()`, `local_clock()`, `cpu_relax()`.
/// Here it differs: an interrupt is taken in [`relax`](ThisCpu::relax) and nowhere between two instructions, so a loop
/// that waits for another CPU *must* call it. The host finds a loop that does not, and ends the run.
pub trait ThisCpu {
    /// This CPU's number.
    fn id(&self) -> CpuId;

    /// Kernel time now.
    fn now(&self) -> KernelTime;

    /// Waits until something may have changed, taking the interrupts that this CPU accepts. Look at your condition
    /// again afterwards: this may return although nothing has changed.
    fn relax(&self);

    /// As [`relax`](ThisCpu::relax), but returns at `deadline` at the latest. On a clock that jumps, a loop that polls
    /// [`now`](ThisCpu::now) sees a deadline late; a loop that calls this does not.
    fn relax_until(&self, deadline: KernelTime);
}

impl<T: ThisCpu + ?Sized> ThisCpu for &T {
    fn id(&self) -> CpuId {
        (**self).id()
    }
    fn now(&self) -> KernelTime {
        (**self).now()
    }
    fn relax(&self) {
        (**self).relax();
    }
    fn relax_until(&self, deadline: KernelTime) {
        (**self).relax_until(deadline);
    }
}
