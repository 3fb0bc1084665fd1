//! The reader of consoles, against consoles of real kernels, against this machine's own, and against noise.

use std::fmt::Write;
use std::fs;

use softlockup::dmesg::{CpuList, CsdKind, Entry, Message, Registers, parse};
use softlockup::{CpuId, KernelTime};

const LOGS: [&str; 10] = [
    "a64-612-baseline-execbusy-smp4",
    "a64-612-csd-smp4",
    "a64-612-nest0-smp4",
    "a64-612-oops-execbusy-smp4",
    "a64-612-panic_on_oops-smp4",
    "a64-612-pnmi-smp4",
    "a64-612-softpanic-smp4",
    "a64-d61-oops-kick-smp4",
    "x86-d61-nest1-again-smp4",
    "x86-d61-nest1-smp4",
];

fn bytes(path: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    fs::read(format!("{root}/tests/{path}")).expect("a file of this crate's")
}

fn log(name: &str) -> Vec<Entry> {
    parse(&bytes(&format!("ground-truth/{name}.log")))
}

/// The one message of a line.
fn one(line: &str) -> Message {
    let entries = parse(line.as_bytes());
    let [Entry { message, .. }] = &entries[..] else { panic!("{line:?} is {entries:#?}") };
    message.clone()
}

fn cpus(cpus: &CpuList) -> String {
    cpus.iter().map(|cpu| cpu.to_string()).collect::<Vec<_>>().join(",")
}

fn registers(registers: &[(&str, u64)]) -> Message {
    Message::Regs(registers.iter().copied().collect())
}

/// A headline in few words; nothing for the lines of a dump.
fn headline(message: &Message) -> Option<String> {
    use Message::*;
    Some(match message {
        Fault { addr, write } => {
            let access = write.map_or("?", |write| if write { "write" } else { "read" });
            format!("fault {addr:x} {access}")
        }
        Oops { code, count } => format!("oops {:x} #{count}", code.expect("these logs have it")),
        SoftLockup { cpu, secs, comm: Some(comm), pid: Some(pid) } => {
            format!("soft {cpu} {secs}s {comm}:{pid}")
        }
        SoftLockup { cpu, secs, .. } => format!("soft {cpu} {secs}s"),
        HardLockup { cpu, reporter } => match reporter {
            Some(reporter) => format!("hard {cpu} by {reporter}"),
            None => format!("hard {cpu}"),
        },
        HardLockups { cpus: list, reporter } => format!("hard {} by {reporter}", cpus(list)),
        BacktraceRequest { from, to } => format!("nmi {from} to {}", cpus(to)),
        Backtrace { cpu, .. } => format!("backtrace {cpu}"),
        TaskDump { cpu } => format!("task dump {cpu}"),
        KernelBug { at } => format!("bug {at}"),
        RetryStop { cpus: left } => format!("retry {}", cpus(left)),
        RebootingIn { secs } => format!("rebooting {secs}"),
        CsdStall { kind, number, on, waiting_ns, target, func } => {
            let kind = if *kind == CsdKind::Detected { "csd" } else { "csd still" };
            format!("{kind} #{number} {on} waits {waiting_ns} for {target} {func}")
        }
        CsdUnresponsive { number } => format!("unresponsive #{number}"),
        CsdHandling { number, prior: Some(func) } => format!("handling #{number} {func}"),
        CsdHandling { number, prior: None } => format!("handling #{number}"),
        CsdResend { number, from, to } => format!("resend #{number} {from} to {to}"),
        CsdUnstuck { number, on, target } => format!("unstuck #{number} {on} by {target}"),
        Panic { reason } => format!("panic {reason}"),
        StoppingCpus => "stopping".to_owned(),
        FailedToStop { cpus: left } => format!("failed {}", cpus(left)),
        RcuStall { self_detected: true, .. } => "rcu self".to_owned(),
        RcuStall { self_detected: false, .. } => "rcu".to_owned(),
        EndTrace => "end".to_owned(),
        NoteExited { comm, pid, irqs_off, preempt_count } => {
            format!("exited {comm}:{pid} {irqs_off} {}", preempt_count.unwrap_or(0))
        }
        _ => return None,
    })
}

fn headlines(entries: &[Entry]) -> String {
    entries.iter().fold(String::new(), |mut out, entry| {
        if let Some(headline) = headline(&entry.message) {
            let time = entry.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
            writeln!(out, "{time} {headline}").unwrap();
        }
        out
    })
}

fn frames_after(entries: &[Entry], is_head: impl Fn(&Message) -> bool) -> &[String] {
    let head = entries.iter().position(|entry| is_head(&entry.message)).expect("the headline");
    let trace = entries[head..].iter().find_map(|entry| match &entry.message {
        Message::CallTrace { frames, .. } => Some(frames),
        _ => None,
    });
    trace.expect("a call trace")
}

