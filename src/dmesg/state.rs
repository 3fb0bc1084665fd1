//! The lines that say where a CPU was: its task, its registers, its call trace.

use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What begins a line with the program counter: arm64, x86, arm, powerpc, riscv, mips, parisc, s390.
const PC: [&str; 10] = [
    "pc : ",
    "RIP: ",
    "EIP: ",
    "EIP is at ",
    "PC is at ",
    "NIP [",
    "epc : ",
    "epc   : ",
    "IAOQ[0]: ",
    "Krnl PSW : ",
];

/// What begins a line with the address that a function returns to.
const LR: [&str; 5] = ["lr : ", "LR is at ", "LR [", "ra : ", "ra    : "];

/// What a line about a CPU's state says.
pub(super) fn read(text: &str) -> Option<Line> {
    cpu_line(Scan(text))
        .or_else(|| pointer(text))
        .or_else(|| pstate(text))
        .or_else(|| regs(text))
        .or_else(|| call_trace(text))
        .map(Line::Says)
        .or_else(|| pmr(text))
        .or_else(|| frame(text))
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
    let taint = rest.split_once("Tainted: ").map_or("", |(_, flags)| flags);
    let taint = taint.chars().take_while(|&c| c == ' ' || c.is_ascii_uppercase());
    let taint = taint.filter(|&c| c != ' ').collect();
    Some(Message::CpuLine { cpu, pid, comm: comm.trim().to_owned(), taint })
}

fn pointer(text: &str) -> Option<Message> {
    const MOST: usize = 8;
    let find = |heads: &[&str]| {
        let rest = heads.iter().find_map(|head| text.strip_prefix(head))?;
        rest.split_whitespace().take(MOST).find_map(|word| {
            let word = word.rsplit(':').next()?;
            place(word.trim_start_matches('(').trim_end_matches(')')).map(str::to_owned)
        })
    };
    let pc = find(&PC).map(|symbol| Message::Pc { symbol });
    pc.or_else(|| find(&LR).map(|symbol| Message::Lr { symbol }))
}

fn pstate(text: &str) -> Option<Message> {
    const PSR_I_BIT: u64 = 0x80;
    const X86_EFLAGS_IF: u64 = 0x200;
    let mut scan = Scan(text);
    if scan.tag("pstate: ").is_some() {
        let irqs_off = scan.hex()? & PSR_I_BIT != 0;
        let flags = scan.0.trim().strip_prefix('(')?.strip_suffix(')')?;
        return Some(Message::PState { text: flags.to_owned(), irqs_off });
    }
    if text.starts_with("RSP: ") || text.starts_with("ESP: ") || text.starts_with("EFLAGS: ") {
        scan.until("EFLAGS: ")?;
        let digits = scan.0;
        let irqs_off = scan.hex()? & X86_EFLAGS_IF == 0;
        let digits = &digits[..digits.len() - scan.0.len()];
        return Some(Message::PState { text: format!("EFLAGS: {digits}"), irqs_off });
    }
    // arm: `Flags: nZCv  IRQs on  FIQs on  Mode SVC_32`.
    if let Some(flags) = text.strip_prefix("Flags: ") {
        let irqs_off = flags.contains("IRQs off");
        let says = irqs_off || flags.contains("IRQs on");
        return says.then(|| Message::PState { text: flags.to_owned(), irqs_off });
    }
    // powerpc: `CFAR: c0000000001234 IRQMASK: 1`.
    (text.starts_with("CFAR: ") || text.starts_with("MSR: ")).then_some(())?;
    scan.until("IRQMASK: ")?;
    let mask: u8 = scan.decimal()?;
    Some(Message::PState { text: format!("IRQMASK: {mask}"), irqs_off: mask != 0 })
}

/// arm64 with pseudo-NMIs masks interrupts by priority: `GIC_PRIO_IRQON` lets them through; `GIC_PRIO_PSR_I_SET` says
/// nothing about the mask.
fn pmr(text: &str) -> Option<Line> {
    const GIC_PRIO_IRQON: u64 = 0xe0;
    const GIC_PRIO_PSR_I_SET: u64 = 0x10;
    let mut scan = Scan(text);
    scan.any(&["pmr: ", "pmr_save: "])?;
    Some(Line::Pmr(scan.hex()? & !GIC_PRIO_PSR_I_SET != GIC_PRIO_IRQON))
}

