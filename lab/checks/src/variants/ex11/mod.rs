//! Known answers to ex11: readers of consoles.

use std::collections::BTreeMap;

use softlockup::CpuId;
use softlockup::dmesg::{Message, parse};

use crate::ex11::{SilentCpu, checks};
use crate::variants::{Variant, right, solution, wrong};

mod proof;
mod right;
mod text;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[right::VARIANTS, proof::VARIANTS, text::VARIANTS];

const NAMED: &str = "oracle::named";
const CANNOT: &str = "oracle::cannot_know";

const SOLUTION: SilentCpu = ex11_read_the_console_solution::silent_cpu;

fn whole(console: &[u8]) -> &[u8] {
    &console[..console.iter().rposition(|&byte| byte == b'\n').unwrap_or(0)]
}

/// The number behind `needle`, in this base.
fn number(line: &str, needle: &str, base: u32) -> Option<u64> {
    let rest = line[line.find(needle)? + needle.len()..].trim_start();
    let end = rest.find(|c: char| !c.is_digit(base)).unwrap_or(rest.len());
    u64::from_str_radix(&rest[..end], base).ok()
}