/// What each log says, in its order: read with the eye and `grep`, not with the parser.
const HEADLINES: [(&str, &str); 10] = [
    ("a64-612-baseline-execbusy-smp4", ""),
    (
        "a64-612-csd-smp4",
        "\
25.830465 fault 0 write
25.849724 oops 96000044 #1
25.852507 fault 8 read
33.468341 csd #1 2 waits 5000020352 for 0 do_nothing
33.472130 unresponsive #1
33.473331 nmi 2 to 0
33.474909 csd #2 3 waits 5003788416 for 0 do_nothing
33.479040 unresponsive #2
33.481222 resend #2 3 to 0
36.465751 csd #3 1 waits 5000001920 for 0 do_nothing
36.469544 unresponsive #3
36.470738 resend #3 1 to 0
36.503255 hard 0
45.604995 resend #1 2 to 0
52.504048 soft 3 26s kbox_kick/3:78
53.468343 csd still #1 2 waits 25000021760 for 0 do_nothing
53.472156 unresponsive #1
53.473350 resend #1 2 to 0
53.476164 csd still #2 3 waits 25004055296 for 0 do_nothing
53.480313 unresponsive #2
53.481507 resend #2 3 to 0
56.431286 soft 1 26s kbox_kick/1:76
56.481817 csd still #3 1 waits 25016067200 for 0 do_nothing
56.485629 unresponsive #3
56.486822 resend #3 1 to 0
72.463609 soft 2 41s kbox_kick/2:77
76.503285 soft 3 49s kbox_kick/3:78
80.431711 soft 1 48s kbox_kick/1:76
83.468367 csd still #1 2 waits 55000045568 for 0 do_nothing
83.472292 unresponsive #1
83.473485 resend #1 2 to 0
83.476294 csd still #2 3 waits 55005171968 for 0 do_nothing
83.480443 unresponsive #2
83.481637 resend #2 3 to 0
86.481838 csd still #3 1 waits 55016088192 for 0 do_nothing
86.485651 unresponsive #3
86.486844 resend #3 1 to 0
96.463609 soft 2 63s kbox_kick/2:77
100.503945 soft 3 71s kbox_kick/3:78
104.431712 soft 1 71s kbox_kick/1:76
120.463609 soft 2 86s kbox_kick/2:77
123.468384 csd still #1 2 waits 95000061952 for 0 do_nothing
123.472316 unresponsive #1
123.473511 resend #1 2 to 0
123.476606 csd still #2 3 waits 95005484288 for 0 do_nothing
123.480766 unresponsive #2
123.481961 resend #2 3 to 0
126.481839 csd still #3 1 waits 95016089472 for 0 do_nothing
126.485731 unresponsive #3
126.486926 resend #3 1 to 0
",
    ),
    (
        "a64-612-nest0-smp4",
        "\
25.999295 fault 0 write
26.023723 oops 96000046 #1
26.073477 end
",
    ),
    (
        "a64-612-oops-execbusy-smp4",
        "\
29.018640 fault 0 write
29.067233 oops 96000046 #1
29.076808 fault 8 read
48.480372 hard 0
48.482282 nmi 3 to 0
49.991771 rcu
52.407645 soft 1 22s trig:85
52.469761 soft 2 22s trig:86
76.407645 soft 1 45s trig:85
76.451541 soft 2 45s trig:86
84.480799 soft 3 52s trig:87
100.407645 soft 1 67s trig:85
100.451541 soft 2 67s trig:86
108.480402 soft 3 75s trig:87
132.480402 soft 3 97s trig:87
",
    ),
    (
        "a64-612-panic_on_oops-smp4",
        "\
26.587215 fault 0 write
26.607660 oops 96000046 #1
26.610443 fault 8 read
36.520739 hard 0
36.522648 nmi 3 to 0
56.480455 soft 2 22s kbox_kick/2:79
60.452778 soft 1 26s kbox_kick/1:78
72.520765 soft 3 41s kbox_kick/3:80
80.480859 soft 2 44s kbox_kick/2:79
84.452131 soft 1 48s kbox_kick/1:78
96.520882 soft 3 63s kbox_kick/3:80
104.480862 soft 2 67s kbox_kick/2:79
108.452777 soft 1 71s kbox_kick/1:78
120.520958 soft 3 86s kbox_kick/3:80
",
    ),
    (
        "a64-612-pnmi-smp4",
        "\
26.332265 fault 0 write
26.351571 oops 96000044 #1
26.354350 fault 8 read
36.533151 hard 0
36.535057 nmi 3 to 0
36.536930 backtrace 0
52.493181 soft 2 22s kbox_kick/2:78
53.645319 rcu self
53.674347 nmi 1 to 3
53.675964 backtrace 3
53.709120 nmi 1 to 0
53.713111 backtrace 0
53.793962 nmi 1 to 2
53.794518 backtrace 2
60.533190 soft 3 26s kbox_kick/3:79
76.493588 soft 2 45s kbox_kick/2:78
80.457182 soft 1 44s kbox_kick/1:77
84.533983 soft 3 48s kbox_kick/3:79
104.457933 soft 1 67s kbox_kick/1:77
",
    ),
    (
        "a64-612-softpanic-smp4",
        "\
25.318564 fault 0 write
25.338938 oops 96000046 #1
25.341721 fault 8 read
36.505249 hard 0
36.507159 nmi 3 to 0
52.429590 soft 1 22s kbox_kick/1:77
52.462641 panic softlockup: hung tasks
52.484935 stopping
61.446375 failed 0
61.451100 rebooting 5
",
    ),
    (
        "a64-d61-oops-kick-smp4",
        "\
148.759299 fault 0 write
148.775778 oops 96000046 #1
148.778287 fault 8 read
176.585001 soft 1 26s kbox_kick/1:125
176.630190 soft 2 26s kbox_kick/2:126
176.669248 soft 3 26s kbox_kick/3:127
200.585001 soft 1 48s kbox_kick/1:125
200.630084 soft 2 48s kbox_kick/2:126
200.669248 soft 3 48s kbox_kick/3:127
224.585001 soft 1 71s kbox_kick/1:125
224.630084 soft 2 71s kbox_kick/2:126
224.669247 soft 3 71s kbox_kick/3:127
",
    ),
    (
        "x86-d61-nest1-again-smp4",
        "\
13.894077 fault 0 write
13.894924 oops 2 #1
13.895071 fault 8 read
13.895071 oops 0 #2
13.895071 end
13.895071 exited kbox_culprit:128 true 0
53.091866 soft 2 26s kbox_kick/2:126
57.331439 soft 3 26s kbox_kick/3:127
81.090664 soft 2 52s kbox_kick/2:126
85.332547 soft 3 52s kbox_kick/3:127
109.101442 soft 2 78s kbox_kick/2:126
113.427772 soft 3 78s kbox_kick/3:127
",
    ),
    (
        "x86-d61-nest1-smp4",
        "\
12.786767 fault 0 write
12.787302 oops 2 #1
12.789753 fault 8 read
12.789753 oops 0 #2
12.789753 end
12.789753 exited kbox_culprit:129 true 0
",
    ),
];

