//! What a reader knows of each CPU after the records so far. The readers share it, so that they cannot disagree.

use crate::config::Config;
use crate::cpumask::CpuId;
use crate::record::{Event, Pid, Record, Symbol};
use crate::time::KernelTime;
use crate::vector::Vector;
use crate::version::Kernel;

/// The machine as its records tell it.
#[derive(Debug)]
pub(crate) struct View {
    cpus: Vec<CpuView>,
    /// The CPU that holds `die_lock`.
    die_lock_holder: Option<CpuId>,
    die_lock_depth: u32,
    /// The CPU on which a task died that held a level of it.
    die_lock_leaked_on: Option<CpuId>,
    kernel: Kernel,
    /// `kernel.watchdog_thresh`, in seconds.
    pub(crate) watchdog_thresh_secs: u64,
}

/// One CPU as its records tell it.
#[derive(Debug)]
pub(crate) struct CpuView {
    stack: Vec<Frame>,
    /// When it was last heard of.
    pub(crate) last_seen: KernelTime,
    pub(crate) comm: Symbol,
    pub(crate) pid: Pid,
    /// Since when its interrupts are off.
    pub(crate) irqs_off_since: Option<KernelTime>,
    /// What it waits for; a handler's waits lie above those of the task it interrupted.
    csd_waits: Vec<CsdWaitView>,
    /// Since when it wants `die_lock` without having it.
    pub(crate) die_lock_wait: Option<KernelTime>,
    /// The CPUs whose backtraces it waits for.
    pub(crate) asks: Vec<CpuId>,
    pub(crate) fault: Option<FaultView>,
    /// From when the watchdog counts: the stopper's last run. On 4.19 a touch makes it forget that run, and it counts
    /// from the next sample.
    pub(crate) last_feed: Option<KernelTime>,
    /// How many times the timer sampled this CPU since then.
    pub(crate) samples: u32,
    /// It was reported as soft-locked, and not fed since.
    pub(crate) is_soft_locked: bool,
    /// It was asked to stop, and did.
    pub(crate) is_stopped: bool,
    /// It switches the machine off or restarts it, and waits for the others to stop.
    pub(crate) goes_down: bool,
}

#[derive(Clone, Debug)]
enum Frame {
    Func(Symbol),
    /// A function that an exception from kernel code enters.
    Exception {
        func: Symbol,
        irqs_were_off: bool,
    },
    Irq {
        irqs_off_since: Option<KernelTime>,
    },
}

/// A wait for another CPU's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CsdWaitView {
    pub(crate) on: CpuId,
    pub(crate) flags: u32,
    pub(crate) mask: u64,
    pub(crate) since: KernelTime,
}

/// The last fault on a CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultView {
    pub(crate) addr: u64,
}

/// What an exception interrupted: its `pt_regs`, as far as a record tells.
pub(crate) struct Regs<'a> {
    /// The stack, the innermost function first.
    pub(crate) stack: Vec<&'a str>,
    pub(crate) irqs_off: bool,
}

/// The functions at which an exception from kernel code enters: what lies below them on the stack was interrupted.
const EXCEPTION_VECTORS: [&str; 5] =
    ["el1_da", "el1_dbg", "el1h_64_sync", "asm_exc_page_fault", "asm_exc_invalid_op"];

impl View {
    pub(crate) fn new(config: &Config) -> Self {
        let cpu = |n| CpuView {
            stack: Vec::new(),
            last_seen: KernelTime::BOOT,
            comm: format!("swapper/{n}").into(),
            pid: 0,
            irqs_off_since: None,
            csd_waits: Vec::new(),
            die_lock_wait: None,
            asks: Vec::new(),
            fault: None,
            last_feed: None,
            samples: 0,
            is_soft_locked: false,
            is_stopped: false,
            goes_down: false,
        };
        View {
            cpus: (0..config.nr_cpus).map(cpu).collect(),
            die_lock_holder: None,
            die_lock_depth: 0,
            die_lock_leaked_on: None,
            kernel: config.kernel,
            watchdog_thresh_secs: config.watchdog_thresh_secs,
        }
    }

