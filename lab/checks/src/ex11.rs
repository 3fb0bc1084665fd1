//! The checks of ex11: what does the console prove?

use softlockup::config::{Config, Detectors};
use softlockup::scenario::At;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Kernel, KernelTime, Parts, Scenario};

use crate::check::{Check, Failure, Tier};
use crate::consoles::real;
use crate::oracle::ask;
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex11";

/// What a learner writes.
pub type SilentCpu = fn(&[u8]) -> Option<CpuId>;

/// What the function must say.
pub fn checks(silent_cpu: SilentCpu) -> Vec<Check> {
    let check = |id, rule, points, run: fn(SilentCpu) -> Result<(), Failure>| {
        Check::new(Tier::Oracle, id, rule, points, move || run(silent_cpu))
    };
    vec![
        check("oracle::named", "a console that names the CPU is believed", 2, |silent_cpu| {
            named().iter().try_for_each(|console| console.judge(silent_cpu))
        }),
        check(
            "oracle::cannot_know",
            "a console that names no CPU proves nothing",
            2,
            |silent_cpu| cannot_know().iter().try_for_each(|console| console.judge(silent_cpu)),
        ),
        check("oracle::real_consoles", "real consoles are read as well", 1, |silent_cpu| {
            real_consoles().iter().try_for_each(|console| console.judge(silent_cpu))
        }),
        check("oracle::cut", "a line that is cut proves nothing, a whole one does", 1, cut),
        check(
            "oracle::as_logs_arrive",
            "prefixes, line ends and other bytes do not matter",
            0,
            as_logs_arrive,
        ),
    ]
}

/// What is to be said of a console.
#[derive(Clone, Copy, Debug)]
enum Proof {
    /// This CPU: a line names it.
    Of(u32),
    /// None at all.
    None,
    /// This CPU, or none: it can be concluded, but no line names it.
    AtMost(u32),
}

/// A console, and what it proves.
#[derive(Debug)]
struct Console {
    name: String,
    text: Vec<u8>,
    proof: Proof,
    /// The line that names the CPU, or why no line does.
    because: &'static str,
}

impl Console {
    fn new(name: &str, text: impl Into<Vec<u8>>, proof: Proof, because: &'static str) -> Self {
        Console { name: name.to_owned(), text: text.into(), proof, because }
    }

    fn judge(&self, silent_cpu: SilentCpu) -> Result<(), Failure> {
        let Console { name, text, proof, because } = self;
        let bytes = text.clone();
        let said = ask(&format!("the silent CPU of {name}"), move || silent_cpu(&bytes))?;
        let expected = match *proof {
            Proof::Of(cpu) if said == Some(CpuId(cpu)) => return Ok(()),
            Proof::AtMost(cpu) if said.is_none_or(|said| said == CpuId(cpu)) => return Ok(()),
            Proof::None if said.is_none() => return Ok(()),
            Proof::Of(cpu) => format!("CPU#{cpu}"),
            Proof::AtMost(cpu) => format!("no CPU, or CPU#{cpu}"),
            Proof::None => "no CPU".to_owned(),
        };
        let why = match said {
            None => {
                "A reader who overlooks that line has nothing to go by, and the machine hangs again"
            }
            Some(said) if said.0 > 4_096 => {
                "No machine has a CPU of that number: on this kernel x0 is a pointer, and its x1 is not 3"
            }
            Some(_) => {
                "The CPU that is named gets the blame, and its driver: a wrong name is worse than none"
            }
        };
        let said = said.map_or("that it cannot know".to_owned(), |said| format!("CPU#{said}"));
        let message =
            format!("{name}: expected {expected}, because {because}; the code says {said}. {why}");
        Err(Failure::new(message).with_detail(replay::last_lines(&String::from_utf8_lossy(text))))
    }
}

fn at(cpu: u32, secs: u64) -> At {
    At { cpu: CpuId(cpu), time: KernelTime::from_secs(secs) }
}

fn config(kernel: Kernel, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config { nr_cpus: 24, kernel, ..SlowConsole::default().config };
    config.detectors = Detectors { hardlockup_buddy: None, ..Detectors::of(kernel) };
    change(&mut config);
    config
}

fn printed(scenario: &impl Scenario) -> String {
    replay::live(scenario, Parts::stock()).expect("these parts are right").console()
}

/// A CPU that writes for longer than the machine runs.
fn stuck(slow: u32, callers: [u32; 2], config: Config) -> String {
    printed(&SlowConsole {
        config,
        slow: at(slow, 60),
        write_ns: 1_000 * NSEC_PER_SEC,
        callers: vec![at(callers[0], 61), at(callers[1], 70)],
        until: Some(KernelTime::from_secs(110)),
    })
}

/// A CPU that writes for 9 s.
fn slow(slow: u32, config: Config) -> String {
    printed(&SlowConsole {
        config,
        slow: at(slow, 60),
        callers: vec![at(7, 61), at(9, 62)],
        ..SlowConsole::default()
    })
}

fn lost(deaf: u32, callers: [u32; 2], config: Config) -> String {
    printed(&LostIpi {
        config,
        deaf: CpuId(deaf),
        callers: vec![at(callers[0], 60), at(callers[1], 66)],
        until: None,
    })
}

const X0: &str = "a CPU that waits in smp_call_function_many of 4.19, with x1 = 3, has it in x0";
const HARD: &str = "`hard LOCKUP on cpu` names it";
const CSD: &str = "a CSD lock's report names it";

