//! Dumps put together: a headline, a CPU line, registers, and the live context.
//!
//! Lines of two CPUs that print at the same time are told apart by their caller ids. Without those, a dump in which
//! something stands twice or not at all is not whole, and convicts no CPU.

use std::collections::HashMap;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::context::{self, Class, Context};
use crate::dmesg::entry::{Caller, Entry};
use crate::dmesg::message::Message;
use crate::dmesg::registers::Registers;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// What a dump was printed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    SoftLockup,
    HardLockup,
    /// It was asked, and answered.
    Backtrace,
    /// What memory says of a CPU that did not answer: perhaps stale.
    Stale,
    Oops,
    Warning,
    /// A CPU prints its own stack.
    Own,
}

/// One CPU at one moment.
#[derive(Clone, Debug)]
pub(super) struct Dump {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) cpu: CpuId,
    pub(super) why: Why,
    pub(super) irqs_off: Option<bool>,
    pub(super) context: Context,
    pub(super) class: Option<Class>,
    /// Kept for those that wait for a call only.
    pub(super) regs: Registers,
    /// x86: the base of its per-CPU area.
    pub(super) gs: Option<u64>,
    /// Nothing is missing from it, and nothing in it is another's.
    pub(super) is_whole: bool,
    /// The dump before it was not complete, or another one near by is not: its rest may be in this one.
    pub(super) is_by_a_hole: bool,
    is_by_caller: bool,
}

/// A dump that is not complete yet.
#[derive(Clone, Debug)]
struct Open {
    line: usize,
    time: Option<KernelTime>,
    why: Why,
    headline_cpu: Option<CpuId>,
    cpu: Option<CpuId>,
    irqs_off: Option<bool>,
    pc: Option<String>,
    frames: Option<(Vec<String>, Vec<usize>)>,
    regs: Registers,
    has_older: bool,
    follows_a_cut: bool,
    is_tangled: bool,
}

/// Two dumps that are mixed lie within this many lines.
const NEAR_LINES: usize = 60;

/// Lines of one dump are not further apart, however slow the console is.
const MAX_PAUSE_NS: u64 = 3 * NSEC_PER_SEC;

/// The dumps that a stall of RCU brings come this soon after it: each may take 10 s.
const RCU_DUMPS_NS: u64 = 40 * NSEC_PER_SEC;

/// Puts dumps together, entry by entry.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    open: HashMap<Option<Caller>, Open>,
    /// When RCU last said that it is stalled: CPUs are then dumped without a headline.
    rcu_stalled: Option<KernelTime>,
    pub(super) dumps: Vec<Dump>,
    /// The first lines of dumps from which something is missing, or in which something is another's.
    pub(super) holes: Vec<usize>,
}

