//! CPUs as the kernel lists them.
//!
//! In Linux: `%*pbl` of `lib/vsprintf.c`.
//! Here it differs: it is kept as ranges, so that a short line cannot ask for much memory.

use std::fmt;

use crate::cpumask::CpuId;

/// CPUs in ascending order, out of a line such as `0-3,35`.
///
/// Displays as the kernel's `%*pbl` does.
///
/// ```
/// use softlockup::CpuId;
/// use softlockup::dmesg::CpuList;
///
/// let list: CpuList = [0, 1, 2, 3, 35].map(CpuId).into_iter().collect();
/// assert_eq!(list.to_string(), "0-3,35");
/// assert_eq!(list.len(), 5);
/// assert!(list.contains(CpuId(35)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuList {
    /// First and last, both in the list; each range begins two or more past the one before.
    ranges: Vec<(u32, u32)>,
}

impl CpuList {
    /// The CPUs in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = CpuId> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| first..=last).map(CpuId)
    }

    /// How many CPUs are in the list.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|&(first, last)| (last - first) as usize + 1).sum()
    }

    /// Whether no CPU is in the list.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether the CPU is in the list.
    pub fn contains(&self, cpu: CpuId) -> bool {
        let after = self.ranges.partition_point(|&(first, _)| first <= cpu.0);
        after > 0 && cpu.0 <= self.ranges[after - 1].1
    }

    /// The one CPU of a list of one.
    pub fn only(&self) -> Option<CpuId> {
        match self.ranges[..] {
            [(first, last)] if first == last => Some(CpuId(first)),
            _ => None,
        }
    }

    /// Adds the CPUs from `first` to `last`; `None` if they do not follow on what is there.
    pub(super) fn push(&mut self, first: u32, last: u32) -> Option<()> {
        match self.ranges.last_mut() {
            _ if last < first => return None,
            Some((_, end)) if first <= *end => return None,
            Some((_, end)) if first == *end + 1 => *end = last,
            _ => self.ranges.push((first, last)),
        }
        Some(())
    }
}

impl FromIterator<CpuId> for CpuList {
    /// In any order; what is there twice counts once.
    fn from_iter<I: IntoIterator<Item = CpuId>>(cpus: I) -> Self {
        let mut cpus: Vec<u32> = cpus.into_iter().map(|cpu| cpu.0).collect();
        cpus.sort_unstable();
        let mut list = CpuList::default();
        for cpu in cpus {
            _ = list.push(cpu, cpu);
        }
        list
    }
}

impl<const N: usize> PartialEq<[CpuId; N]> for CpuList {
    fn eq(&self, other: &[CpuId; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, &(first, last)) in self.ranges.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{first}")?;
            if last != first {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}
