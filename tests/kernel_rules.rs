//! Interrupts, preemption, calls between CPUs: what Linux's rules say, on the machine.

use std::sync::atomic::{AtomicU64, Ordering::*};

use softlockup::cpumask::CpuMask;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::fault::Access;
use softlockup::kernel::notifier::NotifierBlock;
use softlockup::kernel::smp::{
    kick_all_cpus_sync, smp_call_function_many, smp_call_function_single,
};
use softlockup::kernel::{irq, nmi, preempt};
use softlockup::parts::call_many::Wait;
use softlockup::parts::die_chain::Notify;
use softlockup::time::NSEC_PER_SEC;
use softlockup::vector::Vector;
use softlockup::{
    Config, Cpu, CpuId, Event, Incident, KernelTime, Machine, Parts, Record, Task, ThisCpu,
};

fn at(secs: u64) -> KernelTime {
    KernelTime::from_ns(secs * NSEC_PER_SEC)
}

type Body = Box<dyn FnOnce(&Cpu) + Send>;

/// A machine of four CPUs, with these tasks; each starts at second 10.
fn run_with(
    change: impl FnOnce(&mut Config, &mut Vec<NotifierBlock>),
    tasks: Vec<(u32, Body)>,
) -> Incident {
    let mut config = Config { nr_cpus: 4, until: at(60), ..Config::default() };
    let mut notifiers = Vec::new();
    change(&mut config, &mut notifiers);
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    notifiers.into_iter().for_each(|block| machine.register_die_notifier(block));
    for (n, (cpu, body)) in tasks.into_iter().enumerate() {
        machine.spawn(CpuId(cpu), Task::new("test", 100 + n as u32, at(10), body));
    }
    machine.run().unwrap().incident
}

fn run(tasks: Vec<(u32, Body)>) -> Incident {
    run_with(|_, _| {}, tasks)
}

/// The text of what was printed, without stamps.
fn printed(incident: &Incident) -> Vec<String> {
    let text = |record: &Record| match &record.event {
        Event::Printk { text } => Some(text.to_string()),
        _ => None,
    };
    incident.records.iter().filter_map(text).collect()
}

static SAY: CallFunction =
    CallFunction { name: "say", func: |cpu, info| cpu.printk(format!("{info} on {}", cpu.id())) };

#[test]
fn interrupts_stay_pending_until_the_outermost_guard_ends() {
    let incident = run(vec![
        (
            1,
            Box::new(|cpu| {
                let outer = irq::disable_local(cpu);
                cpu.spend(NSEC_PER_SEC); // the call arrives meanwhile
                let inner = irq::disable_local(cpu);
                drop(inner);
                assert!(irq::irqs_disabled(cpu));
                cpu.printk("still off");
                drop(outer);
                assert!(!irq::irqs_disabled(cpu));
                cpu.printk("on");
            }),
        ),
        (2, Box::new(|cpu| smp_call_function_single(cpu, CpuId(1), &SAY, 7, Wait::Sync))),
    ]);
    assert_eq!(printed(&incident), ["still off", "7 on 1", "on"]);
}

#[test]
fn a_handler_is_not_interrupted() {
    static SLOW: CallFunction = CallFunction {
        name: "slow",
        func: |cpu, _| {
            cpu.printk("slow begins");
            cpu.spend(10 * NSEC_PER_SEC); // two samples of the watchdog become due
            cpu.printk("slow ends");
        },
    };
    let incident = run(vec![
        (2, Box::new(|cpu| smp_call_function_single(cpu, CpuId(1), &SLOW, 0, Wait::Sync))),
        (
            3,
            Box::new(|cpu| {
                cpu.spend(NSEC_PER_SEC);
                smp_call_function_single(cpu, CpuId(1), &SAY, 1, Wait::Sync);
            }),
        ),
    ]);
    assert_eq!(printed(&incident), ["slow begins", "slow ends", "1 on 1"]);
    let timers_in_handler = incident.records.iter().filter(|record| {
        let during = (at(10)..at(20)).contains(&record.time);
        record.cpu == CpuId(1)
            && during
            && record.event == Event::IrqEnter { vector: Vector::Timer }
    });
    assert_eq!(timers_in_handler.count(), 0);
}

#[test]
fn a_backtrace_request_passes_the_flag_only_as_an_nmi() {
    for pseudo_nmi in [false, true] {
        let tasks: Vec<(u32, Body)> = vec![
            (
                1,
                Box::new(|cpu| {
                    let _irq = irq::disable_local(cpu);
                    cpu.spend(5 * NSEC_PER_SEC);
                }),
            ),
            (
                2,
                Box::new(|cpu| {
                    cpu.spend(NSEC_PER_SEC);
                    nmi::trigger_single_cpu_backtrace(cpu, CpuId(1));
                }),
            ),
        ];
        let incident = run_with(|config, _| config.pseudo_nmi = pseudo_nmi, tasks);
        let answered = incident.records.iter().find(|record| record.event == Event::Backtrace);
        let expected = if pseudo_nmi { at(11) } else { at(15) };
        assert_eq!(answered.map(|record| record.time), Some(expected));
    }
}

