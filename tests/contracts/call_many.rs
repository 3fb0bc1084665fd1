use softlockup::CpuId;
use softlockup::cpumask::CpuMask;
use softlockup::parts::call_many::{CallMany, CrossCalls, KernelCallMany, Wait};
use softlockup::parts::contract::call_many;

/// The rules that a part breaks.
fn broken<M: CallMany>(new: impl Fn() -> M) -> Vec<&'static str> {
    let broken = broken!(call_many(&new): posts_once_to_each, leaves_itself_out,
        leaves_out_who_is_not_meant, interrupts_those_whose_queue_was_empty, interrupts_after_the_post,
        posts_to_all_before_it_waits, interrupts_all_before_it_waits, sync_waits_for_all,
        async_waits_for_none);
    assert_eq!(call_many::all(new).is_ok(), broken.is_empty());
    broken
}

#[test]
fn the_kernels_call_many_keeps_the_rules() {
    assert!(broken(|| KernelCallMany).is_empty());
}

/// A way to call the CPUs that are to be called; and a list of those, perhaps a wrong one.
struct Made {
    call: fn(&dyn CrossCalls, &[CpuId], Wait),
    is_meant: fn(&dyn CrossCalls, CpuId) -> bool,
}

fn is_other_and_online(cpu: &dyn CrossCalls, other: CpuId) -> bool {
    other != cpu.id() && cpu.is_online(other)
}

impl CallMany for Made {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        let targets: Vec<_> = mask.iter().filter(|&other| (self.is_meant)(&cpu, other)).collect();
        (self.call)(&cpu, &targets, wait);
    }
}

/// The rules that a part breaks that calls in this way.
fn broken_by(call: fn(&dyn CrossCalls, &[CpuId], Wait)) -> Vec<&'static str> {
    broken(|| Made { call, is_meant: is_other_and_online })
}

/// The rules that a part breaks that calls these.
fn broken_if(is_meant: fn(&dyn CrossCalls, CpuId) -> bool) -> Vec<&'static str> {
    broken(|| Made { call: right, is_meant })
}

/// Interrupts each CPU right after the post.
fn right(cpu: &dyn CrossCalls, targets: &[CpuId], wait: Wait) {
    for &target in targets {
        if cpu.post(target) {
            cpu.send_ipi(target);
        }
    }
    wait_for(cpu, targets, wait);
}

fn wait_for(cpu: &dyn CrossCalls, targets: &[CpuId], wait: Wait) {
    if wait == Wait::Sync {
        targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
    }
}

#[test]
fn every_right_part_is_accepted() {
    assert!(broken_by(right).is_empty(), "an IPI after each post");
    let last_cpu_first = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        let turned: Vec<_> = targets.iter().copied().rev().collect();
        right(cpu, &turned, wait);
    };
    assert!(broken_by(last_cpu_first).is_empty());
    let ipis_in_the_end = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
        owed.into_iter().rev().for_each(|&target| cpu.send_ipi(target));
        wait_for(cpu, targets, wait);
        wait_for(cpu, targets, wait); // once more: that is over at once
    };
    assert!(broken_by(ipis_in_the_end).is_empty());
}

#[test]
fn what_calls_wrong_cpus_is_refused() {
    let itself_too = |cpu: &dyn CrossCalls, other| cpu.is_online(other);
    assert_eq!(broken_if(itself_too), ["leaves_itself_out"]);
    let offline_too = |cpu: &dyn CrossCalls, other| other != cpu.id();
    assert_eq!(broken_if(offline_too), ["leaves_out_who_is_not_meant"]);
    let not_the_first =
        |cpu: &dyn CrossCalls, other| is_other_and_online(cpu, other) && other != CpuId(0);
    let left_out =
        ["posts_once_to_each", "interrupts_those_whose_queue_was_empty", "sync_waits_for_all"];
    assert_eq!(broken_if(not_the_first), left_out);
    let higher_only =
        |cpu: &dyn CrossCalls, other| is_other_and_online(cpu, other) && other > cpu.id();
    assert_eq!(broken_if(higher_only), left_out);
    let all_of_the_machine = |cpu: &dyn CrossCalls, _: &[CpuId], wait| {
        let all: Vec<_> =
            (0..100).map(CpuId).filter(|&other| is_other_and_online(cpu, other)).collect();
        right(cpu, &all, wait);
    };
    assert_eq!(broken_by(all_of_the_machine), ["leaves_out_who_is_not_meant"]);
}

