//! Three CPUs in a ring, each with a csd of its own: every CPU calls the next one, and answers while it waits.

use std::sync::Arc;

use softlockup::parts::csd_lock::CsdLock;
use softlockup::sync::{AtomicU32, Ordering::*};
use softlockup::{CpuId, KernelTime, ThisCpu};

use super::cpu::ModelCpu;
use super::csd_lock::Call;
use crate::execution::cpus::{Body, on_cpus};
use crate::execution::steps::call;
use crate::search::Model;

const CPUS: &[&str] = &["CPU#0", "CPU#1", "CPU#2"];
const RULE: &str = "CPUs that call each other in a ring all get their answers";
const CALLS: u32 = 2;

/// For shuttle.
pub(super) fn model<C: CsdLock>(new: fn() -> C) -> Model {
    Model::new("csd_lock/ring", RULE, CPUS, move || ring(new)).without_loom()
}

/// A CPU that answers at each `relax`, as one with its interrupts on does.
struct AnsweringCpu<C> {
    cpu: ModelCpu,
    shared: Arc<(C, Vec<Call>)>,
}

impl<C: CsdLock> AnsweringCpu<C> {
    fn interruption_point(&self) {
        let (csd_lock, calls) = &*self.shared;
        calls[(self.cpu.id().index() + calls.len() - 1) % calls.len()].answer(csd_lock);
    }
}

impl<C: CsdLock> ThisCpu for AnsweringCpu<C> {
    fn id(&self) -> CpuId {
        self.cpu.id()
    }

    fn now(&self) -> KernelTime {
        self.cpu.now()
    }

    #[track_caller]
    fn relax(&self) {
        self.interruption_point();
        self.cpu.relax();
    }

    #[track_caller]
    fn relax_until(&self, deadline: KernelTime) {
        self.interruption_point();
        self.cpu.relax_until(deadline);
    }
}

fn ring<C: CsdLock>(new: fn() -> C) {
    let shared = Arc::new((new(), CPUS.iter().map(|_| Call::new()).collect::<Vec<_>>()));
    let at_work = Arc::new(AtomicU32::new(CPUS.len() as u32));
    let bodies = (0..CPUS.len()).map(|id| {
        let (shared, at_work) = (Arc::clone(&shared), Arc::clone(&at_work));
        Box::new(move || {
            let cpu = AnsweringCpu { cpu: ModelCpu::new(id), shared: Arc::clone(&shared) };
            let (csd_lock, csd) = (&shared.0, &shared.1[id]);
            for request in 1..=CALLS {
                call("csd_lock()", || csd_lock.lock(&csd.flags, &cpu));
                csd.expect_answer(request - 1);
                csd.post(request, request == CALLS);
            }
            call("csd_lock_wait()", || csd_lock.wait(&csd.flags, &cpu));
            csd.expect_answer(CALLS);
            at_work.fetch_sub(1, Relaxed);
            while at_work.load(Relaxed) != 0 {
                cpu.relax();
            }
        }) as Body
    });
    on_cpus(bodies.collect());
}
