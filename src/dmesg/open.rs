//! Which entries the next line may belong to.

use std::collections::HashMap;

use crate::dmesg::entry::{Caller, WallClock};
use crate::dmesg::window::Window;
use crate::time::KernelTime;

/// More callers than can have an entry in the window: who has none is forgotten then.
const MAX_CALLERS: usize = 2_048;

/// What is open, by caller id: CPUs that print at the same time interleave their lines.
#[derive(Default)]
pub(super) struct Callers {
    /// For lines without a caller id.
    unnamed: Open,
    named: HashMap<Caller, Open>,
}

/// The entries that the next line of the same caller may belong to, by their numbers.
#[derive(Clone, Copy, Default)]
pub(super) struct Open {
    pub(super) fault: Option<usize>,
    pub(super) pstate: Option<usize>,
    pub(super) regs: Option<usize>,
    pub(super) trace: Option<usize>,
}

/// Where a line stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) caller: Option<Caller>,
    pub(super) clock: Option<WallClock>,
}

impl Callers {
    /// What is open for a caller.
    pub(super) fn get(&self, caller: Option<Caller>) -> Open {
        match caller {
            Some(caller) => self.named.get(&caller).copied().unwrap_or_default(),
            None => self.unnamed,
        }
    }

    /// Notes what is open for a caller. Forgets callers that have nothing open, and those whose entries are given out.
    pub(super) fn set(&mut self, caller: Option<Caller>, open: Open, entries: &Window) {
        match caller {
            None => self.unnamed = open,
            Some(caller) if open.is_empty() => _ = self.named.remove(&caller),
            Some(caller) => _ = self.named.insert(caller, open),
        }
        if self.named.len() > MAX_CALLERS {
            self.named.retain(|_, open| open.last().is_some_and(|last| !entries.is_given(last)));
        }
    }
}

impl Open {
    fn is_empty(&self) -> bool {
        self.last().is_none()
    }

    /// The last of the open entries.
    fn last(&self) -> Option<usize> {
        [self.fault, self.pstate, self.regs, self.trace].into_iter().flatten().max()
    }
}
