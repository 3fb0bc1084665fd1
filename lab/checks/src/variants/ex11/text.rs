//! The text is not as they expect it.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
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
