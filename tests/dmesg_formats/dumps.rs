//! Where a CPU was: on each architecture.

use softlockup::dmesg::Message::{self, *};

use crate::{assert_says, assert_unknown, says};

fn pc(symbol: &str) -> Message {
    Pc { symbol: symbol.into() }
}

fn trace(frames: &[&str], interrupts: &[usize]) -> Message {
    CallTrace {
        frames: frames.iter().map(|&frame| frame.to_owned()).collect(),
        interrupts: interrupts.to_vec(),
    }
}

#[test]
fn each_architecture_says_where_it_was() {
    let lines = [
        ("NIP: smp_call_function_many+0xe8/0x188", pc("smp_call_function_many")),
        ("NIP [c0000000006f5578] find_next_bit+0x28/0xd0", pc("find_next_bit")),
        (
            "Krnl PSW : 0704e00180000000 000003ff804bfc66 (kvm_s390_gisa_destroy+0x3e/0xe0 [kvm])",
            pc("kvm_s390_gisa_destroy"),
        ),
        ("epc : __sbi_rfence_v02_call.isra.0+0x74/0x11a", pc("__sbi_rfence_v02_call.isra.0")),
        ("epc   : 807b3328 mutex_lock+0x8/0x44", pc("mutex_lock")),
        ("IAOQ[0]: smp_call_function_many+0x1a4/0x2c0", pc("smp_call_function_many")),
        ("  ERA: 9000000004162774 copy_page_to_iter+0x74/0x1c0", pc("copy_page_to_iter")),
        ("RIP: 0010:csd_lock_wait (kernel/smp.c:311)", pc("csd_lock_wait")),
        (
            "RIP: 0010:smp_call_function_many_cond+0x4a1/0xd60 kernel/smp.c:885",
            pc("smp_call_function_many_cond"),
        ),
        (
            "RIP: 0010:smp_call_function_many_cond (kernel/smp.c:443 (discriminator 9) kernel/smp.c:988)",
            pc("smp_call_function_many_cond"),
        ),
        (
            "   ra: 90000000048bf6c0 sk_msg_recvmsg+0x120/0x560",
            Lr { symbol: "sk_msg_recvmsg".into() },
        ),
        (" RP(r2): on_each_cpu+0x48/0x60", Lr { symbol: "on_each_cpu".into() }),
        (
            "    LR = arch_local_irq_restore+0x54/0x70",
            Lr { symbol: "arch_local_irq_restore".into() },
        ),
        ("RIP: 0033:0x7f0a2c1d5f6b", UserMode),
        ("RIP: 0023:0xf7f4a559", UserMode),
        ("EIP: 0073:0xb7f08424", UserMode),
        ("User PSW : 0705000180000000 000003ffa06acf98", UserMode),
        ("NIP [00007fff8e2d6f8c] 0x7fff8e2d6f8c", UserMode),
    ];
    for (line, message) in lines {
        assert_says(line, &[message]);
    }
    assert_unknown("RIP: 0010:0xffffffffc0401234\nNIP [c00000000000000c] 0xc00000000000000c");
}

#[test]
fn a_trace_says_where_an_interrupt_came_in() {
    assert_says(
        "Call Trace:\n <NMI>\n nmi_cpu_backtrace+0x10/0x20\n </NMI>\n <IRQ>\n tick+0x1/0x2\n </IRQ>\n <TASK>\n a+0x1/0x2\n b+0x1/0x2\n </TASK>",
        &[trace(&["nmi_cpu_backtrace", "tick", "a", "b"], &[1, 2])],
    );
    // 3.x and 4.x put the markers before the frames.
    assert_says(
        "Call Trace:\n <IRQ>  [<ffffffff810f2a5c>] tick+0x1/0x2\n [<ffffffff810f2a5c>] ? guess+0x1/0x2\n <EOI>  [<ffffffff810f2a5c>] a+0x1/0x2",
        &[trace(&["tick", "a"], &[1])],
    );
    // Behind these rows the trace goes on as an entry of its own.
    assert_says(
        "[<c028fe78>] (gic_handle_irq) from [<c0215314>] (__irq_svc+0x54/0x70)\nException stack(0xede15e40 to 0xede15e88)\n5e40: 00000004 ee7d7374\n[<c0215314>] (__irq_svc) from [<c06554f4>] (lkdtm_do_action+0x16c/0x3c0)",
        &[
            trace(&["gic_handle_irq"], &[1]),
            Other("5e40: 00000004 ee7d7374".into()),
            trace(&["__irq_svc"], &[]),
        ],
    );
}