fn named() -> Vec<Console> {
    use Kernel::{Arm64V4_19, Arm64V6_12, X86V6_1};
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
    vec![
        Console::new("the article's incident", seed(0x5EED_4001, Arm64V4_19), Proof::Of(0), X0),
        Console::new(
            "a driver of 4.19 with interrupts off",
            stuck(17, [3, 20], config(Arm64V4_19, |_| ())),
            Proof::Of(17),
            X0,
        ),
        Console::new(
            "a lost interrupt of 4.19",
            lost(12, [5, 1], config(Arm64V4_19, |_| ())),
            Proof::Of(12),
            X0,
        ),
        Console::new(
            "the article's incident on 6.12",
            seed(0x5EED_4002, Arm64V6_12),
            Proof::Of(0),
            HARD,
        ),
        Console::new(
            "a driver of 6.12 with interrupts off",
            stuck(14, [2, 13], config(Arm64V6_12, buddy)),
            Proof::Of(14),
            HARD,
        ),
        Console::new(
            "the same with CSD-lock debugging",
            stuck(11, [2, 13], config(Arm64V6_12, csd)),
            Proof::Of(11),
            CSD,
        ),
        Console::new(
            "a driver of x86-64 with interrupts off",
            stuck(8, [2, 13], config(X86V6_1, perf)),
            Proof::Of(8),
            HARD,
        ),
        Console::new(
            "the same with CSD-lock debugging",
            stuck(19, [2, 13], config(X86V6_1, csd)),
            Proof::Of(19),
            CSD,
        ),
    ]
}

fn cannot_know() -> Vec<Console> {
    use Kernel::{Arm64V4_19, Arm64V6_12, X86V6_1};
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

fn real_consoles() -> Vec<Console> {
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

/// A console of each kind, and what the line says that names the CPU.
fn to_cut() -> Vec<(Console, &'static str)> {
    let needles = [
        "x0 :",
        "x0 :",
        "x0 :",
        "hard LOCKUP",
        "hard LOCKUP",
        "non-responsive",
        "hard LOCKUP",
        "non-responsive",
    ];
    named()
        .into_iter()
        .zip(needles)
        .filter(|(console, _)| !matches!(console.proof, Proof::Of(0)))
        .collect()
}

fn cut(silent_cpu: SilentCpu) -> Result<(), Failure> {
    for (console, needle) in to_cut() {
        let Console { name, text, proof, .. } = console;
        let Proof::Of(cpu) = proof else { unreachable!("a line names a CPU") };
        let whole = String::from_utf8(text).expect("our console is UTF-8");
        let names = whole.find(needle).expect("the line is there");
        let begin = whole[..names].rfind('\n').map_or(0, |newline| newline + 1);
        let end = names + whole[names..].find('\n').expect("it ends") + 1;
        for at in (begin..=end + 200).filter(|&at| at <= whole.len()) {
            let (proof, because) = match at < end {
                true => (
                    Proof::None,
                    "the line that names it has no newline yet, so its last number may go on",
                ),
                false => (Proof::Of(cpu), "the line that names it is complete"),
            };
            let name = match at < end {
                true => format!("{name}, cut after `{}`", &whole[begin..at]),
                false => {
                    format!("{name}, cut {} bytes after the line that names CPU#{cpu}", at - end)
                }
            };
            Console { name, text: whole.as_bytes()[..at].to_vec(), proof, because }
                .judge(silent_cpu)?;
        }
    }
    Ok(())
}

fn as_logs_arrive(silent_cpu: SilentCpu) -> Result<(), Failure> {
    type Change = fn(&str) -> Vec<u8>;
    let changes: [(&str, Change); 4] = [
        ("with CR and LF", |text| text.replace('\n', "\r\n").into_bytes()),
        ("as syslog keeps it", |text| {
            let line = |line| format!("Jan 23 23:39:43 worker0 kernel: {line}\n");
            text.lines().map(line).collect::<String>().into_bytes()
        }),
        ("with the caller of each line", |text| text.replace("] ", "][   T77] ").into_bytes()),
        ("with noise on the line", |text| {
            [b"\xff\xfe\x00login: \n", text.as_bytes(), b"\xc3\x28\n"].concat()
        }),
    ];
    for (console, _) in to_cut() {
        for (how, change) in changes {
            let text = change(std::str::from_utf8(&console.text).expect("our console is UTF-8"));
            let name = format!("{}, {how}", console.name);
            Console { name, text, ..console }.judge(silent_cpu)?;
        }
    }
    Ok(())
}

/// What `lab replay` shows.
pub fn replayed(silent_cpu: SilentCpu) -> String {
    let mut text = String::new();
    for Console { name, text: bytes, proof, because } in
        [named(), cannot_know(), real_consoles()].into_iter().flatten()
    {
        let said = match ask("the silent CPU", move || silent_cpu(&bytes)) {
            Ok(Some(cpu)) => format!("CPU#{cpu}"),
            Ok(None) => "it cannot be known".to_owned(),
            Err(failure) => failure.message,
        };
        let proof = match proof {
            Proof::Of(cpu) => format!("CPU#{cpu}"),
            Proof::None => "it cannot be known".to_owned(),
            Proof::AtMost(cpu) => format!("it cannot be known for sure; it is CPU#{cpu}"),
        };
        text += &format!("{name}\n    your code: {said}\n    true: {proof}, because {because}\n");
    }
    text
}
