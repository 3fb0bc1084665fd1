//! One screen for a person who was woken up.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use softlockup::dmesg::diagnosis::{
    Class, Confidence, Diagnosis, Fact, Harmless, Verdict, Victim, Weight,
};

use crate::wrap::paragraph;

/// More than this many of anything is told by its number.
const MOST: usize = 8;

const PLAIN: Style = Style::new();

/// What is to be said of a log: of its last incident all, of the others a line each.
pub(crate) fn page(incidents: &[Diagnosis], colored: bool) -> String {
    let mut out = String::new();
    let Some((last, before)) = incidents.split_last() else {
        return "There is no lockup in this log.\n".to_owned();
    };
    if !before.is_empty() {
        let hidden = before.len().saturating_sub(MOST);
        if hidden > 0 {
            _ = writeln!(out, "{hidden} earlier incidents: --json tells all");
        }
        for (incident, n) in before.iter().zip(1..).skip(hidden) {
            let (first, end) = incident.lines;
            let (says, how) = verdict(incident);
            _ = writeln!(out, "Incident {n}, lines {first} to {end}: {says}{how}");
        }
        let (first, end) = last.lines;
        _ = writeln!(out, "\nIncident {}, lines {first} to {end}", incidents.len());
    }
    Page { incident: last, colored, out: &mut out }.write();
    out
}

/// The verdict, and what qualifies it.
fn verdict(incident: &Diagnosis) -> (String, String) {
    let says = |says: &str| says.to_owned();
    match incident.verdict {
        Verdict::Named { cpu, confidence, facts } => {
            let how = match confidence {
                Confidence::Certain => "certain",
                Confidence::Likely => "likely",
            };
            let count = match facts {
                1 => "1 fact".to_owned(),
                n => format!("{n} independent facts"),
            };
            (format!("CPU {cpu} does not answer."), format!("  {how} ({count})"))
        }
        Verdict::NobodyAtFault { why } => {
            let how = match why {
                Harmless::AllAnswered => "  Every call was answered in the end.",
                _ => "  Timers were late, and no CPU is silent.",
            };
            (says("No CPU is at fault."), says(how))
        }
        Verdict::NoLockup => (says("There is no lockup in this log."), String::new()),
        _ => (says("There is a lockup; this log cannot tell whose."), String::new()),
    }
}

struct Page<'a> {
    incident: &'a Diagnosis,
    colored: bool,
    out: &'a mut String,
}

