//! What a kernel can say, as data.

use crate::cpumask::CpuId;
use crate::record::Pid;
use crate::time::KernelTime;

/// One thing that a kernel said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stamp of its first line. `None` if the line has none, or one that does not count from boot.
    pub time: Option<KernelTime>,
    /// What it said.
    pub message: Message,
}

/// What a kernel can say.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A pointer led nowhere: `Unable to handle kernel …`, x86's `BUG: kernel NULL pointer dereference`.
    Fault {
        /// The address.
        addr: u64,
        /// It was a write, if a later line says so: `WnR = 1`, `#PF: supervisor write access`.
        write: Option<bool>,
    },
    /// `Internal error: Oops: 96000044 [#1] SMP`, x86's `Oops: 0002 [#1]`, and other reports with such a count.
    Oops {
        /// The exception syndrome on arm64, the exception's error code on x86.
        code: Option<u64>,
        /// Which one since boot: `[#1]`.
        count: u32,
    },
    /// `kernel BUG at kernel/smp.c:312!`: the kernel found itself in an impossible state.
    KernelBug {
        /// Where: `kernel/smp.c:312`.
        at: String,
    },
    /// `BUG: soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]`.
    SoftLockup {
        /// Which CPU reports itself.
        cpu: CpuId,
        /// The printed number: on most kernels units of 2³⁰ ns, whatever the `s` says.
        secs: u64,
        /// The task it runs, if the line is complete.
        comm: Option<String>,
        /// That task's number.
        pid: Option<Pid>,
    },
    /// `Watchdog detected hard LOCKUP on cpu 0`. A line that names several CPUs gives an entry for each.
    HardLockup {
        /// Which CPU takes no interrupts.
        cpu: CpuId,
        /// Which CPU says so, if the line tells: `CPU6: Watchdog detected …`.
        reporter: Option<CpuId>,
    },
    /// `Sending NMI from CPU 3 to CPUs 0:`. Whether they answer is another matter.
    BacktraceRequest {
        /// The CPU that asks.
        from: CpuId,
        /// The CPUs that are asked for their backtraces.
        to: Vec<CpuId>,
    },
    /// `NMI backtrace for cpu 0`: it answered, if only that it is idle.
    Backtrace {
        /// Which CPU.
        cpu: CpuId,
    },
    /// `Task dump for CPU 0:`, where no CPU can be asked.
    TaskDump {
        /// The CPU whose task it is.
        cpu: CpuId,
    },
    /// `csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000020352 ns for CPU#00 do_nothing+0x0/0x4(0x0).`
    CsdStall {
        /// For the first time, or again.
        kind: CsdKind,
        /// Which stall since boot: `(#1)`.
        number: u32,
        /// The CPU that waits, and prints.
        on: CpuId,
        /// For how long, in nanoseconds.
        waiting_ns: u64,
        /// The CPU that has to answer.
        target: CpuId,
        /// The function it was to call.
        func: String,
    },
    /// `csd: CSD lock (#1) unresponsive.`: the target handles no call at all.
    CsdUnresponsive {
        /// Which stall.
        number: u32,
    },
    /// `csd: CSD lock (#1) handling prior f+0x0/0x4(0x0) request.`, or `handling this request`.
    CsdHandling {
        /// Which stall.
        number: u32,
        /// The earlier call that the target still handles; `None` for this one.
        prior: Option<String>,
    },
    /// `csd: Re-sending CSD lock (#2) IPI from CPU#03 to CPU#00`.
    CsdResend {
        /// Which stall.
        number: u32,
        /// The CPU that waits.
        from: CpuId,
        /// The CPU that does not answer.
        to: CpuId,
    },
    /// `csd: CSD lock (#1) got unstuck on CPU#03, CPU#55 released the lock.`
    CsdUnstuck {
        /// Which stall.
        number: u32,
        /// The CPU that waited.
        on: CpuId,
        /// The CPU that answered at last.
        target: CpuId,
    },
    /// `CPU: 0 PID: 58147 Comm: gen_seri_oops/0 Tainted: G           OE     4.19.5 #1`, with or without `UID:`.
    CpuLine {
        /// Which CPU.
        cpu: CpuId,
        /// The number of the task it runs.
        pid: Pid,
        /// That task's name.
        comm: String,
        /// The taint flags without blanks, `GOEL`; empty if not tainted.
        taint: String,
    },
    /// The program counter: `pc : f+0x1/0x2`, `RIP: 0010:f+0x1/0x2`.
    Pc {
        /// In which function.
        symbol: String,
    },
    /// The link register: `lr : f+0x1/0x2`.
    Lr {
        /// In which function.
        symbol: String,
    },
    /// `pstate: 80000005 (Nzcv daif -PAN -UAO)`, x86's `EFLAGS: 00000246`.
    PState {
        /// The flags as printed.
        text: String,
        /// Interrupts were off: PSTATE.I, or the priority mask of a `pmr_save` line; x86's IF clear.
        irqs_off: bool,
    },
    /// Consecutive lines of registers.
    Regs {
        /// arm64's x0.
        x0: Option<u64>,
        /// arm64's x1: for a waiter of 4.19 and 6.1, the flags of its csd.
        x1: Option<u64>,
        /// arm64's x4: for a waiter of the article's kernel, the mask of the CPUs it called.
        x4: Option<u64>,
    },
    /// `Call trace:` and its frames. Where a trace goes on behind the registers of an interrupted context, what
    /// follows is an entry of its own.
    CallTrace {
        /// The functions, innermost first; without those marked `?`, which are guesses.
        frames: Vec<String>,
    },
    /// `---[ end trace 0000000000000000 ]---`: the report is complete.
    EndTrace,
    /// `Kernel panic - not syncing: softlockup: hung tasks`.
    Panic {
        /// Why.
        reason: String,
    },
    /// `SMP: stopping secondary CPUs`.
    StoppingCpus,
    /// `SMP: retry stop with NMI for CPUs 0`.
    RetryStop {
        /// Those that have not stopped yet.
        cpus: Vec<CpuId>,
    },
    /// `SMP: failed to stop secondary CPUs 0`.
    FailedToStop {
        /// Those that did not stop.
        cpus: Vec<CpuId>,
    },
    /// `Rebooting in 5 seconds..`.
    RebootingIn {
        /// How many.
        secs: u32,
    },
    /// `rcu: INFO: rcu_sched detected stalls on CPUs/tasks:`.
    RcuStall {
        /// The CPU that reports is the one that stalls.
        self_detected: bool,
    },
    /// `rcu: 1-...!: (5229 ticks this GP) idle=…`: a CPU that the grace period waits for.
    RcuStallCpu {
        /// Which CPU.
        cpu: CpuId,
    },
    /// `rcu: rcu_sched kthread starved for 5227 jiffies! … ->cpu=3`.
    RcuKthreadStarved {
        /// The CPU on which it last ran, if the line says so.
        cpu: Option<CpuId>,
    },
    /// `note: kill[2031] exited with preempt_count 1`, or `with irqs disabled`.
    NoteExited {
        /// The task's name.
        comm: String,
        /// Its number.
        pid: Pid,
        /// Interrupts were still off.
        irqs_off: bool,
        /// What was left of the preemption count, if it says so.
        preempt_count: Option<u32>,
    },
    /// Any other line, without its prefix and the blanks around it.
    Other(String),
}

/// Which of its reports a stalled call prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsdKind {
    /// `Detected non-responsive CSD lock`.
    Detected,
    /// `Continued non-responsive CSD lock`.
    Continued,
}