#[test]
fn each_real_log_has_its_headlines() {
    assert_eq!(HEADLINES.map(|(name, _)| name), LOGS);
    for (name, expected) in HEADLINES {
        assert_eq!(headlines(&log(name)), expected, "{name}");
    }
}

/// How many entries of each kind of a dump a log has, counted with `grep -c`.
#[test]
fn each_real_log_has_its_dumps() {
    for name in LOGS {
        let bytes = bytes(&format!("ground-truth/{name}.log"));
        let text = String::from_utf8_lossy(&bytes);
        let lines = |needle: &str| text.lines().filter(|line| line.contains(needle)).count();
        let entries = parse(&bytes);
        let count = |is: fn(&Message) -> bool| entries.iter().filter(|e| is(&e.message)).count();

        let is_arm = name.starts_with("a64");
        let cpu_lines = lines("] CPU: ");
        assert_eq!(count(|m| matches!(m, Message::CpuLine { .. })), cpu_lines, "{name}");
        let pcs = if is_arm { lines("] pc : ") } else { lines("] RIP: ") };
        assert_eq!(count(|m| matches!(m, Message::Pc { .. })), pcs, "{name}");
        assert_eq!(count(|m| matches!(m, Message::Lr { .. })), lines("] lr : "), "{name}");
        let pstates = if is_arm { lines("] pstate: ") } else { lines("EFLAGS: ") };
        assert_eq!(count(|m| matches!(m, Message::PState { .. })), pstates, "{name}");
        let traces = lines("] Call trace:") + lines("] Call Trace:");
        // A trace of x86 that goes on behind the registers of an interrupted context.
        let halves = if is_arm { 0 } else { 1 };
        assert_eq!(count(|m| matches!(m, Message::CallTrace { .. })), traces + halves, "{name}");
    }
}

#[test]
fn the_culprit_shows_its_own_stack() {
    let entries = log("a64-612-pnmi-smp4");
    let frames =
        frames_after(&entries, |m| *m == Message::Backtrace { cpu: CpuId(0), idle: false });
    assert_eq!(frames[..3], ["queued_spin_lock_slowpath", "die", "die_kernel_fault"]);
    let notify = frames.iter().position(|frame| frame == "notify_die");
    assert_eq!(notify.map(|at| frames[at + 1].as_str()), Some("die"));
    assert_eq!(frames.last().map(String::as_str), Some("ret_from_fork"));
    assert_eq!(frames.len(), 27);

    // `daif` alone would say that its interrupts are on: they are masked by priority.
    let pstates: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.message {
            Message::PState { irqs_off, .. } => Some(*irqs_off),
            _ => None,
        })
        .collect();
    // CPUs 0, 2, 3 and 0 again.
    assert_eq!(pstates[..4], [true, false, false, true]);
}

