//! What a machine is to be, before it boots.
//!
//! In Linux: the kernel's command line and `/proc/sys/kernel`. Here it differs: all of it is one value.

pub(crate) mod bring_up;
pub(crate) mod causes;
pub(crate) mod clock;
pub(crate) mod console;
pub(crate) mod detectors;
pub(crate) mod sysctl;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::clock::RATIOS;
use crate::config::console::BAUDS;
use crate::cpumask::CpuId;
use crate::time::{KernelTime, NSEC_PER_SEC};
use crate::version::Kernel;

pub use self::bring_up::{BringUp, OnlineAt};
pub use self::causes::{Ablation, LoseIpi};
pub use self::clock::{BusyDelays, Clock, HostLimits};
pub use self::console::{ConsoleTime, PrintOrder};
pub use self::detectors::{BuddyRule, Detectors, RcuStalls};
pub use self::sysctl::{MAX_WATCHDOG_THRESH_SECS, Sysctl, WatchdogThreshChange};

/// The most CPUs a machine can have.
pub const MAX_CPUS: u32 = 4096;

/// A machine, as data. It is the header of every saved run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// How many CPUs, 1 to [`MAX_CPUS`].
    pub nr_cpus: u32,
    /// Which kernel.
    pub kernel: Kernel,
    /// `kernel.watchdog_thresh` in seconds, 0 to [`MAX_WATCHDOG_THRESH_SECS`]; 0 switches the watchdog off.
    pub watchdog_thresh_secs: u64,
    /// A task writes another `watchdog_thresh` while the machine runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog_thresh_change: Option<WatchdogThreshChange>,
    /// When an oops prints its registers.
    pub print_order: PrintOrder,
    /// [`Vector::Backtrace`](crate::vector::Vector::Backtrace) is an NMI (`irqchip.gicv3_pseudo_nmi=1`).
    pub pseudo_nmi: bool,
    /// When CPUs come online, and so when their watchdogs sample.
    pub bring_up: BringUp,
    /// CPUs that come online at a time of their own, and not when `bring_up` says: so each has its own phase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub online: Vec<OnlineAt>,
    /// Printing touches the watchdogs of the printing CPU, as an 8250's driver does and a PL011's does not: a lockup is
    /// then reported every seventh sample.
    pub console_touches_watchdog: bool,
    /// Which detectors look for lockups.
    pub detectors: Detectors,
    /// What the kernel does about them.
    pub sysctl: Sysctl,
    /// A cause to take away.
    pub ablate: Option<Ablation>,
    /// An IPI that gets lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lose_ipi: Option<LoseIpi>,
    /// How long the kernel's busy delays really take here.
    #[serde(default, skip_serializing_if = "BusyDelays::is_exact")]
    pub busy_delays: BusyDelays,
    /// Whether printing takes time, and how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_time: Option<ConsoleTime>,
    /// Whether RCU reports grace periods that stay open, and when they begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcu_stalls: Option<RcuStalls>,
    /// Virtual or wall-clock time.
    pub clock: Clock,
    /// When the machine is switched off, in nanoseconds of kernel time.
    #[serde(rename = "until_ns")]
    pub until: KernelTime,
    /// Whether anything is recorded. Without records there is no console, trace or report.
    pub record: bool,
}

impl Default for Config {
    /// The article's machine: 64 CPUs, 4.19, the default threshold, ten minutes.
    fn default() -> Self {
        Config {
            nr_cpus: 64,
            kernel: Kernel::default(),
            watchdog_thresh_secs: 10,
            watchdog_thresh_change: None,
            print_order: PrintOrder::default(),
            pseudo_nmi: false,
            bring_up: BringUp::default(),
            online: Vec::new(),
            console_touches_watchdog: false,
            detectors: Detectors::of(Kernel::default()),
            sysctl: Sysctl::default(),
            ablate: None,
            lose_ipi: None,
            busy_delays: BusyDelays::default(),
            console_time: None,
            rcu_stalls: None,
            clock: Clock::default(),
            until: KernelTime::from_ns(600 * NSEC_PER_SEC),
            record: true,
        }
    }
}

impl Config {
    /// By how much kernel time a busy host can delay a CPU of which nothing else is wrong. In lockstep, not at all.
    pub(crate) fn host_slack_ns(&self) -> u64 {
        /// A host runs a thread that wants to run within this time, unless it has very many.
        const HOST_NS: f64 = 20e6;
        match self.clock {
            Clock::Lockstep { .. } => 0,
            Clock::Wall { ratio } => (HOST_NS * ratio) as u64,
        }
    }

    /// Whether the machine has NMIs, which a CPU takes even with interrupts off: x86 always, arm64 with pseudo-NMIs.
    pub(crate) fn has_nmi(&self) -> bool {
        self.pseudo_nmi || self.kernel.is_x86()
    }

    /// When `cpu` comes online: as [`Config::online`] says, else as [`Config::bring_up`] does.
    ///
    /// In lockstep a machine whose CPUs all come online late costs no more than another: time jumps to the first of
    /// them. So an incident after days of uptime need not be waited for.
    pub fn online_at(&self, cpu: CpuId) -> KernelTime {
        let own = self.online.iter().rfind(|online| online.cpu == cpu);
        own.map_or_else(|| self.bring_up.online_at(cpu), |online| online.at)
    }

