//! The rules of a [`DieLock`].
//!
//! | rule | kept by |
//! |---|---|
//! | [`excludes`], [`is_free_at_first`], [`ignores_the_exit_of_others`] | each lock: [`all`] |
//! | [`never_lets_itself_in`] | arm64's, and each lock that does not know its holder |
//! | [`nests`], [`survives_the_task`] | [`NestingDieLock`](crate::parts::die_lock::NestingDieLock); x86's keeps neither |

use std::cell::RefCell;

use crate::cpumask::CpuId;
use crate::parts::contract::{
    Broken, LONG_WAIT, PATIENCE, Rule, SHORT_WAIT, SLOW_LOOK_NS, wait_until,
};
use crate::parts::die_lock::DieLock;
use crate::parts::fake_cpu::{FakeCpu, Stuck};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);

/// Two CPUs, each in both roles, and CPUs of a big machine: a lock with a bit for each of 32 CPUs takes CPU 32 for CPU 0.
const PAIRS: [(CpuId, CpuId); 4] =
    [(CPU0, CPU1), (CPU1, CPU0), (CPU0, CpuId(32)), (CpuId(63), CpuId(31))];

/// Every rule that each policy keeps.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    excludes(&new)?;
    is_free_at_first(&new)?;
    ignores_the_exit_of_others(&new)
}

/// One CPU at a time reports an oops. A wait does not give up, however long it lasts.
///
/// # Errors
/// The rule that the part broke. A new lock that is not free breaks [`is_free_at_first`].
pub fn excludes<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "while a CPU reports an oops, another CPU's oops waits, and goes on when that report is over",
        "Two reports at once are interleaved on the console and neither can be read.",
    );
    let depth = Rule(
        "`lock` gives the depth after it, `unlock` the depth that is left",
        "1 is the first report, and 0 a lock that is free: a caller that hears otherwise counts wrongly for ever.",
    );
    is_free_at_first(&new)?;
    for (first, second) in PAIRS {
        let lock = new();
        let heard = |what: String, heard: Result<u32, Stuck>, want| match heard {
            Ok(got) => depth.equal(&what, got, want),
            stuck => rule.expect(&what, stuck, want),
        };
        let take = |id| {
            let taken = FakeCpu::new(id).attempt(|cpu| lock.lock(cpu));
            heard(format!("CPU#{id}'s lock of a free lock"), taken, 1)
        };
        let give = |id| FakeCpu::new(id).attempt(|cpu| lock.unlock(cpu));
        let hand_over = |from, to, looks| {
            let mut given = Ok(0);
            let waited = wait_until(to, looks, || given = give(from), |cpu| lock.lock(cpu));
            rule.expect_wait(&format!("CPU#{to}'s lock while CPU#{from} holds it"), waited, 1)?;
            heard(format!("CPU#{from}'s unlock while CPU#{to} waits"), given, 0)
        };
        let free = |id| heard(format!("CPU#{id}'s unlock"), give(id), 0);
        take(first)?;
        hand_over(first, second, LONG_WAIT)?;
        hand_over(second, first, SHORT_WAIT)?;
        free(first)?;
        for id in [first, first, second, first] {
            take(id)?;
            free(id)?;
        }
        // Its last holder comes back, and finds it free.
        take(first)?;
        hand_over(first, second, SHORT_WAIT)?;
        free(second)?;
    }
    Ok(())
}

/// A new lock is free, even while a CPU holds another one.
///
/// # Errors
/// The rule that the part broke: a lock whose state is a `static`.
pub fn is_free_at_first<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a new lock is free, whatever other locks are held",
        "A machine would wait in its first oops for a lock of another machine.",
    );
    let held = new();
    let first = FakeCpu::new(CPU0).attempt(|cpu| held.lock(cpu));
    rule.expect("the first lock", first.map(drop), ())?;
    let fresh = new();
    let second = FakeCpu::new(CPU1).attempt(|cpu| fresh.lock(cpu));
    rule.expect("the first lock of another", second.map(drop), ())
}