/// The registers of the first CPU that reports a soft lockup in `a64-612-softpanic-smp4`.
const WAITER: [(&str, u64); 31] = [
    ("sp", 0xffff_8000_8085_bd80),
    ("x29", 0xffff_8000_8085_bd80),
    ("x28", 3),
    ("x27", 3),
    ("x26", 0xffff_0000_3ffd_51c0),
    ("x25", 0xffff_8000_804c_8930),
    ("x24", 0),
    ("x23", 0),
    ("x22", 1),
    ("x21", 0xffff_8000_8059_0920),
    ("x20", 0xffff_8000_804c_8930),
    ("x19", 0xffff_0000_3ffa_a540),
    ("x18", 0xffff_cbef_2fff),
    ("x17", 0),
    ("x16", 0),
    ("x15", 0xffff_8000_8042_9ca0),
    ("x14", 0),
    ("x13", 1),
    ("x12", 0x220),
    ("x11", 0xc0),
    ("x10", 0x840),
    ("x9", 0xffff_8000_8085_bd10),
    ("x8", 1),
    ("x7", 0xffff_8000_804c_8a78),
    ("x6", 5),
    ("x5", 0xd),
    ("x4", 3),
    ("x3", 0xffff_8000_804c_8000),
    ("x2", 0),
    ("x1", 0x11),
    ("x0", 0xffff_0000_3ff9_91c8),
];

#[test]
fn the_state_of_a_waiter_is_read() {
    let entries = log("a64-612-softpanic-smp4");
    let at = entries.iter().position(|e| matches!(e.message, Message::SoftLockup { .. })).unwrap();
    let pstate = "nZCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--".to_owned();
    let symbol = "smp_call_function_many_cond".to_owned();
    let told: Vec<_> = entries[at + 1..].iter().map(|entry| entry.message.clone()).collect();
    let frames = [
        "smp_call_function_many_cond",
        "smp_call_function_many",
        "smp_call_function",
        "kick_all_cpus_sync",
        "kicker",
        "kthread",
        "ret_from_fork",
    ];
    assert_eq!(
        told[..9],
        [
            Message::Other("Modules linked in: kbox_demo(O)".into()),
            Message::CpuLine {
                cpu: CpuId(1),
                pid: 77,
                comm: "kbox_kick/1".into(),
                taint: "GO".into(),
                release: "6.12.117".into()
            },
            Message::Other("Tainted: [O]=OOT_MODULE".into()),
            Message::Other("Hardware name: linux,dummy-virt (DT)".into()),
            Message::PState { text: pstate, irqs_off: false },
            Message::Pc { symbol: symbol.clone() },
            Message::Lr { symbol },
            registers(&WAITER),
            Message::CallTrace {
                frames: frames.map(str::to_owned).to_vec(),
                interrupts: Vec::new()
            },
        ]
    );
}

#[test]
fn x86_guesses_and_markers_are_left_out() {
    let entries = log("x86-d61-nest1-smp4");
    let traces: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.message {
            Message::CallTrace { frames, .. } => Some(frames.join(" ")),
            _ => None,
        })
        .collect();
    assert_eq!(
        traces,
        [
            "culprit kthread ret_from_fork",
            "kbox_die.cold notify_die __die_body page_fault_oops exc_page_fault asm_exc_page_fault",
            "culprit kthread ret_from_fork",
        ]
    );
}

#[test]
fn this_machines_console_says_what_its_report_says() {
    let entries = parse(&bytes("golden/article.txt"));
    let lockups: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.message {
            Message::SoftLockup { cpu, secs, comm, pid } => {
                let comm = comm.clone().expect("a task");
                Some((cpu.0, entry.time?.ns() / 1_000, *secs, comm, pid.expect("a task")))
            }
            _ => None,
        })
        .collect();
    let told = |(cpu, time, secs, comm, pid): (u32, u64, u64, &str, u32)| {
        (cpu, time, secs, comm.to_owned(), pid)
    };
    assert_eq!(
        lockups,
        [
            (35, 360_462_045, 22, "docker-containe", 29506),
            (51, 364_514_045, 22, "vm_io_monitor.p", 10065),
            (30, 464_446_045, 22, "kill", 2031),
            (58, 516_538_045, 23, "libvirtd", 29334),
            (2, 576_358_045, 22, "logrotate", 2045),
        ]
        .map(told)
    );
    let of_35 = |m: &Message| matches!(m, Message::SoftLockup { cpu: CpuId(35), .. });
    assert_eq!(
        frames_after(&entries, of_35),
        [
            "smp_call_function_many",
            "kick_all_cpus_sync",
            "sync_icache_aliases",
            "__sync_icache_dcache",
            "alloc_set_pte",
            "filemap_map_pages",
            "__handle_mm_fault",
            "handle_mm_fault",
            "do_page_fault",
            "do_translation_fault",
            "do_mem_abort",
            "do_el0_ia_bp_hardening",
            "el0_ia",
        ]
    );
    let fault = |addr, write| Message::Fault { addr, write: Some(write) };
    assert!(entries.iter().any(|entry| entry.message == fault(0, true)));
    assert!(entries.iter().any(|entry| entry.message == fault(8, false)));
    let mask = |regs: &Registers| {
        ["x0", "x1", "x4"].map(|name| regs.get(name))
            == [Some(0), Some(3), Some(0xffff_fff7_ffff_ffff)]
    };
    assert!(
        entries.iter().any(|entry| matches!(&entry.message, Message::Regs(regs) if mask(regs)))
    );
}