    pub(crate) fn cpu(&self, cpu: CpuId) -> &CpuView {
        &self.cpus[cpu.index()]
    }

    pub(crate) fn nr_cpus(&self) -> usize {
        self.cpus.len()
    }

    /// The CPU that `cpu` waits for: for an answer to a call, or for `die_lock`.
    pub(crate) fn waits_for(&self, cpu: CpuId) -> Option<CpuId> {
        let view = self.cpu(cpu);
        let die_lock = || view.die_lock_wait.and(self.die_lock_holder);
        view.csd_wait().map(|wait| wait.on).or_else(die_lock)
    }

    /// If a CPU waits for a `die_lock` that is never given back, because the task that held it is dead: the CPU on
    /// which that task died.
    pub(crate) fn die_lock_leaked_on(&self, cpu: CpuId) -> Option<CpuId> {
        self.cpu(cpu).die_lock_wait.and(self.die_lock_leaked_on)
    }

    pub(crate) fn apply(&mut self, record: &Record) {
        let &Record { time, cpu, ref event, .. } = record;
        let view = &mut self.cpus[cpu.index()];
        if !matches!(event, Event::HostHang | Event::Dropped { .. }) {
            view.last_seen = time;
        }
        if !event.is_while_asking() {
            view.asks.clear();
        }
        match *event {
            Event::TaskStart { ref comm, pid } => {
                view.comm.clone_from(comm);
                view.pid = pid;
            }
            Event::TaskEnd { killed } => {
                if killed && self.die_lock_holder == Some(cpu) {
                    // Unless the lock's policy gives it back now: then the next CPU that wants it has it at once.
                    self.die_lock_holder = None;
                    self.die_lock_leaked_on = Some(cpu);
                }
                view.comm = format!("swapper/{cpu}").into();
                view.pid = 0;
                view.stack.clear();
                view.csd_waits.clear();
                view.die_lock_wait = None;
                view.fault = None;
            }
            Event::Enter { ref func } => {
                let (func, irqs_were_off) = (func.clone(), view.irqs_off());
                view.stack.push(match EXCEPTION_VECTORS.contains(&&*func) {
                    true => Frame::Exception { func, irqs_were_off },
                    false => Frame::Func(func),
                });
            }
            Event::Exit { ref func } => view.close(func),
            Event::IrqsOff => view.irqs_off_since = Some(time),
            Event::IrqsOn => view.irqs_off_since = None,
            Event::IrqEnter { vector } => {
                let irqs_off_since = view.irqs_off_since;
                view.irqs_off_since = irqs_off_since.or(Some(time));
                view.stack.push(Frame::Irq { irqs_off_since });
                view.samples += u32::from(vector == Vector::Timer);
            }
            Event::IrqExit { .. } => view.end_irq(),
            Event::CsdWait { on, flags, mask } => {
                view.csd_waits.push(CsdWaitView { on, flags, mask, since: time });
            }
            Event::CsdWaitEnd { .. } => _ = view.csd_waits.pop(),
            Event::BacktraceRequest { of } => view.asks = vec![of],
            Event::BacktraceRequests { ref of } => view.asks.clone_from(of),
            // (A CPU that asked one CPU alone still stands where it waits, until it goes on.)
            Event::Backtrace => {
                let asked = self.cpus.iter_mut().filter(|view| view.asks.len() > 1);
                asked.for_each(|view| view.asks.retain(|&of| of != cpu));
            }
            Event::SoftLockup { .. } => view.is_soft_locked = true,
            Event::Stopped => view.is_stopped = true,
            Event::PowerOff | Event::Restart => view.goes_down = true,
            Event::WatchdogThresh { secs } => self.watchdog_thresh_secs = secs,
            Event::Feed => {
                view.count_from(time);
                view.is_soft_locked = false;
            }
            Event::TouchReset if self.kernel == Kernel::Arm64V4_19 => view.count_from(time),
            Event::Fault { addr, .. } => view.fault = Some(FaultView { addr }),
            Event::DieLock => view.die_lock_wait = Some(time),
            Event::DieLockHeld { depth } => {
                view.die_lock_wait = None;
                self.die_lock_holder = Some(cpu);
                self.die_lock_leaked_on = None;
                self.die_lock_depth = depth;
            }
            Event::DieUnlock => {
                self.die_lock_depth = self.die_lock_depth.saturating_sub(1);
                if self.die_lock_depth == 0 {
                    self.die_lock_holder = None;
                }
            }
            _ => {}
        }
    }
}

