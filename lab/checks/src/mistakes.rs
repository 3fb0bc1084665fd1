//! Known mistakes, recognised by what a check says of them: their names, in the words of the learner who made one.

/// A mistake: the check that finds it, what that check says then, and the mistake's name.
type Mistake = (&'static str, &'static [&'static str], &'static str);

/// The name of the mistake for which the check `id` says `message`.
pub fn name(id: &str, message: &str) -> Option<&'static str> {
    let says = |(check, words, _): &&Mistake| {
        id.contains(*check) && words.iter().all(|word| message.contains(word))
    };
    KNOWN.iter().copied().flatten().find(says).map(|known| known.2)
}

/// Each known mistake: the check that finds it, and its name.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.iter().copied().flatten().map(|&(check, _, name)| (check, name))
}

const KNOWN: &[&[Mistake]] = &[DETECTOR, IRQ_FLAG, DIE_LOCK, CSD_LOCK, QUEUE, BROADCAST, CHAIN];

const DETECTOR: &[Mistake] = &[
    (
        "softlockup::obeys_the_threshold",
        &["softlockup_thresh of"],
        "a threshold that is typed in, or kept from an older sample; take it from the sample's context",
    ),
    (
        "softlockup::reports_a_starved_cpu",
        &["a sample at the threshold", "gave Lockup"],
        "`>=` for `>`: the kernel reports when more than the threshold has passed",
    ),
    (
        "softlockup::survives_the_wrap",
        &["gave Healthy and not Lockup"],
        "arithmetic that saturates: after the wrap, the time since the feed comes out as 0 or as for ever",
    ),
    (
        "softlockup::a_touch_buys_time",
        &["the sample after the touch", "Lockup { units: 309 }"],
        "a mark that is taken for a time: 0 says \"touched\", and now minus 0 is the age of the machine",
    ),
    (
        "softlockup::warns_once_per_task",
        &["gave Lockup", "and not AlreadyReported"],
        "it forgets what it has reported: a heartbeat that `sample` returns must name the reported task",
    ),
    (
        "softlockup::keeps_cpus_apart",
        &[],
        "memory in the detector, which all CPUs share; what is remembered of a CPU belongs in its heartbeat",
    ),
];

const IRQ_FLAG: &[Mistake] = &[
    (
        "irq_state::save_and_restore",
        &["after the `restore` of `save` number 3 gave false"],
        "interrupts come on too early: `restore` puts back what its `save` found, and the inner one found them off",
    ),
    (
        "irq_state::save_and_restore",
        &["`restore` of `save` number 1 gave true and not false"],
        "interrupts never come on again: the outermost `save` found them on",
    ),
    (
        "irq_state::pending",
        &["once more", "gave false"],
        "a bit that is added or turned over: done twice it is gone. `fetch_or` sets it, however often",
    ),
    (
        "irq_state::pending",
        &["after `raise(0x10)`, `is_pending(0x8)` gave false"],
        "`raise` writes the whole word: another CPU's vector is wiped out. `fetch_or` adds one bit",
    ),
    (
        "irq_state::pending",
        &["raised while interrupts are off", "`is_pending`", "gave false"],
        "a vector that comes while interrupts are off is dropped; it must wait in `pending` for the outermost `restore`",
    ),
    (
        "irq_state::take",
        &["0x80000000 and not"],
        "the highest bit first; the lowest one that is set is found from the other end: `trailing_zeros`",
    ),
    (
        "irq_state::take",
        &["NMI"],
        "`take` asks whether interrupts are off; the machine asks that before it calls `take`, and an NMI asks nothing",
    ),
    (
        "model::irq_state",
        &["lost"],
        "two steps where it takes one: another CPU raises a vector between them. One `fetch_or` or `fetch_and` does both",
    ),
];

