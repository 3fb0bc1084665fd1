//! What happened on the machine, as data. Console, trace and report are functions of records.
//!
//! Names are Linux's, where Linux traces the same thing (`ipi_send_cpu`, `csd_queue_cpu`, `csd_function_entry`).
//! No fact about the host is in a record: in lockstep the same configuration gives the same bytes everywhere.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::cpumask::CpuId;
use crate::time::KernelTime;
use crate::vector::Vector;

/// The name of a kernel function, a task or a message: borrowed while the machine runs, owned when loaded again.
pub type Symbol = Cow<'static, str>;

/// A process number.
pub type Pid = u32;

/// One thing that happened on one CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its place in the causal order of all records: what comes later never caused what comes earlier.
    pub seq: u64,
    /// When, in kernel time, in nanoseconds since boot.
    #[serde(rename = "time_ns")]
    pub time: KernelTime,
    /// On which CPU.
    pub cpu: CpuId,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The CPU came up and started its watchdog.
    Online,
    /// A task starts to run here.
    TaskStart {
        /// Its name, at most 15 characters.
        comm: Symbol,
        /// Its process number.
        pid: Pid,
    },
    /// The task is over and the CPU idles.
    TaskEnd {
        /// It was killed by an oops.
        killed: bool,
    },
    /// A kernel function is entered.
    Enter {
        /// Its name.
        func: Symbol,
    },
    /// A kernel function is left.
    Exit {
        /// Its name.
        func: Symbol,
    },
    /// Interrupts go off on this CPU: `local_irq_save`.
    IrqsOff,
    /// Interrupts are on again: `local_irq_restore`.
    IrqsOn,
    /// An interrupt is taken.
    IrqEnter {
        /// Which.
        vector: Vector,
    },
    /// Its handler is done.
    IrqExit {
        /// Which.
        vector: Vector,
    },
    /// An interrupt is sent to another CPU.
    IpiSend {
        /// To which CPU.
        to: CpuId,
        /// Which.
        vector: Vector,
    },
    /// A call is posted to another CPU's `call_single_queue`. An [`IpiSend`](Event::IpiSend) follows if the queue was
    /// empty.
    CsdQueue {
        /// To which CPU.
        to: CpuId,
        /// The function to call.
        func: Symbol,
    },
    /// `csd_lock_wait` finds the csd locked and starts to wait.
    CsdWait {
        /// The CPU that has to answer.
        on: CpuId,
        /// The csd's flags: x1 in the article's dump.
        flags: u32,
        /// The first word of the mask of CPUs that were called: x4 in the article's dump.
        mask: u64,
    },
    /// `csd_lock_wait` ends: the csd is free, says the csd lock.
    CsdWaitEnd {
        /// The CPU that had to answer.
        on: CpuId,
    },
    /// This CPU ran a call (or is about to, if its caller does not wait) and frees its csd now.
    CsdUnlock {
        /// The CPU that called.
        from: CpuId,
    },
    /// The stopper ran and fed the watchdog: `softlockup_fn`.
    Feed,
    /// The watchdog was touched: this CPU left a tickless idle.
    Touch,
    /// A sample found the watchdog touched and began a new count.
    TouchReset,
    /// `BUG: soft lockup`: the watchdog's timer reports its own CPU.
    SoftLockup {
        /// The printed number: timestamp units since the last feed.
        printed: u64,
    },
    /// The kernel dereferenced a pointer that leads nowhere.
    Fault {
        /// The address.
        addr: u64,
        /// It was a write.
        write: bool,
        /// The exception syndrome, `ESR_EL1`.
        esr: u32,
    },
    /// `die` wants `die_lock`.
    DieLock,
    /// `die` has it.
    DieLockHeld {
        /// At this nesting depth.
        depth: u32,
    },
    /// `die` gives one level of it back.
    DieUnlock,
    /// `Internal error: Oops`.
    Oops {
        /// Which one since boot: `[#1]`.
        count: u32,
        /// The exception syndrome.
        esr: u32,
    },
    /// The registers, the call trace and the code of the fault are printed.
    ShowRegs,
    /// `oops_exit`: the report is complete.
    OopsEnd,
    /// The task is killed by `do_exit`, in this state.
    DoExit {
        /// Interrupts were still off.
        irqs_off: bool,
        /// What was left of the preemption count.
        preempt_count: u32,
    },
    /// A line that kernel code prints by itself.
    Printk {
        /// The line.
        text: Symbol,
    },
    /// `WARN_ON_ONCE` in the function that runs.
    Warn,
    /// This CPU asks another one what it is doing.
    BacktraceRequest {
        /// Which.
        of: CpuId,
    },
    /// This CPU asks several others at once.
    BacktraceRequests {
        /// Which, in ascending order.
        of: Vec<CpuId>,
    },
    /// A backtrace request arrives, and this CPU prints what it is doing.
    Backtrace,
    /// This CPU is among those that it asks, and prints its own stack.
    OwnBacktrace,
    /// This CPU prints its own stack.
    DumpStack,
    /// `Watchdog detected hard LOCKUP`: this CPU reports another one, or itself from an NMI.
    HardLockup {
        /// The CPU whose timer does not run.
        #[serde(rename = "on")]
        cpu: CpuId,
    },
    /// `rcu: INFO: rcu_sched detected stalls`: this CPU's tick finds a grace period that has been open for too long.
    RcuStall {
        /// It waits for this very CPU.
        self_detected: bool,
    },
    /// This CPU names one of the CPUs that the grace period waits for.
    RcuStallCpu {
        /// Which.
        on: CpuId,
        /// How long the grace period has been open, in nanoseconds.
        age_ns: u64,
    },
    /// The line that ends the list.
    RcuStallAge {
        /// It waits for this very CPU.
        self_detected: bool,
        /// How long the grace period has been open, in nanoseconds.
        age_ns: u64,
    },
    /// `All QSes seen`: it waits for no CPU at all.
    RcuAllSeen {
        /// For how long the kernel thread that would end it has not run, in nanoseconds.
        idle_ns: u64,
    },
    /// The kernel thread that would end the grace period does not run.
    RcuKthreadStarved {
        /// Where it last ran.
        on: CpuId,
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// What that CPU does follows.
    RcuKthreadLastRan,
    /// This CPU prints the registers that an interrupt found.
    ShowIrqRegs,
    /// This CPU prints what the scheduler knows of another one, which it cannot ask.
    TaskDump {
        /// Which.
        of: CpuId,
    },
    /// `csd_lock_wait_toolong`: this CPU has waited too long.
    CsdStall {
        /// Which stall since boot: `(#1)`.
        number: u32,
        /// The CPU that has to answer.
        on: CpuId,
        /// It is the first report of this stall.
        first: bool,
        /// How long it has waited, in nanoseconds.
        waited_ns: u64,
        /// The function that was to be called.
        func: Symbol,
    },
    /// The CPU it waits for runs no call at all.
    CsdUnresponsive {
        /// Which stall.
        number: u32,
    },
    /// The CPU it waits for is running this very call.
    CsdHandlingThis {
        /// Which stall.
        number: u32,
    },
    /// The CPU it waits for is running another call.
    CsdHandlingPrior {
        /// Which stall.
        number: u32,
        /// The other function.
        func: Symbol,
    },
    /// The IPI is sent once more.
    CsdResend {
        /// Which stall.
        number: u32,
        /// To which CPU.
        to: CpuId,
    },
    /// A wait that was reported is over.
    CsdUnstuck {
        /// Which stall.
        number: u32,
        /// The CPU that answered.
        on: CpuId,
    },
    /// `Kernel panic - not syncing`.
    Panic {
        /// Why.
        reason: Symbol,
    },
    /// The panic is complete.
    PanicEnd {
        /// Why.
        reason: Symbol,
    },
    /// `Rebooting in 5 seconds..`, after a panic.
    RebootingIn {
        /// How many.
        secs: u32,
    },
    /// The panicking CPU asks the others to stop.
    StoppingCpus,
    /// It asks again, by NMI.
    RetryStop {
        /// Which CPUs, as a list.
        cpus: Symbol,
    },
    /// It gives up on some.
    FailedToStop {
        /// The list of CPUs that this kernel prints.
        cpus: Symbol,
    },
    /// This CPU stops, as it was asked to.
    Stopped,
    /// `BUG()`.
    Bug,
    /// The machine is switched off from inside.
    PowerOff,
    /// The machine restarts, and so this one ends.
    Restart,
    /// A task wrote `kernel.watchdog_thresh`: every CPU's watchdog is stopped, and started anew.
    WatchdogThresh {
        /// Its new value, in seconds.
        secs: u64,
    },
    /// The host found this CPU running without ever reaching an interruption point.
    HostHang,
    /// This many records of this CPU were lost here: its buffer was full (wall-clock time only).
    Dropped {
        /// How many.
        count: u64,
    },
}

