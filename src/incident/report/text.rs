//! The report as text: what happened, and the three answers. Every sentence is chosen by what the records say.

use std::fmt::{self, Formatter};

use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::incident::report::stuck::{Place, Stuck};
use crate::incident::report::{Oops, Outcome, Report, SoftLockup};
use crate::time::{
    KernelTime, NSEC_PER_SEC, NSEC_PER_TIMESTAMP_UNIT, get_timestamp, sample_period_ns,
    softlockup_thresh,
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.what_happened(f)?;
        writeln!(f, "\n1. Why does every CPU print about the same number of seconds?")?;
        self.why_that_number(f)?;
        writeln!(f, "\n2. Why does one stuck CPU soft-lock others?")?;
        self.why_the_others(f)?;
        writeln!(f, "\n3. Why is every stack in the same function?")?;
        self.why_that_stack(f)
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / NSEC_PER_SEC as f64
}

fn list(cpus: &[CpuId]) -> String {
    let cpus: Vec<_> = cpus.iter().map(|cpu| format!("#{cpu}")).collect();
    cpus.join(", ")
}

fn stamp(time: Option<KernelTime>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

impl Report {
    fn what_happened(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Hung => "the machine hung",
            Outcome::Recovered => "the machine recovered: every CPU answers",
            Outcome::Panicked => "the kernel panicked",
            Outcome::HostHang => {
                "a CPU never reached an interruption point; the host ended the run"
            }
        };
        writeln!(f, "Report: {outcome}. Switched off at {} s.", self.ended)?;
        for oops in &self.oopses {
            writeln!(f, "  {oops}")?;
        }
        if !self.not_stopped.is_empty() {
            let cpus = list(&self.not_stopped);
            writeln!(f, "  A dump would lack the registers of {cpus}, which did not stop.")?;
        }
        if self.dropped_records > 0 {
            let lost = self.dropped_records;
            writeln!(
                f,
                "  {lost} records were lost, because the host was too slow: the verdict is incomplete."
            )?;
        }
        writeln!(f, "  Diagnosis: {}", self.diagnosis)?;
        match self.culprit {
            None => writeln!(f, "  Nobody is stuck."),
            Some(cpu) => match self.stuck.iter().find(|stuck| stuck.cpu == cpu) {
                Some(culprit) => self.about_culprit(f, culprit),
                None => {
                    writeln!(f, "  Culprit: CPU#{cpu}. It is not stuck, but it never answered.")
                }
            },
        }
    }

    fn about_culprit(&self, f: &mut Formatter<'_>, culprit: &Stuck) -> fmt::Result {
        let Stuck { cpu, since, .. } = culprit;
        writeln!(f, "  Culprit: CPU#{cpu}. {} since {since}. Its stack then:", Standing(culprit))?;
        for func in &culprit.stack {
            writeln!(f, "    {func}")?;
        }
        let reported = self.soft_lockups.iter().any(|lockup| lockup.cpu == *cpu);
        match (culprit.irqs_off, reported) {
            (true, false) => writeln!(
                f,
                "  It is silent: its interrupts are off, so its own timer cannot sample it."
            ),
            (_, true) => writeln!(f, "  It reported itself: its timer can interrupt it."),
            (false, false) => Ok(()),
        }
    }

    fn why_that_number(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let thresh = self.config.watchdog_thresh_secs;
        if !self.is_watched() {
            return writeln!(f, "   Nobody prints any: the watchdog is off.");
        }
        let units = softlockup_thresh(thresh);
        writeln!(
            f,
            "   Each CPU samples itself every {:.1} s, and reports at the first sample more than {units} units of\n   \
             {:.3} s ({:.2} s) after its stopper last ran. The printed \"seconds\" are those units.",
            seconds(sample_period_ns(thresh)),
            seconds(NSEC_PER_TIMESTAMP_UNIT),
            seconds(units * NSEC_PER_TIMESTAMP_UNIT),
        )?;
        if self.soft_lockups.is_empty() {
            return writeln!(f, "   Nobody was reported.");
        }
        writeln!(
            f,
            "   CPU    wait began    counts from   reported      sample  waited     printed"
        )?;
        for lockup in &self.soft_lockups {
            let &SoftLockup { cpu, time, printed_seconds, wait_began, last_feed, sample, .. } =
                lockup;
            let waited = wait_began.map_or_else(
                || "-".to_owned(),
                |began| format!("{:.3} s", seconds(time.ns_since(began))),
            );
            let sum = last_feed.map_or_else(String::new, |fed| {
                format!(" = {} - {}", get_timestamp(time), get_timestamp(fed))
            });
            writeln!(
                f,
                "   {:<5}  {:<12}  {:<12}  {time:<12}  {sample:>6}  {waited:<9}  {printed_seconds}{sum}",
                format!("#{cpu}"),
                stamp(wait_began),
                stamp(last_feed),
            )?;
        }
        Ok(())
    }

    fn is_watched(&self) -> bool {
        self.config.watchdog_thresh_secs > 0 && self.config.detectors.softlockup
    }

    fn why_the_others(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(culprit) = self.culprit else {
            return writeln!(f, "   It does not here: nobody is stuck.");
        };
        let others = |place: Place| {
            let those = move |stuck: &&Stuck| stuck.cpu != culprit && stuck.place == place;
            self.stuck.iter().filter(those).collect::<Vec<_>>()
        };
        let numbers = |stuck: &[&Stuck]| list(&stuck.iter().map(|s| s.cpu).collect::<Vec<_>>());
        let oopsers = others(Place::DieLock);
        if !oopsers.is_empty() {
            let cpus = numbers(&oopsers);
            writeln!(f, "   {cpus}: wait for die_lock, with interrupts off, and are as silent.")?;
        }
        let mut callers = others(Place::CsdLockWait);
        callers.retain(|caller| caller.waits_for == Some(culprit));
        if callers.is_empty() {
            return writeln!(f, "   Nobody waits for a call to CPU#{culprit} to be answered.");
        }
        let cpus = numbers(&callers);
        writeln!(f, "   {cpus}: wait in csd_lock_wait, which has no time-out, for CPU#{culprit}.")?;
        self.why_reported(f, culprit, &callers)?;
        let (interrupted, queued): (Vec<_>, Vec<_>) =
            callers.into_iter().partition(|caller| caller.sent_ipi);
        match (interrupted.is_empty(), queued.is_empty()) {
            (false, false) => writeln!(
                f,
                "   An IPI came with the calls of {} only: the others found CPU#{culprit}'s queue not empty.",
                numbers(&interrupted)
            ),
            (false, true) => writeln!(f, "   An IPI came with every one of their calls."),
            (true, _) => {
                writeln!(f, "   They found CPU#{culprit}'s queue not empty and sent no IPI.")
            }
        }
    }

    /// Why CPUs that wait for an answer were reported, or were not.
    fn why_reported(
        &self,
        f: &mut Formatter<'_>,
        culprit: CpuId,
        callers: &[&Stuck],
    ) -> fmt::Result {
        let is_reported =
            |caller: &&&Stuck| self.soft_lockups.iter().any(|lockup| lockup.cpu == caller.cpu);
        let is_fed = |caller: &&&Stuck| caller.last_feed.is_some_and(|fed| fed > caller.since);
        // Only a ring has such callers; they are as silent as the culprit.
        let (silent, callers): (Vec<_>, Vec<_>) =
            callers.iter().copied().partition(|caller| caller.irqs_off);
        if !silent.is_empty() {
            let cpus = list(&silent.iter().map(|caller| caller.cpu).collect::<Vec<_>>());
            writeln!(f, "   {cpus}: with interrupts off, and so as silent as CPU#{culprit}.")?;
        }
        let reported = callers.iter().filter(is_reported).count();
        let fed = callers.iter().filter(is_fed).count();
        if reported > 0 {
            let they = if silent.is_empty() { "They" } else { "The others" };
            writeln!(
                f,
                "   {they} wait with preemption off and interrupts on: their stoppers cannot run to feed their watchdogs,\n   \
                 and their timers can run to say so."
            )?;
        }
        match callers.len() - reported {
            0 => Ok(()),
            _ if !self.is_watched() => writeln!(f, "   Nobody watches them."),
            n if fed > 0 => {
                writeln!(f, "   {n} were not reported: their watchdogs are fed all the same.")
            }
            n => writeln!(f, "   {n} were not reported: they had not waited for long enough yet."),
        }
    }

    fn why_that_stack(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let reports = self.soft_lockups.len();
        if reports == 0 {
            return writeln!(f, "   There is no stack: nobody was reported.");
        }
        let waits = |lockup: &&SoftLockup| lockup.waits_for.iter().any(|on| *on != lockup.cpu);
        let calls = |lockup: &&SoftLockup| {
            lockup.stack.iter().any(|func| func.starts_with("smp_call_function_"))
        };
        let waiting: Vec<_> = self.soft_lockups.iter().filter(waits).collect();
        writeln!(
            f,
            "   {} of {reports} reports came from a CPU that waits for another one; {} of those inside a cross-CPU call.",
            waiting.len(),
            waiting.iter().copied().filter(calls).count(),
        )?;
        if !waiting.is_empty() {
            writeln!(
                f,
                "   It is the one place where a CPU waits without limit for another CPU's interrupts."
            )?;
        }
        writeln!(f, "   Stuck are {} of {} CPUs.", self.stuck.len(), self.config.nr_cpus)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let cpus: Vec<_> = self.cpus.iter().map(|cpu| format!("CPU#{cpu}")).collect();
        let cpus = cpus.join(", ");
        match self.cause {
            Cause::SelfDeadlock => write!(f, "{cpus} waits for a die_lock that it holds."),
            Cause::LeakedDieLock => {
                write!(f, "a die_lock that nobody will give back keeps {cpus} waiting.")
            }
            Cause::InterruptsOff => {
                write!(f, "interrupts are off on {cpus}, which waits for nobody.")
            }
            Cause::LostIpi => write!(
                f,
                "an IPI to {cpus} was lost: that CPU took its timer afterwards, and not the IPI."
            ),
            Cause::WaitingWithInterruptsOff => {
                write!(f, "{cpus} wait for each other, all with interrupts off.")
            }
            Cause::SlowCpu => {
                write!(f, "{cpus} was slow: somebody waited for more than 5 s for its interrupts.")
            }
            Cause::NotPreempted => write!(f, "{cpus} takes interrupts but lets nobody else run."),
            Cause::NoInterruptionPoint => {
                write!(f, "{cpus} never reaches an interruption point.")
            }
            Cause::Unanswered => {
                write!(f, "{cpus} heard its callers and does not answer: a part is wrong.")
            }
            Cause::None => write!(f, "nobody is stuck, and nobody waited for long."),
        }
    }
}

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let &Oops { cpu, time, ref comm, pid, addr, write, count, nested } = self;
        let access = if write { "stores to" } else { "loads from" };
        write!(f, "{time}  CPU#{cpu}  {comm}:{pid} {access} {addr:#x}")?;
        if nested {
            write!(f, ", inside the report of the oops before")?;
        }
        match count {
            Some(count) => write!(f, ": an oops, reported as [#{count}]."),
            None => write!(f, ": an oops, never reported, because die() waits before it prints."),
        }
    }
}

/// What a stuck CPU does, as a clause.
struct Standing<'a>(&'a Stuck);

impl fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Stuck { cpu, place, waits_for, leaked_on, .. } = self.0;
        match (place, waits_for, leaked_on) {
            (Place::DieLock, Some(holder), _) if holder == cpu => {
                write!(f, "It waits for die_lock, which it holds itself,")
            }
            (Place::DieLock, Some(holder), _) => {
                write!(f, "It waits for die_lock, which CPU#{holder} holds,")
            }
            (Place::DieLock, None, Some(on)) => write!(
                f,
                "It waits for die_lock, which a task took to its grave in a nested oops on CPU#{on},"
            ),
            (Place::DieLock, None, None) => write!(f, "It waits for die_lock, which nobody holds,"),
            (Place::CsdLockWait, Some(on), _) => write!(f, "It waits for CPU#{on} to answer,"),
            (Place::CsdLockWait, None, _) => write!(f, "It waits for an answer,"),
            (Place::InterruptsOff, ..) => write!(f, "It keeps its interrupts off"),
            (Place::NotPreempted, ..) => write!(f, "It lets nobody else run"),
            (Place::NoInterruptionPoint, ..) => write!(f, "It runs without calling `relax`"),
        }
    }
}