#[test]
fn calls_run_in_the_order_in_which_they_were_posted() {
    let incident = run(vec![
        (
            0,
            Box::new(|cpu| {
                let _irq = irq::disable_local(cpu);
                cpu.spend(10 * NSEC_PER_SEC);
            }),
        ),
        (
            1,
            Box::new(|cpu| {
                cpu.spend(2 * NSEC_PER_SEC);
                smp_call_function_single(cpu, CpuId(0), &SAY, 2, Wait::Sync);
            }),
        ),
        (
            2,
            Box::new(|cpu| {
                cpu.spend(NSEC_PER_SEC);
                smp_call_function_single(cpu, CpuId(0), &SAY, 1, Wait::Sync);
            }),
        ),
        (
            3,
            Box::new(|cpu| {
                cpu.spend(3 * NSEC_PER_SEC);
                smp_call_function_single(cpu, CpuId(0), &SAY, 3, Wait::Sync);
            }),
        ),
    ]);
    assert_eq!(printed(&incident), ["1 on 0", "2 on 0", "3 on 0"]);
}

#[test]
fn a_synchronous_call_has_run_when_it_returns_and_an_asynchronous_one_need_not() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static ADD: CallFunction =
        CallFunction { name: "add", func: |_, info| _ = COUNT.fetch_add(info, SeqCst) };
    run(vec![(
        0,
        Box::new(|cpu| {
            let guard = preempt::disable(cpu);
            let all = CpuMask::all(cpu.nr_cpus());
            smp_call_function_many(cpu, &all, &ADD, 1, Wait::Sync, &guard);
            assert_eq!(COUNT.load(SeqCst), 3, "every CPU but the caller");
            smp_call_function_single(cpu, CpuId(1), &ADD, 10, Wait::Async);
            assert_eq!(COUNT.load(SeqCst), 3, "lockstep: no other CPU has had a turn yet");
            smp_call_function_single(cpu, CpuId(1), &ADD, 10, Wait::Async);
            assert_eq!(COUNT.load(SeqCst), 13, "the second call waits for the first one's csd");
            smp_call_function_single(cpu, CpuId(0), &ADD, 100, Wait::Async);
            assert_eq!(COUNT.load(SeqCst), 113, "a call to oneself runs at once");
        }),
    )]);
    assert_eq!(COUNT.load(SeqCst), 123);
}

#[test]
fn a_call_with_interrupts_off_warns_once_but_not_while_an_oops_is_in_progress() {
    let call_with_irqs_off = |cpu: &Cpu| {
        let _irq = irq::disable_local(cpu);
        kick_all_cpus_sync(cpu);
    };
    let warnings = |incident: &Incident| {
        incident.records.iter().filter(|record| record.event == Event::Warn).count()
    };
    let twice = run(vec![(1, Box::new(move |cpu| (0..2).for_each(|_| call_with_irqs_off(cpu))))]);
    assert_eq!(warnings(&twice), 1, "once for `smp_call_function_many`");
    assert!(twice.console().contains("WARNING: CPU: 1 PID: 100 at kernel/smp.c"));

    let after_an_oops = run(vec![
        (0, Box::new(|cpu| cpu.null_deref(Access::Write, 0))),
        (
            1,
            Box::new(move |cpu| {
                cpu.spend(NSEC_PER_SEC);
                call_with_irqs_off(cpu);
            }),
        ),
    ]);
    assert_eq!(warnings(&after_an_oops), 0, "an oops that killed its task never ends");
}

#[test]
fn notifiers_are_asked_by_priority_until_one_ends_the_chain() {
    let notifiers = |answer: Notify| {
        move |_: &mut Config, blocks: &mut Vec<NotifierBlock>| {
            for (name, priority, answer) in
                [("last", -1, Notify::Done), ("first", 10, Notify::Ok), ("second", 10, answer)]
            {
                blocks.push(NotifierBlock::new(name, priority, move |cpu: &Cpu| {
                    cpu.printk(name);
                    answer
                }));
            }
        }
    };
    let oops = || -> Vec<(u32, Body)> {
        vec![(
            0,
            Box::new(|cpu| {
                cpu.null_deref(Access::Read, 8);
                cpu.printk("alive");
            }),
        )]
    };
    let said = |answer| printed(&run_with(notifiers(answer), oops()));
    assert_eq!(said(Notify::Done), ["first", "second", "last"]);
    assert_eq!(said(Notify::Bad), ["first", "second"]);
    // `NOTIFY_STOP` keeps `die` from killing the task, and arm64's fault path kills it all the same.
    assert_eq!(said(Notify::Stop), ["first", "second"]);
}