/// When a task exits on a CPU that does not hold the lock, nothing changes.
///
/// # Errors
/// The rule that the part broke.
pub fn ignores_the_exit_of_others<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a task that exits on a CPU that does not hold the lock changes nothing",
        "Tasks exit all the time: each of them would let another CPU into the report that is being printed.",
    );
    for (first, second) in PAIRS {
        let lock = new();
        let exit = |id| {
            let left = FakeCpu::new(id).attempt(|cpu| lock.task_exit(cpu));
            rule.expect(&format!("an exit on CPU#{id}"), left, ())
        };
        exit(first)?; // the lock is free
        let taken = FakeCpu::new(first).attempt(|cpu| lock.lock(cpu));
        rule.expect(&format!("CPU#{first}'s lock"), taken, 1)?;
        for (from, to) in [(first, second), (second, first)] {
            exit(to)?;
            let mut given = Ok(0);
            let give = || given = FakeCpu::new(from).attempt(|cpu| lock.unlock(cpu));
            let waited = wait_until(to, SHORT_WAIT, give, |cpu| lock.lock(cpu));
            let what = format!("CPU#{to}'s lock after an exit there, while CPU#{from} holds it,");
            rule.expect_wait(&what, waited, 1)?;
            rule.expect(&format!("CPU#{from}'s unlock"), given, 0)?;
        }
    }
    Ok(())
}

/// A CPU that takes the lock twice waits for itself, for ever, as arm64's does.
///
/// # Errors
/// The rule that the part broke: a lock that knows its holder, or that gives up.
pub fn never_lets_itself_in<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that takes the lock while it holds it waits for itself, for ever",
        "This is where CPU 0 of the article stands: a lock that gives up lets it go on, and hides why the others hang.",
    );
    for id in [CPU0, CPU1] {
        let lock = new();
        let cpu = FakeCpu::new(id).with_fuel(PATIENCE).with_look_ns(SLOW_LOOK_NS);
        rule.expect(&format!("CPU#{id}'s first lock"), cpu.attempt(|cpu| lock.lock(cpu)), 1)?;
        let waited = wait_until(id, PATIENCE, || {}, |cpu| lock.lock(cpu));
        if let Ok(depth) = waited.came_back {
            return rule.broken(format!(
                "CPU#{id}'s second lock came back after {} looks and {} s (it gave {depth})",
                waited.looks, waited.time
            ));
        }
    }
    Ok(())
}

/// What the CPU does that holds the lock.
#[derive(Clone, Copy)]
enum Step {
    Lock,
    Unlock,
    Exit,
}

