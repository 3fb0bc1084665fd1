//! What became of the machine in one run, and at what cost.

use softlockup::incident::report::Outcome;
use softlockup::{Event, Incident, KernelTime};

use crate::Lang;
use crate::lanes::Lanes;
use crate::lanes::lane::{Lane, Span};
use crate::scale::tenth;

/// One fix, and what became of the machine.
pub(crate) struct Fix {
    pub(crate) label: String,
    pub(crate) begin: KernelTime,
    ended: KernelTime,
    pub(crate) end: End,
    /// How many CPUs are held up from when on, and how many of them have their interrupts off.
    pub(crate) steps: Vec<(KernelTime, usize, usize)>,
    reports: usize,
    killed: usize,
    not_stopped: Vec<String>,
}

/// How a run ends.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    Hangs,
    Panics(KernelTime),
    /// From then on no CPU is held up.
    Recovers(KernelTime),
    /// No CPU was ever held up for long.
    Well,
}

impl Fix {
    pub(crate) fn new(label: &str, incident: &Incident) -> Self {
        let lanes = Lanes::of(incident);
        let spans = |lane: &Lane| -> Vec<Span> {
            lane.held_up().filter(|span| span.ns(lanes.ended) > lanes.long).collect()
        };
        let clip = |lane: &Lane, span: Span| Span { to: span.to.or(lane.stopped), ..span };
        let held: Vec<(Vec<Span>, Vec<Span>)> = lanes
            .all()
            .map(|lane| {
                let is_off = |span: &Span| lane.irqs_off.contains(span) && !lane.panicked;
                let all: Vec<Span> = spans(lane).into_iter().map(|span| clip(lane, span)).collect();
                let off =
                    spans(lane).into_iter().filter(is_off).map(|span| clip(lane, span)).collect();
                (all, off)
            })
            .collect();
        let ends = |span: &Span| [Some(span.from), span.to];
        let mut times: Vec<KernelTime> =
            held.iter().flat_map(|(all, _)| all.iter().flat_map(ends)).flatten().collect();
        times.sort();
        times.dedup();
        let at = |time: KernelTime, spans: &[Span]| {
            spans.iter().any(|span| span.from <= time && span.to.is_none_or(|to| to > time))
        };
        let count = |time: KernelTime| {
            let all = held.iter().filter(|(all, _)| at(time, all)).count();
            (time, all, held.iter().filter(|(_, off)| at(time, off)).count())
        };
        let steps: Vec<_> = times.into_iter().map(count).collect();
        let end = match (lanes.report.outcome, &lanes.panic, steps.last()) {
            (Outcome::Panicked, Some((_, time, _)), _) => End::Panics(*time),
            (Outcome::Recovered, _, Some((time, ..))) => End::Recovers(*time),
            (Outcome::Recovered, _, None) => End::Well,
            _ => End::Hangs,
        };
        let killed =
            |record: &&softlockup::Record| matches!(record.event, Event::TaskEnd { killed: true });
        Fix {
            label: label.to_owned(),
            begin: lanes.begin,
            ended: lanes.ended,
            end,
            steps,
            reports: lanes.all().map(|lane| lane.said.len()).sum(),
            killed: incident.records.iter().filter(killed).count(),
            not_stopped: lanes.report.not_stopped.iter().map(ToString::to_string).collect(),
        }
    }

    /// Where the row ends.
    pub(crate) fn until(&self) -> KernelTime {
        match self.end {
            End::Panics(time) => time,
            _ => self.ended,
        }
    }

    pub(crate) fn outcome(&self, lang: Lang) -> String {
        match (self.end, lang) {
            (End::Hangs, Lang::En) => "hangs to the end".to_owned(),
            (End::Hangs, Lang::Zh) => "一直挂死".to_owned(),
            (End::Panics(time), Lang::En) => format!("panics at {} s", tenth(time)),
            (End::Panics(time), Lang::Zh) => format!("{} 秒 panic", tenth(time)),
            (End::Recovers(time), Lang::En) => format!("recovers at {} s", tenth(time)),
            (End::Recovers(time), Lang::Zh) => format!("{} 秒恢复", tenth(time)),
            (End::Well, Lang::En) => "no CPU is held up".to_owned(),
            (End::Well, Lang::Zh) => "没有 CPU 被拖住".to_owned(),
        }
    }

    /// What it costs, in the order in which a reader would ask.
    pub(crate) fn cost(&self, lang: Lang) -> String {
        let most = self.steps.iter().map(|step| step.1).max().unwrap_or(0);
        let mut parts = Vec::new();
        let mut say = |count: usize, en: &str, zh: &str| {
            if count > 0 {
                parts.push(lang.pick(format!("{en}: {count}"), format!("{zh} {count}")));
            }
        };
        say(most, "CPUs held up", "被拖住的 CPU");
        say(self.reports, "reports", "报告");
        say(self.killed, "tasks killed", "被杀任务");
        if !self.not_stopped.is_empty() {
            let cpus = self.not_stopped.join(lang.comma());
            parts.push(
                lang.pick(format!("did not stop: CPU {cpus}"), format!("没有停下：CPU {cpus}")),
            );
        }
        parts.join(lang.pick("; ", "；"))
    }
}
