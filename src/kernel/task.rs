//! Tasks: what a CPU runs when it does not idle; and how one dies.
//!
//! In Linux: `struct task_struct`, `kernel/exit.c`, `do_exit`.
//! Here it differs: a task is a closure that stays on its CPU and runs to its end, one after another. A task that is
//! killed loses its Rust frames by unwinding; guards on that stack do nothing, so a kernel lock it held stays held,
//! as in the kernel.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::kernel::cpu::Cpu;
use crate::kernel::{heartbeat, irq, rcu};
use crate::parts::this_cpu::ThisCpu;
use crate::record::{Event, Pid, Symbol};
use crate::time::KernelTime;

/// Work for one CPU.
pub struct Task {
    pub(crate) comm: Symbol,
    pub(crate) pid: Pid,
    pub(crate) start: KernelTime,
    pub(crate) body: Box<dyn FnOnce(&Cpu) + Send>,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} at {}", self.comm, self.pid, self.start)
    }
}

/// The kernel keeps 15 characters of a task's name (`TASK_COMM_LEN` with its end): hence `docker-containe`.
const COMM_LEN: usize = 15;

impl Task {
    /// A task that becomes runnable at `start`. If its CPU is busy then, it runs when the CPU's earlier tasks are
    /// done. `comm` is cut to 15 characters.
    pub fn new(
        comm: impl Into<Symbol>,
        pid: Pid,
        start: KernelTime,
        body: impl FnOnce(&Cpu) + Send + 'static,
    ) -> Self {
        let mut comm = comm.into();
        if let Some((end, _)) = comm.char_indices().nth(COMM_LEN) {
            comm.to_mut().truncate(end);
        }
        Task { comm, pid, start, body: Box::new(body) }
    }
}

/// The payload that unwinds a killed task's frames.
struct Killed;

/// Kills the current task: the end of an oops. Does not come back.
pub(crate) fn do_exit(cpu: &Cpu) -> ! {
    cpu.record(Event::DoExit {
        irqs_off: irq::irqs_disabled(cpu),
        preempt_count: cpu.preempt.count(),
    });
    cpu.shared().die_lock.task_exit(cpu);
    cpu.task.kill();
    resume_unwind(Box::new(Killed));
}

impl Cpu {
    /// The idle loop: runs tasks as they become runnable, in between waits for interrupts. In Linux: `do_idle`.
    pub(crate) fn idle_loop(&self, mut tasks: Vec<Task>) -> ! {
        tasks.sort_by_key(|task| task.start);
        let mut tasks = tasks.into_iter().peekable();
        let mut idled = false;
        loop {
            while let Some(task) = tasks.next_if(|task| task.start <= self.now()) {
                if std::mem::take(&mut idled) {
                    rcu::eqs_exit(self);
                    heartbeat::touch_softlockup_watchdog(self); // tick_nohz_restart_sched_tick
                }
                self.run_task(task);
            }
            idled = true;
            rcu::eqs_enter(self);
            let next = tasks.peek().map(|task| task.start);
            self.wait_for_interrupt(next);
        }
    }

    fn run_task(&self, task: Task) {
        self.task.start(task.pid);
        rcu::note_context_switch(self);
        rcu::tick_start(self);
        self.record(Event::TaskStart { comm: task.comm, pid: task.pid });
        let body = task.body;
        let killed = match catch_unwind(AssertUnwindSafe(|| body(self))) {
            Ok(()) => false,
            Err(payload) if payload.is::<Killed>() => true,
            Err(payload) => resume_unwind(payload),
        };
        self.task.end();
        self.preempt.reset();
        self.record(Event::TaskEnd { killed });
        if irq::irqs_disabled(self) {
            irq::enable_local(self);
        }
    }

    /// Computes in user mode until `until`: takes interrupts, lets the stopper run, does nothing else.
    pub fn run_user_until(&self, until: KernelTime) {
        let enters_eqs = self.is_preemptible() && rcu::eqs_enter(self);
        self.run_until(until);
        if enters_eqs {
            rcu::eqs_exit(self);
        }
    }

    fn run_until(&self, until: KernelTime) {
        // While the machine halts, time stands still for a destructor.
        while self.now() < until && !self.shared().is_halting() {
            self.wait_for_interrupt(Some(until));
        }
        self.shared().check_halt();
    }

    /// Unwinds a task that is being killed, once more if its code caught the unwinding.
    pub(crate) fn check_killed(&self) {
        if self.task.is_killed() && !std::thread::panicking() {
            resume_unwind(Box::new(Killed));
        }
    }

    /// Is busy in the kernel for `ns` nanoseconds without looking at anything: a `udelay`, a slow console. Takes
    /// interrupts if they are on; the stopper runs only if the preemption count lets it.
    pub fn spend(&self, ns: u64) {
        self.run_until(self.now() + ns);
    }
}
