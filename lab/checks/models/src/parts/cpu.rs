//! The CPU that a part sees in a model.

use std::cell::Cell;

use softlockup::{CpuId, KernelTime, ThisCpu};

use crate::execution::steps;

/// In a model every look takes this long, in nanoseconds. So a part that gives up after a time does so here.
const LOOK: u64 = 10_000_000_000;

/// One CPU of a model.
#[derive(Debug)]
pub(crate) struct ModelCpu {
    id: CpuId,
    now: Cell<KernelTime>,
}

impl ModelCpu {
    pub(crate) fn new(id: usize) -> Self {
        let id = CpuId(u32::try_from(id).expect("a model has few CPUs"));
        ModelCpu { id, now: Cell::new(KernelTime::BOOT) }
    }
}

impl ThisCpu for ModelCpu {
    fn id(&self) -> CpuId {
        self.id
    }

    fn now(&self) -> KernelTime {
        self.now.get()
    }

    #[track_caller]
    fn relax(&self) {
        self.now.set(self.now.get() + LOOK);
        steps::relax();
    }

    #[track_caller]
    fn relax_until(&self, deadline: KernelTime) {
        self.relax();
        self.now.set(self.now.get().max(deadline));
    }
}
