//! # Why it works
//!
//! - It takes three kinds of line for a proof, and no other: a watchdog that looked at another CPU, a caller that waits
//!   for an answer, and the registers of a caller on a kernel where x0 is known to hold the CPU.
//! - x1 is the guard of x0. It holds the csd's flags: 3 says both that this is the old layout and that x0 and x1 still
//!   hold what the wait put there. And the pc says that the CPU waits at all.
//! - `got unstuck` takes a proof back: that CPU has answered.
//! - The last line counts only with its newline. "hard LOCKUP on cpu 1" may have been going to say 12.
//! - Everything else is no proof. The CPUs that are reported are alive; the CPU that oopsed may have gone on.
//!
//! Without a hard-lockup detector and without CSD-lock debugging, a console of 6.12 or of x86 mostly proves nothing.
//! That is worth knowing before the next hang: build the kernel with one of them, and switch it on.

use softlockup::CpuId;
use softlockup::dmesg::{Message, parse};

/// The CPU that does not answer, as far as `console` proves it.
pub fn silent_cpu(console: &[u8]) -> Option<CpuId> {
    let end = console.iter().rposition(|&byte| byte == b'\n')?;
    let (mut silent, mut waits) = (None, false);
    for entry in parse(&console[..end]) {
        match entry.message {
            Message::HardLockup { cpu, .. } => silent = Some(cpu),
            Message::CsdStall { target, .. } => silent = Some(target),
            Message::CsdUnstuck { target, .. } if silent == Some(target) => silent = None,
            Message::Pc { symbol } => waits = symbol == "smp_call_function_many",
            Message::Regs(regs) if waits && regs.get("x1") == Some(3) => {
                let cpu = regs.get("x0").and_then(|x0| u32::try_from(x0).ok());
                silent = cpu.map(CpuId).or(silent);
            }
            _ => {}
        }
    }
    silent
}
