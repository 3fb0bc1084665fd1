//! Known answers to ex11.

use std::collections::BTreeMap;

use softlockup::CpuId;
use softlockup::dmesg::{Message, parse};

use crate::check::Check;
use crate::ex11::{ID, SilentCpu, checks};
use crate::variants::{Kind, Variant};

const SOLUTION: SilentCpu = ex11_read_the_console_solution::silent_cpu;

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

const NAMED: &str = "oracle::named";
const CANNOT: &str = "oracle::cannot_know";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, || checks(SOLUTION)),
    right("reads the bytes itself", || checks(needles)),
    right("counts the evidence", || checks(counts)),
    right("from the end", || checks(backwards)),
    right("knows of unfinished oopses, too", || checks(oops_as_well)),
    wrong("the CPU that reports itself", NAMED, &["expected CPU#0", "x1 = 3"], || checks(reporter)),
    wrong("CPU 0 always", NAMED, &["expected CPU#17", "says CPU#0"], || checks(|_| Some(CpuId(0)))),
    wrong("always None", NAMED, &["cannot know"], || checks(|_| None)),
    wrong("x0 blindly", CANNOT, &["a CPU that waits for a spinlock", "CPU#5"], || {
        checks(x0_blindly)
    }),
    wrong(
        "x0 of any waiter, cut to 32 bits",
        "oracle::real_consoles",
        &["pointer", "expected "],
        || checks(x0_of_waiters),
    ),
    wrong("x0 by its flags alone", CANNOT, &["spinlock", "pc is not in"], || checks(x0_by_flags)),
    wrong("reads no registers", NAMED, &["the article's incident", "in x0"], || {
        checks(no_registers)
    }),
    wrong("reads no CSD report", NAMED, &["a CSD lock's report"], || checks(no_csd)),
    wrong("the CPU that waits for the CSD lock", NAMED, &["expected CPU#11"], || {
        checks(csd_waiter)
    }),
    wrong("forgets that it got unstuck", CANNOT, &["got unstuck", "CPU#5"], || {
        checks(never_unstuck)
    }),
    wrong("the CPU that oopsed", CANNOT, &["survived an oops", "CPU#0"], || checks(oopsed)),
    wrong("believes a cut line", "oracle::cut", &["no newline yet"], || {
        checks(believes_a_cut_line)
    }),
    wrong("waits for the line after", CANNOT, &["the last line says", "got unstuck"], || {
        checks(one_line_late)
    }),
    wrong("believes that a log is UTF-8", "oracle::as_logs_arrive", &["panicked", "noise"], || {
        checks(utf8)
    }),
    wrong("knows where the number stands", CANNOT, &["panicked"], || checks(by_offset)),
    wrong("as handed out", NAMED, &["not written yet", "which lines name"], || {
        checks(|_| todo!("which lines name the CPU that does not answer?"))
    }),
];

fn whole(console: &[u8]) -> &[u8] {
    &console[..console.iter().rposition(|&byte| byte == b'\n').unwrap_or(0)]
}

/// The number behind `needle`, in this base.
fn number(line: &str, needle: &str, base: u32) -> Option<u64> {
    let rest = line[line.find(needle)? + needle.len()..].trim_start();
    let end = rest.find(|c: char| !c.is_digit(base)).unwrap_or(rest.len());
    u64::from_str_radix(&rest[..end], base).ok()
}

fn needles(console: &[u8]) -> Option<CpuId> {
    let text = String::from_utf8_lossy(whole(console));
    let (mut silent, mut waits) = (None, false);
    for line in text.lines() {
        if line.contains("pc : ") {
            waits = line.contains("pc : smp_call_function_many+");
        }
        let x0 = (waits && number(line, "x1 :", 16) == Some(3))
            .then(|| number(line, "x0 :", 16))
            .flatten();
        let csd = line
            .contains("non-responsive CSD lock")
            .then(|| number(line, "for CPU#", 10))
            .flatten();
        if line.contains("got unstuck") {
            silent = None;
        }
        silent = number(line, "hard LOCKUP on cpu", 10).or(csd).or(x0).or(silent);
    }
    silent.map(|cpu| CpuId(cpu as u32))
}

/// What each line says for a CPU and against it.
fn evidence(console: &[u8]) -> Vec<(CpuId, i32)> {
    let mut found = Vec::new();
    let mut pc = String::new();
    for entry in parse(whole(console)) {
        match entry.message {
            Message::HardLockup { cpu, .. } => found.push((cpu, 1)),
            Message::CsdStall { target, .. } => found.push((target, 1)),
            Message::CsdUnstuck { target, .. } => found.push((target, -1_000)),
            Message::Pc { symbol } => pc = symbol,
            Message::Regs { x0: Some(x0 @ ..4_096), x1: Some(3), .. }
                if pc == "smp_call_function_many" =>
            {
                found.push((CpuId(x0 as u32), 1));
            }
            _ => {}
        }
    }
    found
}

