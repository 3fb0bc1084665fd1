//! What comes of calls from CPU to CPU.

use checks::ex07::posts;
use softlockup::cpumask::{CpuId, CpuMask};
use softlockup::parts::call_many::{CallMany, CrossCalls, Wait};
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::masked_busy::MaskedBusy;
use softlockup::scenario::nested_irq::NestedIrq;
use softlockup::sync::{AtomicU32, Ordering::*};
use softlockup::time::NSEC_PER_SEC;
use softlockup::vector::Vector;
use softlockup::{Event, Incident, KernelTime, Parts, ThisCpu};

use crate::{article, run, yes_or_no};

/// When `caller`, which called at `called`, got its answer from `on`.
fn answered(incident: &Incident, caller: CpuId, called: KernelTime, on: CpuId) -> KernelTime {
    let is_answer =
        |event: &Event| matches!(*event, Event::CsdWaitEnd { on: other } if other == on);
    let mut records = incident.records.iter();
    let end = records.find(|it| it.cpu == caller && it.time > called && is_answer(&it.event));
    end.expect("it is answered").time
}

pub(crate) fn second_of_the_answer() -> String {
    let scenario = NestedIrq::default();
    let (caller, masked) = (scenario.caller, scenario.masked);
    let incident = run(&scenario, Parts::stock());
    let answered = answered(&incident, caller.cpu, caller.time, masked);
    (answered.ns() / NSEC_PER_SEC).to_string()
}

pub(crate) fn seconds_until_a_lost_interrupt_comes_again() -> String {
    let mut scenario = LostIpi::default();
    scenario.config.detectors.csd = true;
    let (first, deaf) = (scenario.callers[0], scenario.deaf);
    assert_eq!((first.cpu, deaf), (CpuId(5), CpuId(3)), "the question says so");
    let incident = run(&scenario, Parts::stock());
    let answered = answered(&incident, first.cpu, first.time, deaf);
    (answered.ns_since(first.time) / NSEC_PER_SEC).to_string()
}

struct EqualInWait;

impl CsdLock for EqualInWait {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        KernelCsdLock.unlock(flags);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
    }
}

pub(crate) fn reports_with_equal_for_and() -> String {
    let incident = article(Parts::stock().with_csd_lock(EqualInWait));
    incident.report().soft_lockups.len().to_string()
}

#[derive(Default)]
struct Lifo(KernelCallQueue);

impl CallQueue for Lifo {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.0.push(csd, links)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut next = self.0.take_all(links);
        let mut newest = None;
        while let Some(csd) = next {
            next = links.link(csd).get();
            links.link(csd).set(newest);
            newest = Some(csd);
        }
        newest
    }
}

pub(crate) fn lifo_changes_the_console() -> String {
    let lifo = article(Parts::stock().with_call_queue::<Lifo>());
    yes_or_no(lifo.console() != article(Parts::stock()).console())
}

pub(crate) fn ipis_for_eleven_calls() -> String {
    let scenario = MaskedBusy::default();
    let to = scenario.masked.at.cpu;
    assert_eq!((to, scenario.callers.len()), (CpuId(4), 11), "the question says so");
    let incident = run(&scenario, Parts::stock());
    let is_ipi = |event: &Event| *event == Event::IpiSend { to, vector: Vector::CallFunction };
    incident.records.iter().filter(|it| is_ipi(&it.event)).count().to_string()
}

struct OneByOne;

impl CallMany for OneByOne {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, _wait: Wait) {
        for target in mask.iter() {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
            cpu.csd_lock_wait(target);
        }
    }
}

pub(crate) fn posts_one_by_one() -> String {
    let all = |incident: &Incident| (0..64).map(|cpu| posts(incident, CpuId(cpu))).sum::<usize>();
    assert_eq!(all(&article(Parts::stock())), 315, "the question says so");
    let one_by_one = article(Parts::stock().with_call_many(OneByOne));
    assert_eq!(one_by_one.report().soft_lockups.len(), 5, "the reply says so");
    all(&one_by_one).to_string()
}