/// A complete soft lockup, without any prefix.
const SOFT: &str = "watchdog: BUG: soft lockup - CPU#35 stuck for 22s! [docker:1:29506]";

#[test]
fn whatever_a_logger_puts_before_it_is_taken_off() {
    let prefixes = [
        ("[  254.202183] ", Some(254_202_183)),
        ("[ 254.202183] ", Some(254_202_183)),
        ("[  360.46] ", Some(360_460_000)),
        ("[164465.805668][    C7] ", Some(164_465_805_668)),
        ("[164465.805668][T3731890] ", Some(164_465_805_668)),
        ("360.462046] ", Some(360_462_046)),
        ("", None),
        ("\t  ", None),
        ("2025-05-12T22:29:52.686659+02:00 lisa kernel: [    C6] ", None),
        ("Jan 23 23:39:43 worker0 kernel: [285737.522743] ", Some(285_737_522_743)),
        ("Jan  3 23:39:43 worker0 kernel: ", None),
        (" kernel:", None),
        ("2024-10-19 09:03:34.391 [855955.173120] ", Some(855_955_173_120)),
        ("  21:42:17 >>> [4783828.834689] ", Some(4_783_828_834_689)),
        ("03:03:48.157338  [   42.128777] ", Some(42_128_777)),
        ("[Nov 3 13:15] ", None),
        ("[  +0.000003] ", None),
        ("[Thu Oct 30 06:21:23 2025] ", None),
        ("kern  :emerg : [ 1401.585395] ", Some(1_401_585_395)),
        ("\x1b[32m[  254.202183] \x1b[0m\x1b[31m", Some(254_202_183)),
        ("<4>[1401585.395821] ", Some(1_401_585_395_821)),
        ("4,5014,12915314503,-;", Some(12_915_314_503)),
        ("4,5014,12915314503,-,caller=T16;", Some(12_915_314_503)),
        ("watson login: [  254.202183] ", Some(254_202_183)),
        ("[root@node2 ~]# [  254.202183] ", Some(254_202_183)),
        ("| [  254.202183] ", Some(254_202_183)),
        ("> > [  254.202183] ", Some(254_202_183)),
    ];
    for (prefix, micros) in prefixes {
        for end in ["", "\n", "\r\n", "     \r\n"] {
            let time = micros.map(|micros: u64| KernelTime::from_ns(micros * 1_000));
            let entries = parse(format!("{prefix}{SOFT}{end}").as_bytes());
            let told: Vec<_> = entries.iter().map(|it| (it.line, it.time, &it.message)).collect();
            assert_eq!(told, [(1, time, &one(SOFT))], "{prefix}");
        }
    }
}