#[test]
fn what_calls_in_a_wrong_way_is_refused() {
    let one_by_one = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        targets.iter().for_each(|&target| right(cpu, &[target], wait));
    };
    assert_eq!(
        broken_by(one_by_one),
        ["posts_to_all_before_it_waits", "interrupts_all_before_it_waits"]
    );
    let always_interrupts = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        for &target in targets {
            cpu.post(target);
            cpu.send_ipi(target);
        }
        wait_for(cpu, targets, wait);
    };
    assert_eq!(broken_by(always_interrupts), ["interrupts_those_whose_queue_was_empty"]);
    let never_interrupts = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        targets.iter().for_each(|&target| _ = cpu.post(target));
        wait_for(cpu, targets, wait);
    };
    assert_eq!(broken_by(never_interrupts), ["interrupts_those_whose_queue_was_empty"]);
    let the_wrong_way_round = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        for &target in targets {
            if !cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        wait_for(cpu, targets, wait);
    };
    assert_eq!(broken_by(the_wrong_way_round), ["interrupts_those_whose_queue_was_empty"]);
    let interrupts_first = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        targets.iter().for_each(|&target| _ = cpu.post(target));
        wait_for(cpu, targets, wait);
    };
    assert!(broken_by(interrupts_first).contains(&"interrupts_after_the_post"));
    let posts_twice = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        right(cpu, targets, Wait::Async);
        right(cpu, targets, wait);
    };
    assert_eq!(broken_by(posts_twice), ["posts_once_to_each"]);
    let interrupts_as_it_waits = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        let owed: Vec<_> = targets.iter().map(|&target| cpu.post(target)).collect();
        for (&target, owed) in targets.iter().zip(owed) {
            if owed {
                cpu.send_ipi(target);
            }
            wait_for(cpu, &[target], wait);
        }
    };
    assert_eq!(broken_by(interrupts_as_it_waits), ["interrupts_all_before_it_waits"]);
}

#[test]
fn what_waits_wrongly_is_refused() {
    let never = |cpu: &dyn CrossCalls, targets: &[CpuId], _| right(cpu, targets, Wait::Async);
    assert_eq!(broken_by(never), ["sync_waits_for_all"]);
    let always = |cpu: &dyn CrossCalls, targets: &[CpuId], _| right(cpu, targets, Wait::Sync);
    assert_eq!(broken_by(always), ["async_waits_for_none"]);
    let for_those_it_interrupted = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        let owed: Vec<_> = targets.iter().copied().filter(|&target| cpu.post(target)).collect();
        owed.iter().for_each(|&target| cpu.send_ipi(target));
        wait_for(cpu, &owed, wait);
    };
    assert_eq!(broken_by(for_those_it_interrupted), ["sync_waits_for_all"]);
    let for_the_last = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        right(cpu, targets, Wait::Async);
        wait_for(cpu, &targets[targets.len().saturating_sub(1)..], wait);
    };
    assert_eq!(broken_by(for_the_last), ["sync_waits_for_all"]);
}

#[test]
fn a_part_that_never_stops_asking_hangs_no_rule() {
    let for_ever = |cpu: &dyn CrossCalls, targets: &[CpuId], wait| {
        right(cpu, targets, wait);
        loop {
            cpu.relax();
        }
    };
    let broken =
        call_many::async_waits_for_none(|| Made { call: for_ever, is_meant: is_other_and_online });
    assert_eq!(
        broken.unwrap_err().happened,
        "when CPU#2 calls [0-7] of [0-7], Async, it never came back"
    );
}
