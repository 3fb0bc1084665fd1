//! The checks of `ex02_lock`.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Check;

/// Generic over the answer.
pub fn checks(try_lock: fn(&AtomicBool) -> bool) -> Vec<Check> {
    let mut checks = vec![Check {
        name: "contract::lock::takes",
        tier: "contract",
        rule: "a free lock can be taken",
        points: 2,
        run: Box::new(move || {
            let lock = AtomicBool::new(false);
            if try_lock(&lock) && lock.load(Ordering::Relaxed) { Ok(()) } else { Err("it was free, and is not taken".to_owned()) }
        }),
    }];
    if cfg!(feature = "models") {
        checks.push(Check {
            name: "model::lock::excludes",
            tier: "model",
            rule: "of two takers one gets it",
            points: 3,
            run: Box::new(move || {
                let lock = AtomicBool::new(false);
                if try_lock(&lock) != try_lock(&lock) { Ok(()) } else { Err("both got it, or none".to_owned()) }
            }),
        });
    }
    checks
}