/// `x5 : 0000000000000000 x4 : fffffff7ffffffff x3 : ffff000000c8e018`, `RAX: 0000000000000000 RBX: …`.
fn regs(text: &str) -> Option<Message> {
    let (mut x0, mut x1, mut x4) = (None, None, None);
    let mut scan = Scan(text);
    loop {
        let name = scan.take(|c| c.is_ascii_alphanumeric());
        is_register(name).then_some(())?;
        scan.blanks();
        scan.tag(":")?;
        scan.blanks();
        let value = scan.hex()?;
        _ = scan.tag("(").and_then(|()| scan.until(")"));
        match name {
            "x0" => x0 = Some(value),
            "x1" => x1 = Some(value),
            "x4" => x4 = Some(value),
            _ => {}
        }
        if scan.0.trim().is_empty() {
            return Some(Message::Regs { x0, x1, x4 });
        }
        scan.tag(" ")?;
        scan.blanks();
    }
}

/// arm64's `x29`, arm's `r10`, x86's `RAX`, `R10`, `CR2`, `knlGS`.
fn is_register(name: &str) -> bool {
    let is_number = |digits: &str| {
        (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    match name {
        "sp" | "ip" | "fp" | "FS" | "GS" | "knlGS" | "CS" | "DS" | "ES" | "SS" => true,
        _ if name.strip_prefix(['x', 'r']).is_some_and(is_number) => true,
        _ if ["CR", "DR", "R"].iter().any(|p| name.strip_prefix(p).is_some_and(is_number)) => true,
        _ => matches!(
            name.strip_prefix(['R', 'E']),
            Some("AX" | "BX" | "CX" | "DX" | "SI" | "DI" | "BP" | "SP")
        ),
    }
}

fn call_trace(text: &str) -> Option<Message> {
    let is_head = ["Call trace:", "Call Trace:"].iter().any(|head| text.starts_with(head));
    is_head.then(|| Message::CallTrace { frames: Vec::new() })
}

/// `f+0x0/0x4 [module]`, `[<addr>] ? f+0x0/0x4`, `[sp] [pc] f+0x0/0x4 (unreliable)`, `<TASK>`, `f from g+0x0/0x4`.
fn frame(text: &str) -> Option<Line> {
    let (mut word, mut rest) = first_word(text);
    while is_marker(word) {
        if rest.is_empty() {
            return Some(Line::Frame(None));
        }
        (word, rest) = first_word(rest);
    }
    while let Some(addr) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        is_address(addr.trim_start_matches('<').trim_end_matches('>')).then_some(())?;
        (word, rest) = first_word(rest);
    }
    let is_guess = word == "?";
    if is_guess {
        (word, rest) = first_word(rest);
    }
    if let Some(addr) = word.strip_prefix("0x") {
        return (is_address(addr) && rest.is_empty()).then_some(Line::Frame(None));
    }
    let symbol = if let Some(from) = rest.strip_prefix("from ") {
        from.split_whitespace().find_map(|word| place(word.trim_matches(['(', ')'])))?;
        symbol_of(word.trim_start_matches('('))?
    } else {
        let is_note = rest.starts_with(['[', '(']) && rest.ends_with([']', ')']);
        (rest.is_empty() || is_note).then_some(())?;
        place(word)?.to_owned()
    };
    Some(Line::Frame((!is_guess).then_some(symbol)))
}

/// The text up to the first blank, and what follows the blanks.
fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// `<TASK>`, `</TASK>`, `<<EOE>>`, `<#DF>`.
fn is_marker(word: &str) -> bool {
    let name = word.trim_matches(['<', '>', '/']);
    let is_bracketed = word.starts_with('<') && word.ends_with('>');
    let is_name = |b: u8| b.is_ascii_uppercase() || b == b'#';
    is_bracketed && name.len() >= 2 && name.bytes().all(is_name)
}

fn is_address(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The function out of `f+0x1/0x2`.
fn place(word: &str) -> Option<&str> {
    let (symbol, offset) = word.rsplit_once('+')?;
    let (at, size) = offset.split_once('/')?;
    let is_hex = |text: &str| {
        text.strip_prefix("0x").is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
        })
    };
    (is_symbol(symbol) && is_hex(at) && is_hex(size)).then_some(symbol)
}

/// Whether it can be a function's name.
pub(super) fn is_symbol(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"_.$".contains(&b);
    text.bytes().next().is_some_and(|first| !first.is_ascii_digit()) && text.bytes().all(is_part)
}

/// The function at the beginning of `do_nothing+0x0/0x4(0x0).`
pub(super) fn symbol_of(text: &str) -> Option<String> {
    let symbol = Scan(text).take(|c| c.is_ascii_alphanumeric() || "_.$".contains(c));
    is_symbol(symbol).then(|| symbol.to_owned())
}
