//! # Why it works
//!
//! Three walks: post, interrupt, wait. There is no atomic here, and so no ordering to choose: `post` publishes the call
//! with the Release of exercise 6, and `csd_lock_wait` ends with the Acquire of exercise 5. What counts is the order of
//! the three walks.
//!
//! | walk | over | because |
//! |---|---|---|
//! | post | the online CPUs of the mask, without the caller | an offline CPU never answers, and the caller cannot while it calls |
//! | interrupt | those whose queue was empty | to the others an IPI is on its way, and it will find this call as well |
//! | wait | all that were posted to | also those that another CPU interrupted |
//!
//! A post comes before its IPI, because an IPI that finds no call has done its work. The waits come last, because a
//! wait has no end if its target is deaf: CPU 35 of the article posted 63 calls, 62 were answered, and it stands at
//! `csd_lock_wait` of the one that was not. One by one, five victims would have made 5 posts, and not 315.
//!
//! Two CPUs that broadcast at once do not deadlock: each waits with its interrupts on, and answers the other meanwhile.

use softlockup::cpumask::CpuMask;
use softlockup::parts::call_many::{CallMany, CrossCalls, Wait};

/// The kernel's way to call many CPUs.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyCallMany;

impl CallMany for MyCallMany {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        let is_target = |&other: &_| other != cpu.id() && cpu.is_online(other);
        let targets: Vec<_> = mask.iter().filter(is_target).collect();
        let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
        owed.into_iter().for_each(|&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}
