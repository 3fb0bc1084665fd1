//! What loggers put before a line: who printed it, when, and which line of the log it is.

use softlockup::dmesg::{Caller, Entry, Message, parse};
use softlockup::{CpuId, KernelTime};

const LINE: &str = "NMI backtrace for cpu 6";

fn one(prefix: &str) -> Entry {
    let mut entries = parse(format!("{prefix}{LINE}").as_bytes());
    let entry = entries.pop().expect("an entry");
    assert_eq!(entry.message, Message::Backtrace { cpu: CpuId(6), idle: false }, "{prefix}");
    assert!(entries.is_empty(), "{prefix}: {entries:?}");
    entry
}

/// In microseconds.
fn clock(prefix: &str) -> Option<u64> {
    one(prefix).clock.map(|clock| clock.micros())
}

#[test]
fn a_caller_is_a_cpu_or_a_task() {
    let callers = [
        ("[164465.805668][    C7] ", Some(Caller::Cpu(CpuId(7)))),
        ("[164465.805668][T3731890] ", Some(Caller::Task(3_731_890))),
        ("[164465.805668][ T3731890] ", Some(Caller::Task(3_731_890))),
        ("2025-05-12T22:29:52.686659+02:00 lisa kernel: [   C16] ", Some(Caller::Cpu(CpuId(16)))),
        ("4,5014,12915314503,-,caller=T16;", Some(Caller::Task(16))),
        ("4,5014,12915314503,c,caller=C3;", Some(Caller::Cpu(CpuId(3)))),
        ("4,5014,12915314503,-;", None),
        ("[164465.805668] ", None),
        ("[164465.805668] [      T0] ", Some(Caller::Task(0))),
        ("[164465.805668] [    C7] ", Some(Caller::Cpu(CpuId(7)))),
    ];
    for (prefix, caller) in callers {
        assert_eq!(one(prefix).caller, caller, "{prefix}");
    }
    assert_eq!(Caller::Cpu(CpuId(7)).to_string(), "C7");
    assert_eq!(Caller::Task(16).to_string(), "T16");
}

#[test]
fn quotes_and_hosts_behind_a_stamp_are_taken_off() {
    for prefix in [
        ">> ",
        "> > ",
        ">>>> ",
        "> >> > ",
        ">",
        "[  254.202183] worker0 kernel: ",
        "[  254.202183] kernel: ",
    ] {
        one(prefix);
        one(&format!("{prefix}[164465.805668][    C7] "));
    }
}

#[test]
fn what_vendors_and_relays_put_before_a_line_is_taken_off() {
    for prefix in [
        "[    7.915204@0] ",
        "[   95.890850@13] ",
        "[   12.345678]  [2:    kworker/2:1:  123] ",
        "[   12.345678] I[0:      swapper/0:    0] ",
        "[   12.345678]  (3)[77:bash]",
        "[   12.345678] -(3)[77:bash]",
        "[   12.345678]c0 ",
        "May 25 07:29:42 worker0 0,16627,12345678,-,caller=C0;",
        "<0>1 2025-05-12T22:29:52.686659+02:00 worker0 kernel - - - [   12.345678] ",
    ] {
        assert!(one(prefix).time.is_some(), "{prefix}");
    }
}

#[test]
fn what_a_mail_or_a_database_quotes_is_undone() {
    let plain = "[    1.000000] rcu: \t1-...!: (0 ticks this GP) idle=5a1/1/0x4000000000000000 softirq=18/18 fqs=0\n\
                 [    1.000001] NMI backtrace for cpu 6";
    let quoted = "[    1.000000] rcu: \t1-...!: (0 ticks this GP) idle=3D5a1/1/0x400000000000=\n\
                  0000 softirq=3D18/18 fqs=3D0=20\n\
                  [    1.000001] NMI backtrace for c=\npu 6=";
    let says = |log: &str| {
        let entries = parse(log.as_bytes());
        entries.into_iter().map(|entry| entry.message).collect::<Vec<_>>()
    };
    assert_eq!(says(quoted), says(plain));
    assert_eq!(parse(quoted.as_bytes())[1].line, 3);
    assert_eq!(says(&plain.replace('\t', "\\x09")), says(plain));
}

#[test]
fn a_line_that_ends_with_an_equals_sign_is_whole_where_nothing_is_quoted() {
    let entries = parse(b"[    1.000000] root=\n[    1.000001] x=20");
    let texts: Vec<_> = entries.into_iter().map(|entry| entry.message).collect();
    assert_eq!(texts, [Message::Other("root=".into()), Message::Other("x=20".into())]);
}

#[test]
fn what_only_looks_like_a_vendors_prefix_is_text() {
    for prefix in ["[2:bash] ", "[a:b:3] ", "(3)[bash] ", "(x)[77:bash]", "c0x ", "[1.000000@] "] {
        let entries = parse(format!("[1.000000] {prefix}{LINE}").as_bytes());
        assert_eq!(entries[0].message, Message::Other(format!("{prefix}{LINE}")), "{prefix}");
    }
}

#[test]
fn what_only_looks_like_a_caller_is_text() {
    for id in ["[C]", "[T-1]", "[X7]", "[C7x]", "[C4294967296]", "[    ]"] {
        let entries = parse(format!("[1.000000]{id} {LINE}").as_bytes());
        assert_eq!(entries[0].caller, None, "{id}");
        assert_eq!(entries[0].message, Message::Other(format!("{id} {LINE}")));
    }
}