/// A step, its name, and the depth that it is to give.
type Script = [(&'static str, Step, u32)];

fn step<D: DieLock>(
    rule: &Rule,
    lock: &D,
    cpu: &FakeCpu<'_>,
    (what, step, depth): (&str, Step, u32),
) -> Result<(), Broken> {
    let got = cpu.attempt(|cpu| match step {
        Step::Lock => lock.lock(cpu),
        Step::Unlock => lock.unlock(cpu),
        Step::Exit => {
            lock.task_exit(cpu);
            depth
        }
    });
    rule.expect(what, got, depth)
}

/// Runs `script` on one CPU of each of [`PAIRS`]: first while no other CPU wants the lock, then while the other CPU waits
/// for it. The other CPU must get in at the end of the script and not before.
fn others_wait_for_the_end<D: DieLock>(
    rule: &Rule,
    new: impl Fn() -> D,
    script: &Script,
) -> Result<(), Broken> {
    PAIRS.into_iter().try_for_each(|pair| the_other_waits_for_the_end(rule, &new, script, pair))
}

fn the_other_waits_for_the_end<D: DieLock>(
    rule: &Rule,
    new: impl Fn() -> D,
    script: &Script,
    (id, other): (CpuId, CpuId),
) -> Result<(), Broken> {
    for later in [other, id] {
        let (lock, holder) = (new(), FakeCpu::new(id));
        script.iter().try_for_each(|&next| step(rule, &lock, &holder, next))?;
        let cpu = FakeCpu::new(later);
        rule.expect("the lock of a later oops", cpu.attempt(|cpu| lock.lock(cpu)), 1)?;
        rule.expect("its unlock", cpu.attempt(|cpu| lock.unlock(cpu)), 0)?;
    }
    let (lock, holder) = (new(), FakeCpu::new(id));
    let [first, more @ ..] = script else { return Ok(()) };
    step(rule, &lock, &holder, *first)?;
    let (left, failed) = (RefCell::new(more.iter()), RefCell::new(Ok(())));
    let mut looks = 0;
    let waiting = FakeCpu::with_others(other, || {
        looks += 1;
        if looks % SHORT_WAIT == 0
            && failed.borrow().is_ok()
            && let Some(&next) = left.borrow_mut().next()
        {
            *failed.borrow_mut() = step(rule, &lock, &holder, next);
        }
    });
    let came_back = waiting.attempt(|cpu| lock.lock(cpu));
    drop(waiting);
    failed.into_inner()?;
    match left.into_inner().next() {
        Some((before, ..)) => {
            rule.check(came_back.is_err(), || format!("CPU#{other}'s oops went on before {before}"))
        }
        None => rule.expect(&format!("the oops of CPU#{other}, which waited,"), came_back, 1),
    }
}

/// An oops inside an oops report gets through, however often that happens.
///
/// # Errors
/// The rule that the part broke: [`Arm64DieLock`](crate::parts::die_lock::Arm64DieLock) at the second lock, as the
/// article's machine did; [`X86DieLock`](crate::parts::die_lock::X86DieLock) at lock, lock, lock, unlock, lock.
pub fn nests<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    use Step::{Lock, Unlock};
    let rule = Rule(
        "a CPU that oopses while it reports an oops is let through, and others wait until it has unlocked as often as it locked",
        "No other CPU can give the lock back: this CPU waits for itself, with interrupts off.",
    );
    let script = [
        ("the first lock", Lock, 1),
        ("the nested lock", Lock, 2),
        ("the third lock", Lock, 3),
        ("the innermost unlock", Unlock, 2),
        ("the next nested lock", Lock, 3),
        ("its unlock", Unlock, 2),
        ("the inner unlock", Unlock, 1),
        ("a last nested lock", Lock, 2),
        ("its unlock", Unlock, 1),
        ("the outer unlock", Unlock, 0),
    ];
    others_wait_for_the_end(&rule, new, &script)
}

/// After a task died inside a nested oops, the next oops is reported, whichever CPU it is on.
///
/// # Errors
/// The rule that the part broke: [`X86DieLock`](crate::parts::die_lock::X86DieLock) leaks one level.
pub fn survives_the_task<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    use Step::{Exit, Lock, Unlock};
    let rule = Rule(
        "a task that dies in a nested oops does not keep the lock",
        "Its stack is gone and with it the code that would have unlocked: the next oops on any CPU is silent.",
    );
    let script = [
        ("the first lock", Lock, 1),
        ("the nested lock", Lock, 2),
        ("the inner unlock", Unlock, 1),
        ("the task's exit", Exit, 0),
    ];
    others_wait_for_the_end(&rule, &new, &script)?;
    let script = [
        ("the first lock", Lock, 1),
        ("the nested lock", Lock, 2),
        ("the third lock", Lock, 3),
        ("the innermost unlock", Unlock, 2),
        ("the task's exit at depth 2", Exit, 0),
    ];
    others_wait_for_the_end(&rule, &new, &script)?;
    let script = [
        ("the first lock", Lock, 1),
        ("the outer unlock", Unlock, 0),
        ("the exit of a task that holds nothing", Exit, 0),
    ];
    let (lock, cpu0) = (new(), FakeCpu::new(CPU0));
    script.iter().try_for_each(|&next| step(&rule, &lock, &cpu0, next))?;
    rule.expect("a later oops", cpu0.attempt(|cpu| lock.lock(cpu)), 1)
}
