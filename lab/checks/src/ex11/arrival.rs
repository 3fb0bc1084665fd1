//! How logs arrive: cut, and with more than the kernel wrote.

use crate::check::Failure;
use crate::ex11::SilentCpu;
use crate::ex11::console::{Console, Proof};
use crate::ex11::named::named;

/// A console of each kind, and what the line says that names the CPU.
fn to_cut() -> Vec<(Console, &'static str)> {
    let needles = [
        "x0 :",
        "x0 :",
        "x0 :",
        "hard LOCKUP",
        "hard LOCKUP",
        "non-responsive",
        "hard LOCKUP",
        "non-responsive",
    ];
    named()
        .iter()
        .cloned()
        .zip(needles)
        .filter(|(console, _)| !matches!(console.proof, Proof::Of(0)))
        .collect()
}

pub(super) fn cut(silent_cpu: SilentCpu) -> Result<(), Failure> {
    for (console, needle) in to_cut() {
        let Console { name, text, proof, .. } = console;
        let Proof::Of(cpu) = proof else { unreachable!("a line names a CPU") };
        let whole = String::from_utf8(text).expect("our console is UTF-8");
        let names = whole.find(needle).expect("the line is there");
        let begin = whole[..names].rfind('\n').map_or(0, |newline| newline + 1);
        let end = names + whole[names..].find('\n').expect("it ends") + 1;
        let after = [0, 1, 2, 80, 200].map(|more| end + more);
        for at in (begin..end).chain(after).filter(|&at| at <= whole.len()) {
            let (proof, because) = match at < end {
                true => (
                    Proof::None,
                    "the line that names it has no newline yet, so its last number may go on",
                ),
                false => (Proof::Of(cpu), "the line that names it is complete"),
            };
            let name = match at < end {
                true => format!("{name}, cut after `{}`", &whole[begin..at]),
                false => {
                    format!("{name}, cut {} bytes after the line that names CPU#{cpu}", at - end)
                }
            };
            Console { name, text: whole.as_bytes()[..at].to_vec(), proof, because }
                .judge(silent_cpu)?;
        }
    }
    Ok(())
}

pub(super) fn as_logs_arrive(silent_cpu: SilentCpu) -> Result<(), Failure> {
    type Change = fn(&str) -> Vec<u8>;
    let changes: [(&str, Change); 4] = [
        ("with CR and LF", |text| text.replace('\n', "\r\n").into_bytes()),
        ("as syslog keeps it", |text| {
            let line = |line| format!("Jan 23 23:39:43 worker0 kernel: {line}\n");
            text.lines().map(line).collect::<String>().into_bytes()
        }),
        ("with the caller of each line", |text| text.replace("] ", "][   T77] ").into_bytes()),
        ("with noise on the line", |text| {
            [b"\xff\xfe\x00login: \n", text.as_bytes(), b"\xc3\x28\n"].concat()
        }),
    ];
    for (console, _) in to_cut() {
        for (how, change) in changes {
            let text = change(std::str::from_utf8(&console.text).expect("our console is UTF-8"));
            let name = format!("{}, {how}", console.name);
            Console { name, text, ..console }.judge(silent_cpu)?;
        }
    }
    Ok(())
}
