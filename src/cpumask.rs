//! CPU numbers, and sets of them.
//!
//! In Linux: `int cpu`, `struct cpumask` (`include/linux/cpumask.h`).
//! Here it differs: a mask knows how many CPUs its machine has, so it cannot name one that does not exist.

use std::fmt;

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};

/// The number of a simulated CPU, from 0. A *host core* is something else and is never a `CpuId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CpuId(pub u32);

impl CpuId {
    /// The boot CPU, the one that oopses in the article.
    pub const BOOT: CpuId = CpuId(0);

    /// This number as an index into per-CPU data.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<usize> for CpuId {
    /// # Panics
    /// If the index does not fit; a machine has at most [`MAX_CPUS`](crate::config::MAX_CPUS).
    fn from(index: usize) -> Self {
        CpuId(u32::try_from(index).expect("a CPU number fits in 32 bits"))
    }
}

impl fmt::Display for CpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of CPUs of one machine.
///
/// Displays as the kernel's `%*pbl` does: `0-3,35`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuMask(FixedBitSet);

impl CpuMask {
    /// The empty set, on a machine of `nr_cpus`.
    pub fn none(nr_cpus: u32) -> Self {
        CpuMask(FixedBitSet::with_capacity(nr_cpus as usize))
    }

    /// Every CPU of a machine of `nr_cpus`.
    pub fn all(nr_cpus: u32) -> Self {
        let mut mask = Self::none(nr_cpus);
        mask.0.insert_range(..);
        mask
    }

    /// These CPUs.
    pub(crate) fn of(cpus: &[CpuId]) -> Self {
        CpuMask(cpus.iter().map(|cpu| cpu.index()).collect())
    }

    /// Adds a CPU.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    pub fn set(&mut self, cpu: CpuId) {
        self.0.insert(cpu.index());
    }

    /// Takes a CPU out; nothing happens if it is not in.
    pub fn clear(&mut self, cpu: CpuId) {
        if cpu.index() < self.0.len() {
            self.0.remove(cpu.index());
        }
    }

    /// Whether the CPU is in the set.
    pub fn contains(&self, cpu: CpuId) -> bool {
        self.0.contains(cpu.index())
    }

    /// Adds every CPU of `other`.
    pub(crate) fn add_all(&mut self, other: &CpuMask) {
        self.0.union_with(&other.0);
    }

    /// How many CPUs are in the set.
    pub fn weight(&self) -> usize {
        self.0.count_ones(..)
    }

    /// Whether no CPU is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_clear()
    }

    /// The CPUs in ascending order, the order in which Linux walks a mask and waits.
    pub fn iter(&self) -> impl Iterator<Item = CpuId> + '_ {
        self.0.ones().map(CpuId::from)
    }

    /// The first CPU after `cpu` in the set, going round past the end.
    pub fn next_after(&self, cpu: CpuId) -> Option<CpuId> {
        let from = cpu.index() + 1;
        self.first_from(from).or_else(|| self.first_from(0))
    }

    fn first_from(&self, from: usize) -> Option<CpuId> {
        const BITS: usize = usize::BITS as usize;
        let words = self.0.as_slice();
        let mut word = from / BITS;
        let mut bits = words.get(word)? & (usize::MAX << (from % BITS));
        while bits == 0 {
            word += 1;
            bits = *words.get(word)?;
        }
        Some(CpuId::from(word * BITS + bits.trailing_zeros() as usize))
    }

    /// The bits of CPUs 0 to 63: what fits in the register that holds the mask's first word.
    pub fn first_word(&self) -> u64 {
        self.iter().take_while(|cpu| cpu.0 < 64).fold(0, |word, cpu| word | 1 << cpu.0)
    }
}

impl fmt::Display for CpuMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if(|cpu| cpu.0 == last.0 + 1) {
                last = next;
            }
            write!(f, "{separator}{first}")?;
            if last != first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(nr_cpus: u32, cpus: &[u32]) -> CpuMask {
        let mut mask = CpuMask::none(nr_cpus);
        cpus.iter().for_each(|&cpu| mask.set(CpuId(cpu)));
        mask
    }

    #[test]
    fn displays_as_the_kernels_list_format() {
        assert_eq!(mask(64, &[0, 35]).to_string(), "0,35");
        assert_eq!(mask(64, &[0, 1, 2, 5, 62, 63]).to_string(), "0-2,5,62-63");
        assert_eq!(CpuMask::none(4).to_string(), "");
    }

    #[test]
    fn the_first_word_is_the_register_of_the_articles_dump() {
        let mut all_but_35 = CpuMask::all(64);
        all_but_35.clear(CpuId(35));
        assert_eq!(all_but_35.first_word(), 0xffff_fff7_ffff_ffff);
    }

    #[test]
    fn next_after_goes_round() {
        let mask = mask(200, &[3, 64, 199]);
        let next = |cpu| mask.next_after(CpuId(cpu)).map(|cpu| cpu.0);
        assert_eq!(next(0), Some(3));
        assert_eq!(next(3), Some(64));
        assert_eq!(next(64), Some(199));
        assert_eq!(next(199), Some(3));
        assert_eq!(CpuMask::none(200).next_after(CpuId(7)), None);
    }
}
