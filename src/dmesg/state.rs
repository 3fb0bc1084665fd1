//! The lines that say where a CPU was: its task and its program counter.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;
use crate::dmesg::trace::{first_word, function, place};

/// What such a line begins with: `CPU:`, `User PSW`, and what [`PC`] and [`LR`] begin with.
pub(super) const BEGINS: Begins = Begins::with("CP Us pc RI EI PC NI ep IA Kr ER lr LR ra RP");

/// What begins a line with the program counter: arm64, x86, arm, powerpc, riscv, mips, parisc, s390, loongarch.
const PC: [&str; 12] = [
    "pc : ",
    "RIP: ",
    "EIP: ",
    "EIP is at ",
    "PC is at ",
    "NIP [",
    "NIP: ",
    "epc : ",
    "epc   : ",
    "IAOQ[0]: ",
    "Krnl PSW : ",
    "ERA: ",
];

/// What begins a line with the address that a function returns to.
const LR: [&str; 8] =
    ["lr : ", "LR is at ", "LR [", "LR = ", "ra : ", "ra    : ", "ra: ", "RP(r2): "];

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let message = cpu_line(Scan(text)).or_else(|| user_mode(text)).or_else(|| pointer(text));
    message.map(Line::Says)
}

/// `dump_stack_print_info`.
fn cpu_line(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("CPU: ")?;
    let cpu = scan.cpu()?;
    if scan.tag(" UID: ").is_some() {
        scan.decimal::<u32>()?;
    }
    scan.tag(" PID: ")?;
    let pid = scan.decimal()?;
    scan.tag(" Comm: ")?;
    let ends = [" Kdump: ", " Tainted: ", " Not tainted"];
    let end = ends.iter().filter_map(|end| scan.0.find(end)).min().unwrap_or(scan.0.len());
    let (comm, rest) = scan.0.split_at(end);
    let mut rest = Scan(rest);
    let is_tainted = rest.until("Tainted: ").is_some();
    if !is_tainted {
        _ = rest.until("Not tainted");
    }
    let flags = if is_tainted { rest.take(|b| b == b' ' || b.is_ascii_uppercase()) } else { "" };
    let taint = flags.chars().filter(|&c| c != ' ').collect();
    rest.blanks();
    let release = first_word(rest.0).0;
    let has_release = release.bytes().next().is_some_and(|first| first.is_ascii_digit());
    let release = if has_release { release } else { "" }.to_owned();
    Some(Message::CpuLine { cpu, pid, comm: comm.trim().to_owned(), taint, release })
}

/// Where kernel code ends: a selector whose privilege level is 3, s390's user PSW, an address of powerpc's below the
/// kernel's.
fn user_mode(text: &str) -> Option<Message> {
    const RPL_MASK: u64 = 3;
    const KERNEL: u64 = 1 << 63;
    let mut scan = Scan(text);
    if scan.any(&["RIP: ", "EIP: "]).is_some() {
        let selector = scan.hex()?;
        scan.tag(":")?;
        return (selector & RPL_MASK == RPL_MASK).then_some(Message::UserMode);
    }
    if scan.tag("NIP [").is_some() {
        const DIGITS: usize = 16;
        let before = scan.0.len();
        let addr = scan.hex()?;
        (before - scan.0.len() == DIGITS).then_some(())?;
        scan.tag("] 0x")?;
        return (addr < KERNEL).then_some(Message::UserMode);
    }
    text.starts_with("User PSW : ").then_some(Message::UserMode)
}

fn pointer(text: &str) -> Option<Message> {
    const MOST: usize = 8;
    if text.ends_with("[inline]") {
        return None; // the function that it is a part of stands on the next such line
    }
    let find = |heads: &[&str]| {
        let rest = heads.iter().find_map(|head| text.strip_prefix(head))?;
        let with_offset = rest.split_whitespace().take(MOST).find_map(|word| {
            let word = word.rsplit(':').next()?;
            place(word.trim_start_matches('(').trim_end_matches(')'))
        });
        // `0010:f (kernel/smp.c:12)`.
        let past_selector = rest.split_once(':').map_or(rest, |(_, rest)| rest);
        let found = with_offset.or_else(|| function(past_selector)).or_else(|| function(rest));
        found.map(str::to_owned)
    };
    let pc = find(&PC).map(|symbol| Message::Pc { symbol });
    pc.or_else(|| find(&LR).map(|symbol| Message::Lr { symbol }))
}
