//! When CPUs come online.
//!
//! In Linux: `kernel/smp.c`, `smp_init`; `kernel/watchdog.c`, `lockup_detector_init`.

use serde::{Deserialize, Serialize};

use crate::cpumask::CpuId;
use crate::time::KernelTime;

/// When CPUs come online. Each starts its watchdog then, and keeps that phase for ever: so the stamp of a lockup
/// report still tells how fast the machine booted.
///
/// In Linux: `lockup_detector_init` runs before `smp_init`, so `lockup_detector_online_cpu` starts each CPU's timer as
/// the CPU comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BringUp {
    /// When CPU 0 starts its watchdog, in nanoseconds since boot.
    pub first_ns: u64,
    /// How much later each further CPU comes, in nanoseconds.
    pub per_cpu_ns: u64,
    /// Timers are served at this tick, in nanoseconds (HZ=250: 4 ms); 0 serves each at its own nanosecond.
    pub tick_ns: u64,
    /// Where ticks lie: this many nanoseconds past a multiple of `tick_ns`.
    pub tick_offset_ns: u64,
}

/// When one CPU comes online, where [`BringUp`] is not to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineAt {
    /// Which CPU.
    pub cpu: CpuId,
    /// When, in nanoseconds since boot.
    #[serde(rename = "at_ns")]
    pub at: KernelTime,
}

impl Default for BringUp {
    /// *Fitted* to the five stamps of the article: modulo the period of 4 s they lie on a line of 3.2075 ms per CPU,
    /// moved to a grid of 4 ms, 2.045 ms past its zero. Any line of 3.15 to 3.26 ms fits as well.
    fn default() -> Self {
        BringUp {
            first_ns: 348_900_000,
            per_cpu_ns: 3_207_500,
            tick_ns: 4_000_000,
            tick_offset_ns: 2_045_000,
        }
    }
}

impl BringUp {
    /// When `cpu` comes online.
    pub fn online_at(&self, cpu: CpuId) -> KernelTime {
        KernelTime::from_ns(self.first_ns) + self.per_cpu_ns.saturating_mul(cpu.0.into())
    }

    /// When a timer that expires at `expiry` is served: at the next tick.
    pub fn served_at(&self, expiry: KernelTime) -> KernelTime {
        if self.tick_ns == 0 {
            return expiry;
        }
        let since_offset = expiry.ns().saturating_sub(self.tick_offset_ns);
        let tick = since_offset.div_ceil(self.tick_ns).saturating_mul(self.tick_ns);
        KernelTime::from_ns(tick) + self.tick_offset_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_articles_stamps_lie_on_the_bring_up_line_and_the_tick() {
        let bring_up = BringUp::default();
        for (cpu, stamp) in [
            (35, 360_462_046),
            (51, 364_514_043),
            (30, 464_446_045),
            (58, 516_538_048),
            (2, 576_358_044),
        ] {
            let period = 4_000_000_000;
            let online = bring_up.online_at(CpuId(cpu)).ns();
            let periods = (stamp * 1_000 - online) / period;
            let served = bring_up.served_at(KernelTime::from_ns(online + periods * period));
            assert!(served.ns().abs_diff(stamp * 1_000) < 10_000, "CPU#{cpu}: {served}");
        }
    }
}
