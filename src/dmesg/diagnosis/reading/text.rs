//! What lines that belong to no class say of the machine.

use crate::cpumask::CpuId;

/// x86's `smpboot: CPU 3 is now offline` and `smpboot: Booting Node 0 Processor 3 APIC 0x6`, arm64's `psci: CPU3 killed`
/// and `CPU3: Booted secondary processor`: which CPU, and whether it is online.
pub(super) fn hotplug(text: &str) -> Option<(CpuId, bool)> {
    let is_online = text.contains("Booting Node ") || text.contains(": Booted secondary processor");
    let is_offline = text.ends_with(" is now offline") || text.starts_with("psci: CPU");
    let (_, rest) = text.split_once("Processor ").or_else(|| text.split_once("CPU"))?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let cpu = rest[..end].parse().ok().filter(|_| is_online || is_offline)?;
    Some((CpuId(cpu), is_online))
}

/// `watchdog_thresh=20`: of the command line, or what a script printed.
pub(super) fn thresh(text: &str) -> Option<u64> {
    let (_, value) = text.split_once("watchdog_thresh")?;
    let digits: String = value
        .trim_start_matches([' ', '=', ':'])
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().filter(|secs| (1..=60).contains(secs))
}