#[test]
fn a_loggers_clock_is_read_to_the_microsecond() {
    const SEC: u64 = 1_000_000;
    // `date -u -d '2025-05-12T20:29:52' +%s`, and so on.
    let clocks = [
        ("2025-05-12T22:29:52.686659+02:00 lisa kernel: ", 1_747_081_792 * SEC + 686_659),
        ("2025-05-12T20:29:52.686659Z lisa kernel: ", 1_747_081_792 * SEC + 686_659),
        ("2025-05-12T15:59:52-0430 lisa kernel: ", 1_747_081_792 * SEC),
        ("2024-10-19 09:03:34.391 ", 1_729_328_614 * SEC + 391_000),
        ("2024-02-29 00:00:00 ", 1_709_164_800 * SEC),
        ("2024-03-01 00:00:00 ", 1_709_251_200 * SEC),
        ("1970-01-01 00:00:00 ", 0),
        ("[Thu Oct 30 06:21:23 2025] ", 1_761_805_283 * SEC),
        ("  21:42:17 >>> [4783828.834689] ", (21 * 3_600 + 42 * 60 + 17) * SEC),
        ("03:03:48.157338  [   42.128777] ", (3 * 3_600 + 3 * 60 + 48) * SEC + 157_338),
        ("Jan 23 23:39:43 worker0 kernel: ", (22 * 86_400 + 23 * 3_600 + 39 * 60 + 43) * SEC),
        ("[Jan  3 13:15] ", (2 * 86_400 + 13 * 3_600 + 15 * 60) * SEC),
        ("Mar  1 00:00:00 worker0 kernel: ", 60 * 86_400 * SEC),
        (
            "Jan 23 23:39:43.123456 worker0 kernel: ",
            (22 * 86_400 + 23 * 3_600 + 39 * 60 + 43) * SEC + 123_456,
        ),
        ("Thu Oct 30 06:21:23 2025 kern.emerg kernel: [  254.202183] ", 1_761_805_283 * SEC),
    ];
    for (prefix, micros) in clocks {
        assert_eq!(clock(prefix), Some(micros), "{prefix}");
    }
    assert_eq!(clock("[   42.128777] "), None);
}

#[test]
fn a_clock_that_no_calendar_has_is_text() {
    for prefix in ["2024-13-01 ", "2024-00-01 ", "25:00:00 ", "12:60:00 "] {
        let text = format!("{prefix}{LINE}");
        let entries = parse(text.as_bytes());
        assert_eq!(entries[0].message, Message::Other(text));
        assert_eq!(entries[0].clock, None);
    }
}

#[test]
fn a_clock_that_shows_differences_is_summed_up() {
    let log = "[Nov 3 13:15] a\n[  +0.000003] b\n[  +1.500000] c\n[Nov 3 13:16] d\n";
    let clocks: Vec<_> = parse(log.as_bytes()).iter().filter_map(|entry| entry.clock).collect();
    let since: Vec<u64> = clocks.iter().map(|clock| clock.micros() - clocks[0].micros()).collect();
    assert_eq!(since, [0, 3, 1_500_003, 60_000_000]);
    assert_eq!(parse(b"[  +0.000003] b")[0].clock, None, "nothing is known to begin with");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let log =
        "a\n\n[1.000000] b\r\nc\rd\n[1.0] Call Trace:\n[1.0]  f+0x0/0x1\n[1.0]  g+0x0/0x1\n[1.0] e";
    let lines: Vec<_> = parse(log.as_bytes()).iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [1, 3, 4, 4, 5, 8]);
}

#[test]
fn the_records_on_one_line_are_all_of_that_line() {
    let log = "x\nJan 23 23:39:43 worker0 kernel: [ 1.000001] a Jan 23 23:39:44 worker0 kernel: [ 1.000002] b[ 1.000003] c\n\
               2025-05-12T22:29:52+02:00 lisa kernel: d 2025-05-12T22:29:53+02:00 lisa kernel: e";
    let entries = parse(log.as_bytes());
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let Message::Other(text) = &entry.message else { panic!("{entry:?}") };
            (entry.line, entry.time.map(KernelTime::ns), text.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, None, "x"),
            (2, Some(1_000_001_000), "a"),
            (2, Some(1_000_002_000), "b"),
            (2, Some(1_000_003_000), "c"),
            (3, None, "d"),
            (3, None, "e"),
        ]
    );
    let seconds = entries[5].clock.unwrap().micros() - entries[4].clock.unwrap().micros();
    assert_eq!(seconds, 1_000_000);
}

#[test]
fn a_broadcast_is_a_line_and_its_wrapped_report() {
    let log = "Message from syslogd@amer at Jan 27 12:46:38 ...\n kernel:NMI watchdog: BUG: soft lockup - CPU#0 stuck for 22s!\n[nova-api:102738]\n";
    let entries = parse(log.as_bytes());
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].line, 2);
    assert!(
        matches!(&entries[1].message, Message::SoftLockup { cpu: CpuId(0), secs: 22, comm: Some(comm), pid: Some(102_738) } if comm == "nova-api")
    );
}
