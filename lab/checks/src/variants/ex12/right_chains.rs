//! Right chains.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<Lock, Chain>),
    right("a word for each callback", checks::<Lock, WordPerCallback>),
    right("tries a callback again at the next oops", checks::<Lock, TriesAgain>),
    right("a list of what runs", checks::<Lock, List>),
];

/// For each callback: a bit for each CPU that is in it.
struct WordPerCallback([AtomicU64; 32]);

impl Default for WordPerCallback {
    fn default() -> Self {
        WordPerCallback(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl DieChain for WordPerCallback {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let bit = 1 << callbacks.cpu().0;
        walk(callbacks, |n| {
            if self.0[n].fetch_or(bit, SeqCst) & bit != 0 {
                return None;
            }
            let answer = callbacks.call(n);
            self.0[n].fetch_and(!bit, SeqCst);
            Some(answer)
        })
    }
}

die_chain! {
    /// A walk that reaches its end forgets what it was inside of: if it is a nested one, the task dies now.
    TriesAgain { inside: PerCpu }
    call(self, callbacks) {
        let inside = self.inside.of(callbacks.cpu());
        let answer = walk(callbacks, |n| {
            let mine = inside.load(Relaxed);
            if mine >> n & 1 == 1 {
                return None;
            }
            inside.store(mine | 1 << n, Relaxed);
            let answer = callbacks.call(n);
            inside.store(mine, Relaxed);
            Some(answer)
        });
        if answer != Notify::Stop {
            inside.store(0, Relaxed);
        }
        answer
    }
}

die_chain! {
    /// A lock of the host, held for a moment.
    List { running: Mutex<Vec<(CpuId, usize)>> }
    call(self, callbacks) {
        walk(callbacks, |n| {
            let it = (callbacks.cpu(), n);
            {
                let mut running = self.running.lock().unwrap();
                if running.contains(&it) {
                    return None;
                }
                running.push(it);
            }
            let answer = callbacks.call(n);
            self.running.lock().unwrap().retain(|other| *other != it);
            Some(answer)
        })
    }
}