impl Gatherer {
    /// Reads the next entry, and takes its registers and its frames.
    pub(super) fn read(&mut self, entry: &mut Entry) {
        let key = entry.caller;
        if let Some(open) = self.open.get(&key)
            && is_later(open.time, entry.time)
        {
            self.close(key);
        }
        match &mut entry.message {
            Message::Regs(regs) => {
                let regs = std::mem::take(regs);
                if let Some(open) = self.live(entry) {
                    match goes_on(&open.regs, &regs) {
                        true => open.regs.append(regs),
                        false => {
                            open.is_tangled |= !open.regs.is_empty();
                            open.regs = regs;
                        }
                    }
                }
                return;
            }
            Message::CallTrace { frames, interrupts } => {
                let trace = (std::mem::take(frames), std::mem::take(interrupts));
                if let Some(open) = self.live(entry) {
                    open.frames = Some(trace);
                }
                return;
            }
            _ => {}
        }
        match &entry.message {
            Message::SoftLockup { cpu, .. } => self.begin(entry, Why::SoftLockup, Some(*cpu)),
            Message::HardLockup { cpu, .. } => self.begin(entry, Why::HardLockup, Some(*cpu)),
            Message::Backtrace { cpu, idle: false } => {
                self.begin(entry, Why::Backtrace, Some(*cpu));
            }
            Message::Backtrace { .. } => self.close(key),
            Message::TaskDump { cpu } => self.begin(entry, Why::Stale, Some(*cpu)),
            Message::NoBacktrace { cpus } => self.begin(entry, Why::Stale, cpus.only()),
            Message::TaskState { .. } | Message::HungTask { .. } => {
                self.begin(entry, Why::Stale, None)
            }
            Message::Fault { .. } | Message::Oops { .. } | Message::KernelBug { .. } => {
                self.begin(entry, Why::Oops, None);
            }
            Message::Other(text) if text.starts_with("WARNING: ") => {
                self.begin(entry, Why::Warning, None);
            }
            Message::CpuLine { cpu, release, .. } => {
                self.cpu_line(entry, *cpu);
                if release.is_empty() {
                    self.holes.push(entry.line); // its end is missing
                }
            }
            Message::PState { irqs_off, text } => {
                // arm64 shows one in a dump, above everything else.
                let is_arm64 = text.contains(" -PAN") || text.contains(" +PAN");
                if let Some(open) = self.open.get_mut(&key)
                    && is_arm64
                    && (open.pc.is_some() || open.frames.is_some())
                {
                    open.is_tangled = true;
                }
                if let Some(open) = self.live(entry) {
                    open.is_tangled |= open.irqs_off.is_some();
                    open.irqs_off.get_or_insert(*irqs_off);
                }
            }
            Message::Pc { symbol } => {
                if let Some(open) = self.live(entry) {
                    open.is_tangled |= open.pc.is_some();
                    open.pc.get_or_insert_with(|| symbol.clone());
                }
            }
            Message::EndTrace => {
                let ends = self
                    .open
                    .get(&key)
                    .is_some_and(|open| matches!(open.why, Why::Oops | Why::Warning));
                if !ends {
                    self.holes.push(entry.line); // nothing began that could end
                }
                // x86 prints the registers of an oops once more.
                self.begin(entry, Why::Stale, None);
            }
            Message::RcuStall { .. } => {
                self.rcu_stalled = entry.time;
                self.close(key);
            }
            Message::UserMode | Message::Interrupt { .. } => {
                if let Some(open) = self.open.get_mut(&key) {
                    open.has_older = true;
                }
            }
            Message::Other(text) if is_of_a_fault(text) => {
                let is_open = self.open.get(&key).is_some_and(|open| open.why == Why::Oops);
                if !is_open {
                    self.holes.push(entry.line); // the line that says what it is of is missing
                }
            }
            Message::Lr { .. }
            | Message::Utilization { .. }
            | Message::UtilizationRow { .. }
            | Message::HardIrqStorm { .. }
            | Message::HardIrq { .. }
            | Message::Heartbeat { .. }
            | Message::Other(_) => {}
            _ => self.close(key),
        }
    }

    /// Completes what is open.
    pub(super) fn finish(&mut self) {
        let mut keys: Vec<_> = self.open.iter().map(|(key, open)| (open.line, *key)).collect();
        keys.sort_unstable_by_key(|(line, _)| *line);
        keys.into_iter().for_each(|(_, key)| self.close(key));
        self.dumps.sort_by_key(|dump| dump.line);
        // Where a dump is broken, the ones around it may have lines of it, unless each line says whose it is.
        for dump in self.dumps.iter_mut().filter(|dump| !dump.is_by_caller) {
            let near = dump.line.saturating_sub(NEAR_LINES)..=dump.line + NEAR_LINES;
            dump.is_by_a_hole = self.holes.iter().any(|hole| near.contains(hole));
        }
    }

    /// The open dump, if its live context is not complete: what follows a trace is older.
    fn live(&mut self, entry: &Entry) -> Option<&mut Open> {
        if !self.open.contains_key(&entry.caller) {
            self.holes.push(entry.line); // a dump without its beginning
        }
        let open = self.open.get_mut(&entry.caller);
        open.filter(|open| open.frames.is_none() && !open.has_older)
    }

    fn begin(&mut self, entry: &Entry, why: Why, headline_cpu: Option<CpuId>) {
        // Where one dump is cut short by another, lines of both may follow.
        let cuts =
            |open: &Open| open.cpu.is_some() && open.frames.is_none() && open.why != Why::Oops;
        let follows_a_cut = entry.caller.is_none() && self.open.get(&None).is_some_and(cuts);
        self.close(entry.caller);
        let open = Open { follows_a_cut, ..Open::new(entry, why, headline_cpu) };
        self.open.insert(entry.caller, open);
    }

    fn cpu_line(&mut self, entry: &Entry, cpu: CpuId) {
        let fits = self.open.get(&entry.caller).is_some_and(|open| {
            let other_headline = open.headline_cpu.is_some_and(|named| named != cpu);
            // A hard lockup may be followed by the stack of the CPU that noticed.
            let is_another = other_headline && open.why == Why::HardLockup;
            open.cpu.is_none() && open.pc.is_none() && open.frames.is_none() && !is_another
        });
        if !fits {
            self.begin(entry, Why::Own, None);
        }
        if let Some(open) = self.open.get_mut(&entry.caller) {
            open.is_tangled |= open.headline_cpu.is_some_and(|named| named != cpu);
            open.cpu = Some(cpu);
        }
    }

