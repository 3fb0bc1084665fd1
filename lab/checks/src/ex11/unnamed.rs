//! Consoles on which no line names the CPU.

use softlockup::Kernel::{Arm64V4_19, Arm64V6_12, X86V6_1};
use softlockup::config::Config;

use crate::consoles::real;
use crate::ex11::console::{Console, Proof};
use crate::ex11::scenarios::{config, lost, slow, stuck};

pub(super) fn cannot_know() -> Vec<Console> {
    let csd = |config: &mut Config| config.detectors.csd = true;
    let healthy = |kernel| slow(5, config(kernel, |_| ()));
    let unstuck = "the last line says that the wait is over: `got unstuck`";
    let soft =
        "soft lockups name the CPUs that print, which answer, and these registers are not 4.19's";
    let spinlock = "\
[  100.358045] watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [kworker/2:1:77]
[  100.358045] CPU: 2 PID: 77 Comm: kworker/2:1 Tainted: G           OE     4.19.5 #1
[  100.358045] pstate: 80000005 (Nzcv daif -PAN -UAO)
[  100.358045] pc : queued_spin_lock_slowpath+0x1d0/0x2b8
[  100.358045] lr : _raw_spin_lock+0x5c/0x68
[  100.358045] x1 : 0000000000000003 x0 : 0000000000000005
[  100.358045] Call trace:
[  100.358045]  queued_spin_lock_slowpath+0x1d0/0x2b8
";
    vec![
        Console::new("an empty console", "", Proof::None, "it says nothing"),
        Console::new(
            "a console without a newline",
            "[    0.000000] Booting",
            Proof::None,
            "it says nothing",
        ),
        Console::new(
            "a slow console of 4.19",
            healthy(Arm64V4_19),
            Proof::None,
            "no CPU reported anything",
        ),
        Console::new(
            "soft lockups of 6.12",
            stuck(14, [2, 13], config(Arm64V6_12, |_| ())),
            Proof::None,
            soft,
        ),
        Console::new(
            "a lost interrupt of 6.12",
            lost(14, [2, 13], config(Arm64V6_12, |_| ())),
            Proof::None,
            soft,
        ),
        Console::new(
            "soft lockups of x86-64",
            stuck(8, [2, 13], config(X86V6_1, |_| ())),
            Proof::None,
            soft,
        ),
        Console::new(
            "a slow console with CSD-lock debugging",
            slow(5, config(Arm64V6_12, csd)),
            Proof::None,
            unstuck,
        ),
        Console::new(
            "a lost interrupt with CSD-lock debugging",
            lost(12, [5, 1], config(Arm64V6_12, csd)),
            Proof::None,
            unstuck,
        ),
        Console::new(
            "a CPU that waits for a spinlock",
            spinlock,
            Proof::None,
            "its pc is not in smp_call_function_many, so x0 and x1 are anything",
        ),
        Console::new(
            "a real 6.12 on which all is well",
            real("a64-612-baseline-execbusy-smp4"),
            Proof::None,
            "no CPU reported anything",
        ),
        Console::new(
            "a real 6.12 that survived an oops",
            real("a64-612-nest0-smp4"),
            Proof::None,
            "CPU 0 oopsed, printed all of it, and went on",
        ),
        Console::new(
            "a real x86-64 that survived two oopses",
            real("x86-d61-nest1-smp4"),
            Proof::None,
            "CPU 0 oopsed, printed all of it, and went on",
        ),
    ]
}
