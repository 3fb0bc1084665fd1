//! The scenarios that can be chosen.

use clap::ValueEnum;
use softlockup::scenario::ScenarioError;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::{AnyDieLock, CallQueue, Config, CpuId, Machine, MailboxCallQueue, Parts};

use crate::values::CallQueueArg;

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

/// A scenario, set up as the command line says.
pub(crate) enum Scenario {
    Article(NestedOops),
    LostIpi(LostIpi),
    SlowConsole(SlowConsole),
    IrqsOffCaller(IrqsOffCaller),
}

impl ScenarioName {
    /// The machine of the scenario, before anything is changed about it.
    pub(crate) fn default_config(self) -> Config {
        match self {
            ScenarioName::Article => Config::default(),
            ScenarioName::LostIpi => LostIpi::default().config,
            ScenarioName::SlowConsole => SlowConsole::default().config,
            ScenarioName::IrqsOffCaller => IrqsOffCaller::default().config,
        }
    }
}

impl Scenario {
    pub(crate) fn config(&self) -> &Config {
        match self {
            Scenario::Article(scenario) => &scenario.config,
            Scenario::LostIpi(scenario) => &scenario.config,
            Scenario::SlowConsole(scenario) => &scenario.config,
            Scenario::IrqsOffCaller(scenario) => &scenario.config,
        }
    }

    pub(crate) fn machine(&self, queue: CallQueueArg) -> Result<Machine, ScenarioError> {
        let parts = match self {
            Scenario::Article(scenario) => scenario.parts(),
            _ => Parts::stock(),
        };
        match queue {
            CallQueueArg::Kernel => self.machine_with(parts),
            CallQueueArg::Mailbox => self.machine_with(parts.with_call_queue::<MailboxCallQueue>()),
        }
    }

    fn machine_with<Q: CallQueue>(
        &self,
        parts: Parts<AnyDieLock, Q>,
    ) -> Result<Machine, ScenarioError> {
        match self {
            Scenario::Article(scenario) => scenario.machine_with(parts),
            Scenario::LostIpi(scenario) => scenario.machine_with(parts),
            Scenario::SlowConsole(scenario) => scenario.machine_with(parts),
            Scenario::IrqsOffCaller(scenario) => scenario.machine_with(parts),
        }
    }

    /// The CPUs of the article's victims that this machine does not have.
    pub(crate) fn absent_victims(&self) -> Vec<CpuId> {
        match self {
            Scenario::Article(scenario) => scenario.absent_victims(),
            _ => Vec::new(),
        }
    }
}