#[test]
fn a_trace_ends_where_powerpc_was_interrupted() {
    assert_says(
        "Call Trace:\n[c0000003eeddba50] [c0000003eeddba90] 0xc0000003eeddba90 (unreliable)\n[c0000003eeddba70] [c000000000d78070] decrementer+0x50/0xb0\n--- interrupt: 900 at find_next_bit+0x28/0xd0\n    LR = cpumask_next+0x10/0x20\n[c0000003eeddba90] [c00000000082b58c] hvc_write+0xfc/0x240\n--- interrupt: c00",
        &[
            trace(&["decrementer"], &[]),
            Interrupt { vector: 0x900, symbol: Some("find_next_bit".into()) },
            Lr { symbol: "cpumask_next".into() },
            trace(&["hvc_write"], &[]),
            Interrupt { vector: 0xc00, symbol: None },
        ],
    );
    assert_says(
        "--- Exception: 901 at f+0x1/0x2",
        &[Interrupt { vector: 0x901, symbol: Some("f".into()) }],
    );
}

#[test]
fn frames_may_carry_places_in_the_source() {
    assert_says(
        "Call Trace:\n csd_lock_wait kernel/smp.c:311 [inline]\n smp_call_function_many_cond+0x4a1/0xd60 kernel/smp.c:885\n on_each_cpu_cond_mask (kernel/smp.c:1021)\n ? guess (kernel/smp.c:1)\n flush_tlb_mm_range (arch/x86/mm/tlb.c:1035 arch/x86/mm/tlb.c:1040)\n [<ffffffff803e2a1a>] slab_alloc_node mm/slub.c:2881 [inline]",
        &[trace(
            &[
                "csd_lock_wait",
                "smp_call_function_many_cond",
                "on_each_cpu_cond_mask",
                "flush_tlb_mm_range",
                "slab_alloc_node",
            ],
            &[],
        )],
    );
    assert_unknown("some words here: 12 [inline]\nf kernel/smp.c:x [inline]\nsee (kernel/smp)");
}

#[test]
fn a_cpus_line_says_which_kernel_it_runs() {
    let line = |text: &str| match &says(text)[..] {
        [CpuLine { taint, release, .. }] => (taint.clone(), release.clone()),
        other => panic!("{other:?}"),
    };
    let lines = [
        ("CPU: 3 PID: 7 Comm: a Not tainted 4.19.5 #1", ("", "4.19.5")),
        (
            "CPU: 0 PID: 128 Comm: kbox Tainted: G           OE      6.1.0-56-amd64 #1  Debian 6.1.192-2",
            ("GOE", "6.1.0-56-amd64"),
        ),
        (
            "CPU: 3 UID: 0 PID: 7 Comm: a Kdump: loaded Not tainted 6.18.0-rc3 #1 NONE",
            ("", "6.18.0-rc3"),
        ),
        ("CPU: 3 PID: 7 Comm: a Tainted: G      D", ("GD", "")),
        ("CPU: 3 PID: 7 Comm: a", ("", "")),
    ];
    for (text, (taint, release)) in lines {
        assert_eq!(line(text), (taint.to_owned(), release.to_owned()), "{text}");
    }
}

#[test]
fn the_functions_that_a_decoder_adds_above_the_program_counter_are_none() {
    let log = "RIP: 0010:csd_lock_wait kernel/smp.c:311 [inline]\n\
               RIP: 0010:smp_call_function_many_cond+0x4a1/0xd60 kernel/smp.c:885";
    let pcs: Vec<_> = says(log).into_iter().filter(|it| matches!(it, Pc { .. })).collect();
    assert_eq!(pcs, [pc("smp_call_function_many_cond")]);
}
