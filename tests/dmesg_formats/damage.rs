//! Lines that were broken, and lines that were joined.

use softlockup::CpuId;
use softlockup::dmesg::{Message, parse};

use crate::says;

fn soft() -> Message {
    Message::SoftLockup {
        cpu: CpuId(2),
        secs: 22,
        comm: Some("nova-api".into()),
        pid: Some(102_738),
    }
}

#[test]
fn the_rest_of_a_line_may_carry_the_same_stamp() {
    for (head, tail) in [
        ("[    1.500000] ", "[    1.500000] "),
        ("[    1.500000][   C2] ", "[    1.500000][   C2] "),
        (
            "Jan 23 23:39:43 worker0 kernel: [ 1.500000] ",
            "Jan 23 23:39:43 worker0 kernel: [ 1.500000] ",
        ),
        ("  21:42:17 >>> [    1.500000] ", "  21:42:17 >>> "),
    ] {
        for (first, rest) in [
            ("watchdog: BUG: soft lockup - CPU#2 stuck for 22s!", "[nova-api:102738]"),
            ("watchdog: BUG: soft lockup - CPU#2 ", "stuck for 22s! [nova-api:102738]"),
            ("watchdog: BUG: soft lock", "up - CPU#2 stuck for 22s! [nova-api:102738]"),
        ] {
            let log = format!("{head}{first}\n{tail}{rest}\n");
            assert_eq!(says(&log), [soft()], "{log}");
        }
    }
}

#[test]
fn another_records_text_is_no_rest() {
    let headless = Message::SoftLockup { cpu: CpuId(2), secs: 22, comm: None, pid: None };
    let rest = Message::Other("[nova-api:102738]".into());
    for tail in ["[    1.500001] ", "[    1.500000][   C3] "] {
        let log = format!(
            "[    1.500000][   C2] watchdog: BUG: soft lockup - CPU#2 stuck for 22s!\n{tail}[nova-api:102738]"
        );
        assert_eq!(says(&log), [headless.clone(), rest.clone()], "{log}");
    }
}

#[test]
fn a_symbol_that_was_broken_is_whole_again() {
    for tail in ["", "[    1.000000] "] {
        let log = format!(
            "[    1.000000] Call trace:\n[    1.000000]  smp_call_f\n{tail}unction_many+0x308/0x370\n[    1.000000]  kick_all_cpus_sync+0x30/0x38"
        );
        let frames = ["smp_call_function_many", "kick_all_cpus_sync"].map(str::to_owned).to_vec();
        assert_eq!(says(&log), [Message::CallTrace { frames, interrupts: Vec::new() }], "{log}");
    }
}

#[test]
fn a_frame_below_a_word_is_not_joined_with_it() {
    let log = "[    1.000000] Call trace:\n[    1.000000]  f+0x1/0x2\n[    1.000000] word\n[    1.000000]  g+0x1/0x2";
    let trace =
        |frame: &str| Message::CallTrace { frames: vec![frame.to_owned()], interrupts: Vec::new() };
    assert_eq!(says(log), [trace("f"), Message::Other("word".into()), trace("g")]);
}

#[test]
fn a_line_of_a_dump_is_joined_over_many_lines_of_others() {
    let noise = |count: u32| {
        let line = |at: u32| format!("[{at}.000000][    C9] something else\n");
        (0..count).map(line).collect::<String>()
    };
    let frames = |between: u32| {
        let log = format!(
            "[1.000000][    C1] Call trace:\n{}[2.000000][    C1]  f+0x0/0x4\n",
            noise(between)
        );
        let traces = parse(log.as_bytes()).into_iter().filter_map(|entry| match entry.message {
            Message::CallTrace { frames, .. } => Some(frames.len()),
            _ => None,
        });
        traces.collect::<Vec<_>>()
    };
    assert_eq!(frames(1_000), [1], "it is still there");
    assert_eq!(frames(1_100), [0, 1], "it was given out, and the frame is an entry of its own");
}

#[test]
fn a_trace_without_end_is_cut_into_entries() {
    let log = format!("Call trace:\n{}", " f+0x0/0x4\n".repeat(1_300));
    let lengths: Vec<_> = says(&log)
        .iter()
        .map(|message| match message {
            Message::CallTrace { frames, .. } => frames.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [512, 512, 276]);
}
