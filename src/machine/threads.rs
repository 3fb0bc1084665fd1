//! A machine's threads: how they are created, supervised and ended.
//!
//! In Linux: `kernel/cpu.c`, `bringup_nonboot_cpus`; `kernel/smpboot.c`. Here it differs: the host boots the machine,
//! and ends it.

use std::any::Any;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use core_affinity::CoreId;

use crate::config::Config;
use crate::config::clock::{Clock, HostLimits};
use crate::cpumask::CpuId;
use crate::hardware::clock::ClockSource;
use crate::host;
use crate::kernel::cpu::Cpu;
use crate::kernel::shared::{Halted, Panic, Shared};
use crate::kernel::task::Task;
use crate::kernel::{rcu, watchdog};
use crate::machine::hang::HangDetector;
use crate::record::{Event, Record};

/// A CPU's stack. Kernel stacks are 16 KiB; Rust's frames, unwinding and a debug build want more.
const STACK_SIZE: usize = 512 * 1024;

/// How often the host looks after a running machine.
const SUPERVISION: Duration = Duration::from_millis(20);

/// A machine whose threads exist. Dropping it halts it and waits for them, also if the observer of its records panics.
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    hangs: RefCell<HangDetector>,
}

impl Running {
    /// Starts a thread for each CPU. Each waits for the clock.
    pub(crate) fn boot(
        shared: Arc<Shared>,
        tasks: Vec<Vec<Task>>,
        pins: &[(CpuId, usize)],
        limits: HostLimits,
    ) -> Result<Self, (CpuId, io::Error)> {
        let core_of = choose_cores(&shared.config, pins);
        let mut running = Running {
            shared,
            threads: Vec::with_capacity(tasks.len()),
            hangs: RefCell::new(HangDetector::new(limits)),
        };
        for (n, tasks) in tasks.into_iter().enumerate() {
            let cpu = CpuId::from(n);
            let core = core_of(cpu);
            let on_thread = Arc::clone(&running.shared);
            let spawned = std::thread::Builder::new()
                .name(format!("cpu/{cpu}"))
                .stack_size(STACK_SIZE)
                .spawn(move || run_cpu(on_thread, cpu, core, tasks))
                .map_err(|error| (cpu, error))?;
            running.shared.clock.thread_of(cpu, spawned.thread());
            running.threads.push(spawned);
        }
        Ok(running)
    }

    /// Looks after a running machine until its threads are gone: takes their records, halts it when wall-clock time is
    /// over, and gives up on threads that never reach an interruption point. Returns the CPUs of those.
    pub(crate) fn supervise(&self, mut take: impl FnMut(Vec<Record>)) -> Vec<CpuId> {
        let (shared, mut hangs) = (&self.shared, self.hangs.borrow_mut());
        loop {
            let over = {
                let mut threads = shared.threads.lock();
                if !hangs.all_accounted_for(shared) {
                    shared.thread_ended.wait_for(&mut threads, patience(shared));
                }
                hangs.all_accounted_for(shared)
            };
            drop(hangs);
            take(shared.recorder.take());
            hangs = self.hangs.borrow_mut();
            if over {
                return hangs.hung().to_vec();
            }
            if shared.clock.is_wall() && shared.clock.now() >= shared.config.until {
                shared.halt();
            }
            if hangs.check(shared) {
                shared.halt();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let shared = &self.shared;
        for never_born in self.threads.len()..shared.config.nr_cpus as usize {
            shared.per_cpu(CpuId::from(never_born)).thread.set_gone();
        }
        shared.halt();
        self.supervise(drop);
        for (n, thread) in self.threads.drain(..).enumerate() {
            // A thread that is not gone by now never will be: it is left behind.
            if shared.per_cpu(CpuId::from(n)).thread.is_gone() {
                _ = thread.join(); // its end is in `Threads`, whatever it was
            }
        }
    }
}

/// Which core each CPU's thread is pinned to. In lockstep all CPUs share one core, because handing the turn to a thread
/// on another core costs ten times as much; machines that run at the same time take different cores. `pins` come first.
fn choose_cores<'a>(
    config: &Config,
    pins: &'a [(CpuId, usize)],
) -> impl Fn(CpuId) -> Option<CoreId> + use<'a> {
    // Written by every machine that boots (Relaxed: a count).
    static MACHINES: AtomicUsize = AtomicUsize::new(0);
    let cores = host::cores();
    let machine = MACHINES.fetch_add(1, Relaxed);
    let lockstep = matches!(config.clock, Clock::Lockstep { .. });
    move |cpu| {
        let n = if lockstep { machine } else { cpu.index() };
        match pins.iter().rfind(|(pinned, _)| *pinned == cpu) {
            Some(&(_, id)) => Some(CoreId { id }),
            None => cores.get(n % cores.len().max(1)).copied(),
        }
    }
}

impl Cpu {
    /// Comes online and idles for ever; only halting, or a Rust panic in a task, ends it. In Linux:
    /// `secondary_start_kernel`, `cpu_startup_entry`.
    fn start(&self, tasks: Vec<Task>) -> Infallible {
        self.shared().check_halt();
        self.per_cpu().own.current_csd.allow_backtrace();
        rcu::rcutree_online_cpu(self);
        self.per_cpu().online.set();
        self.record(Event::Online);
        watchdog::watchdog_enable(self);
        self.idle_loop(tasks)
    }
}

/// The whole life of a CPU's thread.
fn run_cpu(shared: Arc<Shared>, id: CpuId, core: Option<CoreId>, tasks: Vec<Task>) {
    let pinned = core.is_some_and(host::pin);
    if let Some(thread) = host::thread_id() {
        shared.per_cpu(id).thread.set_id(thread);
    }
    let cpu = Cpu::new(Arc::clone(&shared), id);
    let end = catch_unwind(AssertUnwindSafe(|| {
        shared.clock.bring_up(&*shared, id);
        cpu.start(tasks)
    }));
    let Err(payload) = end;
    let panic = (!payload.is::<Halted>()).then(|| {
        let message = message_of(&*payload);
        Panic { cpu: id, time: shared.clock.now(), message }
    });
    if panic.is_some() {
        shared.halt();
    }
    let mut threads = shared.threads.lock();
    shared.per_cpu(id).thread.set_gone();
    threads.refused_pins += usize::from(!pinned);
    threads.panic = threads.panic.take().or(panic);
    shared.thread_ended.notify_one();
}

/// What a panic said.
fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// How long the host may wait until it looks again.
fn patience(shared: &Shared) -> Duration {
    match &shared.clock {
        ClockSource::Wall(clock) if !shared.is_halting() => {
            clock.host_duration(shared.config.until.ns_since(clock.now())).min(SUPERVISION)
        }
        _ => SUPERVISION,
    }
}
