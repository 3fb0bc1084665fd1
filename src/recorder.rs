//! Collecting records: a CPU that records waits for no other CPU.
//!
//! Each CPU writes into a bounded ring of its own, with no lock and no allocation. In lockstep the CPU empties its ring
//! when it hands on its turn, or when the ring is full. That takes a lock, which no other CPU can hold while this CPU
//! runs. So nothing is lost, unless one turn runs away and never ends. In wall-clock time the host empties the ring. If
//! the host is too late, the CPU counts the record and does not write it, and [`Event::Dropped`] says so.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `next_seq` | every CPU, once per record | the same | Relaxed: one atomic has one order of its own, and a CPU that was woken by another draws its number later |
//! | `dropped`, `refills` of a ring | its CPU | the same | Relaxed |
//!
//! In Linux: `kernel/trace/ring_buffer.c`, per-CPU and lock-free for the same reason. Here it differs: one number for
//! all CPUs orders the records, where Linux has a clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use crate::cpumask::CpuId;
use crate::record::{Event, Record};
use crate::time::KernelTime;

/// Where the CPUs of one machine write their records.
#[derive(Debug)]
pub(crate) struct Recorder {
    enabled: bool,
    lossless: bool,
    next_seq: CachePadded<AtomicU64>,
    rings: Box<[Ring]>,
    drained: Mutex<Vec<Record>>,
}

#[derive(Debug)]
struct Ring {
    records: ArrayQueue<Record>,
    dropped: AtomicU64,
    /// How often the ring was emptied within one turn.
    refills: AtomicU64,
}

/// A turn that fills its ring more often than this has run away. Its further records are only counted: else they would
/// take all of the host's memory before the host finds that it hangs.
const MAX_REFILLS: u64 = 1 << 16;

impl Recorder {
    /// `lossless`: the machine runs in lockstep.
    pub(crate) fn new(nr_cpus: u32, enabled: bool, lossless: bool) -> Self {
        let capacity = match (enabled, lossless) {
            (false, _) => 1,
            (true, true) => 32,
            (true, false) => (1 << 18) / nr_cpus.next_power_of_two().min(1 << 10) as usize,
        };
        let ring = |_| Ring {
            records: ArrayQueue::new(capacity),
            dropped: AtomicU64::new(0),
            refills: AtomicU64::new(0),
        };
        Recorder {
            enabled,
            lossless,
            next_seq: CachePadded::new(AtomicU64::new(0)),
            rings: (0..nr_cpus).map(ring).collect(),
            drained: Mutex::new(Vec::new()),
        }
    }

    /// Writes one record. Called by `cpu` only.
    pub(crate) fn record(&self, cpu: CpuId, time: KernelTime, event: Event) {
        if !self.enabled {
            return;
        }
        let ring = &self.rings[cpu.index()];
        if ring.records.is_full() {
            if !self.lossless || ring.refills.fetch_add(1, Relaxed) > MAX_REFILLS {
                ring.dropped.fetch_add(1, Relaxed);
                return;
            }
            self.drain(cpu);
        }
        let lost = ring.dropped.swap(0, Relaxed);
        if lost > 0 {
            self.push(ring, cpu, time, Event::Dropped { count: lost });
        }
        self.push(ring, cpu, time, event);
    }

    fn push(&self, ring: &Ring, cpu: CpuId, time: KernelTime, event: Event) {
        if ring.records.is_full() {
            ring.dropped.fetch_add(1, Relaxed);
            return;
        }
        // Only this CPU pushes, so there is still room: a number that is drawn is written.
        let seq = self.next_seq.fetch_add(1, Relaxed);
        _ = ring.records.push(Record { seq, time, cpu, event });
    }

    /// A CPU hands on its turn, and its records.
    pub(crate) fn end_turn(&self, cpu: CpuId) {
        self.rings[cpu.index()].refills.store(0, Relaxed);
        self.drain(cpu);
    }

    /// Moves a CPU's records to where the host finds them.
    fn drain(&self, cpu: CpuId) {
        let ring = &self.rings[cpu.index()].records;
        if !ring.is_empty() {
            self.drained.lock().extend(std::iter::from_fn(|| ring.pop()));
        }
    }

    /// Takes what has been recorded so far: in lockstep in the order of `seq`; in wall-clock time CPU by CPU, for
    /// [`Merge`] to put in order. Called by the host.
    pub(crate) fn take(&self) -> Vec<Record> {
        if !self.lossless {
            (0..self.rings.len()).for_each(|cpu| self.drain(CpuId::from(cpu)));
        }
        std::mem::take(&mut *self.drained.lock())
    }

