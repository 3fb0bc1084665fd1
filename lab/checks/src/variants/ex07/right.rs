//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<ex07_call_many_solution::MyCallMany>),
    right("the kernel's own", checks::<KernelCallMany>),
    right("interrupts right after each post", checks::<AtOnce>),
    right("from the last CPU down", checks::<Descending>),
    right("a mask of targets", checks::<Masks>),
    right("asks every CPU for its answer", checks::<AsksAll>),
    right("asks again which CPUs are meant", checks::<FiltersTwice>),
];

call_many! {
    AtOnce(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        for &target in &targets {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        if wait == Wait::Sync {
            targets.into_iter().for_each(|target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    Descending(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.reverse();
        call(cpu, &targets, wait);
    }
}

call_many! {
    Masks(cpu, mask, wait) {
        let mut targets = mask.clone();
        targets.clear(cpu.id());
        for other in mask.iter().filter(|&other| !cpu.is_online(other)) {
            targets.clear(other);
        }
        let mut owed = targets.clone();
        targets.iter().filter(|&target| !cpu.post(target)).for_each(|target| owed.clear(target));
        owed.iter().for_each(|target| cpu.send_ipi(target));
        match wait {
            Wait::Sync => targets.iter().for_each(|target| cpu.csd_lock_wait(target)),
            Wait::Async => {}
        }
    }
}

call_many! {
    /// A wait for a CPU that was not posted to is over at once.
    AsksAll(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        reach(cpu, &targets);
        if wait == Wait::Sync {
            let others = mask.iter().filter(|&other| other != cpu.id());
            others.for_each(|other| cpu.csd_lock_wait(other));
        }
    }
}

call_many! {
    /// No list: each walk goes over the mask.
    FiltersTwice(cpu, mask, wait) {
        let meant = |other: &CpuId| *other != cpu.id() && cpu.is_online(*other);
        for target in mask.iter().filter(meant) {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        if let Wait::Sync = wait {
            for target in mask.iter().filter(meant) {
                cpu.csd_lock_wait(target);
            }
        }
    }
}
