//! What a machine is to be, before it boots.
//!
//! In Linux: the kernel's command line and `/proc/sys/kernel`. Here it differs: all of it is one value.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cpumask::CpuId;
use crate::time::{JIFFY_NS, KernelTime, NSEC_PER_SEC};
use crate::version::Kernel;

/// The most CPUs a machine can have.
pub const MAX_CPUS: u32 = 4096;

/// The largest `watchdog_thresh` that Linux accepts, in seconds.
pub const MAX_WATCHDOG_THRESH_SECS: u64 = 60;

/// How many times as fast as the host's clock a machine's clock can run.
const RATIOS: std::ops::RangeInclusive<f64> = 1e-3..=1e6;

/// How fast a serial line can be, in bits per second.
const BAUDS: std::ops::RangeInclusive<u32> = 300..=4_000_000;

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
            ConfigError::LoseIpi(to) => {
                write!(f, "no IPI to CPU#{to} can be lost: the machine has no such CPU")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// `sysctl kernel.watchdog_thresh=…`, on a machine that runs: see [`sysctl`](crate::kernel::sysctl).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchdogThreshChange {
    /// The CPU on which the task runs that writes it. If it is stuck by then, nothing happens.
    pub cpu: CpuId,
    /// When, in nanoseconds of kernel time.
    #[serde(rename = "at_ns")]
    pub at: KernelTime,
    /// The new value in seconds, 0 to [`MAX_WATCHDOG_THRESH_SECS`].
    pub secs: u64,
}

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

/// The detectors that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detectors {
    /// The soft-lockup watchdog: each CPU samples itself.
    pub softlockup: bool,
    /// The buddy hard-lockup detector (6.5 and later): each CPU samples the next one.
    pub hardlockup_buddy: Option<BuddyRule>,
    /// The perf hard-lockup detector: each CPU samples itself by an NMI, if there is one (on x86, and
    /// on arm64 with [`pseudo_nmi`](Config::pseudo_nmi)).
    pub hardlockup_perf: bool,
    /// CSD-lock debugging (5.10 and later, `csdlock_debug=1`): a caller that waits for more than 5 s says for which
    /// CPU.
    pub csd: bool,
}

impl Detectors {
    /// None at all.
    pub const NONE: Detectors =
        Detectors { softlockup: false, hardlockup_buddy: None, hardlockup_perf: false, csd: false };

    /// Those that are on by default in a kernel.
    pub const fn of(kernel: Kernel) -> Self {
        let hardlockup_buddy = match kernel {
            Kernel::Arm64V4_19 | Kernel::Arm64V6_1 | Kernel::X86V6_1 => None,
            Kernel::Arm64V6_12 => Some(BuddyRule::EVERY_THIRD_SAMPLE),
        };
        Detectors { softlockup: true, hardlockup_buddy, ..Detectors::NONE }
    }
}

/// What the kernel does about a lockup: the switches that force a dump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// `kernel.softlockup_panic`.
    pub softlockup_panic: bool,
    /// `kernel.hardlockup_panic`.
    pub hardlockup_panic: bool,
    /// `kernel.panic_on_oops`. It changes nothing in the article's incident: `die` checks it after the notifiers, and
    /// CPU 0 never gets that far.
    pub panic_on_oops: bool,
    /// `smp.panic_on_ipistall`, in milliseconds; 0 = never. It panics by `BUG()`, which enters `die`.
    pub panic_on_ipistall_ms: u64,
    /// `kernel.softlockup_all_cpu_backtrace`: a CPU that reports itself asks all others what they are doing. On arm64
    /// before 6.7 no CPU can be asked: there it only lets one CPU report at a time.
    #[serde(default, skip_serializing_if = "is_off")]
    pub softlockup_all_cpu_backtrace: bool,
    /// `kernel.hardlockup_all_cpu_backtrace`: the same for a CPU that reports a hard lockup.
    #[serde(default, skip_serializing_if = "is_off")]
    pub hardlockup_all_cpu_backtrace: bool,
    /// `kernel.panic`, `panic=` on the command line: after a panic the machine restarts in so many seconds; if it is
    /// negative, at once; 0: never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub panic_timeout_secs: i32,
}

impl Sysctl {
    /// Every switch off.
    pub const OFF: Sysctl = Sysctl {
        softlockup_panic: false,
        hardlockup_panic: false,
        panic_on_oops: false,
        panic_on_ipistall_ms: 0,
        softlockup_all_cpu_backtrace: false,
        hardlockup_all_cpu_backtrace: false,
        panic_timeout_secs: 0,
    };
}

/// A switch that is off is not in a file of records: so old files and new ones are the same.
fn is_off(switch: &bool) -> bool {
    !switch
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// One cause of the cascade, taken away: the run shows what it was the cause of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ablation {
    /// `die` leaves interrupts on: the CPU that spins on `die_lock` still answers IPIs and its own timer.
    IrqsOnInDie,
    /// `csd_lock_wait` waits with a preemption count of 0: the stopper runs although the task waits.
    PreemptOnInWait,
    /// The timer feeds the watchdog itself, so the watchdog only notices whether the timer runs.
    FeedFromTimer,
}

