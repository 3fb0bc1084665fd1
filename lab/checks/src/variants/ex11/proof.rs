//! Lines that prove nothing are believed, or a proof is overlooked.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
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
    wrong("the CPU that noticed the hard lockup", NAMED, &["hard LOCKUP on cpu"], || {
        checks(noticed)
    }),
    wrong("takes x0 for a decimal number", NAMED, &["expected CPU#17"], || checks(decimal)),
];

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
            Message::Regs(regs) if believes(&pc, regs.get("x1")) => {
                found = regs.get("x0").map(|x0| CpuId(x0 as u32)).or(found);
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

/// The next line that tells of a CPU tells of the one that prints.
fn noticed(console: &[u8]) -> Option<CpuId> {
    let mut hard = false;
    let next = parse(whole(console)).into_iter().find_map(|entry| match entry.message {
        Message::HardLockup { .. } => {
            hard = true;
            None
        }
        Message::CpuLine { cpu, .. } | Message::SoftLockup { cpu, .. } if hard => Some(cpu),
        _ => None,
    });
    next.or_else(|| SOLUTION(console))
}

fn decimal(console: &[u8]) -> Option<CpuId> {
    let hex = SOLUTION(console)?;
    let text = String::from_utf8_lossy(console);
    let from_x0 = text.contains("x0 :") && !text.contains("hard LOCKUP") && !text.contains("csd:");
    let digits = format!("{:x}", hex.0);
    Some(if from_x0 { CpuId(digits.parse().ok()?) } else { hex })
}
