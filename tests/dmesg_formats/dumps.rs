//! Where a CPU was: on each architecture.

use softlockup::dmesg::Message::{self, *};

use crate::{assert_says, assert_unknown, says};

fn pc(symbol: &str) -> Message {
    Pc { symbol: symbol.into() }
}

fn state(text: &str, irqs_off: bool) -> Message {
    PState { text: text.into(), irqs_off }
}

fn regs(registers: &[(&str, u64)]) -> Message {
    Regs(registers.iter().copied().collect())
}

fn trace(frames: &[&str], interrupts: &[usize]) -> Message {
    CallTrace {
        frames: frames.iter().map(|&frame| frame.to_owned()).collect(),
        interrupts: interrupts.to_vec(),
    }
}

#[test]
fn each_architecture_says_whether_interrupts_were_on() {
    let lines = [
        ("CFAR: c0000000006f558c IRQMASK: 1 ", state("IRQMASK: 1", true)),
        ("CFAR: c0000000006f558c IRQMASK: 0 ", state("IRQMASK: 0", false)),
        ("DAR: 0000000000000000 DSISR: 40000000 IRQMASK: 3 ", state("IRQMASK: 3", true)),
        (
            "irq_soft_mask: 0x01 in_mce: 0 in_nmi: 0 current: 217 (kworker/40:0H)",
            state("irq_soft_mask: 0x01", true),
        ),
        (
            "irq_soft_mask: 0x00 in_mce: 0 in_nmi: 0 current: 0 (swapper/4)",
            state("irq_soft_mask: 0x00", false),
        ),
        (
            "           R:0 T:1 IO:1 EX:1 Key:0 M:1 W:0 P:0 AS:3 CC:2 PM:0 RI:0 EA:3",
            state("IO:1", false),
        ),
        (
            "           R:0 T:1 IO:0 EX:1 Key:0 M:1 W:0 P:0 AS:3 CC:2 PM:0 RI:0 EA:3",
            state("IO:0", true),
        ),
        (
            "status: 0000000200000120 badaddr: 0000000000000000 cause: 8000000000000005",
            state("status: 0000000200000120", false),
        ),
        (
            "status: 0000000200000100 badaddr: 0000000000000000 cause: 0000000000000003",
            state("status: 0000000200000100", true),
        ),
        ("Status: 94001ce3\tKX SX UX KERNEL EXL IE ", state("KX SX UX KERNEL EXL IE", false)),
        ("Status: 10001402    KERNEL EXL", state("KERNEL EXL", true)),
        (
            "PSW: 00001000000001101111111100001111 Not tainted",
            state("00001000000001101111111100001111", false),
        ),
        (
            "PSW: 00001000000001001111111000001110 Tainted: G W",
            state("00001000000001001111111000001110", true),
        ),
        (" PRMD: 00000004 (PPLV0 +PIE -PWE)", state("PPLV0 +PIE -PWE", false)),
        (" PRMD: 00000000 (PPLV0 -PIE -PWE)", state("PPLV0 -PIE -PWE", true)),
        ("EFLAGS: 00000246 CPU: 0", state("EFLAGS: 00000246", false)),
    ];
    for (line, message) in lines {
        assert_says(line, &[message]);
    }
    assert_unknown(
        "CFAR: c0000000006f558c\nPSW: 0000100\nR:0 T:1 IO:x EX:1\nStatus: running\nPRMD: 0",
    );
}