impl Page<'_> {
    fn write(&mut self) {
        self.verdict();
        self.facts();
        self.victims();
        self.next();
        self.caveats();
        self.advice();
    }

    fn style(&self, style: Style) -> Style {
        if self.colored { style } else { PLAIN }
    }

    fn verdict(&mut self) {
        let bold = Style::new().bold();
        let color = match self.incident.verdict {
            Verdict::Named { .. } => Some(AnsiColor::Red),
            Verdict::NotConvicted => Some(AnsiColor::Yellow),
            _ => None,
        };
        let style = self.style(bold.fg_color(color.map(Into::into)));
        let (says, how) = verdict(self.incident);
        _ = writeln!(self.out, "{style}{says}{style:#}{how}");
    }

    fn heading(&mut self, text: &str) {
        let style = self.style(Style::new().bold());
        _ = writeln!(self.out, "\n{style}{text}{style:#}");
    }

    fn facts(&mut self) {
        let named = self.incident.culprit();
        let (of_it, others): (Vec<&Fact>, Vec<&Fact>) =
            self.incident.facts.iter().partition(|fact| Some(fact.cpu) == named);
        let of_it: Vec<_> = of_it.into_iter().filter(|fact| fact.weight > Weight::Hint).collect();
        self.fact_list("Why", &of_it);
        let title = if named.is_some() { "Also seen" } else { "What the log shows" };
        self.fact_list(title, &others);
    }

    fn fact_list(&mut self, title: &str, facts: &[&Fact]) {
        if facts.is_empty() {
            return;
        }
        self.heading(title);
        for fact in facts.iter().take(MOST) {
            paragraph(self.out, &format!("  line {:<6} ", fact.line), &fact.to_string());
        }
        self.more(facts.len());
    }

    fn more(&mut self, len: usize) {
        if len > MOST {
            _ = writeln!(self.out, "  and {} more", len - MOST);
        }
    }

    fn victims(&mut self) {
        let victims = &self.incident.victims;
        if victims.is_empty() {
            return;
        }
        let waits = victims.iter().any(|victim| victim.class == Some(Class::Waiter));
        self.heading(if waits { "Who waits, and since when" } else { "Who reported itself" });
        _ = writeln!(
            self.out,
            "   CPU  task             began after  reported at    times  printed first"
        );
        for victim in victims.iter().take(MOST) {
            self.victim(victim);
        }
        self.more(victims.len());
        if victims.iter().any(|victim| victim.began.is_some()) {
            let within = victims.iter().find_map(|victim| victim.began);
            let within = within.map_or(0, |(from, to)| to.ns_since(from));
            let text = format!(
                "(Within {}.{} s of that; as much earlier if it was idle before. The number counts units of 2^30 ns, \
                 1.074 s, from then on.)",
                within / 1_000_000_000,
                within / 100_000_000 % 10
            );
            paragraph(self.out, "   ", &text);
        }
    }

    fn victim(&mut self, victim: &Victim) {
        let began = victim.began.map_or_else(|| "not known".to_owned(), |(from, _)| short(from));
        let at = victim.time.map_or_else(|| "no stamp".to_owned(), |time| time.to_string());
        let number = match (victim.reckoning, victim.printed.first()) {
            (Some(why), _) => format!("{} = {} - {}", why.printed, why.now_units, why.fed_units),
            (None, Some(printed)) => format!("{printed}"),
            (None, None) => String::new(),
        };
        let times = victim.printed.len();
        let comm = victim.comm.as_deref().unwrap_or("?");
        let comm: String = comm.chars().take(15).collect();
        let cpu = victim.cpu;
        _ = writeln!(
            self.out,
            "  {cpu:>4}  {comm:<15}  {began:<11}  {at:<13}  {times:>5}  {number}"
        );
        if let (Some(function), false) = (&victim.function, victim.class == Some(Class::Waiter)) {
            let does = match victim.class {
                Some(Class::Lock) => "waits for a lock in",
                Some(Class::Rendezvous) => "waits for the others in",
                _ => "runs",
            };
            paragraph(self.out, "        ", &format!("{does} {function}"));
        }
    }

    fn next(&mut self) {
        let mut next: Vec<_> =
            self.incident.victims.iter().filter_map(|victim| victim.next).collect();
        if next.is_empty() {
            return;
        }
        next.sort_by_key(|expected| expected.time);
        self.heading("What comes next, if it is still so");
        for expected in next.iter().take(3) {
            let (cpu, number) = (expected.cpu, expected.number);
            _ = writeln!(
                self.out,
                "  at {}: soft lockup - CPU#{cpu} stuck for {number}s!",
                short(expected.time)
            );
        }
    }

    fn caveats(&mut self) {
        let caveats = &self.incident.caveats;
        let is_open = matches!(self.incident.verdict, Verdict::NotConvicted);
        if caveats.is_empty() && !is_open {
            return;
        }
        self.heading(if is_open { "Why no CPU is named" } else { "What is not known" });
        for caveat in caveats.iter().take(MOST) {
            paragraph(self.out, "  - ", &caveat.to_string());
        }
        if is_open && caveats.is_empty() {
            let text = "every CPU that the log speaks of either waits or takes interrupts; nothing in it says \
                        which one they wait for";
            paragraph(self.out, "  - ", text);
        }
    }

    fn advice(&mut self) {
        if self.incident.advice.is_empty() {
            return;
        }
        self.heading("What to do");
        for advice in &self.incident.advice {
            paragraph(self.out, "  - ", &advice.to_string());
        }
    }
}

/// A stamp to the millisecond.
fn short(time: softlockup::KernelTime) -> String {
    let text = time.to_string();
    text[..text.len().saturating_sub(3)].to_owned()
}
