//! The lines of a boot that say what machine it is.
//!
//! In Linux: `linux_banner`, `pcpu_embed_first_chunk` of `mm/percpu.c`, `smp_init` of `kernel/smp.c`.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line begins with: `Linux version`, `percpu`, `smp`, `SMP`, `x86`, `Brought up`,
/// `Booted up`.
pub(super) const BEGINS: Begins = Begins::with("Li pe sm SM x8 Br Bo");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    machine(Scan(text)).map(Line::Says)
}

fn machine(mut scan: Scan<'_>) -> Option<Message> {
    if scan.tag("Linux version ").is_some() {
        let release = scan.take(|b| b.is_ascii_graphic()).to_owned();
        return (!release.is_empty()).then_some(Message::Booted { release });
    }
    if scan.tag("percpu: ").is_some() {
        scan.any(&["Embedded ", "cpu "])?;
        scan.until(" u")?;
        return scan.decimal().map(|unit_size| Message::PerCpu { unit_size });
    }
    brought_up(scan)
}

/// `smp: Brought up 1 node, 4 CPUs`, `Brought up 4 CPUs`, `x86: Booted up 1 node, 4 CPUs`.
fn brought_up(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.any(&["smp: ", "SMP: ", "x86: ", "smpboot: "]);
    scan.any(&["Brought up ", "Booted up "])?;
    let first = scan.decimal()?;
    let (nodes, cpus) = match scan.any(&[" node, ", " nodes, "]) {
        Some(()) => (Some(first), scan.decimal()?),
        None => (None, first),
    };
    scan.tag(" CPU").map(|()| Message::BroughtUp { cpus, nodes })
}
