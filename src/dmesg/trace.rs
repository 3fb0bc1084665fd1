//! The lines of a call trace, and the functions in them.
//!
//! In Linux: `dump_backtrace`, `show_trace_log_lvl` and `show_stack` of each architecture; `scripts/decode_stacktrace.sh`
//! adds the places in the source.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line begins with, if it is no frame: `Call trace`, `Exception stack`, `---`.
pub(super) const BEGINS: Begins = Begins::with("Ca Ex --");

/// What such a line says, if it is no frame.
pub(super) fn read(text: &str) -> Option<Line> {
    if ["Call trace:", "Call Trace:"].iter().any(|head| text.starts_with(head)) {
        let trace = Message::CallTrace { frames: Vec::new(), interrupts: Vec::new() };
        return Some(Line::Says(trace));
    }
    if text.starts_with("Exception stack(") {
        return Some(Line::Frame { symbol: None, interrupted: true });
    }
    interrupt(text).map(Line::Says)
}

/// powerpc's `--- interrupt: 900 at f+0x1/0x2`, older `--- Exception: 901 at …`.
fn interrupt(text: &str) -> Option<Message> {
    let mut scan = Scan(text);
    scan.any(&["--- interrupt: ", "--- Exception: "])?;
    let vector = u32::try_from(scan.hex()?).ok()?;
    let symbol = scan.tag(" at ").and_then(|()| function(scan.0)).map(str::to_owned);
    Some(Message::Interrupt { vector, symbol })
}

/// `f+0x0/0x4 [module]`, `[<addr>] ? f+0x0/0x4`, `[sp] [pc] f+0x0/0x4 (unreliable)`, `<TASK>`, `f from g+0x0/0x4`,
/// `f+0x0/0x4 kernel/smp.c:12`, `f kernel/smp.c:12 [inline]`.
pub(super) fn frame(text: &str) -> Option<Line> {
    let (mut word, mut rest) = first_word(text);
    let mut interrupted = false;
    while is_marker(word) {
        interrupted |= word != "</TASK>";
        if rest.is_empty() {
            return Some(Line::Frame { symbol: None, interrupted });
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
        let is_note = rest.is_empty() || rest == "(unreliable)";
        return (is_address(addr) && is_note).then_some(Line::Frame { symbol: None, interrupted });
    }
    let symbol = if let Some(from) = rest.strip_prefix("from ") {
        from.split_whitespace().find_map(|word| place(word.trim_matches(['(', ')'])))?;
        symbol_of(word.trim_start_matches('('))?
    } else if let Some(symbol) = place(word) {
        let is_note = rest.starts_with(['[', '(']) && rest.ends_with([']', ')']);
        (rest.is_empty() || is_note || is_source(first_word(rest).0)).then_some(())?;
        symbol.to_owned()
    } else {
        sourced(word, rest)?.to_owned()
    };
    Some(Line::Frame { symbol: (!is_guess).then_some(symbol), interrupted })
}

/// The function that a text begins with, if it says so with an offset or with a place in the source.
pub(super) fn function(text: &str) -> Option<&str> {
    let (word, rest) = first_word(text);
    place(word).or_else(|| sourced(word, rest))
}

/// The function out of `f kernel/smp.c:12 [inline]`, `f (kernel/smp.c:12 kernel/smp.c:34)`.
fn sourced<'a>(word: &'a str, rest: &str) -> Option<&'a str> {
    is_symbol(word).then_some(())?;
    let (source, after) = first_word(rest);
    let is_inline = is_source(source) && after == "[inline]";
    let is_decoded = source.strip_prefix('(').is_some_and(|it| is_source(it.trim_end_matches(')')));
    (is_inline || is_decoded).then_some(word)
}

/// `kernel/smp.c:12`.
fn is_source(word: &str) -> bool {
    word.rsplit_once(':').is_some_and(|(file, line)| {
        let is_file = [".c", ".h", ".S", ".rs"].iter().any(|end| file.ends_with(end));
        is_file && !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The text up to the first blank, and what follows the blanks.
pub(super) fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// `<TASK>`, `</TASK>`, `<<EOE>>`, `<#DF>`.
fn is_marker(word: &str) -> bool {
    if !word.starts_with('<') || !word.ends_with('>') {
        return false;
    }
    let name = word.trim_matches(['<', '>', '/']);
    let is_name = |b: u8| b.is_ascii_uppercase() || b == b'#' || b == b'_';
    name.len() >= 2 && name.bytes().all(is_name)
}

fn is_address(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The function out of `f+0x1/0x2`.
pub(super) fn place(word: &str) -> Option<&str> {
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
    let symbol = Scan(text).take(|b| b.is_ascii_alphanumeric() || b"_.$".contains(&b));
    is_symbol(symbol).then(|| symbol.to_owned())
}
