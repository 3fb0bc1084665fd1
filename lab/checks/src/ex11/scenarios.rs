//! The machines that print the consoles.

use softlockup::config::{Config, Detectors};
use softlockup::scenario::At;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Kernel, KernelTime, Parts, Scenario};

use crate::ex11::console::{Console, Proof};
use crate::replay;

/// The console of a machine that has not run yet.
pub(super) type Print = Box<dyn FnOnce() -> Console + Send>;

/// A machine whose console is to be `text`.
pub(super) fn machine(
    name: &'static str,
    text: impl FnOnce() -> String + Send + 'static,
    proof: Proof,
    because: &'static str,
) -> Print {
    Box::new(move || Console::new(name, text(), proof, because))
}

fn at(cpu: u32, secs: u64) -> At {
    At { cpu: CpuId(cpu), time: KernelTime::from_secs(secs) }
}

pub(super) fn config(kernel: Kernel, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config { nr_cpus: 24, kernel, ..SlowConsole::default().config };
    config.detectors = Detectors { hardlockup_buddy: None, ..Detectors::of(kernel) };
    change(&mut config);
    config
}

pub(super) fn printed(scenario: &impl Scenario) -> String {
    replay::live(scenario, Parts::stock()).expect("these parts are right").console()
}

/// A CPU that writes for longer than the machine runs.
pub(super) fn stuck(slow: u32, callers: [u32; 2], config: Config) -> String {
    printed(&SlowConsole {
        config,
        slow: at(slow, 60),
        write_ns: 1_000 * NSEC_PER_SEC,
        callers: vec![at(callers[0], 61), at(callers[1], 70)],
        until: Some(KernelTime::from_secs(110)),
    })
}

/// A CPU that writes for 9 s.
pub(super) fn slow(slow: u32, config: Config) -> String {
    printed(&SlowConsole {
        config,
        slow: at(slow, 60),
        callers: vec![at(7, 61), at(9, 62)],
        ..SlowConsole::default()
    })
}

pub(super) fn lost(deaf: u32, callers: [u32; 2], config: Config) -> String {
    printed(&LostIpi {
        config,
        deaf: CpuId(deaf),
        callers: vec![at(callers[0], 60), at(callers[1], 66)],
        until: None,
    })
}
