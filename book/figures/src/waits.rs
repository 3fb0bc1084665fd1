//! Which CPU waits for which: a graph, with an arrow to the CPU that is waited for.

use std::collections::BTreeMap;

use softlockup::CpuId;

use crate::Lang;
use crate::drawing::{Drawing, Page, Words};
use crate::graph::{Edge, Graph};
use crate::lanes::Lanes;
use crate::legend::{self, Entry, Mark};
use crate::scale::tenth;
use crate::svg::{At, Svg, width};

const BOX: (f64, f64) = (84.0, 36.0);

pub(crate) fn draw(lanes: &Lanes, page: Page, lang: Lang) -> Drawing {
    let graph = Graph::of(lanes);
    let (mut arrows, mut boxes) = (Svg::default(), Svg::default());
    if graph.edges.is_empty() {
        let text = lang
            .pick("No CPU waits for another one at the end.", "结束时没有 CPU 在等待别的 CPU。");
        boxes.text("sl-axis", 14.0, 24.0, At::Start, text);
        return Drawing { parts: boxes, height: 40.0, plot: None };
    }
    let per_line = page.pick(7, 3);
    let pitch = page.pick(104.0, 112.0);
    let mut places: BTreeMap<CpuId, (f64, f64)> = BTreeMap::new();
    let mut y = 44.0;
    for level in graph.levels() {
        for line in level.chunks(per_line) {
            let left = page.width() / 2.0 - pitch * (line.len() as f64 - 1.0) / 2.0;
            for (n, cpu) in line.iter().enumerate() {
                places.insert(*cpu, (left + pitch * n as f64, y));
            }
            y += 82.0;
        }
    }
    let lane = |cpu: CpuId| lanes.all().find(|lane| lane.cpu == cpu);
    let (mut seen_off, mut seen_no_ipi, mut seen_lock) = (false, false, false);
    for edge in &graph.edges {
        let (from, to) = (places[&edge.from], places[&edge.to]);
        seen_no_ipi |= !edge.die_lock && !edge.ipi;
        seen_lock |= edge.die_lock;
        let class = match (edge.die_lock, edge.ipi) {
            (true, _) => "sl-arrow sl-lock",
            (_, true) => "sl-arrow",
            _ => "sl-arrow sl-noipi",
        };
        arrow(&mut arrows, class, from, to);
    }
    for (cpu, (x, y)) in &places {
        let Some(lane) = lane(*cpu) else { continue };
        let off = lane
            .irqs_off
            .iter()
            .any(|span| span.from <= graph.at && span.to.is_none_or(|to| to >= graph.at));
        seen_off |= off;
        let waits = graph.edges.iter().find(|edge| edge.from == *cpu);
        let class = match (off, waits) {
            (true, _) => "sl-off",
            (_, Some(_)) => "sl-wait",
            _ => "sl-idle",
        };
        boxes.rect(class, x - BOX.0 / 2.0, y - BOX.1 / 2.0, BOX.0, BOX.1);
        let text = if off { "sl-onoff" } else { "sl-onwait sl-name" };
        boxes.text(text, *x, y - 2.0, At::Middle, &lane.name());
        let since = waits.map(|edge| {
            lang.pick(
                format!("since {} s", tenth(edge.since)),
                format!("{} 秒起", tenth(edge.since)),
            )
        });
        let small = if off { "sl-onoff sl-small" } else { "sl-onwait sl-small" };
        let waits_not = lang.pick("waits for none", "不等任何 CPU").to_owned();
        boxes.text(small, *x, y + 12.0, At::Middle, &since.unwrap_or(waits_not));
        if let Some((_, printed, ..)) = lane.soft().next() {
            let (fx, fy) = (x + BOX.0 / 2.0 - 8.0, y - BOX.1 / 2.0 - 8.0);
            boxes.rect("sl-flag sl-rim", fx, fy, 22.0, 16.0);
            boxes.text("sl-onflag", fx + 11.0, fy + 12.2, At::Middle, &printed.to_string());
        }
    }
    let when = lang.pick(format!("at {} s", tenth(graph.at)), format!("{} 秒时", tenth(graph.at)));
    boxes.text("sl-axis", page.width() - 8.0, 14.0, At::End, &when);
    let solid = |svg: &mut Svg, x: f64, y: f64| arrow_flat(svg, "sl-arrow", x, y);
    let dashed = |svg: &mut Svg, x: f64, y: f64| arrow_flat(svg, "sl-arrow sl-noipi", x, y);
    let lock = |svg: &mut Svg, x: f64, y: f64| arrow_flat(svg, "sl-arrow sl-lock", x, y);
    let off = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-off", x, y - 6.0, 18.0, 12.0);
    let on = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-wait", x, y - 6.0, 18.0, 12.0);
    let flag = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-flag", x, y - 6.0, 18.0, 12.0);
    let any = |ipi: bool| graph.edges.iter().any(|edge| !edge.die_lock && edge.ipi == ipi);
    let reported =
        places.keys().any(|cpu| lane(*cpu).is_some_and(|lane| lane.soft().next().is_some()));
    let waits_on =
        graph.edges.iter().any(|edge| lane(edge.from).is_some_and(|lane| !lane.is_silent()));
    let all: [(bool, Mark<'_>, &str); 6] = [
        (any(true), &solid, lang.pick("waits for the answer to a call", "等待调用的应答")),
        (seen_no_ipi, &dashed, lang.pick("the same; queued, no IPI", "同上；只入队，不发 IPI")),
        (seen_lock, &lock, lang.pick("waits for die_lock", "等待 die_lock")),
        (seen_off, &off, lang.pick("interrupts off", "中断关闭")),
        (waits_on, &on, lang.pick("waits, interrupts on", "等待，中断开着")),
        (reported, &flag, lang.pick("reports itself", "报告自己")),
    ];
    let entries: Vec<_> = all
        .into_iter()
        .filter(|(seen, ..)| *seen)
        .map(|(_, mark, text)| Entry { mark, text: text.to_owned() })
        .collect();
    let wide: f64 = entries.iter().map(|entry| 44.0 + width(&entry.text, 11.0)).sum();
    let left = page.pick(((page.width() - wide) / 2.0).max(14.0), 8.0);
    let mut parts = arrows;
    parts.add(boxes);
    let end = legend::draw(&mut parts, page, left, y - 8.0, &entries);
    Drawing { parts, height: end + 10.0, plot: None }
}

/// From the edge of one box to the edge of another; a loop from a box to itself.
fn arrow(svg: &mut Svg, class: &str, from: (f64, f64), to: (f64, f64)) {
    let (w, h) = (BOX.0 / 2.0, BOX.1 / 2.0);
    if from == to {
        let (x, y) = (from.0 + w, from.1);
        svg.path(class, &format!("M{x:.1} {:.1}h18a10 10 0 0 1 0 18h-13", y - 9.0));
        return head(svg, x + 1.0, y + 9.0, -1.0, 0.0);
    }
    if (from.1 - to.1).abs() < 1.0 {
        // In a ring, side by side: one arrow above the other.
        let toward = (to.0 - from.0).signum();
        let y = from.1 - 8.0 * toward;
        let (x0, x1) = (from.0 + w * toward, to.0 - (w + 2.0) * toward);
        svg.path(class, &format!("M{x0:.1} {y:.1}H{:.1}", x1 - 6.0 * toward));
        return head(svg, x1, y, toward, 0.0);
    }
    let toward = (to.1 - from.1).signum();
    let (y0, y1) = (from.1 + h * toward, to.1 - (h + 2.0) * toward);
    let share = (from.0 - to.0).clamp(-w + 14.0, w - 14.0);
    let x1 = to.0 + share * 0.8;
    let (dx, dy) = (x1 - from.0, y1 - y0);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    svg.path(class, &format!("M{:.1} {y0:.1}L{:.1} {:.1}", from.0, x1 - 6.0 * ux, y1 - 6.0 * uy));
    head(svg, x1, y1, ux, uy);
}

fn arrow_flat(svg: &mut Svg, class: &str, x: f64, y: f64) {
    svg.path(class, &format!("M{x:.1} {y:.1}h13"));
    head(svg, x + 18.0, y, 1.0, 0.0);
}

/// The head of an arrow whose tip is here, pointing along (ux, uy).
fn head(svg: &mut Svg, x: f64, y: f64, ux: f64, uy: f64) {
    let (bx, by) = (x - 8.0 * ux, y - 8.0 * uy);
    let (px, py) = (-uy * 4.0, ux * 4.0);
    svg.path(
        "sl-tip",
        &format!("M{x:.1} {y:.1}L{:.1} {:.1}L{:.1} {:.1}z", bx + px, by + py, bx - px, by - py),
    );
}

pub(crate) fn words(lanes: &Lanes, lang: Lang) -> Words {
    let graph = Graph::of(lanes);
    let at = tenth(graph.at);
    let title = lang.pick(
        format!("Which CPU waits for which at {at} s"),
        format!("{at} 秒时哪个 CPU 在等哪个"),
    );
    let what = |edge: &Edge| match (edge.die_lock, edge.ipi) {
        (true, _) => "die_lock".to_owned(),
        (_, true) => lang.pick("a call, IPI sent", "调用，发了 IPI").to_owned(),
        _ => lang.pick("a call, queued without IPI", "调用，只入队").to_owned(),
    };
    let sentence = |edge: &Edge| {
        let Edge { from, to, .. } = edge;
        let since = tenth(edge.since);
        lang.pick(
            format!("CPU {from} waits for CPU {to} since {since} s."),
            format!("CPU {from} 从 {since} 秒起等待 CPU {to}。"),
        )
    };
    let columns = lang.pick(["CPU", "waits for", "since", "for"], ["CPU", "等待", "从", "等什么"]);
    let row = |edge: &Edge| {
        vec![
            format!("CPU {}", edge.from),
            format!("CPU {}", edge.to),
            edge.since.to_string(),
            what(edge),
        ]
    };
    let none = lang.pick("No CPU waits for another one.", "没有 CPU 在等待别的 CPU。").to_owned();
    let sentences: Vec<_> = graph.edges.iter().map(sentence).collect();
    Words {
        title,
        description: if sentences.is_empty() { none } else { sentences.join(lang.pick(" ", "")) },
        columns: columns.map(str::to_owned).to_vec(),
        rows: graph.edges.iter().map(row).collect(),
    }
}
