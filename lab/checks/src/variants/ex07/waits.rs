//! Which CPUs are waited for, and when.

use super::*;

const WAITS: &str = "contract::call_many::waits";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "one by one",
        WAITS,
        &["waited for CPU#0, and after that it posted to CPU#1"],
        checks::<OneByOne>,
    ),
    wrong(
        "waits before the IPIs",
        WAITS,
        &["and after that it sent an IPI to"],
        checks::<WaitsBeforeIpis>,
    ),
    wrong("waits for none", WAITS, &["did not wait for CPU#0"], checks::<NeverWaits>),
    wrong("always waits", WAITS, &["Async", "waited for CPU#0"], checks::<AlwaysWaits>),
    wrong("waits if it need not", WAITS, &["did not wait for"], checks::<InvertedWait>),
    wrong(
        "waits for those it interrupted",
        WAITS,
        &["did not wait for"],
        checks::<WaitsForInterrupted>,
    ),
    wrong("waits for the first", WAITS, &["did not wait for CPU#1"], checks::<WaitsForFirst>),
    wrong(
        "waits for all before it posts",
        WAITS,
        &["did not wait for CPU#0 after the post"],
        checks::<WaitsFirst>,
    ),
];

call_many! {
    OneByOne(cpu, mask, wait) {
        for target in targets(cpu, mask) {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
            if wait == Wait::Sync {
                cpu.csd_lock_wait(target);
            }
        }
    }
}

call_many! {
    WaitsBeforeIpis(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
        owed.into_iter().for_each(|&target| cpu.send_ipi(target));
    }
}

call_many! {
    NeverWaits(cpu, mask, _wait) {
        reach(cpu, &targets(cpu, mask));
    }
}

call_many! {
    AlwaysWaits(cpu, mask, _wait) {
        call(cpu, &targets(cpu, mask), Wait::Sync);
    }
}

call_many! {
    InvertedWait(cpu, mask, wait) {
        let inverted = if wait == Wait::Sync { Wait::Async } else { Wait::Sync };
        call(cpu, &targets(cpu, mask), inverted);
    }
}

call_many! {
    WaitsForInterrupted(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|&target| cpu.post(target));
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    WaitsForFirst(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        reach(cpu, &targets);
        if let (Wait::Sync, Some(&first)) = (wait, targets.first()) {
            cpu.csd_lock_wait(first);
        }
    }
}

call_many! {
    /// For older calls: `post` does that itself.
    WaitsFirst(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
        reach(cpu, &targets);
    }
}
