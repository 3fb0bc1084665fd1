//! Hosts other than Linux: nothing is seen of a process.

use super::{Look, Process};

pub(in super::super) fn below() -> Vec<Process> {
    Vec::new()
}

pub(in super::super) fn cpu_ms_of_the_dead() -> u64 {
    0
}

pub(in super::super) fn tasks_of_the_host() -> usize {
    0
}

pub(in super::super) fn adopt() {}

pub(in super::super) fn kill_adopted() {}

pub(in super::super) fn kill(_processes: &[Process]) {}

pub(in super::super) fn look(_processes: &[Process]) -> Look {
    Look { alive: 1, ..Look::default() }
}
