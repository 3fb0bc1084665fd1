//! A log of 100 MB: how fast it is read, and in how little memory.

use std::fs;
use std::time::Instant;

use softlockup::dmesg::{Message, entries};

/// The most memory that this process had, in bytes.
fn peak() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib * 1_024)
}

/// It is slow without optimisation, and what other tests hold would count:
/// `cargo test --release --test dmesg_formats -- --ignored --nocapture`.
#[test]
#[ignore = "reads 100 MB, and measures the memory of the whole process"]
#[expect(clippy::disallowed_methods, reason = "it is the host that reads")]
fn a_log_of_100_mb_is_read_in_a_few_megabytes_more_than_it_has() {
    const LEN: usize = 100_000_000;
    const MORE: usize = 8 << 20;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ground-truth");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "log"));
    let once: Vec<u8> = paths.iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let is_lockup = |message: &Message| matches!(message, Message::SoftLockup { .. });
    let lockups = entries(&once).filter(|entry| is_lockup(&entry.message)).count();
    assert!(lockups > 0);

    let times = LEN / once.len();
    let log = once.repeat(times);
    let before = peak();
    let start = Instant::now();
    let count = entries(&log).filter(|entry| is_lockup(&entry.message)).count();
    let secs = start.elapsed().as_secs_f64();
    assert_eq!(count, times * lockups);
    let more = before.zip(peak()).map(|(before, after)| after - before);
    let mb = log.len() as f64 / 1e6;
    println!("{mb:.0} MB in {secs:.2} s, {:.0} MB/s, {more:?} bytes of memory more", mb / secs);
    assert!(more.is_none_or(|more| more <= MORE), "{more:?}");
}
