//! Damaged logs, with a seed: nothing makes the reader fail, and what it holds is bounded by what it read.
//! `NOISE=1000000` says how many.

use std::fs;

use softlockup::dmesg::{Entry, Message, entries, parse};

/// Lines of every class, to be torn and mixed.
const LINES: [&str; 24] = [
    "[  254.202183][    C7] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]",
    "watchdog: CPU 12 TB:85587019220796, last SMP heartbeat TB:85578827223399 (15999ms ago)",
    "watchdog: CPU 13 detected hard LOCKUP on other CPUs 0-2,7,10,44",
    "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { P85 5-...D } 81366 jiffies s: 1",
    "rcu: \t5-...0: (1 GPs behind) idle=3d0c/1/0x4000000000000000 softirq=100/101 fqs=5250",
    "rcu: \t(detected by 7, t=65008 jiffies, g=8725, q=2 ncpus=16)",
    "Jan 23 23:39:43 worker0 kernel: [285737.522743] smp: csd: CSD lock (#1) unresponsive.",
    "2025-05-12T22:29:52.686659+02:00 lisa kernel: [    C6] Task dump for CPU 55:",
    "task:swapper/3       state:R  running task     stack:0     pid:0     ppid:1      flags:0x4000",
    "swapper/3       R  running task        0     0      1 0x00000000",
    "[Thu Oct 30 06:21:23 2025] Krnl GPRS: 0000000000000000 00000372000000fc",
    "           00000002f5ea1d18 00000002f5ea1d18 0000000000000000 0000000000000001",
    "FS:  0000000000000000(0000) GS:ffff8bc47ec00000(0000) knlGS:0000000000000000",
    "GPR04: 0000000000000008 0000000000000540 0000000000000800 00000000000000f8",
    "CPU: 3 UID: 0 PID: 7 Comm: a Kdump: loaded Tainted: G           OE      4.16.0 #1",
    "CFAR: c000000000008468 SOFTE: 1",
    "Call Trace:",
    " <IRQ>  [<ffffffff810f2a5c>] ? f+0x1/0x2",
    " csd_lock_wait kernel/smp.c:311 [inline]",
    "--- interrupt: 900 at find_next_bit+0x28/0xd0",
    "RIP: 0033:0x7f0a2c1d5f6b",
    "4,5014,12915314503,-,caller=T16;pstate: 600000c5 (nZCv daIF -PAN -UAO)",
    "\t#1:   0% system,\t  0% softirq,\t101% hardirq,\t  0% idle",
    "percpu: Embedded 61 pages/cpu s212992 r8192 d28672 u262144",
];

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end.max(1) as u64).unwrap()
    }

    /// Lines, cut and flipped here and there.
    fn log(&mut self) -> Vec<u8> {
        let mut log = Vec::new();
        for _ in 0..self.below(40) {
            let line = LINES[self.below(LINES.len())].as_bytes();
            let from = if self.below(4) == 0 { self.below(line.len()) } else { 0 };
            let to =
                if self.below(4) == 0 { from + self.below(line.len() - from) } else { line.len() };
            log.extend_from_slice(&line[from..to]);
            log.extend_from_slice([&b"\n"[..], b"\r\n", b"\r", b""][self.below(4)]);
        }
        for _ in 0..self.below(6) {
            let at = self.below(log.len());
            if let Some(byte) = log.get_mut(at) {
                *byte = self.below(256) as u8;
            }
        }
        log
    }
}

/// Bytes that an entry holds, its own fields aside.
fn held(entry: &Entry) -> usize {
    match &entry.message {
        Message::Other(text) => text.len(),
        Message::CallTrace { frames, interrupts } => {
            frames.iter().map(String::len).sum::<usize>() + 8 * interrupts.len()
        }
        Message::Regs(regs) => 16 * regs.len(),
        Message::RcuStallTasks { pids } => 4 * pids.len(),
        Message::CpuLine { comm, taint, release, .. } => comm.len() + taint.len() + release.len(),
        _ => 0,
    }
}

fn check(log: &[u8]) {
    let told = parse(log);
    assert_eq!(told, entries(log).collect::<Vec<_>>());
    let text = String::from_utf8_lossy(log);
    let lines = 1 + log.iter().filter(|&&byte| byte == b'\n').count();
    let mut last = 1;
    for entry in &told {
        assert!((last..=lines).contains(&entry.line), "{entry:?} in {text:?}");
        last = entry.line;
        match &entry.message {
            Message::CallTrace { frames, interrupts } => {
                assert!(frames.len() <= 512);
                assert!(interrupts.is_sorted_by(|a, b| a < b), "{entry:?}");
                assert!(interrupts.iter().all(|at| (1..=frames.len()).contains(at)), "{entry:?}");
            }
            Message::Regs(regs) => assert!(regs.iter().all(|(name, _)| !name.is_empty())),
            _ => {}
        }
    }
    // A byte that is not UTF-8 is shown by three.
    let bytes: usize = told.iter().map(held).sum();
    assert!(bytes <= 3 * log.len(), "{bytes} bytes out of {} of {text:?}", log.len());
}

#[test]
fn torn_lines_of_every_class_are_read() {
    let cases = std::env::var("NOISE").map_or(4_000, |cases| cases.parse().expect("a number"));
    let mut random = Random(7);
    for _ in 0..cases {
        check(&random.log());
    }
}

#[test]
fn a_torn_real_log_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ground-truth");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "log"));
    paths.sort();
    assert_eq!(paths.len(), 10);
    let mut random = Random(11);
    for path in paths {
        let log = fs::read(path).unwrap();
        check(&log);
        for _ in 0..5 {
            let mut torn = log.clone();
            for _ in 0..200 {
                let at = random.below(torn.len());
                match random.below(3) {
                    0 => torn[at] = random.below(256) as u8,
                    1 => torn.insert(at, b'\n'),
                    _ => drop(torn.splice(at..(at + random.below(30)).min(torn.len()), *b"")),
                }
            }
            check(&torn);
        }
    }
}

#[test]
fn a_short_line_cannot_ask_for_much() {
    for line in [
        "watchdog: CPU 13 detected hard LOCKUP on other CPUs 0-4095\n",
        "Sending NMI from CPU 0 to CPUs 1-4095:\n",
        "rcu: INFO: rcu_sched detected stalls on CPUs/tasks: { 1-...D 2-...D 3-...D P1 P2 P3 }\n",
        "f+0x0/0x0\n",
        "x0:0\n",
    ] {
        let count = 3_000;
        let told = parse(line.repeat(count).as_bytes());
        assert!(told.len() <= 5 * count, "{line}");
    }
}
