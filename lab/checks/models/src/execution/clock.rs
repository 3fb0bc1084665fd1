//! Vector clocks: what happened before what, by the orderings that the code declares.

/// The most CPUs in a model.
pub(crate) const MAX_CPUS: usize = 4;

/// Per CPU, how many of its steps are known to have happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VectorClock([u32; MAX_CPUS]);

impl VectorClock {
    /// `cpu` begins a new step.
    pub(crate) fn tick(&mut self, cpu: usize) {
        self.0[cpu] += 1;
    }

    /// What `other` knows is known here as well.
    pub(crate) fn join(&mut self, other: &VectorClock) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }

    /// `cpu` did something at `now`.
    pub(crate) fn mark(&mut self, cpu: usize, now: &VectorClock) {
        self.0[cpu] = now.0[cpu];
    }

    /// Whether all of this happened before `now`.
    pub(crate) fn is_before(&self, now: &VectorClock) -> bool {
        self.0.iter().zip(now.0).all(|(&past, now)| past <= now)
    }
}