#[test]
fn one_line_says_one_thing() {
    let lines = [
        (SOFT, "soft 35 22s docker:1:29506"),
        ("NMI watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [a:2]", "soft 0 22s a:2"),
        (
            "BUG: soft lockup - CPU#0 stuck for 61s! [CPU 52/KVM:19709]",
            "soft 0 61s CPU 52/KVM:19709",
        ),
        (
            "WARN: soft lockup - CPU#7 stuck for 22s! [kworker/9:2:4161]",
            "soft 7 22s kworker/9:2:4161",
        ),
        ("watchdog: BUG: soft lockup - CPU#7 stuck for 22s!", "soft 7 22s"),
        (
            "watchdog: BUG: soft lockup - CPU#7 stuck for 22s! [runc:[2:INIT]:1]",
            "soft 7 22s runc:[2:INIT]:1",
        ),
        ("NMI watchdog: Watchdog detected hard LOCKUP on cpu 15", "hard 15"),
        ("Watchdog detected hard LOCKUP on cpu 15dModules linked in: x", "hard 15"),
        ("watchdog: CPU6: Watchdog detected hard LOCKUP on cpu 9", "hard 9 by 6"),
        ("watchdog: CPU 32 self-detected hard LOCKUP @ _raw_spin_lock+0x88/0x100", "hard 32 by 32"),
        ("watchdog: CPU 15 Hard LOCKUP", "hard 15"),
        ("Watchdog CPU:15 Hard LOCKUP", "hard 15"),
        ("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", "rcu"),
        ("rcu: INFO: rcu_preempt self-detected stall on CPU", "rcu self"),
        (
            "smp: csd: Detected non-responsive CSD lock (#1) on CPU#3, waiting 5000000042 ns for CPU#55 flush_tlb_func+0x0/0xb0(0x0).",
            "csd #1 3 waits 5000000042 for 55 flush_tlb_func",
        ),
        (
            "csd: Continued non-responsive CSD lock (#1) on CPU#3, waiting 7 ns for CPU#05 f+0x0/0xb0(0x0).",
            "csd still #1 3 waits 7 for 5 f",
        ),
        ("smp: csd: Re-sending CSD lock (#1) IPI from CPU#03 to CPU#55", "resend #1 3 to 55"),
        (
            "smp: csd: CSD lock (#1) got unstuck on CPU#03, CPU#55 released the lock.",
            "unstuck #1 3 by 55",
        ),
        ("smp: \tcsd: CSD lock (#2) unresponsive.", "unresponsive #2"),
        ("smp: \tcsd: CSD lock (#2) handling this request.", "handling #2"),
        ("smp: \tcsd: CSD lock (#2) handling prior f+0x0/0x10(0x0) request.", "handling #2 f"),
        ("Sending NMI from CPU 10 to CPUs 0-2,6:", "nmi 10 to 0,1,2,6"),
        ("NMI backtrace for cpu 6", "backtrace 6"),
        ("NMI backtrace for cpu 6 skipped: idling at default_idle+0x1/0x2", "backtrace 6"),
        ("Internal error: Oops: 96000044 [#1] SMP", "oops 96000044 #1"),
        ("Internal error: Oops - BUG: 0 [#3] PREEMPT SMP ARM", "oops 0 #3"),
        ("Oops: Oops: 0002 [#2] PREEMPT SMP NOPTI", "oops 2 #2"),
        (
            "general protection fault, probably for non-canonical address 0xdead: 0000 [#1]",
            "oops 0 #1",
        ),
        (
            "Unable to handle kernel paging request at virtual address ffff00000badcafe",
            "fault ffff00000badcafe ?",
        ),
        (
            "Unable to handle kernel write to read-only memory at virtual address ffff800080010000",
            "fault ffff800080010000 write",
        ),
        (
            "BUG: unable to handle page fault for address: ffffffffffffffd8",
            "fault ffffffffffffffd8 ?",
        ),
        ("BUG: unable to handle kernel NULL pointer dereference at           (null)", "fault 0 ?"),
        ("BUG: Kernel NULL pointer dereference on read at 0x00000008", "fault 8 read"),
        ("---[ end trace 3f2a ]---", "end"),
        ("note: kill[2031] exited with preempt_count 1", "exited kill:2031 false 1"),
        ("note: a[b][2031] exited with irqs disabled", "exited a[b]:2031 true 0"),
        ("Kernel panic - not syncing: softlockup: hung tasks", "panic softlockup: hung tasks"),
        ("SMP: stopping secondary CPUs", "stopping"),
        ("SMP: failed to stop secondary CPUs 0,8-9", "failed 0,8,9"),
        ("SMP: retry stop with NMI for CPUs 0,8-9", "retry 0,8,9"),
        ("Rebooting in 5 seconds..", "rebooting 5"),
        ("kernel BUG at kernel/smp.c:312!", "bug kernel/smp.c:312"),
        ("kernel BUG at ../lib/list:debug.c:7!", "bug ../lib/list:debug.c:7"),
        ("Task dump for CPU 3:", "task dump 3"),
    ];
    for (line, expected) in lines {
        assert_eq!(headline(&one(line)).as_deref(), Some(expected), "{line}");
        assert_eq!(headline(&one(&format!("[    1.000000] {line}"))).as_deref(), Some(expected));
    }
}

