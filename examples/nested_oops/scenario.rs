//! The scenarios that can be chosen.

use clap::ValueEnum;
use softlockup::Scenario;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_console::SlowConsole;

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
}

impl ScenarioName {
    /// The scenario; `article` is the article's, changed as the command line says.
    pub(crate) fn scenario(self, article: NestedOops) -> Box<dyn Scenario> {
        match self {
            ScenarioName::Article => Box::new(article),
            ScenarioName::LostIpi => Box::<LostIpi>::default(),
            ScenarioName::SlowConsole => Box::<SlowConsole>::default(),
            ScenarioName::IrqsOffCaller => Box::<IrqsOffCaller>::default(),
        }
    }
}