/// Before 4.16 `SOFTE` is a flag, for two releases it is the mask, and then it is gone. Without a release nobody knows.
#[test]
fn softe_means_what_it_meant_on_that_kernel() {
    let off = |release: &str, softe: u8| {
        let text = format!(
            "CPU: 3 PID: 7 Comm: a Not tainted {release} #1\nCFAR: c000000000008468 SOFTE: {softe} "
        );
        says(&text).into_iter().find_map(|message| match message {
            PState { irqs_off, .. } => Some(irqs_off),
            _ => None,
        })
    };
    assert_eq!(
        [off("4.15.0-1-powerpc64le", 0), off("4.15.0-1-powerpc64le", 1)],
        [Some(true), Some(false)]
    );
    assert_eq!(
        [off("3.10.0-862.el7.ppc64le", 0), off("4.17.2", 0), off("4.16.0", 1)],
        [Some(true), Some(false), Some(true)]
    );
    assert_eq!(off("", 1), None);
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
        ("RIP: 0010:csd_lock_wait kernel/smp.c:311 [inline]", pc("csd_lock_wait")),
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
fn registers_have_names_on_each_architecture() {
    assert_says(
        "FS:  00007f8a0c0b5740(0000) GS:ffff8bc47ec00000(0000) knlGS:0000000000000000\n\
         CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033\n\
         PKRU: 55555554",
        &[regs(&[
            ("FS", 0x7f8a_0c0b_5740),
            ("GS", 0xffff_8bc4_7ec0_0000),
            ("knlGS", 0),
            ("CS", 0x10),
            ("DS", 0),
            ("ES", 0),
            ("CR0", 0x8005_0033),
            ("PKRU", 0x5555_5554),
        ])],
    );
    assert_says(
        "GPR00: c0000000000afc58 c000201c01c43400 c0000000015ce500 c000201cae26ec18 \n\
         GPR04: 0000000000000008 0000000000000540 ",
        &[regs(&[
            ("r0", 0xc000_0000_000a_fc58),
            ("r1", 0xc000_201c_01c4_3400),
            ("r2", 0xc000_0000_015c_e500),
            ("r3", 0xc000_201c_ae26_ec18),
            ("r4", 8),
            ("r5", 0x540),
        ])],
    );
    assert_says(
        "NIP:  c0000000006f5578 LR: c000000000cba9ec CTR: 0000000000000000",
        &[regs(&[("NIP", 0xc000_0000_006f_5578), ("LR", 0xc000_0000_00cb_a9ec), ("CTR", 0)])],
    );
    assert_says(
        "Krnl GPRS: 0000000000000000 00000372000000fc 00000002134f8000 000000000d5f5900\n           00000002f5ea1d18 00000002f5ea1d18 0000000000000000 0000000000000001",
        &[regs(&[
            ("r0", 0),
            ("r1", 0x372_0000_00fc),
            ("r2", 0x2_134f_8000),
            ("r3", 0xd5f_5900),
            ("r4", 0x2_f5ea_1d18),
            ("r5", 0x2_f5ea_1d18),
            ("r6", 0),
            ("r7", 1),
        ])],
    );
    assert_says(
        "$ 0   : 00000000 00000001 5f60d043 8fe1ba80\n$12   : 2e303030 00000000",
        &[regs(&[
            ("r0", 0),
            ("r1", 1),
            ("r2", 0x5f60_d043),
            ("r3", 0x8fe1_ba80),
            ("r12", 0x2e30_3030),
            ("r13", 0),
        ])],
    );
    assert_says(
        "r28-31  0000000000000011 00000040838788e0",
        &[regs(&[("r28", 0x11), ("r29", 0x40_8387_88e0)])],
    );
    assert_says(
        "epc : ffffffff8000ab4c ra : ffffffff8000accc sp : ff20000001c9bbd0\n s10: 0000000000000040 a0 : 0000000000000002",
        &[regs(&[
            ("epc", 0xffff_ffff_8000_ab4c),
            ("ra", 0xffff_ffff_8000_accc),
            ("sp", 0xff20_0000_01c9_bbd0),
            ("s10", 0x40),
            ("a0", 2),
        ])],
    );
    assert_says(
        "pc 90000000004eaf1c ra 9000000000485538 tp 900000010edbc000 sp 900000010edbf940",
        &[regs(&[
            ("pc", 0x9000_0000_004e_af1c),
            ("ra", 0x9000_0000_0048_5538),
            ("tp", 0x9000_0001_0edb_c000),
            ("sp", 0x9000_0001_0edb_f940),
        ])],
    );
    assert_unknown(
        "GPR00: x\n$ 4 : \nr04-07\nra f00\nKrnl GPRS: 1\n00000000 00000001 00000002 00000003",
    );
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