fn counts(console: &[u8]) -> Option<CpuId> {
    let mut count: BTreeMap<CpuId, i32> = BTreeMap::new();
    for (cpu, weight) in evidence(console) {
        *count.entry(cpu).or_default() += weight;
    }
    count
        .into_iter()
        .filter(|&(_, count)| count > 0)
        .max_by_key(|&(_, count)| count)
        .map(|(cpu, _)| cpu)
}

/// The last word on the matter.
fn backwards(console: &[u8]) -> Option<CpuId> {
    evidence(console).into_iter().next_back().filter(|&(_, weight)| weight > 0).map(|(cpu, _)| cpu)
}

/// A report of an oops on arm64 that is not printed to its end: of the real 6.1, that is right too.
fn oops_as_well(console: &[u8]) -> Option<CpuId> {
    let text = String::from_utf8_lossy(console);
    let unfinished = text.contains("die event detected") && !text.contains("end trace");
    let soft = text.contains("soft lockup");
    let cpu = number(&text, "die event detected (call 1, Oops, cpu ", 10);
    SOLUTION(console).or(cpu.filter(|_| unfinished && soft).map(|cpu| CpuId(cpu as u32)))
}

fn reporter(console: &[u8]) -> Option<CpuId> {
    parse(whole(console)).into_iter().find_map(|entry| match entry.message {
        Message::SoftLockup { cpu, .. } => Some(cpu),
        _ => None,
    })
}

/// The solution, and the first x0 for which this holds.
fn with_x0(console: &[u8], believes: fn(&str, Option<u64>) -> bool) -> Option<CpuId> {
    let (mut pc, mut found) = (String::new(), None);
    for entry in parse(whole(console)) {
        match entry.message {
            Message::Pc { symbol } => pc = symbol,
            Message::Regs { x0: Some(x0), x1, .. } if believes(&pc, x1) => {
                found = Some(CpuId(x0 as u32))
            }
            _ => {}
        }
    }
    found.or_else(|| SOLUTION(console))
}

fn x0_blindly(console: &[u8]) -> Option<CpuId> {
    with_x0(console, |_, _| true)
}

fn x0_of_waiters(console: &[u8]) -> Option<CpuId> {
    with_x0(console, |pc, _| pc.starts_with("smp_call") || pc.contains("cmpwait"))
}

fn x0_by_flags(console: &[u8]) -> Option<CpuId> {
    with_x0(console, |_, x1| x1 == Some(3))
}

/// The solution, on a log without such lines.
fn without(console: &[u8], lines: &[&str]) -> Option<CpuId> {
    let text = String::from_utf8_lossy(console);
    let keep = |line: &&str| lines.iter().all(|part| !line.contains(part));
    SOLUTION(text.split_inclusive('\n').filter(keep).collect::<String>().as_bytes())
}

fn no_registers(console: &[u8]) -> Option<CpuId> {
    without(console, &["x0 :"])
}

fn no_csd(console: &[u8]) -> Option<CpuId> {
    without(console, &["csd:"])
}

fn never_unstuck(console: &[u8]) -> Option<CpuId> {
    without(console, &["got unstuck"])
}

fn csd_waiter(console: &[u8]) -> Option<CpuId> {
    let waiter = parse(whole(console)).into_iter().find_map(|entry| match entry.message {
        Message::CsdStall { on, .. } => Some(on),
        _ => None,
    });
    waiter.or_else(|| SOLUTION(console))
}

/// The CPU of the first report of an oops.
fn oopsed(console: &[u8]) -> Option<CpuId> {
    let mut oops = false;
    let first = parse(whole(console)).into_iter().find_map(|entry| match entry.message {
        Message::Fault { .. } | Message::Oops { .. } => {
            oops = true;
            None
        }
        Message::CpuLine { cpu, .. } if oops => Some(cpu),
        _ => None,
    });
    SOLUTION(console).or(first)
}

fn believes_a_cut_line(console: &[u8]) -> Option<CpuId> {
    SOLUTION(&[console, b"\n"].concat())
}

/// `lines` up to the last but one.
fn one_line_late(console: &[u8]) -> Option<CpuId> {
    let end =
        console.strip_suffix(b"\n").unwrap_or(console).iter().rposition(|&byte| byte == b'\n')?;
    SOLUTION(&console[..=end])
}

fn utf8(console: &[u8]) -> Option<CpuId> {
    SOLUTION(std::str::from_utf8(console).unwrap().as_bytes())
}

/// Where our console has it.
fn by_offset(console: &[u8]) -> Option<CpuId> {
    let first_stamp = &console[..15];
    assert!(first_stamp.starts_with(b"["));
    SOLUTION(console)
}
