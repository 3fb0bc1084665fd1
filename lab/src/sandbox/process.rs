//! Processes below this one, and what their threads do: read from `/proc` on Linux. Elsewhere nothing is seen, and what
//! is left is to kill and a time limit.

#[cfg(not(target_os = "linux"))]
mod none;

#[cfg(target_os = "linux")]
pub(super) use linux::{
    adopt, below, cpu_ms_of_the_dead, kill, kill_adopted, look, tasks_of_the_host,
};
#[cfg(not(target_os = "linux"))]
pub(super) use none::{
    adopt, below, cpu_ms_of_the_dead, kill, kill_adopted, look, tasks_of_the_host,
};

use super::ended::SleepsIn;

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pid: i32,
    parent: i32,
    group: i32,
    /// It has ended, and its parent has not asked how.
    zombie: bool,
    /// Its CPU time, and its dead children's.
    cpu_ms: u64,
    threads: usize,
}

/// What some processes do, taken together.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Processes that have not ended.
    pub(super) alive: usize,
    /// Threads of all of them.
    pub(super) threads: usize,
    /// CPU time of all of them, in milliseconds.
    pub(super) cpu_ms: Option<u64>,
    /// If all threads sleep: how often they were switched, and what they sleep in.
    pub(super) asleep: Option<(u64, SleepsIn)>,
}

/// Kills a process group; on Windows, a process and what it has started.
pub(super) fn kill_group(leader: u32) {
    #[cfg(unix)]
    signal_group(leader, rustix::process::Signal::KILL);
    #[cfg(windows)]
    let _ = std::process::Command::new("taskkill")
        .args(["/T", "/F", "/PID", &leader.to_string()])
        .output();
}

/// Stops a process group where it is, or lets it go on. It is one step: nothing can fork its way out of it.
pub(super) fn freeze_group(leader: u32, freeze: bool) {
    #[cfg(unix)]
    {
        use rustix::process::Signal;
        signal_group(leader, if freeze { Signal::STOP } else { Signal::CONT });
    }
    #[cfg(not(unix))]
    let _ = (leader, freeze);
}

