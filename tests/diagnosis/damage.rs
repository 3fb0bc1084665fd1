//! What happens to a log on its way to a reader: lines are cut off, lost, wrapped, mixed and stripped. A seed names a
//! damage.

use crate::random::Random;

/// What begins a report of the machine's.
const HEADS: [&str; 8] = [
    "soft lockup",
    "hard LOCKUP",
    "NMI backtrace",
    "Internal error",
    "csd: Detected",
    "WARNING: ",
    "rcu: INFO",
    "Sending NMI",
];

/// The log as it arrives.
pub(crate) fn damaged(log: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        match random.below(9) {
            0 => window(&mut lines, random),
            1 => lose_a_block(&mut lines, random),
            2 => thin(&mut lines, random),
            3 => mix(&mut lines, random),
            4 => cut_lines(&mut lines, random),
            5 => cut_all(&mut lines, random),
            6 => wrap(&mut lines, random),
            7 => strip_stamps(&mut lines),
            _ => {}
        }
    }
    lines.join("\n") + "\n"
}

/// Only a part of it was copied.
fn window(lines: &mut Vec<String>, random: &mut Random) {
    let len = lines.len() as u64;
    let from = random.below(len + 1);
    let to = from + random.below(len - from + 1);
    *lines = lines[from as usize..to as usize].to_vec();
}

/// A buffer overflowed.
fn lose_a_block(lines: &mut Vec<String>, random: &mut Random) {
    let len = lines.len() as u64;
    let from = random.below(len + 1);
    let to = from + random.below((len - from).min(60) + 1);
    lines.drain(from as usize..to as usize);
}

/// Single lines are lost.
fn thin(lines: &mut Vec<String>, random: &mut Random) {
    let percent = [1, 5, 20, 60][random.below(4) as usize];
    lines.retain(|_| !random.chance(percent));
}

/// Two reports are printed at the same time. Stamps are those of the moment of printing, so they stay in order.
fn mix(lines: &mut [String], random: &mut Random) {
    let is_head = |line: &String| HEADS.iter().any(|head| line.contains(head));
    let mut heads: Vec<usize> = (0..lines.len()).filter(|&at| is_head(&lines[at])).collect();
    heads.push(lines.len());
    let stamps: Vec<String> = lines.iter().map(|line| stamp(line).0.to_owned()).collect();
    for three in heads.windows(3) {
        if !random.chance(40) {
            continue;
        }
        let [first, second, end] = three else { continue };
        let mut left: Vec<String> = lines[*first..*second].to_vec();
        let mut right: Vec<String> = lines[*second..*end].to_vec();
        left.reverse();
        right.reverse();
        for line in &mut lines[*first..*end] {
            let takes_left = right.is_empty() || !left.is_empty() && random.chance(50);
            let next = if takes_left { left.pop() } else { right.pop() };
            *line = next.unwrap_or_default();
        }
    }
    for (line, stamp_now) in lines.iter_mut().zip(stamps) {
        *line = stamp_now + stamp(line).1;
    }
}

/// Single lines lose their ends.
fn cut_lines(lines: &mut [String], random: &mut Random) {
    for line in lines {
        if random.chance(5) {
            line.truncate(random.below(line.len() as u64 + 1) as usize);
        }
    }
}

/// A terminal showed so many columns.
fn cut_all(lines: &mut [String], random: &mut Random) {
    let columns = 40 + random.below(80) as usize;
    lines.iter_mut().for_each(|line| line.truncate(columns));
}

/// A mailer wrapped them.
fn wrap(lines: &mut Vec<String>, random: &mut Random) {
    let columns = 40 + random.below(60) as usize;
    let pieces = lines.iter().flat_map(|line| {
        let bytes = line.as_bytes().chunks(columns);
        bytes.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect::<Vec<_>>()
    });
    *lines = pieces.collect();
}

/// Nobody kept the stamps.
fn strip_stamps(lines: &mut [String]) {
    for line in lines {
        *line = stamp(line).1.to_owned();
    }
}

/// The stamp of a line with its blank, and the rest.
fn stamp(line: &str) -> (&str, &str) {
    match line.split_once("] ") {
        Some((stamp, _)) if stamp.starts_with('[') => line.split_at(stamp.len() + 2),
        _ => ("", line),
    }
}