    /// # Errors
    /// What is out of range, and what the range is.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=MAX_CPUS).contains(&self.nr_cpus) {
            return Err(ConfigError::Cpus(self.nr_cpus));
        }
        if self.watchdog_thresh_secs > MAX_WATCHDOG_THRESH_SECS {
            return Err(ConfigError::WatchdogThresh(self.watchdog_thresh_secs));
        }
        if let Some(WatchdogThreshChange { cpu, secs, .. }) = self.watchdog_thresh_change {
            if secs > MAX_WATCHDOG_THRESH_SECS {
                return Err(ConfigError::WatchdogThresh(secs));
            }
            if cpu.0 >= self.nr_cpus {
                return Err(ConfigError::WatchdogThreshChange(cpu));
            }
        }
        if let Some(online) = self.online.iter().find(|online| online.cpu.0 >= self.nr_cpus) {
            return Err(ConfigError::OnlineAt(online.cpu));
        }
        if let Some(LoseIpi { to, .. }) = self.lose_ipi
            && to.0 >= self.nr_cpus
        {
            return Err(ConfigError::LoseIpi(to));
        }
        if let Some(ConsoleTime { baud }) = self.console_time
            && !BAUDS.contains(&baud)
        {
            return Err(ConfigError::Baud(baud));
        }
        match self.clock {
            Clock::Wall { ratio } if !RATIOS.contains(&ratio) => Err(ConfigError::Ratio(ratio)),
            _ => Ok(()),
        }
    }
}

/// A [`Config`] that describes no machine.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Too many CPUs, or none.
    Cpus(u32),
    /// Seconds that Linux would refuse, too.
    WatchdogThresh(u64),
    /// `watchdog_thresh` is to be changed by a task on a CPU that the machine does not have.
    WatchdogThreshChange(CpuId),
    /// Time would stand still, go backwards, or run far too slowly or too fast.
    Ratio(f64),
    /// The IPI that is to be lost goes to a CPU that the machine does not have.
    LoseIpi(CpuId),
    /// A serial line that is too slow or too fast.
    Baud(u32),
    /// A CPU is to come online that the machine does not have.
    OnlineAt(CpuId),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Cpus(n) => write!(f, "a machine has 1 to {MAX_CPUS} CPUs, not {n}"),
            ConfigError::WatchdogThresh(n) => {
                write!(f, "watchdog_thresh is 0 to {MAX_WATCHDOG_THRESH_SECS} seconds, not {n}")
            }
            ConfigError::WatchdogThreshChange(cpu) => {
                write!(f, "no task on CPU#{cpu} can change watchdog_thresh: there is no such CPU")
            }
            ConfigError::Ratio(ratio) => {
                let (least, most) = (RATIOS.start(), RATIOS.end());
                write!(f, "kernel time runs at {least} to {most} times the host's, not at {ratio}")
            }
            ConfigError::Baud(baud) => {
                let (least, most) = (BAUDS.start(), BAUDS.end());
                write!(f, "a serial line has {least} to {most} baud, not {baud}")
            }
            ConfigError::OnlineAt(cpu) => {
                write!(f, "CPU#{cpu} cannot come online: the machine has no such CPU")
            }
            ConfigError::LoseIpi(to) => {
                write!(f, "no IPI to CPU#{to} can be lost: the machine has no such CPU")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_cannot_be_is_refused_with_its_range() {
        let refused = |config: Config| config.check().unwrap_err().to_string();
        assert_eq!(
            refused(Config { nr_cpus: 0, ..Config::default() }),
            "a machine has 1 to 4096 CPUs, not 0"
        );
        assert_eq!(
            refused(Config { watchdog_thresh_secs: 61, ..Config::default() }),
            "watchdog_thresh is 0 to 60 seconds, not 61"
        );
        let change = |cpu, secs| Some(WatchdogThreshChange { cpu, at: KernelTime::BOOT, secs });
        let changed = |change| Config { watchdog_thresh_change: change, ..Config::default() };
        assert!(refused(changed(change(CpuId(64), 5))).contains("CPU#64"));
        assert!(refused(changed(change(CpuId(0), 61))).contains("0 to 60 seconds"));
        let lose_ipi = Some(LoseIpi { to: CpuId(64), after: KernelTime::BOOT });
        assert!(refused(Config { lose_ipi, ..Config::default() }).contains("CPU#64"));
        let online = vec![OnlineAt { cpu: CpuId(64), at: KernelTime::BOOT }];
        assert!(refused(Config { online, ..Config::default() }).contains("CPU#64"));
        let console_time = Some(ConsoleTime { baud: 0 });
        assert!(refused(Config { console_time, ..Config::default() }).contains("300 to 4000000"));
        let clock = Clock::Wall { ratio: f64::NAN };
        assert!(refused(Config { clock, ..Config::default() }).contains("0.001 to 1000000"));
    }
}
