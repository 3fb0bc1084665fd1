//! Measured distributions on a logarithmic axis.

use crate::Lang;
use crate::drawing::{Drawing, Page, Words};
use crate::legend::{self, Entry};
use crate::measured::{Measured, NAMES, Series, is_time, label, ticks};
use crate::svg::{At, Svg, bold_width, width};

/// One shape for each quantile.
fn mark(svg: &mut Svg, quantile: usize, x: f64, y: f64) {
    match quantile {
        0 => svg.line("sl-spread", x, y - 6.0, x, y + 6.0),
        1 => svg.dot("sl-caller", x, y, 4.5),
        2 => svg.path("sl-flag sl-rim", &format!("M{x:.1} {:.1}l5.5 9h-11z", y - 5.5)),
        3 => svg.path("sl-flag sl-rim", &format!("M{:.1} {:.1}h9v9h-9z", x - 4.5, y - 4.5)),
        _ => svg.path("sl-answer", &format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 5.0)),
    }
}

pub(crate) fn draw(measured: &Measured, page: Page, lang: Lang) -> Drawing {
    let unit = &measured.unit;
    let names = measured.series.iter().map(|series| bold_width(series.name(lang), 12.0));
    let left = page.pick(names.fold(60.0, f64::max) + 22.0, 14.0);
    let right = page.width() - page.pick(150.0, 18.0);
    let values =
        || measured.series.iter().flat_map(|series| series.values().map(|(_, value)| value));
    let ticks = ticks(values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let (first, last) = (ticks[0].log10(), ticks[ticks.len() - 1].log10());
    let x = |value: f64| left + (value.log10() - first) / (last - first) * (right - left);
    let pitch = page.pick(30.0, 46.0);
    let top = page.pick(34.0, 46.0);
    let bottom = top + pitch * (measured.series.len() as f64 - 1.0) + 16.0;
    let mut svg = Svg::default();
    let mut free = f64::MIN;
    // Powers of ten first get their words; 2 and 5 where there is room.
    let is_decade = |tick: f64| (tick.log10() - tick.log10().round()).abs() < 1e-6;
    let decades = ticks.iter().filter(|tick| is_decade(**tick)).count();
    for tick in &ticks {
        let (at, text) = (x(*tick), label(*tick, unit));
        let decade = is_decade(*tick);
        svg.line("sl-grid", at, if decade { top - 14.0 } else { bottom - 5.0 }, at, bottom);
        let half = width(&text, 11.0) / 2.0 + 4.0;
        if (decade || decades < 3) && at - half > free && at + half < page.width() {
            svg.text("sl-axis", at, bottom + 14.0, At::Middle, &text);
            free = at + half;
        }
    }
    let mut below = bottom + 14.0;
    if !is_time(unit) {
        below += page.pick(0.0, 16.0);
        let (x, at) = page.pick((right + 14.0, At::Start), (right, At::End));
        svg.text("sl-axis", x, below, at, unit);
    }
    let quantiles = measured.quantiles();
    if !page.is_narrow() {
        let ends = [quantiles.first(), quantiles.last()].map(|n| n.map_or("", |n| NAMES[*n]));
        let ends = format!("{} – {}", ends[0], ends[1]);
        svg.text("sl-axis", right + 14.0, top - 18.0, At::Start, &ends);
    }
    for (n, series) in measured.series.iter().enumerate() {
        let y = top + pitch * n as f64;
        let all: Vec<(usize, f64)> = series.values().collect();
        let low = all.first().map_or(series.p50, |first| first.1);
        let high = all.last().map_or(series.p50, |last| last.1);
        let range = format!("{} – {}", label(low, unit), label(high, unit));
        match page {
            Page::Wide => {
                svg.text("sl-name", left - 12.0, y + 4.0, At::End, series.name(lang));
                svg.text("sl-axis", right + 14.0, y + 4.0, At::Start, &range);
            }
            Page::Narrow => {
                svg.text("sl-name", left, y - 13.0, At::Start, series.name(lang));
                svg.text("sl-axis", right, y - 13.0, At::End, &range);
            }
        }
        svg.line("sl-spread", x(low), y, x(high), y);
        // The first last: where marks meet, the lower quantile is on top.
        all.iter().rev().for_each(|(quantile, value)| mark(&mut svg, *quantile, x(*value), y));
    }
    let marks: Vec<_> = quantiles
        .iter()
        .map(|n| (NAMES[*n], move |svg: &mut Svg, x: f64, y: f64| mark(svg, *n, x + 9.0, y)))
        .collect();
    let entries: Vec<_> =
        marks.iter().map(|(name, mark)| Entry { mark, text: (*name).to_owned() }).collect();
    let left = page.pick(left, 8.0);
    let mut y = legend::draw(&mut svg, page, left, below + 23.0, &entries) + 8.0;
    let left = page.pick(left.min(160.0), 8.0);
    for line in measured.note(lang).iter().flat_map(|line| wrap(line, page.width() - left - 12.0)) {
        y += 15.0;
        svg.text("sl-axis", left, y, At::Start, &line);
    }
    Drawing { parts: svg, height: y + 10.0, plot: None }
}

/// Lines that fit.
fn wrap(text: &str, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive([' ', '，', '；', '：', '、']) {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && width(&lines[last], 11.0) + width(word, 11.0) > room {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        lines[last] += word;
    }
    lines
}

pub(crate) fn words(measured: &Measured, lang: Lang) -> Words {
    let unit = &measured.unit;
    let value = |series: &Series, quantile| {
        series
            .values()
            .find(|(n, _)| *n == quantile)
            .map_or_else(|| "–".to_owned(), |(_, value)| label(value, unit))
    };
    let row = |series: &Series| {
        let name = series.name(lang).to_owned();
        let values = measured.quantiles().into_iter().map(|n| value(series, n));
        [name].into_iter().chain(values).collect()
    };
    let first = lang.pick("what", "对象");
    let first = if is_time(unit) { first.to_owned() } else { format!("{first} ({unit})") };
    let names = measured.quantiles().into_iter().map(|n| NAMES[n].to_owned());
    Words {
        title: measured.title(lang).to_owned(),
        description: measured.note(lang).join(lang.pick("; ", "；")),
        columns: [first].into_iter().chain(names).collect(),
        rows: measured.series.iter().map(row).collect(),
    }
}
