//! Two reports of one CPU: whether they are of one wait.

use std::collections::BTreeMap;

use crate::cpumask::CpuId;
use crate::replay::headline::Headline;
use crate::time::sample_period_ns;

/// Two reports of one CPU, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// How many samples lie between them.
    pub(super) samples: u64,
    /// Both count from the same moment.
    pub(super) grows: bool,
    /// Both are of the same task, as far as the lines tell.
    pub(super) same_task: bool,
}

/// Of each CPU, its pairs of neighbouring reports.
pub(super) fn pairs(headlines: &[Headline], thresh_secs: u64) -> Vec<Pair> {
    let of_cpus = by_cpu(headlines);
    let pairs = of_cpus.values().flat_map(|of_cpu| of_cpu.windows(2));
    pairs.map(|two| pair(two[0], two[1], thresh_secs)).collect()
}

/// The reports of each CPU, in their order.
pub(super) fn by_cpu(headlines: &[Headline]) -> BTreeMap<CpuId, Vec<&Headline>> {
    let mut of_cpus: BTreeMap<CpuId, Vec<&Headline>> = BTreeMap::new();
    for headline in headlines {
        of_cpus.entry(headline.cpu).or_default().push(headline);
    }
    of_cpus
}

/// What these two of one CPU are to each other.
pub(super) fn pair(then: &Headline, now: &Headline, thresh_secs: u64) -> Pair {
    let period = sample_period_ns(thresh_secs);
    let apart = now.time.ns_since(then.time);
    // A number that begins anew is smaller than the time between the two.
    let elapsed = apart >> 30;
    let grown = now.number.saturating_sub(then.number);
    Pair {
        samples: apart.saturating_add(period / 2) / period,
        grows: now.number > then.number && grown.abs_diff(elapsed) <= 2,
        same_task: then.task.is_none() || now.task.is_none() || then.task == now.task,
    }
}
