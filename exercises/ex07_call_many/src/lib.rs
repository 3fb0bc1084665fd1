//! # Exercise 7: calling all of them
//!
//! A CPU that has changed code (on x86 also a page table) must make every other CPU take notice: it *broadcasts* a
//! call. Below it lie exercises 5 and 6; you write who is posted to, who is interrupted, who is waited for, and in
//! which order.
//!
//! What you may ask is in [`CrossCalls`]:
//!
//! | `cpu.…` | does |
//! |---|---|
//! | `id()` | says which CPU calls |
//! | `is_online(other)` | says whether `other` takes calls at all |
//! | `post(target)` | locks this CPU's csd for `target`, fills it and queues it. Returns whether the queue was empty, and so whether an IPI is owed |
//! | `send_ipi(target)` | makes `target` take its queue |
//! | `csd_lock_wait(target)` | waits until `target` has answered |
//!
//! - Each online CPU of `mask` but the caller is posted to, once. A CPU outside the mask or offline is not called. The
//!   mask may be empty, or name the caller alone.
//! - Each CPU whose queue was empty gets one IPI, after the post. The others get none: one is on its way to them.
//! - With [`Wait::Sync`] the caller comes back when all that it called have answered. With [`Wait::Async`] it waits for
//!   none.
//! - **No waiting before all is posted and all IPIs are sent.** The CPUs work on the call side by side; and if one of
//!   them is deaf, the others have heard of the call.
//!
//! In which order it posts, interrupts and waits within these rules is free.
//!
//! Before you run it, predict: `cargo lab predict ex07.posts`.
//!
//! In Linux: `kernel/smp.c`: `smp_call_function_many`, and in later kernels `smp_call_function_many_cond`. Each stack
//! of the article's five victims has it.
//!
//! In the book: `book/src/why-the-others.md`.
//!
//! Grade it: `cargo lab check ex07`. See the incident with it: `cargo lab replay ex07`. A hint: `cargo lab hint ex07`.

use softlockup::cpumask::CpuMask;
use softlockup::parts::call_many::{CallMany, CrossCalls, Wait};

/// The kernel's way to call many CPUs.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyCallMany;

impl CallMany for MyCallMany {
    /// Calls every online CPU of `mask` but `cpu`. [`CpuMask`] has `iter`, `contains`, `set`, `clear`, `weight`, and is
    /// `Clone`.
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        let _ = (cpu, mask, wait);
        todo!(
            "post to all, interrupt those whose queue was empty, and wait for all if the caller waits"
        )
    }
}
