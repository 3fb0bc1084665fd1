//! How many bytes are looked at. Only tests count, so that a reader which is not linear fails one.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static LOOKS: Cell<usize> = const { Cell::new(0) };
}

/// Notes that so many bytes are looked at.
pub(super) fn looks(bytes: usize) {
    #[cfg(test)]
    LOOKS.set(LOOKS.get() + bytes);
    #[cfg(not(test))]
    let _ = bytes;
}

/// How many bytes were looked at since the last call.
#[cfg(test)]
pub(super) fn take() -> usize {
    LOOKS.take()
}

#[cfg(test)]
mod tests {
    use super::take;
    use crate::dmesg::{entries, parse};

    /// What could tempt a reader to look at the rest of a line again and again.
    const FILLS: [&str; 30] = [
        "a",
        "[",
        "[ ",
        "[1.000000]",
        "[1.000000] x ",
        "0-4095,",
        "0,",
        "] ",
        "[<ffffffff>] ",
        "<IRQ> ",
        "f from ",
        "x0 : 0 ",
        "x0 0000000000000000 ",
        "\x1b[",
        "kernel:",
        "Jan 1 00:00:00 h kernel: ",
        "Jan 1 00:00:00 h kernel: [1.000000] ",
        "2025-05-12T22:29:52Z h kernel: x",
        "Jan ",
        "1-...D ",
        "P1 ",
        "P1 1-...D ",
        "> ",
        "soft lockup - CPU#1 stuck for ",
        " [#",
        "é",
        "1",
        "\n",
        "a\n",
        "[1.000000][C1] f+0x0/0x1\n",
    ];

    const HEADS: [&str; 12] = [
        "",
        "[  254.202183] ",
        "Jan 1 00:00:00 h kernel: ",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [",
        "watchdog: CPU 0 detected hard LOCKUP on other CPUs ",
        "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { ",
        "rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-15): ",
        "Call trace:\n ",
        "CPU: 1 PID: 1 Comm: ",
        "RIP: ",
        "4,5,6,-",
        "percpu: Embedded ",
    ];

    fn looks(text: &str) -> usize {
        take();
        entries(text.as_bytes()).for_each(drop);
        take()
    }

    #[test]
    fn each_byte_is_looked_at_a_bounded_number_of_times() {
        const LEN: usize = 1 << 13;
        const MOST: usize = 60;
        for head in HEADS {
            for fill in FILLS {
                let text = format!("{head}{}", fill.repeat(LEN / fill.len()));
                let looks = looks(&text);
                let len = text.len();
                assert!(looks <= MOST * len, "{looks} looks at {len} bytes: {head}{fill}…");
            }
        }
    }

    #[test]
    fn a_long_line_of_anything_is_read_whatever_ends_it() {
        const LEN: usize = 1 << 12;
        for head in HEADS {
            for fill in FILLS {
                let text = format!("{head}{}", fill.repeat(LEN / fill.len()));
                let crlf = text.replace('\n', "\r\n");
                assert_eq!(parse(crlf.as_bytes()), parse(text.as_bytes()), "{head}{fill}");
            }
        }
    }

    #[test]
    fn looking_again_is_counted() {
        assert!(looks("a kernel: line") >= 14);
    }
}
