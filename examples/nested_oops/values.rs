//! The values that flags take by name.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReportForm {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AblateArg {
    /// die() leaves interrupts on: CPU 0 answers while it spins, and reports itself
    IrqsOnInDie,
    /// Waiters wait with preemption on: their watchdogs are fed
    PreemptOnInWait,
    /// The timer feeds the watchdog that it should watch
    FeedFromTimer,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum ArchArg {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KernelArg {
    #[value(name = "4.19")]
    V4_19,
    /// The only one of x86-64
    #[value(name = "6.1")]
    V6_1,
    #[value(name = "6.12")]
    V6_12,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum DetectorArg {
    /// No detector
    None,
    /// Each CPU samples itself
    Softlockup,
    /// Each CPU samples the next one, at every third sample of its own
    HardlockupBuddy,
    /// The same at every sample, and reports at the third miss (2026)
    #[value(name = "hardlockup_buddy_2026")]
    HardlockupBuddy2026,
    /// Each CPU samples itself by an NMI; needs --pseudo-nmi
    HardlockupPerf,
    /// A CPU that waits for a call for more than 5 s says for which CPU
    Csd,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CallQueueArg {
    /// The kernel's shape: a list that is turned over
    Kernel,
    /// A call whose caller waits, and its answer, in one cache line
    Mailbox,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DieLockArg {
    Arm64,
    X86,
    Nesting,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NotifierArg {
    Faulting,
    Recursing,
    Harmless,
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PrintOrderArg {
    Stock,
    Vendor,
}
