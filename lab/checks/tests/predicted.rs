//! What the machine shows, where `exercises/predictions.toml` asks.

use checks::ex07::posts;
use checks::replay::live;
use softlockup::cpumask::{CpuId, CpuMask};
use softlockup::parts::call_many::{CallMany, CrossCalls, Wait};
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::parts::softlockup::{
    Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict, WarnOnceDetector,
};
use softlockup::scenario::masked_busy::MaskedBusy;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::sync::{AtomicU32, Ordering::*};
use softlockup::vector::Vector;
use softlockup::{Event, Incident, Parts, ThisCpu};

fn article(parts: Parts) -> Incident {
    live(&NestedOops::default(), parts).expect("it ends")
}

/// Forgets what it reported, or takes "touched" for a time.
struct Wrong {
    forgets: bool,
    touched_is_a_time: bool,
}

impl SoftlockupDetector for Wrong {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        WarnOnceDetector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        WarnOnceDetector.touch(heartbeat)
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        if self.touched_is_a_time && heartbeat.touch_ts == 0 {
            let units = context.now;
            return match units > context.softlockup_thresh {
                true => (heartbeat, SoftlockupVerdict::Lockup { units }),
                false => (heartbeat, SoftlockupVerdict::Healthy),
            };
        }
        let (next, verdict) = WarnOnceDetector.sample(heartbeat, context);
        match self.forgets {
            true => (Heartbeat { warned: None, ..next }, verdict),
            false => (next, verdict),
        }
    }
}

#[test]
fn ex02_a_forgetful_detector_reports_again_after_four_seconds() {
    let wrong = Wrong { forgets: true, touched_is_a_time: false };
    let reports = article(Parts::stock().with_softlockup_detector(wrong)).report().soft_lockups;
    assert_eq!(reports.len(), 155);
    let of_35: Vec<_> = reports.iter().filter(|it| it.cpu == CpuId(35)).map(|it| it.time).collect();
    assert_eq!(of_35[1].ns_since(of_35[0]), 4_000_000_000);
}

#[test]
fn ex02_touched_taken_for_a_time_is_the_age_of_the_machine() {
    let wrong = Wrong { forgets: false, touched_is_a_time: true };
    let reports = article(Parts::stock().with_softlockup_detector(wrong)).report().soft_lockups;
    let of_35 = reports.iter().find(|it| it.cpu == CpuId(35)).expect("it is reported");
    assert_eq!((of_35.printed_seconds, of_35.time.ns() / 1_000_000_000), (309, 332));
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

#[test]
fn ex05_with_equal_for_and_no_cpu_reports_itself() {
    let incident = article(Parts::stock().with_csd_lock(EqualInWait));
    assert_eq!(incident.report().soft_lockups.len(), 0);
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

#[test]
fn ex06_the_articles_console_cannot_tell_lifo_from_fifo() {
    let lifo = article(Parts::stock().with_call_queue::<Lifo>());
    assert_eq!(lifo.console(), article(Parts::stock()).console());
}

#[test]
fn ex06_eleven_calls_to_a_masked_cpu_take_one_ipi() {
    let scenario = MaskedBusy::default();
    let to = scenario.masked.at.cpu;
    assert_eq!((to, scenario.callers.len()), (CpuId(4), 11));
    let incident = live(&scenario, Parts::stock()).expect("it ends");
    let is_ipi = |event: &Event| *event == Event::IpiSend { to, vector: Vector::CallFunction };
    assert_eq!(incident.records.iter().filter(|it| is_ipi(&it.event)).count(), 1);
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

#[test]
fn ex07_one_by_one_makes_5_posts_and_not_315() {
    let all = |incident: &Incident| (0..64).map(|cpu| posts(incident, CpuId(cpu))).sum::<usize>();
    assert_eq!(all(&article(Parts::stock())), 315);
    let one_by_one = article(Parts::stock().with_call_many(OneByOne));
    assert_eq!(all(&one_by_one), 5);
    assert_eq!(one_by_one.report().soft_lockups.len(), 5);
}
