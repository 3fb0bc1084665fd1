//! A trace for Perfetto's UI and `chrome://tracing`: one track per CPU with its functions and interrupts, one below it
//! with the spans in which its interrupts are off, and an arrow for every IPI that was taken.
//!
//! The format is Chrome's "Trace Event Format", JSON array form; times are microseconds.

use std::collections::VecDeque;
use std::io::{self, Write};

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::incident::Incident;
use crate::record::{Event, Record};
use crate::vector::Vector;

#[derive(Serialize)]
struct TraceEvent<'a> {
    name: &'a str,
    cat: &'a str,
    ph: &'a str,
    ts: f64,
    pid: u32,
    tid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<serde_json::Value>,
}

impl Incident {
    /// Writes a trace that Perfetto and `chrome://tracing` open: one track per CPU.
    ///
    /// # Errors
    /// Of `out`.
    pub fn write_trace(&self, out: impl Write) -> io::Result<()> {
        write(self, out)
    }
}

/// Writes the trace of `incident`.
fn write(incident: &Incident, out: impl Write) -> io::Result<()> {
    let mut writer =
        Writer { out, first: true, cpus: vec![Track::default(); incident.config.nr_cpus as usize] };
    writer.out.write_all(b"[")?;
    for cpu in (0..incident.config.nr_cpus).map(CpuId) {
        writer.name_track(cpu_track(cpu), &format!("CPU {cpu}"))?;
    }
    for record in &incident.records {
        writer.record(record)?;
    }
    writer.end(incident)?;
    writer.out.write_all(b"\n]\n")?;
    writer.out.flush()
}

/// What is open on a CPU's tracks, to be closed at the end of time.
#[derive(Clone, Default)]
struct Track {
    open: Vec<String>,
    irqs_off: bool,
    has_irq_track: bool,
    /// The call IPIs on their way here.
    ipis: VecDeque<u64>,
}

fn cpu_track(cpu: CpuId) -> u64 {
    2 * u64::from(cpu.0)
}

fn irq_track(cpu: CpuId) -> u64 {
    cpu_track(cpu) + 1
}

struct Writer<W> {
    out: W,
    first: bool,
    cpus: Vec<Track>,
}

impl<W: Write> Writer<W> {
    fn emit(&mut self, event: &TraceEvent<'_>) -> io::Result<()> {
        self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        Ok(serde_json::to_writer(&mut self.out, event)?)
    }

