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
    fuel: Cell<u32>,
    on_relax: RefCell<Option<OnRelax<'a>>>,
}

impl fmt::Debug for FakeCpu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FakeCpu { id, now, fuel, .. } = self;
        let mut debug = f.debug_struct("FakeCpu");
        debug.field("id", id).field("now", now).field("fuel", fuel).finish_non_exhaustive()
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
    /// How often [`attempt`](FakeCpu::attempt) lets a CPU look before it is called stuck.
    pub const FUEL: u32 = 1_000;

    /// A CPU on which nothing else happens.
    pub fn new(id: CpuId) -> Self {
        FakeCpu {
            id,
            now: Cell::new(KernelTime::BOOT),
            fuel: Cell::new(Self::FUEL),
            on_relax: RefCell::new(None),
        }
    }

    /// A CPU that runs `step` at each [`relax`](ThisCpu::relax). `step` is what all other CPUs do meanwhile.
    pub fn with_others(id: CpuId, step: impl FnMut() + 'a) -> Self {
        let cpu = Self::new(id);
        *cpu.on_relax.borrow_mut() = Some(Box::new(step));
        cpu
    }

    /// Runs `code` on this CPU, with all of its [`FUEL`](FakeCpu::FUEL).
    ///
    /// # Errors
    /// [`Stuck`] if `code` called [`relax`](ThisCpu::relax) more than [`FUEL`](FakeCpu::FUEL) times. Its Rust frames
    /// are unwound, without a panic message.
    ///
    /// # Panics
    /// If `code` does.
    pub fn attempt<T>(&self, code: impl FnOnce(&Self) -> T) -> Result<T, Stuck> {
        self.fuel.set(Self::FUEL);
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

    /// One microsecond passes.
    fn relax(&self) {
        let Some(left) = self.fuel.get().checked_sub(1) else {
            resume_unwind(Box::new(Stuck { cpu: self.id, looks: Self::FUEL }));
        };
        self.fuel.set(left);
        self.now.set(self.now.get() + 1_000);
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