#[test]
fn one_line_of_a_dump_says_where_a_cpu_was() {
    let pc = |symbol: &str| Message::Pc { symbol: symbol.into() };
    let lr = |symbol: &str| Message::Lr { symbol: symbol.into() };
    let pstate = |text: &str, irqs_off| Message::PState { text: text.into(), irqs_off };
    let cpu = |comm: &str, taint: &str| Message::CpuLine {
        cpu: CpuId(3),
        pid: 78,
        comm: comm.into(),
        taint: taint.into(),
        release: if taint.is_empty() { "4.19.5" } else { "6.12.117" }.into(),
    };
    let trace = |frames: &[&str], interrupts: &[usize]| Message::CallTrace {
        frames: frames.iter().map(|&frame| frame.to_owned()).collect(),
        interrupts: interrupts.to_vec(),
    };
    let lines = [
        ("pc : smp_call_function_many+0x308/0x370", pc("smp_call_function_many")),
        (
            "RIP: 0010:kbox_null_store.constprop.0+0x5/0x20 [kbox]",
            pc("kbox_null_store.constprop.0"),
        ),
        ("RIP: 0010:[<ffffffff810f2a5c>]  [<ffffffff810f2a5c>] f+0x1c/0x250", pc("f")),
        ("EIP is at f+0x1c/0x250", pc("f")),
        ("PC is at f+0x1c/0x250", pc("f")),
        ("LR is at g+0x1c/0x250", lr("g")),
        ("NIP [c0000000000e1234] f+0x14/0x20", pc("f")),
        ("epc : f+0x14/0x20", pc("f")),
        ("Krnl PSW : 0704e00180000000 0000000000112c82 (f+0x42/0x100)", pc("f")),
        ("lr : smp_call_function_many+0x2c4/0x370 (P)", lr("smp_call_function_many")),
        ("pstate: 80000005 (Nzcv daif -PAN -UAO)", pstate("Nzcv daif -PAN -UAO", false)),
        ("pstate: 600000c5 (nZCv daIF -PAN -UAO)", pstate("nZCv daIF -PAN -UAO", true)),
        ("RSP: 0018:ffffcd1080373f08 EFLAGS: 00000246", pstate("EFLAGS: 00000246", false)),
        ("RSP: 0018:ffffcd1080373f08 EFLAGS: 00000046", pstate("EFLAGS: 00000046", true)),
        (
            "Flags: nZCv  IRQs off  FIQs on  Mode SVC_32",
            pstate("nZCv  IRQs off  FIQs on  Mode SVC_32", true),
        ),
        ("CFAR: c000000000012345 IRQMASK: 1 ", pstate("IRQMASK: 1", true)),
        ("x1 : 0000000000000003 x0 : 0000000000000000", registers(&[("x1", 3), ("x0", 0)])),
        (
            "x5 : 00 x4 : fffffff7ffffffff x3 : ffff000000c8e018",
            registers(&[("x5", 0), ("x4", 0xffff_fff7_ffff_ffff), ("x3", 0xffff_0000_00c8_e018)]),
        ),
        (
            "FS:  0000000000000000(0000) GS:ffff8bc47ec00000(0000) knlGS:0000000000000000",
            registers(&[("FS", 0), ("GS", 0xffff_8bc4_7ec0_0000), ("knlGS", 0)]),
        ),
        (
            "CPU: 3 UID: 0 PID: 78 Comm: kbox kick Tainted: G           O L     6.12.117 #1",
            cpu("kbox kick", "GOL"),
        ),
        ("CPU: 3 PID: 78 Comm: a Kdump: loaded Not tainted 4.19.5 #1", cpu("a", "")),
        ("Call trace:\n f+0x1/0x2\n g+0x1/0x2 [m]\n h+0x0/0x8 (P)", trace(&["f", "g", "h"], &[])),
        (
            "Call Trace:\n <IRQ>  [<ffffffff810f2a5c>] ? f+0x1/0x2\n [<ffffffff810f2a5c>] g+0x1/0x2\n <EOI>",
            trace(&["g"], &[1]),
        ),
        (
            "Call Trace:\n[c000000fff] [c0000000ab] f+0x1/0x2 (unreliable)\n 0xffffffffc04f0000",
            trace(&["f"], &[]),
        ),
        ("Call trace:\n f from g+0x10/0x14\n g from h+0x10/0x14", trace(&["f", "g"], &[])),
    ];
    for (line, expected) in lines {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn several_cpus_are_locked_up_in_one_line() {
    let line = b"watchdog: CPU 0 detected hard LOCKUP on other CPUs 8,48\n\
                 Watchdog CPU:15 detected Hard LOCKUP other CPUS:9-11";
    let expected = "- hard 8,48 by 0\n- hard 9,10,11 by 15\n";
    assert_eq!(headlines(&parse(line)), expected);
}

#[test]
fn wrapped_lines_are_joined() {
    let soft = Message::SoftLockup {
        cpu: CpuId(2),
        secs: 22,
        comm: Some("nova-api".into()),
        pid: Some(102_738),
    };
    for cut in [
        "[    1.000000] watchdog: BUG: soft lockup - CPU#2 stuck for 22s!\n[nova-api:102738]",
        "[    1.000000] watchdog: BUG: soft lockup - CPU#2 stuck for 22s! \r\n\r\n[nova-api:102738]",
        "[    1.000000] watchdog: BUG: soft lockup - CPU#2 \nstuck for 22s! [nova-api:102738]",
        "[    1.000000] watchdog: BUG: soft lockup - CPU#\n2 stuck for 22s! [nova-api:102738]",
        "[    1.000000] watchdog: BUG: soft lock\nup - CPU#2 stuck for 22s! [nova-api:102738]",
        "[    1.000000] watchdog: BUG: soft lockup - CPU#2 \nstuck for 22s! \n[nova-api:102738]",
        "[    1.000000] watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [nova\n-api:102738]",
    ] {
        let time = KernelTime::from_secs_f64(1.0);
        let entries = parse(cut.as_bytes());
        let told: Vec<_> = entries.iter().map(|it| (it.line, it.time, &it.message)).collect();
        assert_eq!(told, [(1, time, &soft)], "{cut}");
    }
    let hard = Message::HardLockup { cpu: CpuId(22), reporter: None };
    assert_eq!(one("NMI watchdog: Watchdog detected hard \nLOCKUP on cpu 22"), hard);
    let frames = ["smp_call_function_many", "kick_all_cpus_sync"].map(str::to_owned).to_vec();
    let trace = Message::CallTrace { frames, interrupts: Vec::new() };
    assert_eq!(
        one(
            "[    1.0] Call trace:\n[    1.0]  smp_call_f\nunction_many+0x308/0x370\n[    1.0]  kick_all_cpus_sync+0x30/0x38"
        ),
        trace
    );
}

#[test]
fn a_line_can_hold_several_records() {
    let line = b"CPU: 35 PID: 7 Comm: a Tainted: G OEL 4.19.5 #1[ 360.595535] pstate: 80000005 (Nzcv daif)[ 360.595540] pc : f+0x1/0x2";
    let entries = parse(line);
    let times: Vec<_> =
        entries.iter().map(|entry| entry.time.map(|time| time.ns() / 1_000)).collect();
    assert_eq!(times, [None, Some(360_595_535), Some(360_595_540)]);
    assert!(matches!(&entries[0].message, Message::CpuLine { taint, .. } if taint == "GOEL"));
    assert!(matches!(entries[1].message, Message::PState { irqs_off: false, .. }));
    assert!(matches!(entries[2].message, Message::Pc { .. }));
}

#[test]
fn the_lines_of_two_callers_do_not_mix() {
    let log = b"[1.000000][   C1] Call trace:\n[1.000001][   C2] Call trace:\n[1.000002][   C1]  a+0x0/0x4\n\
                [1.000003][   C2]  x+0x0/0x4\n[1.000004][   C1]  b+0x0/0x4\n[1.000005][   C2]  y+0x0/0x4\n";
    let traces: Vec<_> = parse(log).into_iter().map(|entry| entry.message).collect();
    let trace = |frames: [&str; 2]| Message::CallTrace {
        frames: frames.map(str::to_owned).to_vec(),
        interrupts: Vec::new(),
    };
    assert_eq!(traces, [trace(["a", "b"]), trace(["x", "y"])]);
}

#[test]
fn numbers_out_of_range_are_not_believed() {
    for line in [
        "watchdog: BUG: soft lockup - CPU#4294967296 stuck for 22s! [a:1]",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 18446744073709551616s! [a:1]",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:4294967296]",
        "watchdog: BUG: soft lockup - CPU#-1 stuck for 22s! [a:1]",
        "Watchdog detected hard LOCKUP on cpu 99999999999999999999999",
        "watchdog: CPU 0 detected hard LOCKUP on other CPUs 0-4294967295",
        "Sending NMI from CPU 0 to CPUs 0-4294967295:",
        "Sending NMI from CPU 0 to CPUs 5-3:",
        "SMP: failed to stop secondary CPUs 0-4095,1",
        "Internal error: Oops: 96000044 [#4294967296] SMP",
        "Unable to handle kernel paging request at virtual address 10000000000000000",
        "NMI backtrace for cpu 4294967296",
        "note: a[4294967296] exited with irqs disabled",
        "x0 : 10000000000000000",
        "[18446744073709551616.000000] Call trace:",
        "[18446744074.000000] Call trace:",
    ] {
        assert_eq!(one(line), Message::Other(line.to_owned()));
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn part<'a>(&mut self, bytes: &'a [u8], longest: usize) -> &'a [u8] {
        let from = self.below(bytes.len());
        let len = self.below(longest.min(bytes.len() - from) + 1);
        &bytes[from..from + len]
    }
}

fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let lines: Vec<_> = bytes.split(|&byte| byte == b'\n').collect();
    lines.join(&b"\r\n"[..])
}

