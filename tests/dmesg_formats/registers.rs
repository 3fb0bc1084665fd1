//! What a CPU's registers held, and whether interrupts were on: on each architecture.

use softlockup::dmesg::Message::{self, *};

use crate::{assert_says, assert_unknown, says};

fn state(text: &str, irqs_off: bool) -> Message {
    PState { text: text.into(), irqs_off }
}

fn regs(registers: &[(&str, u64)]) -> Message {
    Regs(registers.iter().copied().collect())
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