    /// Takes everything when the machine has halted, also from CPUs that never hand on their turn again. Adds what a
    /// CPU could not record itself: how many records it lost, and that it hangs.
    pub(crate) fn take_rest(&self, ended: KernelTime, hung: &[CpuId]) -> Vec<Record> {
        if !self.enabled {
            return Vec::new();
        }
        (0..self.rings.len()).for_each(|cpu| self.drain(CpuId::from(cpu)));
        let mut rest = std::mem::take(&mut *self.drained.lock());
        let mut add = |cpu, event| {
            let seq = self.next_seq.fetch_add(1, Relaxed);
            rest.push(Record { seq, time: ended, cpu, event });
        };
        for (n, ring) in self.rings.iter().enumerate() {
            match ring.dropped.swap(0, Relaxed) {
                0 => {}
                count => add(CpuId::from(n), Event::Dropped { count }),
            }
        }
        hung.iter().for_each(|&cpu| add(cpu, Event::HostHang));
        rest
    }
}

/// Puts batches of records into one order: what it lets out has no gap.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    next_seq: u64,
    early: BinaryHeap<Reverse<BySeq>>,
}

#[derive(Debug)]
struct BySeq(Record);

impl PartialEq for BySeq {
    fn eq(&self, other: &Self) -> bool {
        self.0.seq == other.0.seq
    }
}

impl Eq for BySeq {}

impl PartialOrd for BySeq {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BySeq {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.seq.cmp(&other.0.seq)
    }
}

impl Merge {
    /// Adds a batch and lets out, in order, every record whose predecessors are all out.
    pub(crate) fn add(&mut self, batch: Vec<Record>, mut out: impl FnMut(Record)) {
        for record in batch {
            if record.seq == self.next_seq {
                self.next_seq += 1;
                out(record);
                while let Some(Reverse(next)) = self.early.peek()
                    && next.0.seq == self.next_seq
                {
                    self.next_seq += 1;
                    out(self.early.pop().expect("it was just peeked at").0.0);
                }
            } else {
                self.early.push(Reverse(BySeq(record)));
            }
        }
    }

    /// Lets out the rest: after a thread was left behind, a number it drew may be missing for ever.
    pub(crate) fn finish(mut self, mut out: impl FnMut(Record)) {
        while let Some(Reverse(next)) = self.early.pop() {
            out(next.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::Feed
    }

    fn recorder(lossless: bool) -> Recorder {
        let recorder = Recorder::new(2, true, lossless);
        for n in 0..1_000_000 {
            recorder.record(CpuId(n % 2), KernelTime::from_ns(n.into()), event());
        }
        recorder
    }

    #[test]
    fn in_lockstep_a_full_ring_loses_nothing() {
        let mut merged = Vec::new();
        let mut merge = Merge::default();
        merge
            .add(recorder(true).take_rest(KernelTime::BOOT, &[]), |record| merged.push(record.seq));
        assert_eq!(merged, (0..1_000_000).collect::<Vec<_>>());
    }

    #[test]
    fn in_wall_time_a_full_ring_counts_what_it_loses() {
        let recorder = recorder(false);
        let kept = recorder.take().len() as u64;
        recorder.record(CpuId(0), KernelTime::BOOT, event());
        let after = recorder.take_rest(KernelTime::BOOT, &[CpuId(1)]);
        let events: Vec<_> = after.iter().map(|record| (record.cpu.0, &record.event)).collect();
        let lost = &Event::Dropped { count: (1_000_000 - kept) / 2 };
        assert_eq!(
            events,
            [(0, lost), (0, &Event::Feed), (1, lost), (1, &Event::HostHang)],
            "what CPU 1 lost is told although it never records again"
        );
    }

    #[test]
    fn merge_waits_for_a_gap_to_be_filled() {
        let record = |seq| Record { seq, time: KernelTime::BOOT, cpu: CpuId(0), event: event() };
        let mut out = Vec::new();
        let mut merge = Merge::default();
        merge.add(vec![record(0), record(2), record(3)], |record| out.push(record.seq));
        assert_eq!(out, [0]);
        merge.add(vec![record(1), record(5)], |record| out.push(record.seq));
        assert_eq!(out, [0, 1, 2, 3]);
        merge.finish(|record| out.push(record.seq));
        assert_eq!(out, [0, 1, 2, 3, 5]);
    }
}