    fn close(&mut self, key: Option<Caller>) {
        let Some(open) = self.open.remove(&key) else { return };
        let Some(cpu) = open.cpu.or(open.headline_cpu) else {
            if open.why != Why::Stale && (open.pc.is_some() || open.frames.is_some()) {
                self.holes.push(open.line);
            }
            return;
        };
        let begun = open.cpu.is_some();
        let has_trace = open.frames.as_ref().is_some_and(|(frames, _)| !frames.is_empty());
        let complete = begun && (open.pc.is_some() || open.why == Why::Own) && has_trace;
        let is_headline_only = !begun && open.pc.is_none() && open.frames.is_none();
        // A soft lockup was found by an interrupt: its registers cannot say that interrupts are off.
        let is_impossible = open.why == Why::SoftLockup && open.irqs_off == Some(true);
        let needs_state = matches!(open.why, Why::SoftLockup | Why::Backtrace);
        let lacks_state = needs_state && open.irqs_off.is_none();
        let may_lack_all = match open.why {
            Why::Stale => true,
            Why::HardLockup => is_headline_only, // the buddy has no stack to show
            Why::Oops => !begun,                 // a fault inside it came first
            _ => false,
        };
        let is_broken = open.is_tangled || is_impossible || !complete && !may_lack_all;
        // `dump_stack` shows no registers. What does has a headline.
        let lacks_headline = open.why == Why::Own && open.pc.is_some();
        let is_of_rcu = match (self.rcu_stalled, open.time) {
            (Some(stalled), Some(time)) => time.ns_since(stalled) <= RCU_DUMPS_NS,
            _ => false,
        };
        if is_broken || lacks_headline && !is_of_rcu {
            self.holes.push(open.line);
        }
        let (frames, interrupts) = open.frames.unwrap_or_default();
        let context = context::live(open.pc.as_deref(), &frames, &interrupts);
        let class = context::classify(&context);
        // Nobody has measured where the per-CPU areas of powerpc lie.
        let keeps_regs = class == Some(Class::Waiter) && !is_of_powerpc(&open.regs);
        self.dumps.push(Dump {
            line: open.line,
            time: open.time,
            cpu,
            why: open.why,
            irqs_off: open.irqs_off,
            class,
            context,
            gs: open.regs.get("GS"),
            regs: if keeps_regs { open.regs } else { Registers::default() },
            is_by_a_hole: open.follows_a_cut,
            is_by_caller: key.is_some(),
            is_whole: complete && !open.is_tangled && !is_impossible && !lacks_state,
        });
    }
}

impl Open {
    fn new(entry: &Entry, why: Why, headline_cpu: Option<CpuId>) -> Self {
        Open {
            line: entry.line,
            time: entry.time,
            why,
            headline_cpu,
            cpu: None,
            irqs_off: None,
            pc: None,
            frames: None,
            regs: Registers::default(),
            has_older: false,
            follows_a_cut: false,
            is_tangled: false,
        }
    }
}

/// Whether registers are those of powerpc's first line, or begin with them.
fn is_of_powerpc(regs: &Registers) -> bool {
    regs.get("NIP").is_some()
}

/// Whether `next` are the rest of the registers of one dump. powerpc shows `NIP`, `LR` and `CTR` first, then its special
/// registers, then the general ones.
fn goes_on(regs: &Registers, next: &Registers) -> bool {
    is_of_powerpc(regs) && regs.get("r0").is_none() && next.get("r0").is_some()
}

/// Whether a line explains a fault, which another line before it names.
fn is_of_a_fault(text: &str) -> bool {
    const HEADS: [&str; 8] = [
        "Mem abort info:",
        "ESR = ",
        "EC = ",
        "FSC = ",
        "ISV = ",
        "CM = ",
        "Data abort info:",
        "#PF: ",
    ];
    HEADS.iter().any(|head| text.starts_with(head))
}

/// Whether what follows at `next` belongs to something later than what began at `first`.
fn is_later(first: Option<KernelTime>, next: Option<KernelTime>) -> bool {
    let (Some(first), Some(next)) = (first, next) else { return false };
    next.ns_since(first) > MAX_PAUSE_NS
}