/// A call-function IPI that is sent and never arrives. The sender cannot know, and no record says so.
///
/// In Linux: nothing; hardware and hypervisors do it. Here it differs: it happens once, to the IPI that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoseIpi {
    /// The CPU that does not hear it.
    pub to: CpuId,
    /// The first such IPI that is sent to that CPU at this time or later is lost. In nanoseconds of kernel time.
    #[serde(rename = "after_ns")]
    pub after: KernelTime,
}

/// How fast the serial line is that the console is printed on.
///
/// In Linux: `console=ttyAMA0,115200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleTime {
    /// Bits per second, 300 to 4000000. A byte is ten bits: one to start, eight, one to stop.
    pub baud: u32,
}

impl Default for ConsoleTime {
    fn default() -> Self {
        ConsoleTime { baud: 115_200 }
    }
}

impl ConsoleTime {
    /// How long `bytes` take, in nanoseconds.
    pub(crate) fn duration_ns(self, bytes: usize) -> u64 {
        const BITS_PER_BYTE: u64 = 10;
        bytes as u64 * BITS_PER_BYTE * NSEC_PER_SEC / u64::from(self.baud)
    }
}

/// How long one turn of a loop takes that delays by `mdelay(1)` or `udelay(1)`, and counts its turns: each takes as long
/// as it says, and longer on a busy host or in an emulator. So the "10 s" for a backtrace may be 12.
///
/// In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`, 10,000 turns of a millisecond;
/// `arch/arm64/kernel/smp.c`, `smp_send_stop`, 1,000,000 turns of a microsecond; 4.19 to 6.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyDelays {
    /// What `mdelay(1)` takes, in nanoseconds.
    pub mdelay_ns: u64,
    /// What `udelay(1)` takes, in nanoseconds.
    pub udelay_ns: u64,
}

impl Default for BusyDelays {
    fn default() -> Self {
        BusyDelays { mdelay_ns: 1_000_000, udelay_ns: 1_000 }
    }
}

impl BusyDelays {
    fn is_exact(&self) -> bool {
        *self == BusyDelays::default()
    }
}

/// When RCU's grace periods begin: when something calls `call_rcu()` and none is open.
///
/// In Linux: nothing says when; a busy machine begins one as soon as the last one is over, an idle machine may have none
/// for minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RcuStalls {
    /// When the first one begins, in nanoseconds since boot.
    pub first_ns: u64,
    /// From one beginning to the next, in nanoseconds; 0: there is only one.
    pub every_ns: u64,
}

impl Default for RcuStalls {
    /// A busy machine: one is always open. Each takes three jiffies.
    fn default() -> Self {
        RcuStalls { first_ns: 0, every_ns: 3 * JIFFY_NS }
    }
}

/// Which clock a machine runs on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Virtual time; one CPU at a time between interruption points.
    Lockstep {
        /// `Some` permutes the order in which CPUs that can run at the same instant take their turns; each seed names
        /// one such order. `None` goes round by number.
        turn_seed: Option<u64>,
    },
    /// The host's time, multiplied. All CPUs run at once. The order of events is the host's, and may differ from run to
    /// run.
    Wall {
        /// Kernel seconds per host second, 0.001 to 1000000.
        ratio: f64,
    },
}

impl Default for Clock {
    fn default() -> Self {
        Clock::Lockstep { turn_seed: None }
    }
}

/// When an oops prints its registers, call trace and code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrintOrder {
    /// After the notifiers, as arm64 does. Of the article's first oops the console would show nothing but the header.
    Stock,
    /// Before the notifiers, as the article's console shows. Its vendor's kernel or kernel box must have done that.
    #[default]
    Vendor,
}

/// How the buddy looks at the next CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuddyRule {
    /// It looks once in so many samples of its own.
    pub every: u64,
    /// It reports when this many looks in a row have found the count unchanged.
    pub miss_thresh: u32,
}

impl BuddyRule {
    /// 6.5 to 6.19: it looks at every third sample, and reports at the first miss. With the default threshold that is 8
    /// to 24 s after a CPU went dark.
    pub const EVERY_THIRD_SAMPLE: BuddyRule = BuddyRule { every: 3, miss_thresh: 1 };

    /// 2026: it looks at every sample, and reports at the third miss. That is 8 to 12 s after a CPU went dark, plus the
    /// time by which the watching CPU's samples come after the watched CPU's.
    pub const EVERY_SAMPLE: BuddyRule = BuddyRule { every: 1, miss_thresh: 3 };
}

/// How long the host lets a CPU's thread go on without an interruption point, before it ends the run and names that CPU
/// ([`HostReport::hung`](crate::machine::HostReport::hung)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// For a thread that runs: so much time on a host core. A loaded host does not shorten it.
    pub running: Duration,
    /// For a thread that sleeps in something that is not the machine's, a lock of its own for example: so much time. Also
    /// for one that runs, where the host does not tell a thread's time.
    pub blocked: Duration,
}

impl Default for HostLimits {
    fn default() -> Self {
        HostLimits { running: Duration::from_secs(2), blocked: Duration::from_secs(60) }
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
        let console_time = Some(ConsoleTime { baud: 0 });
        assert!(refused(Config { console_time, ..Config::default() }).contains("300 to 4000000"));
        let clock = Clock::Wall { ratio: f64::NAN };
        assert!(refused(Config { clock, ..Config::default() }).contains("0.001 to 1000000"));
    }
}
