//! Consoles on which a line names the CPU that does not answer.

use std::sync::OnceLock;

use softlockup::Kernel::{Arm64V4_19, Arm64V6_12, X86V6_1};
use softlockup::config::{Config, Detectors};
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};

use crate::consoles::real;
use crate::ex11::console::{Console, Proof};
use crate::ex11::scenarios::{config, lost, machine, printed, stuck};
use crate::replay;

const X0: &str = "a CPU that waits in smp_call_function_many of 4.19, with x1 = 3, has it in x0";
const HARD: &str = "`hard LOCKUP on cpu` names it";
const CSD: &str = "a CSD lock's report names it";

/// They are printed once, and looked at by three checks.
pub(super) fn named() -> &'static [Console] {
    static NAMED: OnceLock<Vec<Console>> = OnceLock::new();
    NAMED.get_or_init(print_named)
}

fn print_named() -> Vec<Console> {
    let seed = |seed, kernel| {
        printed(&NestedOops {
            config: Config {
                nr_cpus: 24,
                kernel,
                detectors: Detectors::of(kernel),
                ..Config::default()
            },
            arrivals: Arrivals::Seed(seed),
            ..NestedOops::default()
        })
    };
    let buddy = |config: &mut Config| {
        config.detectors.hardlockup_buddy = Detectors::of(Arm64V6_12).hardlockup_buddy
    };
    let csd = |config: &mut Config| config.detectors.csd = true;
    let perf = |config: &mut Config| config.detectors.hardlockup_perf = true;
    let machines = vec![
        machine("the article's incident", move || seed(0x5EED_4001, Arm64V4_19), Proof::Of(0), X0),
        machine(
            "a driver of 4.19 with interrupts off",
            || stuck(17, [3, 20], config(Arm64V4_19, |_| ())),
            Proof::Of(17),
            X0,
        ),
        machine(
            "a lost interrupt of 4.19",
            || lost(12, [5, 1], config(Arm64V4_19, |_| ())),
            Proof::Of(12),
            X0,
        ),
        machine(
            "the article's incident on 6.12",
            move || seed(0x5EED_4002, Arm64V6_12),
            Proof::Of(0),
            HARD,
        ),
        machine(
            "a driver of 6.12 with interrupts off",
            move || stuck(14, [2, 13], config(Arm64V6_12, buddy)),
            Proof::Of(14),
            HARD,
        ),
        machine(
            "the same with CSD-lock debugging",
            move || stuck(11, [2, 13], config(Arm64V6_12, csd)),
            Proof::Of(11),
            CSD,
        ),
        machine(
            "a driver of x86-64 with interrupts off",
            move || stuck(8, [2, 13], config(X86V6_1, perf)),
            Proof::Of(8),
            HARD,
        ),
        machine(
            "the same with CSD-lock debugging",
            move || stuck(19, [2, 13], config(X86V6_1, csd)),
            Proof::Of(19),
            CSD,
        ),
    ];
    replay::at_once(machines, |print| print())
}

pub(super) fn real_consoles() -> Vec<Console> {
    let console = |name: &str, proof, because| {
        Console::new(&format!("the real console {name}"), real(name), proof, because)
    };
    vec![
        console("a64-612-oops-execbusy-smp4", Proof::Of(0), HARD),
        console("a64-612-pnmi-smp4", Proof::Of(0), HARD),
        console("a64-612-softpanic-smp4", Proof::Of(0), HARD),
        console("a64-612-panic_on_oops-smp4", Proof::Of(0), HARD),
        console("a64-612-csd-smp4", Proof::Of(0), CSD),
        console(
            "a64-d61-oops-kick-smp4",
            Proof::AtMost(0),
            "its x1 is 0x11, so its x0 proves nothing; CPU 0 oopsed and never ended its report",
        ),
        console(
            "x86-d61-nest1-again-smp4",
            Proof::AtMost(1),
            "x86 has no x0; CPU 1 said that it was about to fault, and then no more",
        ),
    ]
}