impl Event {
    /// Whether a CPU that waits for a backtrace records this meanwhile: it sends the request, touches
    /// its watchdog, and takes NMIs.
    fn is_while_asking(&self) -> bool {
        let is_nmi = |vector| matches!(vector, Vector::Perf | Vector::Backtrace);
        match *self {
            Event::Touch | Event::Backtrace | Event::IpiSend { vector: Vector::Backtrace, .. } => {
                true
            }
            Event::IrqEnter { vector } | Event::IrqExit { vector } => is_nmi(vector),
            _ => false,
        }
    }
}

impl CpuView {
    /// Whether its interrupts are off.
    pub(crate) fn irqs_off(&self) -> bool {
        self.irqs_off_since.is_some()
    }

    /// Its wait for another CPU's answer, if it waits.
    pub(crate) fn csd_wait(&self) -> Option<CsdWaitView> {
        self.csd_waits.last().copied()
    }

    /// The CPU whose backtrace it waits for: the first one that has not answered.
    pub(crate) fn asks(&self) -> Option<CpuId> {
        self.asks.first().copied()
    }

    /// Every function on the stack, the innermost first.
    pub(crate) fn stack(&self) -> Vec<&str> {
        names(&self.stack)
    }

    /// What the innermost exception or interrupt on this CPU interrupted; without one, what runs.
    pub(crate) fn regs(&self) -> Regs<'_> {
        let entry = self.stack.iter().rposition(|frame| !matches!(frame, Frame::Func(_)));
        let irqs_off = match entry.map(|entry| &self.stack[entry]) {
            Some(Frame::Exception { irqs_were_off, .. }) => *irqs_were_off,
            Some(Frame::Irq { irqs_off_since }) => irqs_off_since.is_some(),
            _ => self.irqs_off(),
        };
        Regs { stack: names(&self.stack[..entry.unwrap_or(self.stack.len())]), irqs_off }
    }

    fn count_from(&mut self, time: KernelTime) {
        self.last_feed = Some(time);
        self.samples = 0;
    }

    /// Closes a frame, and whatever lies above it: in wall-clock time records can be missing.
    fn close(&mut self, func: &str) {
        let found = self.stack.iter().rposition(|frame| frame.func() == Some(func));
        self.stack.truncate(found.unwrap_or(self.stack.len()));
    }

    fn end_irq(&mut self) {
        let found = self.stack.iter().rposition(|frame| matches!(frame, Frame::Irq { .. }));
        if let Some(entry) = found
            && let Frame::Irq { irqs_off_since } = self.stack[entry]
        {
            self.irqs_off_since = irqs_off_since;
            self.stack.truncate(entry);
        }
    }
}

impl Frame {
    fn func(&self) -> Option<&str> {
        match self {
            Frame::Func(func) | Frame::Exception { func, .. } => Some(func),
            Frame::Irq { .. } => None,
        }
    }
}

fn names(stack: &[Frame]) -> Vec<&str> {
    stack.iter().rev().filter_map(Frame::func).collect()
}
