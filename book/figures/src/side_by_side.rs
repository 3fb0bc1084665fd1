//! Our console beside a recorded one: the headlines of both, those of the same kind in the same row.

use std::mem::{Discriminant, discriminant};

use softlockup::KernelTime;
use softlockup::dmesg::{self, CsdKind, Entry, Message};

use crate::Lang;
use crate::error::FigureError;
use crate::scale::decimal;
use crate::svg::escape;

/// Rows at most.
const ROWS: usize = 70;

/// What a kernel said in one line, without its offsets.
pub(crate) struct Headline {
    kind: Discriminant<Message>,
    time: Option<KernelTime>,
    pub(crate) text: String,
}

impl Headline {
    /// Its text without the name of the task: a recorded kernel ran others.
    fn said(&self) -> &str {
        self.text
            .split_once(" [")
            .filter(|_| self.text.starts_with("BUG: "))
            .map_or(&self.text, |it| it.0)
    }
}

/// A row: ours, the recorded one's, or both.
pub(crate) type Row<'a> = (Option<&'a Headline>, Option<&'a Headline>);

/// The headlines of a console, in order.
pub(crate) fn headlines(console: &str) -> Vec<Headline> {
    dmesg::parse(console.as_bytes()).into_iter().filter_map(headline).collect()
}

fn headline(entry: Entry) -> Option<Headline> {
    let text = match &entry.message {
        Message::Fault { addr, .. } => format!("Unable to handle a pointer: {addr:#x}"),
        Message::Oops { code: Some(code), count } => format!("Oops: {code:08x} [#{count}]"),
        Message::Oops { code: None, count } => format!("Oops [#{count}]"),
        Message::SoftLockup { cpu, secs, comm, .. } => {
            let comm = comm.as_deref().map_or(String::new(), |comm| format!(" [{comm}]"));
            format!("BUG: soft lockup - CPU#{cpu} stuck for {secs}s!{comm}")
        }
        Message::HardLockup { cpu, .. } => format!("Watchdog detected hard LOCKUP on cpu {cpu}"),
        Message::BacktraceRequest { from, to } => {
            format!("Sending NMI from CPU {from} to CPUs {to}")
        }
        Message::Backtrace { cpu, .. } => format!("NMI backtrace for cpu {cpu}"),
        Message::CsdStall { kind, on, target, waiting_ns, .. } => {
            let kind = if *kind == CsdKind::Detected { "Detected" } else { "Continued" };
            let waited = decimal((*waiting_ns as f64 / 1e8).round() / 10.0);
            format!(
                "csd: {kind} non-responsive CSD lock on CPU#{on}, waiting {waited} s for CPU#{target}"
            )
        }
        Message::CsdUnresponsive { .. } => "csd: CSD lock unresponsive".to_owned(),
        Message::CsdHandling { .. } => "csd: CSD lock handling a request".to_owned(),
        Message::CsdResend { from, to, .. } => {
            format!("csd: Re-sending IPI from CPU#{from} to CPU#{to}")
        }
        Message::CsdUnstuck { on, target, .. } => {
            format!("csd: unstuck on CPU#{on}, CPU#{target} released the lock")
        }
        Message::Pc { symbol } => format!("pc : {symbol}"),
        Message::Panic { reason } => format!("Kernel panic - not syncing: {reason}"),
        Message::StoppingCpus => "SMP: stopping secondary CPUs".to_owned(),
        Message::FailedToStop { cpus } => format!("SMP: failed to stop secondary CPUs {cpus}"),
        Message::RcuStall { .. } => "rcu: INFO: stall detected".to_owned(),
        Message::NoteExited { comm, irqs_off, .. } => {
            let how = if *irqs_off { "with irqs disabled" } else { "with a preempt_count" };
            format!("note: {comm} exited {how}")
        }
        _ => return None,
    };
    Some(Headline { kind: discriminant(&entry.message), time: entry.time, text })
}