impl Event {
    /// The other CPU that this event is about, if there is one.
    pub fn other_cpu(&self) -> Option<CpuId> {
        match *self {
            Event::IpiSend { to: other, .. }
            | Event::CsdQueue { to: other, .. }
            | Event::CsdWait { on: other, .. }
            | Event::CsdWaitEnd { on: other }
            | Event::CsdUnlock { from: other }
            | Event::BacktraceRequest { of: other }
            | Event::HardLockup { cpu: other }
            | Event::RcuStallCpu { on: other, .. }
            | Event::RcuKthreadStarved { on: other, .. }
            | Event::TaskDump { of: other }
            | Event::CsdStall { on: other, .. }
            | Event::CsdResend { to: other, .. }
            | Event::CsdUnstuck { on: other, .. } => Some(other),
            _ => None,
        }
    }

    /// The other CPUs that this event is about, if it is about several.
    pub fn other_cpus(&self) -> &[CpuId] {
        match self {
            Event::BacktraceRequests { of } => of,
            _ => &[],
        }
    }

    /// Whether a waiting CPU could see a difference, and so has to look again. Other CPUs see no difference when a
    /// timer tick finds its CPU healthy, when a CPU changes its own interrupt flag, or when it waits.
    pub(crate) fn is_visible(&self) -> bool {
        !matches!(
            self,
            Event::IrqEnter { vector: Vector::Timer | Vector::Tick }
                | Event::IrqExit { vector: Vector::Timer | Vector::Tick }
                | Event::Feed
                | Event::Touch
                | Event::TouchReset
                | Event::IrqsOff
                | Event::IrqsOn
                | Event::CsdWait { .. }
                | Event::CsdWaitEnd { .. }
                | Event::DieLock
                | Event::Enter { .. }
                | Event::Exit { .. }
        )
    }
}
