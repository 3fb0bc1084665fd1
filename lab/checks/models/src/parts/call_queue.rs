//! The models of a [`CallQueue`]: some CPUs post calls, CPU 0 takes what is there when it gets an IPI, and only then.

use std::sync::{Arc, Mutex, PoisonError};

use softlockup::parts::call_queue::{CallQueue, CsdId, Link};
use softlockup::sync::{AtomicBool, Ordering::*};

use crate::execution::cpus::{Body, on_cpus};
use crate::execution::data::Data;
use crate::execution::steps::{call, expect, note};
use crate::search::Model;

const CPUS: &[&str] =
    &["CPU#0 (owns the queue)", "CPU#1 (posts)", "CPU#2 (posts)", "CPU#3 (posts)"];
const REQUESTS: [&str; 4] = ["request 0", "request 1", "request 2", "request 3"];
const RULE: &str = "no call is lost, taken twice, or left in the queue without an IPI on its way; \
                    the calls of one CPU keep their order; and who takes a call sees its request";

/// The models, the smallest first.
pub(crate) fn models<Q: CallQueue>(new: fn() -> Q) -> Vec<Model> {
    let model = |name, posters: &'static [&'static [u32]], looks| {
        Model::new(name, RULE, CPUS, move || posts(new, posters, looks))
    };
    vec![
        model("call_queue/one", &[&[0]], 1),
        model("call_queue/two-of-one-cpu", &[&[0, 1]], 1),
        model("call_queue/one-and-one", &[&[0], &[1]], 1),
        model("call_queue/two-and-one", &[&[0, 1], &[2]], 1),
        model("call_queue/two-and-one-and-one", &[&[0, 1], &[2], &[3]], 2).without_loom(),
    ]
}

struct Owner<Q> {
    queue: Q,
    links: Vec<Link>,
    requests: Vec<Data<u32>>,
    ipi: AtomicBool,
}

impl<Q: CallQueue> Owner<Q> {
    fn new(queue: Q, calls: usize) -> Self {
        Owner {
            queue,
            links: (0..calls).map(|_| Link::new()).collect(),
            requests: REQUESTS.iter().take(calls).map(|name| Data::new(name, 0)).collect(),
            ipi: AtomicBool::new(false),
        }
    }

    fn post(&self, csd: u32) {
        self.requests[csd as usize].set(csd + 10);
        if call("push()", || self.queue.push(CsdId(csd), &self.links[..])) {
            self.ipi.swap(true, SeqCst); // not `store`: loom would let the owner's `swap` overlook it
            note(format!("posted call {csd}: the queue was empty, sends the IPI"));
        } else {
            note(format!("posted call {csd}: the queue was not empty, no IPI"));
        }
    }

    fn interruption_point(&self, taken: &mut Vec<u32>) {
        if !self.ipi.swap(false, SeqCst) {
            return;
        }
        note("takes the IPI");
        let mut next = call("take_all()", || self.queue.take_all(&self.links[..]));
        while let Some(CsdId(csd)) = next {
            let calls = self.links.len();
            expect((csd as usize) < calls, || format!("call {csd} was never posted"));
            expect(!taken.contains(&csd), || format!("call {csd} was taken twice"));
            let request = self.requests[csd as usize].get();
            expect(request == csd + 10, || format!("call {csd} was taken before it was posted"));
            taken.push(csd);
            next = self.links[csd as usize].get();
        }
    }
}

fn posts<Q: CallQueue>(new: fn() -> Q, posters: &'static [&'static [u32]], looks: u32) {
    let calls = posters.iter().map(|csds| csds.len()).sum();
    let owner = Arc::new(Owner::new(new(), calls));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (takes, takes_into) = (Arc::clone(&owner), Arc::clone(&taken));
    let mut bodies: Vec<Body> = vec![Box::new(move || {
        let mut taken = Vec::new();
        for _ in 0..looks {
            takes.interruption_point(&mut taken);
        }
        *takes_into.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    })];
    bodies.extend(posters.iter().map(|csds| {
        let owner = Arc::clone(&owner);
        Box::new(move || csds.iter().for_each(|&csd| owner.post(csd))) as Body
    }));
    on_cpus(bodies);

    let mut taken = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
    owner.interruption_point(&mut taken);
    if let Some(CsdId(csd)) = call("take_all()", || owner.queue.take_all(&owner.links[..])) {
        expect(false, || format!("call {csd} is stranded in the queue: no IPI is on its way"));
    }
    for csd in 0..calls as u32 {
        expect(taken.contains(&csd), || format!("call {csd} was lost"));
    }
    for csds in posters {
        let places = csds.iter().map(|csd| taken.iter().position(|taken| taken == csd));
        expect(places.is_sorted(), || format!("calls of one CPU overtook each other: {taken:?}"));
    }
}
