//! Which CPUs are posted to.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("calls itself", POSTS, &["posted to CPU#2, which is itself"], checks::<CallsItself>),
    wrong("calls offline CPUs", POSTS, &["which is offline"], checks::<CallsOffline>),
    wrong(
        "calls all, whatever the mask says",
        POSTS,
        &["which is not meant"],
        checks::<IgnoresMask>,
    ),
    wrong("leaves out CPU 0", POSTS, &["posted 0 times to CPU#0"], checks::<SkipsZero>),
    wrong("leaves out the last CPU", POSTS, &["posted 0 times to CPU#7"], checks::<SkipsLast>),
    wrong("the first 64 CPUs only", POSTS, &["posted 0 times to CPU#65"], checks::<FirstWord>),
    wrong("posts twice where an IPI is owed", POSTS, &["posted 2 times"], checks::<PostsTwice>),
    wrong("calls the CPUs after it only", POSTS, &["posted 0 times to CPU#0"], checks::<Upwards>),
    wrong("calls one CPU", POSTS, &["posted 0 times"], checks::<CallsOne>),
    wrong("calls no CPU", POSTS, &["posted 0 times"], checks::<CallsNone>),
    wrong(
        "the targets of its first call, for ever",
        "replay::busy",
        &["calls itself"],
        checks::<FirstTargets>,
    ),
];

call_many! {
    CallsItself(cpu, mask, wait) {
        let targets: Vec<_> = mask.iter().filter(|&other| cpu.is_online(other)).collect();
        call(cpu, &targets, wait);
    }
}

call_many! {
    CallsOffline(cpu, mask, wait) {
        let targets: Vec<_> = mask.iter().filter(|&other| other != cpu.id()).collect();
        call(cpu, &targets, wait);
    }
}

call_many! {
    IgnoresMask(cpu, _mask, wait) {
        let all = (0..128).map(CpuId).filter(|&other| other != cpu.id() && cpu.is_online(other));
        let all: Vec<_> = all.collect();
        call(cpu, &all, wait);
    }
}

call_many! {
    SkipsZero(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|target| target.0 > 0);
        call(cpu, &targets, wait);
    }
}

call_many! {
    SkipsLast(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.pop();
        call(cpu, &targets, wait);
    }
}

call_many! {
    /// What fits into the mask's first word.
    FirstWord(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|target| target.0 < 64 && mask.first_word() >> target.0 & 1 == 1);
        call(cpu, &targets, wait);
    }
}

call_many! {
    PostsTwice(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| _ = cpu.post(target));
        call(cpu, &targets, wait);
    }
}

call_many! {
    Upwards(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|target| target.0 > cpu.id().0);
        call(cpu, &targets, wait);
    }
}

call_many! {
    CallsOne(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.truncate(1);
        call(cpu, &targets, wait);
    }
}

call_many! {
    CallsNone(_cpu, _mask, _wait) {}
}

/// The CPUs that are online do not change, do they?
#[derive(Default)]
struct FirstTargets(OnceLock<Vec<CpuId>>);

impl CallMany for FirstTargets {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        call(cpu, self.0.get_or_init(|| targets(cpu, mask)), wait);
    }
}