    fn name_track(&mut self, tid: u64, name: &str) -> io::Result<()> {
        let base = TraceEvent { ts: 0.0, ..event("thread_name", "", "M", tid) };
        self.emit(&TraceEvent { args: Some(serde_json::json!({ "name": name })), ..base })?;
        let base = TraceEvent { ts: 0.0, ..event("thread_sort_index", "", "M", tid) };
        self.emit(&TraceEvent { args: Some(serde_json::json!({ "sort_index": tid })), ..base })
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let &Record { seq, time, cpu, ref event, .. } = record;
        let at = Stamp { ts: time.ns() as f64 / 1_000.0, tid: cpu_track(cpu) };
        match event {
            Event::Enter { func } => self.begin(at, cpu, func, "function"),
            Event::Exit { func } => self.finish(at, cpu, func),
            Event::TaskStart { comm, pid } => self.begin(at, cpu, &format!("{comm}:{pid}"), "task"),
            Event::TaskEnd { .. } => {
                while let Some(name) = self.cpus[cpu.index()].open.pop() {
                    self.emit(&TraceEvent { ts: at.ts, ..self::event(&name, "", "E", at.tid) })?;
                }
                Ok(())
            }
            Event::IrqEnter { vector } => {
                self.begin(at, cpu, &vector.to_string(), "irq")?;
                match vector {
                    Vector::CallFunction => self.ipis_arrive(at, cpu),
                    _ => Ok(()),
                }
            }
            Event::IrqExit { vector } => self.finish(at, cpu, &vector.to_string()),
            Event::IpiSend { to, vector: Vector::CallFunction } => {
                self.cpus[to.index()].ipis.push_back(seq);
                let base = self::event("IPI_CALL_FUNC", "ipi", "s", at.tid);
                self.emit(&TraceEvent { ts: at.ts, id: Some(seq), ..base })
            }
            Event::IrqsOff => self.irqs_off(at, cpu),
            Event::IrqsOn => self.irqs_on(at, cpu),
            Event::SoftLockup { printed } => {
                self.instant(at, &format!("BUG: soft lockup - CPU#{cpu} stuck for {printed}s!"))
            }
            Event::Oops { count, .. } => self.instant(at, &format!("Oops [#{count}]")),
            Event::Fault { addr, .. } => self.instant(at, &format!("fault at {addr:#x}")),
            Event::Feed => self.instant(at, "softlockup_fn"),
            Event::HostHang => self.instant(at, "no interruption point"),
            Event::Dropped { count } => self.instant(at, &format!("{count} records lost")),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: Stamp, cpu: CpuId, name: &str, cat: &str) -> io::Result<()> {
        self.cpus[cpu.index()].open.push(name.to_owned());
        self.emit(&TraceEvent { ts: at.ts, ..event(name, cat, "B", at.tid) })
    }

    /// Closes a span, and whatever a lost record left open above it.
    fn finish(&mut self, at: Stamp, cpu: CpuId, name: &str) -> io::Result<()> {
        let open = &self.cpus[cpu.index()].open;
        let Some(depth) = open.iter().rposition(|other| other == name) else { return Ok(()) };
        for name in self.cpus[cpu.index()].open.split_off(depth).iter().rev() {
            self.emit(&TraceEvent { ts: at.ts, ..event(name, "", "E", at.tid) })?;
        }
        Ok(())
    }

    fn ipis_arrive(&mut self, at: Stamp, cpu: CpuId) -> io::Result<()> {
        for id in std::mem::take(&mut self.cpus[cpu.index()].ipis) {
            let base = event("IPI_CALL_FUNC", "ipi", "f", at.tid);
            self.emit(&TraceEvent { ts: at.ts, id: Some(id), bp: Some("e"), ..base })?;
        }
        Ok(())
    }

    fn irqs_off(&mut self, at: Stamp, cpu: CpuId) -> io::Result<()> {
        let tid = irq_track(cpu);
        if !std::mem::replace(&mut self.cpus[cpu.index()].has_irq_track, true) {
            self.name_track(tid, &format!("CPU {cpu} interrupts off"))?;
        }
        self.cpus[cpu.index()].irqs_off = true;
        self.emit(&TraceEvent { ts: at.ts, ..event("interrupts off", "irq", "B", tid) })
    }

    fn irqs_on(&mut self, at: Stamp, cpu: CpuId) -> io::Result<()> {
        if !std::mem::take(&mut self.cpus[cpu.index()].irqs_off) {
            return Ok(());
        }
        self.emit(&TraceEvent { ts: at.ts, ..event("interrupts off", "irq", "E", irq_track(cpu)) })
    }

    fn instant(&mut self, at: Stamp, name: &str) -> io::Result<()> {
        let base = event(name, "kernel", "i", at.tid);
        self.emit(&TraceEvent { ts: at.ts, s: Some("t"), ..base })
    }

    /// Closes at the end of time what is still open: the spans of the CPUs that hang.
    fn end(&mut self, incident: &Incident) -> io::Result<()> {
        for cpu in (0..incident.config.nr_cpus).map(CpuId) {
            let at = Stamp { ts: incident.ended.ns() as f64 / 1_000.0, tid: cpu_track(cpu) };
            while let Some(name) = self.cpus[cpu.index()].open.pop() {
                self.emit(&TraceEvent { ts: at.ts, ..event(&name, "", "E", at.tid) })?;
            }
            self.irqs_on(at, cpu)?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Stamp {
    ts: f64,
    tid: u64,
}

fn event<'a>(name: &'a str, cat: &'a str, ph: &'a str, tid: u64) -> TraceEvent<'a> {
    TraceEvent { name, cat, ph, ts: 0.0, pid: 0, tid, id: None, bp: None, s: None, args: None }
}
