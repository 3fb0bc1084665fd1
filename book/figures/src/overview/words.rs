//! The overview in words: for its title, its description and its table.

use crate::Lang;
use crate::drawing::Words;
use crate::lanes::Lanes;
use crate::lanes::lane::{Lane, Span, What};
use crate::scale::{decimal, tenth};

pub(crate) fn words(lanes: &Lanes, lang: Lang) -> Words {
    let reporters = lanes.shown.iter().filter(|lane| lane.soft().next().is_some()).count();
    let silent: Vec<String> = lanes
        .shown
        .iter()
        .filter(|lane| lane.is_silent())
        .map(|lane| lane.cpu.to_string())
        .collect();
    let silent = silent.join(lang.comma());
    let title = match (reporters, silent.is_empty(), lang) {
        (0, true, Lang::En) => "No CPU reports itself".to_owned(),
        (0, true, Lang::Zh) => "没有 CPU 报告自己".to_owned(),
        (n, true, Lang::En) => format!("CPUs that report themselves: {n}"),
        (n, true, Lang::Zh) => format!("{n} 个 CPU 报告自己"),
        (n, false, Lang::En) => format!("CPUs that report themselves: {n}; silent: CPU {silent}"),
        (n, false, Lang::Zh) => format!("{n} 个 CPU 报告自己；沉默的是 CPU {silent}"),
    };
    let mut sentences: Vec<String> =
        lanes.shown.iter().flat_map(|lane| sentences(lane, lanes, lang)).collect();
    if let Some((cpu, time, reason)) = &lanes.panic {
        let time = tenth(*time);
        sentences.push(lang.pick(
            format!("CPU {cpu} panics at {time} s: {reason}."),
            format!("CPU {cpu} 在 {time} 秒 panic：{reason}。"),
        ));
    }
    let others = lanes.others.len();
    if others > 0 {
        sentences.push(lang.pick(
            format!("Nothing of the kind happens to the other CPUs: {others}."),
            format!("其余 {others} 个 CPU 没有发生这类事。"),
        ));
    }
    let columns = lang.pick(
        ["CPU", "interrupts off", "waits for", "reports", "in the function"],
        ["CPU", "中断关闭", "等待", "报告", "所在函数"],
    );
    Words {
        title,
        description: sentences.join(lang.pick(" ", "")),
        columns: columns.map(str::to_owned).to_vec(),
        rows: lanes.shown.iter().map(|lane| row(lane, lanes, lang)).collect(),
    }
}

/// Spans that can be seen in the drawing.
fn long_spans(lane: &Lane, lanes: &Lanes) -> Vec<Span> {
    let least = lanes.ended.ns_since(lanes.begin) / 100;
    lane.irqs_off.iter().copied().filter(|span| span.ns(lanes.ended) > least).collect()
}

fn sentences(lane: &Lane, lanes: &Lanes, lang: Lang) -> Vec<String> {
    let mut all = Vec::new();
    let cpu = lane.cpu;
    for span in long_spans(lane, lanes) {
        let from = tenth(span.from);
        all.push(match (span.to.map(tenth), lang) {
            (None, Lang::En) => {
                format!("CPU {cpu} has its interrupts off from {from} s to the end.")
            }
            (Some(to), Lang::En) => {
                format!("CPU {cpu} has its interrupts off from {from} s to {to} s.")
            }
            (None, Lang::Zh) => format!("CPU {cpu} 从 {from} 秒起一直关着中断。"),
            (Some(to), Lang::Zh) => format!("CPU {cpu} 从 {from} 秒到 {to} 秒关着中断。"),
        });
    }
    let least = lanes.ended.ns_since(lanes.begin) / 100;
    for wait in lane.waits.iter().filter(|wait| wait.span.ns(lanes.ended) > least) {
        let (on, from) = (wait.on, tenth(wait.span.from));
        all.push(match (wait.span.to.map(tenth), lang) {
            (None, Lang::En) => format!("CPU {cpu} waits for CPU {on} from {from} s to the end."),
            (Some(to), Lang::En) => {
                format!("CPU {cpu} waits for CPU {on} from {from} s to {to} s.")
            }
            (None, Lang::Zh) => format!("CPU {cpu} 从 {from} 秒起一直等待 CPU {on}。"),
            (Some(to), Lang::Zh) => format!("CPU {cpu} 从 {from} 秒到 {to} 秒等待 CPU {on}。"),
        });
    }
    if let Some((time, printed, ..)) = lane.soft().next() {
        let time = tenth(time);
        all.push(lang.pick(
            format!("CPU {cpu} reports itself at {time} s: “stuck for {printed}s”."),
            format!("CPU {cpu} 在 {time} 秒报告自己：“stuck for {printed}s”。"),
        ));
    }
    all
}

fn row(lane: &Lane, lanes: &Lanes, lang: Lang) -> Vec<String> {
    let join = |parts: Vec<String>| {
        if parts.is_empty() { "–".to_owned() } else { parts.join(lang.comma()) }
    };
    let end = |to: Option<softlockup::KernelTime>| {
        to.map_or(lang.pick("the end", "结束").to_owned(), |to| to.to_string())
    };
    let off = long_spans(lane, lanes)
        .iter()
        .map(|span| format!("{} – {}", span.from, end(span.to)))
        .collect();
    let least = lanes.ended.ns_since(lanes.begin) / 100;
    let waits = lane.waits.iter().filter(|wait| wait.span.ns(lanes.ended) > least);
    let waits = waits.map(|wait| {
        let ipi =
            if wait.ipi { lang.pick("IPI", "发 IPI") } else { lang.pick("no IPI", "不发 IPI") };
        format!("CPU {} ({ipi}): {} – {}", wait.on, wait.span.from, end(wait.span.to))
    });
    let said = lane.said.iter().map(|said| match &said.what {
        What::Soft { printed, .. } => format!("{}: {printed}s", said.time),
        What::Hard { named } => format!("{}: hard LOCKUP on cpu {named}", said.time),
        What::Csd { on, waited_ns } => {
            format!("{}: csd CPU {on}, {} s", said.time, decimal(*waited_ns as f64 / 1e9))
        }
    });
    let func = lane.soft().next().and_then(|(_, _, func, _)| func).unwrap_or("–").to_owned();
    vec![lane.name(), join(off), join(waits.collect()), join(said.collect()), func]
}