const DIE_LOCK: &[Mistake] = &[
    (
        "die_lock::excludes",
        &["CPU#32's lock while CPU#0 holds it", "too early"],
        "a number that is cut to 5 bits: a shift by a CPU's number, in 32 bits, takes CPU 32 for CPU 0",
    ),
    (
        "die_lock::excludes",
        &["looks after it could go on"],
        "the lock is never released: what `unlock` leaves is not what the waiting `lock` looks for",
    ),
    (
        "die_lock::excludes",
        &["too early, after 0 looks"],
        "no wait: `lock` comes back at once, while another CPU holds the lock",
    ),
    (
        "die_lock::excludes",
        &["too early, after 1 looks and 0.010000 s"],
        "a CPU that waits sets the lock free itself, or asks with `if` where it takes a `while`",
    ),
    (
        "die_lock::excludes",
        &["too early"],
        "a wait that gives up, after so many looks or so many seconds; no time is long enough for a report on a slow console",
    ),
    (
        "die_lock::never_lets_itself_in",
        &["second lock came back"],
        "the lock knows its holder and lets it in: that is x86's lock, and exercise 12's. arm64's does not know",
    ),
    (
        "die_lock::nests",
        &["the nested lock: CPU#0 still waits"],
        "the lock does not know its holder, as arm64's: it takes CPU 0's second oops for another CPU's",
    ),
    (
        "die_lock::nests",
        &["the next nested lock: CPU#0 still waits"],
        "the holder is forgotten at the first `unlock`, and levels are still held: x86's lock does that",
    ),
    (
        "die_lock::nests",
        &["oops went on before"],
        "each `unlock` sets the lock free; only the outermost one may",
    ),
    (
        "die_lock::survives_the_task",
        &["the lock of a later oops: CPU#0 still waits"],
        "`task_exit` helps one CPU only; a task may die on any",
    ),
    (
        "die_lock::survives_the_task",
        &["a later oops", "still waits"],
        "a lock that is never released: the task died with levels still held, and `task_exit` must give back all of them",
    ),
    (
        "die_lock::survives_the_task",
        &["a later oops", "gave 2 and not 1"],
        "the lock is free, and its depth is not 0: the next holder counts on from the dead task's",
    ),
    (
        "die_lock::ignores_the_exit_of_others",
        &["after an exit there", "too early"],
        "`task_exit` sets a lock free that this CPU does not hold",
    ),
    (
        "model::die_lock",
        &["inside at once"],
        "check, then act: two steps, and another CPU comes between them. One exchange must look and take",
    ),
];

const CSD_LOCK: &[Mistake] = &[
    (
        "csd_lock",
        &["with the flags 0x3 ", "too early, after 0 looks"],
        "`==` for `&`: flags of 3 contain CSD_FLAG_LOCK and are not equal to it. Ask for that bit alone",
    ),
    (
        "csd_lock",
        &["with the flags 0x1 ", "too early, after 0 looks"],
        "no wait: the csd is in use, and the code comes back at once",
    ),
    (
        "csd_lock",
        &["too early, after 1 looks"],
        "`if` for `while`: after each `relax` the flags must be looked at again",
    ),
    (
        "csd_lock",
        &["too early"],
        "a wait that gives up; the answer may take as long as it likes, and the caller's stack is what it is written to",
    ),
    (
        "csd_lock::lock_and_unlock",
        &["`unlock` of the flags 0x3 gave 2"],
        "`unlock` clears one bit, and the machine's stays; the flags of a free csd are 0",
    ),
    (
        "csd_lock::wait",
        &["then locking another csd"],
        "one lock around all csds; each csd has its own, and it is a bit in its flags",
    ),
    (
        "csd_lock::lock_waits_by_itself",
        &["while `lock` waits gave"],
        "a swap at each look: it overwrites the flags of a csd that is still in use",
    ),
];

const QUEUE: &[Mistake] = &[
    (
        "call_queue::takes_in_order",
        &["[5, 0, 7] were posted, taking gave [7, 0, 5]"],
        "the newest first: the list runs from the newest call to the oldest, and must be turned over",
    ),
    (
        "call_queue::asks_for_one_ipi",
        &["[true, true, true, true]"],
        "an IPI for each call; only the first one onto an empty queue needs one",
    ),
    (
        "model::call_queue",
        &["no IPI is on its way"],
        "a second look: whether the queue was empty is known to the exchange that pushed, and to no look before or after it",
    ),
];

const BROADCAST: &[Mistake] = &[
    (
        "call_many::waits",
        &["and after that it posted to"],
        "one by one: behind a CPU that does not answer, the others never hear of the call",
    ),
    (
        "call_many::interrupts",
        &["whose queue was not empty, was sent 1 IPIs"],
        "an IPI for each call, whatever `post` says: `true` means that one is owed",
    ),
];

const CHAIN: &[Mistake] = &[
    (
        "die_chain::walks",
        &["while CPU#"],
        "one memory for several CPUs: what one CPU is in, it alone may leave out",
    ),
    (
        "die_chain::survives_a_faulting_callback",
        &["inside callbacks", "called []"],
        "a walk that gives up inside a fault; the callbacks behind the one that faults save the log, and must run",
    ),
    (
        "die_chain::survives_a_faulting_callback",
        &["inside callbacks [0] on"],
        "a memory for fewer callbacks than a chain may have, which takes two of them for one",
    ),
    (
        "die_chain::survives_a_faulting_callback",
        &["inside callbacks"],
        "a callback is not noted before it is called, or its note gets lost: so it is called again inside its own fault",
    ),
];
