//! Die locks, right and wrong.

/// A die lock made of these steps; `new` makes its words, which begin with 0.
macro_rules! die_lock {
    ($name:ident, [$($word:ident: $t:ty),*], |$me:ident, $cpu:ident| lock $lock:block unlock $unlock:block $(exit $exit:block)?) => {
        #[derive(Default)]
        struct $name { $($word: $t),* }
        impl DieLock for $name {
            fn lock(&self, $cpu: &impl ThisCpu) -> u32 {
                let $me = self;
                $lock
            }
            fn unlock(&self, $cpu: &impl ThisCpu) -> u32 {
                let ($me, _) = (self, $cpu);
                $unlock
            }
            $(fn task_exit(&self, $cpu: &impl ThisCpu) {
                let $me = self;
                $exit
            })?
        }
    };
}

mod bakery;
mod hangs;
mod nesting;
mod right;
mod stock;
mod wrong;
