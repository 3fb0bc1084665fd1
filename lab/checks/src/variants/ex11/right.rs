//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(|| checks(SOLUTION)),
    right("reads the bytes itself", || checks(needles)),
    right("counts the evidence", || checks(counts)),
    right("from the end", || checks(backwards)),
    right("knows of unfinished oopses, too", || checks(oops_as_well)),
];

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
            Message::Regs(regs) if pc == "smp_call_function_many" && regs.get("x1") == Some(3) => {
                let cpu = regs.get("x0").filter(|&x0| x0 < 4_096);
                found.extend(cpu.map(|x0| (CpuId(x0 as u32), 1)));
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