#[test]
fn any_bytes_are_read_and_line_ends_make_no_difference() {
    const WORDS: &[u8] = b"[](){}<>#:;.,+-/?0123456789abcdefx \t\r\n\n\x1b\xff\xc3CPUTx";
    let logs = LOGS.map(|name| bytes(&format!("ground-truth/{name}.log")));
    let mut random = Random(1);
    for case in 0..4_000 {
        let log = &logs[random.below(logs.len())];
        let other = &logs[random.below(logs.len())];
        let mut text = match case % 4 {
            0 => (0..random.below(400)).map(|_| random.next() as u8).collect(),
            1 => (0..random.below(400)).map(|_| WORDS[random.below(WORDS.len())]).collect(),
            2 => random.part(log, 4_000).to_vec(),
            _ => {
                let parts =
                    (0..4).map(|_| [random.part(log, 600), random.part(other, 600)].concat());
                parts.collect::<Vec<_>>().concat()
            }
        };
        for _ in 0..random.below(8) {
            let at = random.below(text.len());
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        let entries = parse(&text);
        assert_eq!(parse(&with_crlf(&text)), entries, "{:?}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn the_real_logs_read_the_same_with_either_line_end() {
    for name in LOGS {
        let bytes = bytes(&format!("ground-truth/{name}.log"));
        let lf: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != b'\r').collect();
        let crlf = with_crlf(&lf);
        assert!(crlf.len() > lf.len());
        assert_eq!(parse(&lf), parse(&bytes), "{name}");
        assert_eq!(parse(&crlf), parse(&bytes), "{name}");
    }
}

#[test]
fn a_line_of_a_mebibyte_is_read() {
    const LEN: usize = 1 << 20;
    for fill in ["a", "[", "[ ", "\x1b[", "é"] {
        let text = fill.repeat(LEN / fill.len());
        assert!(parse(text.as_bytes()).len() <= 1, "{fill}");
    }
    let head = "[  254.202183] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]";
    let entries = parse(format!("{head}{}", " x".repeat(LEN / 2)).as_bytes());
    assert!(matches!(
        entries[..],
        [Entry { message: Message::SoftLockup { pid: Some(1), .. }, .. }]
    ));
}
