//! The scenarios that can be chosen.

use clap::ValueEnum;
use softlockup::Scenario;
use softlockup::scenario::busy::Busy;
use softlockup::scenario::callback_chain::CallbackChain;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::masked_busy::MaskedBusy;
use softlockup::scenario::nested_irq::NestedIrq;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::slow_report::SlowReport;
use softlockup::scenario::wait_chains::WaitChains;

/// The names of the scenarios.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum ScenarioName {
    /// A nested oops: CPU 0 waits for a lock that it holds (64 CPUs, 4.19)
    Article,
    /// An IPI to CPU 3 is lost; that CPU is healthy (8 CPUs, 6.12)
    LostIpi,
    /// CPU 1 writes to a slow console for 8.8 s, with interrupts off (8 CPUs, 6.12)
    SlowConsole,
    /// CPUs 2 and 6 call each other with interrupts off (8 CPUs, 4.19)
    IrqsOffCaller,
    /// Four CPUs call one another, and calls pile up on CPU 2 (4 CPUs, 4.19)
    Busy,
    /// Eleven CPUs call CPU 4, whose interrupts are off for a second (12 CPUs, 4.19)
    MaskedBusy,
    /// Two CPUs oops, and a die notifier takes 2 s (4 CPUs, 4.19)
    SlowReport,
    /// A die notifier faults before one that must run (4 CPUs, 4.19)
    CallbackChain,
    /// CPU 1 is called inside nested sections with interrupts off (2 CPUs, 4.19)
    NestedIrq,
    /// Chains of CPUs wait for each other, down to CPU 3, which is silent (8 CPUs, 4.19)
    WaitChains,
}

impl ScenarioName {
    /// The scenario; `article` is the article's, changed as the command line says.
    pub(crate) fn scenario(self, article: NestedOops) -> Box<dyn Scenario> {
        match self {
            ScenarioName::Article => Box::new(article),
            ScenarioName::LostIpi => Box::<LostIpi>::default(),
            ScenarioName::SlowConsole => Box::<SlowConsole>::default(),
            ScenarioName::IrqsOffCaller => Box::<IrqsOffCaller>::default(),
            ScenarioName::Busy => Box::<Busy>::default(),
            ScenarioName::MaskedBusy => Box::<MaskedBusy>::default(),
            ScenarioName::SlowReport => Box::<SlowReport>::default(),
            ScenarioName::CallbackChain => Box::<CallbackChain>::default(),
            ScenarioName::NestedIrq => Box::<NestedIrq>::default(),
            ScenarioName::WaitChains => Box::<WaitChains>::default(),
        }
    }
}