#[cfg(unix)]
fn signal_group(leader: u32, signal: rustix::process::Signal) {
    if let Some(leader) = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(leader, signal);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;

    use rustix::process::{Pid, Signal, kill_process};

    use super::super::{keeper, supervisor};
    use super::{Look, Process, SleepsIn};

    /// Of more threads than these, none is looked at.
    const MOST_THREADS: usize = 200;

    /// Every process below this one, however far.
    pub(in super::super) fn below() -> Vec<Process> {
        let all: Vec<_> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(process)
            .collect();
        let mut parents = vec![std::process::id().cast_signed()];
        let mut found = Vec::new();
        while let Some(parent) = parents.pop() {
            for child in all.iter().filter(|process| process.parent == parent) {
                parents.push(child.pid);
                found.push(*child);
            }
        }
        found
    }

    /// CPU time of the children that this process has buried.
    pub(in super::super) fn cpu_ms_of_the_dead() -> u64 {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        fields(&stat).map_or(0, |fields| ms(&fields, 13) + ms(&fields, 14))
    }

    /// How many threads there are, of all programs: one short read, however many there are.
    pub(in super::super) fn tasks_of_the_host() -> usize {
        let loadavg = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let total = loadavg.split_whitespace().nth(3).and_then(|tasks| tasks.split_once('/'));
        total.and_then(|(_, total)| total.parse().ok()).unwrap_or(0)
    }

    /// From now on, whatever below this process loses its parent becomes a child of this one.
    pub(in super::super) fn adopt() {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }

    /// Kills what came to this process because an answer has killed its supervisor. What this process has started itself
    /// is a supervisor or a keeper, or is in its own group.
    pub(in super::super) fn kill_adopted() {
        let (own, group) = (std::process::id().cast_signed(), rustix::process::getpgrp());
        let is_adopted = |process: &&Process| {
            let line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
            let name = line.split(|byte| *byte == 0).nth(1);
            let is_ours = [supervisor::NAME, keeper::NAME]
                .map(str::as_bytes)
                .contains(&name.unwrap_or_default());
            process.parent == own && process.group != group.as_raw_nonzero().get() && !is_ours
        };
        // A killed one leaves its children, which come here too.
        for _ in 0..MOST_THREADS {
            let below = below();
            let adopted: Vec<_> = below.iter().filter(is_adopted).copied().collect();
            if adopted.is_empty() {
                return;
            }
            kill(&adopted);
            for pid in adopted.iter().filter_map(|process| Pid::from_raw(process.pid)) {
                let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            }
        }
    }

    pub(in super::super) fn kill(processes: &[Process]) {
        for process in processes {
            if let Some(pid) = Pid::from_raw(process.pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    pub(in super::super) fn look(processes: &[Process]) -> Look {
        let alive: Vec<_> = processes.iter().filter(|process| !process.zombie).collect();
        let threads = alive.iter().map(|process| process.threads).sum();
        Look {
            alive: alive.len(),
            threads,
            cpu_ms: Some(processes.iter().map(|process| process.cpu_ms).sum()),
            asleep: if threads > MOST_THREADS || alive.is_empty() { None } else { asleep(&alive) },
        }
    }

    /// `None` if a thread runs or could run.
    fn asleep(processes: &[&Process]) -> Option<(u64, SleepsIn)> {
        let (mut switches, mut sleeps_in) = (0, None);
        for process in processes {
            for thread in fs::read_dir(format!("/proc/{}/task", process.pid)).ok()?.flatten() {
                let status = fs::read_to_string(thread.path().join("status")).ok()?;
                let value = |name| {
                    let mut lines = status.lines();
                    lines.find_map(|line| line.strip_prefix(name)).map(str::trim)
                };
                // Z: the main thread ended before the others. T: it has stopped itself.
                if !matches!(value("State:")?.as_bytes().first()?, b'S' | b'Z' | b'T' | b't') {
                    return None;
                }
                let count = |name| value(name).and_then(|count| count.parse::<u64>().ok());
                switches +=
                    count("voluntary_ctxt_switches:")? + count("nonvoluntary_ctxt_switches:")?;
                sleeps_in = longer(sleeps_in, sleeps(&thread.path()));
            }
        }
        Some((switches, sleeps_in.unwrap_or(SleepsIn::Unknown)))
    }

    /// One thread in `sleep` will wake, and may wake the others.
    fn longer(one: Option<SleepsIn>, other: SleepsIn) -> Option<SleepsIn> {
        match (one, other) {
            (None, other) => Some(other),
            (Some(SleepsIn::Time), _) | (_, SleepsIn::Time) => Some(SleepsIn::Time),
            (Some(SleepsIn::Another), SleepsIn::Another) => Some(SleepsIn::Another),
            _ => Some(SleepsIn::Unknown),
        }
    }

    fn sleeps(thread: &Path) -> SleepsIn {
        let function = fs::read_to_string(thread.join("wchan")).unwrap_or_default();
        if function.contains("futex") {
            SleepsIn::Another
        } else if function.contains("nanosleep") {
            SleepsIn::Time
        } else {
            SleepsIn::Unknown
        }
    }

    fn process(pid: i32) -> Option<Process> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields = fields(&stat)?;
        Some(Process {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            zombie: matches!(*fields.first()?, "Z" | "X"),
            cpu_ms: (11..=14).map(|index| ms(&fields, index)).sum(),
            threads: fields.get(17)?.parse().ok()?,
        })
    }

    /// What follows the name in `stat`: 0 is the state, 1 the parent, 2 the group, 11 to 14 its times and its dead children's, 17 the
    /// threads (`proc_pid_stat(5)`, less 3). A name may contain anything, so it is skipped from its end.
    fn fields(stat: &str) -> Option<Vec<&str>> {
        Some(stat.rsplit_once(") ")?.1.split_whitespace().collect())
    }

    fn ms(fields: &[&str], index: usize) -> u64 {
        let ticks: u64 = fields.get(index).and_then(|ticks| ticks.parse().ok()).unwrap_or(0);
        ticks * 1_000 / rustix::param::clock_ticks_per_second()
    }
}
