//! Which CPUs are interrupted.

use super::*;

const IPIS: &str = "contract::call_many::interrupts";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "an IPI to each",
        IPIS,
        &["whose queue was not empty, was sent 1 IPIs"],
        checks::<AlwaysIpi>,
    ),
    wrong("never an IPI", IPIS, &["whose queue was empty, was sent 0 IPIs"], checks::<NeverIpi>),
    wrong(
        "an IPI where the queue was not empty",
        IPIS,
        &["whose queue was empty, was sent 0 IPIs"],
        checks::<InvertedIpi>,
    ),
    wrong("one IPI for all", IPIS, &["was sent 0 IPIs"], checks::<OneIpi>),
    wrong("interrupts, then posts", IPIS, &["was sent"], checks::<IpiFirst>),
];

call_many! {
    AlwaysIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| _ = cpu.post(target));
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    NeverIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| _ = cpu.post(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    InvertedIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        for &target in &targets {
            if !cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    OneIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
        owed.first().into_iter().for_each(|&&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    IpiFirst(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        targets.iter().for_each(|&target| _ = cpu.post(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}