#[test]
fn on_x86_a_task_that_is_spared_may_oops_as_often_as_it_likes() {
    let tasks: Vec<(u32, Body)> = vec![(
        0,
        Box::new(|cpu| {
            (0..2 * softlockup::kernel::fault::MAX_NESTED_OOPSES)
                .for_each(|_| cpu.null_deref(Access::Read, 8));
            cpu.printk("alive");
        }),
    )];
    let change = |config: &mut Config, blocks: &mut Vec<NotifierBlock>| {
        config.kernel = softlockup::Kernel::X86V6_1;
        blocks.push(NotifierBlock::new("kgdb", 0, |_: &Cpu| Notify::Stop));
    };
    assert_eq!(printed(&run_with(change, tasks)), ["alive"]);
}

#[test]
fn a_stopping_notifier_keeps_the_registers_from_being_printed_in_stock_order() {
    let shows_registers = |answer| {
        let tasks: Vec<(u32, Body)> = vec![(0, Box::new(|cpu| cpu.null_deref(Access::Read, 8)))];
        let change = move |config: &mut Config, blocks: &mut Vec<NotifierBlock>| {
            config.print_order = softlockup::config::PrintOrder::Stock;
            blocks.push(NotifierBlock::new("kgdb", 0, move |_: &Cpu| answer));
        };
        run_with(change, tasks).console().contains("pstate:")
    };
    assert!(shows_registers(Notify::Done));
    assert!(!shows_registers(Notify::Stop));
}

#[test]
fn a_task_that_catches_its_own_death_dies_at_the_next_wait() {
    let incident = run(vec![(
        1,
        Box::new(|cpu| {
            let oops = || cpu.null_deref(Access::Write, 0);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(oops)).is_err());
            cpu.relax();
            cpu.printk("a zombie");
        }),
    )]);
    assert!(printed(&incident).is_empty());
}

#[test]
fn a_handler_runs_with_interrupts_off_and_gives_them_back_as_they_were() {
    static CHECK: CallFunction = CallFunction {
        name: "check",
        func: |cpu, _| {
            assert!(irq::irqs_disabled(cpu));
            drop(irq::disable_local(cpu));
            assert!(irq::irqs_disabled(cpu), "an inner guard changes nothing");
        },
    };
    let incident = run(vec![(
        2,
        Box::new(|cpu| {
            smp_call_function_single(cpu, CpuId(1), &CHECK, 0, Wait::Sync);
            smp_call_function_single(cpu, CpuId(1), &SAY, 1, Wait::Sync);
        }),
    )]);
    assert_eq!(printed(&incident), ["1 on 1"]);
}

/// Two CPUs call each other and wait; each called function posts a call to a third, and does not wait.
#[test]
fn a_handler_may_post_a_call_while_its_task_waits_for_one() {
    static POST: CallFunction = CallFunction {
        name: "post",
        func: |cpu, info| smp_call_function_single(cpu, CpuId(3), &SAY, info, Wait::Async),
    };
    let call = |to: u32| -> Body {
        Box::new(move |cpu| smp_call_function_single(cpu, CpuId(to), &POST, to.into(), Wait::Sync))
    };
    let mut said = printed(&run(vec![(1, call(2)), (2, call(1))]));
    said.sort();
    assert_eq!(said, ["1 on 3", "2 on 3"]);
}

#[test]
fn a_killed_task_leaves_its_cpu_usable_and_its_guards_do_nothing() {
    let incident = run(vec![
        (
            1,
            Box::new(|cpu| {
                let _preempt = preempt::disable(cpu);
                let _irq = irq::disable_local(cpu);
                cpu.null_deref(Access::Write, 0);
                unreachable!("the task is killed");
            }),
        ),
        (
            1,
            Box::new(|cpu| {
                assert_eq!(preempt::preempt_count(cpu), 0);
                assert!(!irq::irqs_disabled(cpu));
                kick_all_cpus_sync(cpu);
                cpu.printk("next task");
            }),
        ),
    ]);
    assert_eq!(printed(&incident), ["next task"]);
    let killed =
        |event: &Event| matches!(event, Event::DoExit { irqs_off: true, preempt_count: 1 });
    assert!(incident.records.iter().any(|record| killed(&record.event)));
}

#[test]
fn an_oops_inside_a_handler_is_a_panic() {
    static CRASH: CallFunction =
        CallFunction { name: "crash", func: |cpu, _| cpu.null_deref(Access::Read, 8) };
    let incident = run(vec![(
        2,
        Box::new(|cpu| smp_call_function_single(cpu, CpuId(1), &CRASH, 0, Wait::Sync)),
    )]);
    let console = incident.console();
    assert!(console.contains("Kernel panic - not syncing: Fatal exception in interrupt"));
    assert_eq!(incident.ended, at(10));
}

#[test]
fn the_watchdog_counts_its_samples_where_others_can_see_them() {
    let incident = run(vec![(
        0,
        Box::new(|cpu| {
            let before = cpu.hrtimer_interrupts(CpuId(3));
            cpu.spend(20 * NSEC_PER_SEC);
            assert_eq!(cpu.hrtimer_interrupts(CpuId(3)) - before, 5);
            cpu.power_off();
        }),
    )]);
    assert_eq!(incident.ended, at(30));
}