/// The rows in which most headlines stand beside one of their own kind, in the order of both consoles.
pub(crate) fn align<'a>(ours: &'a [Headline], real: &'a [Headline]) -> Vec<Row<'a>> {
    let (n, m) = (ours.len(), real.len());
    // How many can be matched from here on.
    let mut best = vec![vec![0u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            let skip = best[i + 1][j].max(best[i][j + 1]);
            let matched = ours[i].kind == real[j].kind;
            best[i][j] = if matched { skip.max(best[i + 1][j + 1] + 1) } else { skip };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut rows = Vec::new();
    while i < n || j < m {
        let matched =
            i < n && j < m && ours[i].kind == real[j].kind && best[i][j] == best[i + 1][j + 1] + 1;
        if matched {
            rows.push((Some(&ours[i]), Some(&real[j])));
            (i, j) = (i + 1, j + 1);
        } else if i == n || (j < m && best[i][j + 1] >= best[i + 1][j]) {
            // A line that only a real kernel has, such as an RCU stall, must not push ours down to its last repeats.
            rows.push((None, Some(&real[j])));
            j += 1;
        } else {
            rows.push((Some(&ours[i]), None));
            i += 1;
        }
    }
    rows
}

/// The table.
///
/// # Errors
/// If a console has no headline.
pub(crate) fn table(ours: &str, real: &str, id: &str, lang: Lang) -> Result<String, FigureError> {
    let (ours, real) = (headlines(ours), headlines(real));
    for (whose, headlines) in [("machine's", &ours), ("recorded", &real)] {
        if headlines.is_empty() {
            return Err(FigureError::NoHeadline(whose));
        }
    }
    let rows = align(&ours, &real);
    let begin = |headlines: &[Headline]| headlines.iter().find_map(|headline| headline.time);
    let begins = [begin(&ours), begin(&real)];
    let names = lang.pick(["this machine", "a real kernel"], ["本机器", "真实内核"]);
    let caption = lang.pick(
        "Headlines in their order; the same kind in the same row. Solid: the same words and numbers, but for the task’s name; \
         dashed: the same kind; dotted: on one side only. Behind each stamp, the seconds since the console’s first headline.",
        "各行按出现顺序排列，同类在同一行。实线：除任务名外，文字与数字相同；虚线：同类；点线：只有一边有。时间戳后面是距各自第一条的秒数。",
    );
    let mut html = format!(
        "<div class=\"sl-sides\" id=\"{id}\">\n<p class=\"sl-sides-note\">{caption}</p>\n<table>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>\n",
        names[0], names[1]
    );
    for (ours, real) in rows.iter().take(ROWS) {
        let same = ours.zip(*real).is_some_and(|(ours, real)| ours.said() == real.said());
        let class = match (ours, real) {
            _ if same => "sl-same",
            (Some(_), Some(_)) => "sl-kind",
            _ => "sl-alone-row",
        };
        let cells = [(*ours, 0), (*real, 1)]
            .map(|(headline, side)| cell(headline, begins[side], names[side], lang));
        html += &format!("<tr class=\"{class}\">{}{}</tr>\n", cells[0], cells[1]);
    }
    html += "</tbody>\n</table>\n";
    if let Some(more) = rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
        let text = lang.pick(format!("… {more} more rows"), format!("……另有 {more} 行"));
        html += &format!("<p class=\"sl-sides-note\">{text}</p>\n");
    }
    Ok(html + "</div>\n")
}

fn cell(headline: Option<&Headline>, begin: Option<KernelTime>, name: &str, lang: Lang) -> String {
    let Some(headline) = headline else {
        let none = lang.pick("no such line", "没有这一行");
        return format!("<td data-side=\"{name}\" class=\"sl-missing\">{none}</td>");
    };
    let since = |time: KernelTime| {
        let since = begin.map_or(0, |begin| time.ns_since(begin)) as f64 / 1e9;
        format!("<span class=\"sl-stamp\">[{time}] +{since:.1}</span> ")
    };
    let stamp = headline.time.map(since).unwrap_or_default();
    format!("<td data-side=\"{name}\">{stamp}<code>{}</code></td>", escape(&headline.text))
}
