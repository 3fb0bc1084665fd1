//! What a kernel can say, as data.

use crate::cpumask::CpuId;
use crate::dmesg::cpu_list::CpuList;
use crate::dmesg::registers::Registers;
use crate::record::Pid;

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
    /// `Watchdog detected hard LOCKUP on cpu 0`, powerpc's `CPU 32 self-detected hard LOCKUP`, `CPU 15 Hard LOCKUP`.
    HardLockup {
        /// Which CPU takes no interrupts.
        cpu: CpuId,
        /// Which CPU says so, if the line tells: `CPU6: Watchdog detected …`.
        reporter: Option<CpuId>,
    },
    /// powerpc's `CPU 0 detected hard LOCKUP on other CPUs 8,48`.
    HardLockups {
        /// The CPUs that take no interrupts.
        cpus: CpuList,
        /// Which CPU says so.
        reporter: CpuId,
    },
    /// powerpc's `CPU 24 TB:…, last heartbeat TB:… (10043ms ago)`, behind the line of a hard lockup.
    Heartbeat {
        /// Which CPU says so.
        cpu: CpuId,
        /// How long ago, in milliseconds.
        ms_ago: u64,
        /// `last SMP heartbeat`: of all CPUs, and not of this one.
        smp: bool,
    },
    /// powerpc's `CPU 8 became unstuck TB:…`: it takes interrupts again.
    BecameUnstuck {
        /// Which CPU.
        cpu: CpuId,
    },
    /// `Sending NMI from CPU 3 to CPUs 0:`. Whether they answer is another matter.
    BacktraceRequest {
        /// The CPU that asks.
        from: CpuId,
        /// The CPUs that are asked for their backtraces.
        to: CpuList,
    },
    /// `NMI backtrace for cpu 0`: it answered.
    Backtrace {
        /// Which CPU.
        cpu: CpuId,
        /// `skipped: idling at …`: it shows no more, because it is idle.
        idle: bool,
    },
    /// Asked for a backtrace, and silent: `After 10 seconds, these CPUS still haven't responded to the NMI: 5`, powerpc's
    /// `CPU 8 didn't respond to backtrace IPI, inspecting paca.` What follows on the latter is what that CPU's memory
    /// held: perhaps stale.
    NoBacktrace {
        /// Which CPUs.
        cpus: CpuList,
    },
    /// `Task dump for CPU 0:`, where no CPU can be asked.
    TaskDump {
        /// The CPU whose task it is.
        cpu: CpuId,
    },
    /// `task:swapper/3 state:R …`, older `swapper/3 R  running task …`: the head of a task's dump.
    TaskState {
        /// The task's name.
        comm: String,
        /// `R` for runnable, `D`, `S`, `I` and others as `ps` has them.
        state: char,
        /// That task's number, if the line says so.
        pid: Option<Pid>,
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
        /// The kernel's release, `4.19.5`; empty if the line is cut before it.
        release: String,
    },
    /// The program counter of kernel code: `pc : f+0x1/0x2`, `RIP: 0010:f+0x1/0x2`.
    Pc {
        /// In which function.
        symbol: String,
    },
    /// The link register: `lr : f+0x1/0x2`.
    Lr {
        /// In which function.
        symbol: String,
    },
    /// Here kernel code ends, and what follows of the dump is user space: x86's `RIP: 0033:0x7f…`, s390's `User PSW`,
    /// powerpc's `NIP [00007fff…] 0x7fff…`.
    UserMode,
    /// powerpc's `--- interrupt: 900 at f+0x1/0x2`: what follows of the dump is older, and was interrupted here. Newer
    /// kernels show registers behind it, and then say it again.
    Interrupt {
        /// The exception's vector: 0x900 is the decrementer, 0x100 a system reset, 0xc00 a system call.
        vector: u32,
        /// The function that was interrupted, if this line says so and not a `NIP` below it.
        symbol: Option<String>,
    },
    /// Whether interrupts were on: `pstate: 80000005 (Nzcv daif -PAN -UAO)`, x86's `EFLAGS: 00000246`, powerpc's
    /// `IRQMASK: 1` and `irq_soft_mask: 0x01`, s390's `IO:1`, riscv's `status:`, mips's `Status:`, parisc's `PSW:`,
    /// loongarch's `PRMD:`, arm's `Flags:`.
    PState {
        /// The flags as printed.
        text: String,
        /// Interrupts were off: PSTATE.I, or the priority mask of a `pmr_save` line; x86's IF clear.
        irqs_off: bool,
    },
    /// Consecutive lines of registers.
    ///
    /// On arm64 of 4.19 and 6.1 a waiter's x1 holds the flags of its csd. On the article's kernel its x4 is the mask of
    /// the CPUs it called, and x0 the CPU it waits for.
    Regs(Registers),
    /// `Call trace:` and its frames. Where a trace goes on behind the registers of an interrupted context, what
    /// follows is an entry of its own; so is what follows on 512 frames.
    CallTrace {
        /// The functions, innermost first; without those marked `?`, which are guesses.
        frames: Vec<String>,
        /// Where a marker such as `</IRQ>`, `<EOI>` or `Exception stack` says that an interrupt, an NMI or an exception
        /// came in: `frames[at..]` is what it interrupted. Ascending, and perhaps `frames.len()`.
        interrupts: Vec<usize>,
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
    /// arm64's `CPU3: stopping`: it has stopped, so it took an interrupt.
    Stopped {
        /// Which CPU.
        cpu: CpuId,
    },
    /// `SMP: retry stop with NMI for CPUs 0`.
    RetryStop {
        /// Those that have not stopped yet.
        cpus: CpuList,
    },
    /// `SMP: failed to stop secondary CPUs 0`.
    FailedToStop {
        /// Those that did not stop.
        cpus: CpuList,
    },
    /// `Rebooting in 5 seconds..`.
    RebootingIn {
        /// How many.
        secs: u32,
    },
    /// `rcu: INFO: rcu_sched detected stalls on CPUs/tasks:`. An old or an expedited one names CPUs and tasks on the same
    /// line, as in `{ P85 5-...D } 81366 jiffies`: the entries are the same as if they stood on lines of their own.
    RcuStall {
        /// The CPU that reports is the one that stalls.
        self_detected: bool,
        /// Somebody waits in `synchronize_rcu_expedited`.
        expedited: bool,
    },
    /// `rcu: 1-...!: (5229 ticks this GP) idle=…`, or `1-...D` in braces: a CPU that the grace period waits for.
    RcuStallCpu {
        /// Which CPU.
        cpu: CpuId,
        /// The letters behind the number as printed, `...!`; empty on old kernels.
        flags: String,
        /// Whether it took no interrupt in this grace period, as the last flag tells: off for a digit (that many grace
        /// periods ago it was sent an `irq_work`) and for `D`, on for `.`, unknown for others.
        irqs_off: Option<bool>,
        /// `(1 GPs behind)`: how many grace periods have ended that it has not heard of; 0 for `(5229 ticks this GP)`.
        gps_behind: Option<u64>,
        /// `(5229 ticks this GP)`: how many timer ticks it has taken in this grace period.
        ticks: Option<u64>,
        /// It is idle, and in no interrupt: `idle=81c/0/0x0`. Then RCU does not wait for it, but was kept from noticing.
        idle: Option<bool>,
        /// `(false positive?)`: it is idle, and the thread that should have noticed is starved.
        false_positive: bool,
    },
    /// `P850507` in braces, or `Tasks blocked on level-0 rcu_node (CPUs 0-15): P850507`: tasks that were preempted in a
    /// read-side critical section.
    RcuStallTasks {
        /// Their numbers.
        pids: Vec<Pid>,
    },
    /// `(detected by 7, t=65008 jiffies, g=… ncpus=16)`, or `(t=5250 jiffies …)` if the CPU reports itself: for how long.
    RcuStallEnd {
        /// The CPU that reports, if the line says so.
        by: Option<CpuId>,
        /// The age of the grace period, in jiffies.
        jiffies: u64,
        /// How many CPUs are online, if the line says so.
        nr_cpus: Option<u32>,
    },
    /// `rcu: rcu_sched kthread starved for 5227 jiffies! … ->state=0x0 ->cpu=3`.
    RcuKthreadStarved {
        /// For how long, in jiffies.
        jiffies: u64,
        /// It is runnable: it waits for its CPU and for nothing else.
        runnable: Option<bool>,
        /// The CPU on which it last ran, if the line says so.
        cpu: Option<CpuId>,
    },
    /// `rcu: Possible timer handling issue on cpu=1 timer-softirq=…`: a timer of the RCU kthread did not expire there.
    RcuTimerIssue {
        /// Which CPU.
        cpu: CpuId,
    },
    /// `CPU#10 Utilization every 4000ms during lockup:`, behind a soft lockup.
    Utilization {
        /// Which CPU.
        cpu: CpuId,
        /// The length of each of the periods that follow, in milliseconds.
        period_ms: u64,
    },
    /// `#1: 0% system, 0% softirq, 101% hardirq, 0% idle`: one period, in per cent. More than 100 is possible.
    UtilizationRow {
        /// In the kernel.
        system: u32,
        /// In softirqs.
        softirq: u32,
        /// In handlers of interrupts.
        hardirq: u32,
        /// Idle.
        idle: u32,
    },
    /// `CPU#10 Detect HardIRQ Time exceeds 50%. Most frequent HardIRQs:`.
    HardIrqStorm {
        /// Which CPU.
        cpu: CpuId,
        /// The limit, in per cent.
        percent: u32,
    },
    /// `#1: 330985 irq#7(IPI)`: one of the most frequent interrupts.
    HardIrq {
        /// How often.
        count: u64,
        /// Its number.
        irq: u32,
    },
    /// `BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 38s!`.
    WorkqueueLockup {
        /// The CPUs whose pool it is: one, unless it is unbound.
        cpus: CpuList,
        /// For how long, in seconds.
        secs: u64,
    },
    /// `INFO: task kworker/3:1:123 blocked for more than 120 seconds.`
    HungTask {
        /// The task's name.
        comm: String,
        /// Its number.
        pid: Pid,
        /// For how long at least, in seconds.
        secs: u64,
    },
    /// `Linux version 6.1.0-56-amd64 (…)`: the beginning of a boot.
    Booted {
        /// The kernel's release.
        release: String,
    },
    /// `percpu: Embedded 61 pages/cpu s212992 r8192 d28672 u262144`.
    PerCpu {
        /// The distance of two CPUs' areas, in bytes.
        unit_size: u64,
    },
    /// `smp: Brought up 1 node, 4 CPUs`.
    BroughtUp {
        /// How many CPUs are online.
        cpus: u32,
        /// On how many NUMA nodes, if the line says so.
        nodes: Option<u32>,
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
