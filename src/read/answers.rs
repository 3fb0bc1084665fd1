//! The report as text: what happened, and the three answers.

use std::fmt;

use super::report::{Oops, Outcome, Place, Report, SoftLockup, Stuck};
use crate::{
    CpuId, KernelTime, NSEC_PER_SEC, NSEC_PER_TIMESTAMP_UNIT, get_timestamp, sample_period_ns,
    softlockup_thresh,
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

fn list(cpus: impl IntoIterator<Item = CpuId>) -> String {
    let cpus: Vec<_> = cpus.into_iter().map(|cpu| format!("#{cpu}")).collect();
    cpus.join(", ")
}

fn stamp(time: Option<KernelTime>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

impl Report {
    fn what_happened(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            self.oops(f, oops)?;
        }
        if self.dropped_records > 0 {
            writeln!(f, "  {} records were lost: the host was too slow.", self.dropped_records)?;
        }
        let Some(culprit) = self.culprit.and_then(|cpu| self.stuck.iter().find(|s| s.cpu == cpu))
        else {
            return writeln!(f, "  Nobody is stuck.");
        };
        let (cpu, since) = (culprit.cpu, culprit.since);
        match culprit.place {
            Place::DieLock => {
                let holder = match culprit.waits_for {
                    Some(holder) if holder == cpu => {
                        "it holds that lock itself: a deadlock of one".to_owned()
                    }
                    Some(holder) => format!(
                        "a task that died in a nested oops on CPU#{holder} never gave it back"
                    ),
                    None => "nobody is known to hold it".to_owned(),
                };
                writeln!(
                    f,
                    "  Culprit: CPU#{cpu}. It has waited for die_lock since {since}; {holder}."
                )?;
            }
            Place::CsdLockWait => {
                let on = culprit.waits_for.map_or_else(String::new, |on| format!(" of CPU#{on}"));
                writeln!(
                    f,
                    "  Culprit: CPU#{cpu}. It has waited for an answer{on} since {since}."
                )?;
            }
            Place::NoInterruptionPoint => {
                writeln!(f, "  Culprit: CPU#{cpu}. It runs without calling `relax`, in:")?;
            }
        }
        if culprit.place != Place::NoInterruptionPoint {
            writeln!(f, "  Its stack, which no console shows:")?;
        }
        for func in &culprit.stack {
            writeln!(f, "    {func}")?;
        }
        let reported = self.soft_lockups.iter().any(|lockup| lockup.cpu == cpu);
        match (culprit.irqs_off, reported) {
            (true, false) => writeln!(
                f,
                "  It is silent: its interrupts are off, so its own timer cannot sample it, and no NMI asks."
            ),
            (false, true) => writeln!(f, "  It reported itself: its interrupts are on."),
            _ => Ok(()),
        }
    }

    fn oops(&self, f: &mut fmt::Formatter<'_>, oops: &Oops) -> fmt::Result {
        let &Oops { cpu, time, ref comm, pid, addr, write, count, nested } = oops;
        let access = if write { "stores to" } else { "loads from" };
        let inside = if nested { ", inside the report of the oops before" } else { "" };
        let printed = match count {
            Some(count) => format!("reported as [#{count}]"),
            None => "never reported: die() waits before it prints".to_owned(),
        };
        writeln!(
            f,
            "  {time}  CPU#{cpu}  {comm}:{pid} {access} {addr:#x}{inside}: an oops, {printed}."
        )
    }

    fn why_that_number(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thresh = self.config.watchdog_thresh_secs;
        if thresh == 0 {
            return writeln!(f, "   The watchdog is off.");
        }
        let period = sample_period_ns(thresh);
        let units = softlockup_thresh(thresh);
        writeln!(
            f,
            "   Each CPU samples itself every {:.1} s, and reports at the first sample more than {units} units of\n   \
             {:.3} s ({:.2} s) after its stopper last ran. The printed \"seconds\" are those units.",
            seconds(period),
            seconds(NSEC_PER_TIMESTAMP_UNIT),
            seconds(units * NSEC_PER_TIMESTAMP_UNIT),
        )?;
        if self.soft_lockups.is_empty() {
            return writeln!(f, "   Nobody was reported.");
        }
        writeln!(
            f,
            "   CPU    wait began    last feed     reported      sample  waited     printed"
        )?;
        for lockup in &self.soft_lockups {
            let SoftLockup { cpu, time, printed_seconds, wait_began, last_feed, sample, .. } =
                lockup;
            let waited = wait_began.map_or_else(
                || "-".to_owned(),
                |began| format!("{:.3} s", seconds(time.ns_since(began))),
            );
            let sum = last_feed.map_or_else(String::new, |fed| {
                format!(" = {} - {}", get_timestamp(*time), get_timestamp(fed))
            });
            writeln!(
                f,
                "   {:<5}  {:<12}  {:<12}  {time:<12}  {sample:>6}  {waited:<9}  {printed_seconds}{sum}",
                format!("#{cpu}"),
                stamp(*wait_began),
                stamp(*last_feed),
            )?;
        }
        Ok(())
    }

    fn why_the_others(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(culprit) = self.culprit else {
            return writeln!(f, "   It does not here: nobody is stuck.");
        };
        let those = |is: fn(&Stuck, CpuId) -> bool| -> Vec<CpuId> {
            let others = self.stuck.iter().filter(|s| s.cpu != culprit && is(s, culprit));
            others.map(|s| s.cpu).collect()
        };
        let oopsers = those(|s, _| s.place == Place::DieLock);
        let callers = those(|s, it| s.place == Place::CsdLockWait && s.waits_for == Some(it));
        if !oopsers.is_empty() {
            let oopsers = list(oopsers);
            writeln!(
                f,
                "   {oopsers}: wait for die_lock, with interrupts off, and are as silent."
            )?;
        }
        if callers.is_empty() {
            return writeln!(f, "   Nobody waits for a call to CPU#{culprit} to be answered.");
        }
        let sent = |cpu: CpuId| self.senders_of_ipis.iter().rfind(|ipi| **ipi == (cpu, culprit));
        let interrupted_it = callers.iter().find(|caller| sent(**caller).is_some());
        writeln!(
            f,
            "   {}: wait in csd_lock_wait, which has no time-out, for CPU#{culprit} to answer.",
            list(callers.iter().copied())
        )?;
        let silenced = self.soft_lockups.iter().any(|lockup| lockup.cpu != culprit);
        if silenced {
            writeln!(
                f,
                "   They wait with preemption off and interrupts on: their stoppers cannot run to feed their watchdogs,\n   \
                 and their timers can run to say so."
            )?;
        } else {
            writeln!(f, "   None of them was reported: their watchdogs are fed all the same.")?;
        }
        match interrupted_it {
            Some(first) if callers.len() > 1 => writeln!(
                f,
                "   Only CPU#{first}'s call came with an IPI: the others found CPU#{culprit}'s queue not empty."
            ),
            _ => Ok(()),
        }
    }

    fn why_that_stack(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let victims: Vec<_> =
            self.soft_lockups.iter().filter(|lockup| !lockup.waits_for.is_empty()).collect();
        if self.soft_lockups.is_empty() {
            return writeln!(f, "   There is no stack: nobody was reported.");
        }
        let many = self.config.kernel.call_many();
        let in_it = |lockup: &&&SoftLockup| {
            lockup.stack.iter().any(|func| func == many || func == "smp_call_function_single")
        };
        writeln!(
            f,
            "   {} of {} reports came from a CPU that waits for another CPU; {} of them inside a cross-CPU call.",
            victims.len(),
            self.soft_lockups.len(),
            victims.iter().filter(in_it).count(),
        )?;
        writeln!(
            f,
            "   It is the one place where a CPU waits without limit for another CPU's interrupts. Stuck are\n   \
             {} of {} CPUs; the others made no such call.",
            self.stuck.len(),
            self.config.nr_cpus,
        )
    }
}
