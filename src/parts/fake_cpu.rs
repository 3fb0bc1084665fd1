//! A CPU without a thread, to try a part on. It reports a deadlock at once and does not hang.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::cpumask::CpuId;
use crate::parts::this_cpu::ThisCpu;
use crate::time::KernelTime;

/// A [`ThisCpu`] that runs on the caller's thread and gives up after a number of looks.
///
/// ```
/// use softlockup::CpuId;
/// use softlockup::parts::die_lock::{Arm64DieLock, DieLock};
/// use softlockup::parts::fake_cpu::FakeCpu;
///
/// let die_lock = Arm64DieLock::new();
/// let cpu0 = FakeCpu::new(CpuId(0));
/// assert_eq!(cpu0.attempt(|cpu| die_lock.lock(cpu)), Ok(1));
/// // The article's second oops, on the same CPU: it waits for itself.
/// assert!(cpu0.attempt(|cpu| die_lock.lock(cpu)).is_err());
/// ```
pub struct FakeCpu<'a> {
    id: CpuId,
    now: Cell<KernelTime>,
    /// How many looks are left of this attempt.
    left: Cell<u32>,
    fuel: u32,
    look_ns: u64,
    on_relax: RefCell<Option<OnRelax<'a>>>,
}

impl fmt::Debug for FakeCpu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FakeCpu { id, now, left, .. } = self;
        let mut debug = f.debug_struct("FakeCpu");
        debug.field("id", id).field("now", now).field("left", left).finish_non_exhaustive()
    }
}

type OnRelax<'a> = Box<dyn FnMut() + 'a>;

/// A [`FakeCpu`] used up its fuel: what it waited for did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The CPU that waited.
    pub cpu: CpuId,
    /// How often it looked.
    pub looks: u32,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CPU#{} still waits after {} looks", self.cpu, self.looks)
    }
}

impl<'a> FakeCpu<'a> {
    /// How often [`attempt`](FakeCpu::attempt) lets a CPU look before it is called stuck, unless
    /// [`with_fuel`](FakeCpu::with_fuel) says otherwise.
    pub const FUEL: u32 = 1_000;

    /// How much kernel time passes with each look, in nanoseconds, unless [`with_look_ns`](FakeCpu::with_look_ns) says
    /// otherwise: a microsecond.
    pub const LOOK_NS: u64 = 1_000;

    /// A CPU on which nothing else happens.
    pub fn new(id: CpuId) -> Self {
        FakeCpu {
            id,
            now: Cell::new(KernelTime::BOOT),
            left: Cell::new(Self::FUEL),
            fuel: Self::FUEL,
            look_ns: Self::LOOK_NS,
            on_relax: RefCell::new(None),
        }
    }

    /// The same CPU, which may look `looks` times in each attempt. Many looks find a wait that gives up.
    pub fn with_fuel(self, looks: u32) -> Self {
        FakeCpu { left: Cell::new(looks), fuel: looks, ..self }
    }

    /// The same CPU, on which each look takes `ns` of kernel time. Slow looks find a wait that looks at the clock.
    pub fn with_look_ns(self, ns: u64) -> Self {
        FakeCpu { look_ns: ns, ..self }
    }

    /// A CPU that runs `step` at each [`relax`](ThisCpu::relax). `step` is what all other CPUs do meanwhile.
    pub fn with_others(id: CpuId, step: impl FnMut() + 'a) -> Self {
        let cpu = Self::new(id);
        *cpu.on_relax.borrow_mut() = Some(Box::new(step));
        cpu
    }

    /// Runs `code` on this CPU, with all of its fuel.
    ///
    /// # Errors
    /// [`Stuck`] if `code` called [`relax`](ThisCpu::relax) more often than its fuel permits. Its Rust frames are
    /// unwound, without a panic message.
    ///
    /// # Panics
    /// If `code` does.
    pub fn attempt<T>(&self, code: impl FnOnce(&Self) -> T) -> Result<T, Stuck> {
        self.left.set(self.fuel);
        catch_unwind(AssertUnwindSafe(|| code(self))).map_err(|payload| {
            match payload.downcast::<Stuck>() {
                Ok(stuck) => *stuck,
                Err(panic) => resume_unwind(panic),
            }
        })
    }
}

impl ThisCpu for FakeCpu<'_> {
    fn id(&self) -> CpuId {
        self.id
    }

    fn now(&self) -> KernelTime {
        self.now.get()
    }

    /// The time of one look passes.
    fn relax(&self) {
        let Some(left) = self.left.get().checked_sub(1) else {
            resume_unwind(Box::new(Stuck { cpu: self.id, looks: self.fuel }));
        };
        self.left.set(left);
        self.now.set(self.now.get() + self.look_ns);
        if let Some(step) = self.on_relax.borrow_mut().as_mut() {
            step();
        }
    }

    /// The time until `deadline` passes.
    fn relax_until(&self, deadline: KernelTime) {
        self.relax();
        self.now.set(self.now.get().max(deadline));
    }
}
