//! Measured distributions on a logarithmic axis. The file says what was measured, on which machine, by which command:
//!
//! ```toml
//! title = "A call and its answer"      # title_zh
//! unit = "ns"
//! machine = "2 cores of …"             # machine_zh
//! command = "cargo bench --bench ipi_round_trip"
//!
//! [[series]]
//! name = "mailbox"                     # name_zh
//! p50 = 120
//! p90 = 180
//! p99 = 900
//! p999 = 5200                          # may be missing
//! ```

use serde::Deserialize;

use crate::Lang;
use crate::drawing::{Drawing, Page, Words};
use crate::error::FigureError;
use crate::legend::{self, Entry};
use crate::scale::decimal;
use crate::svg::{At, Svg, width};

/// A file of measured distributions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    title: String,
    title_zh: Option<String>,
    unit: String,
    machine: String,
    machine_zh: Option<String>,
    command: String,
    series: Vec<Series>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    name: String,
    name_zh: Option<String>,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: Option<f64>,
}

const NAMES: [&str; 4] = ["p50", "p90", "p99", "p99.9"];

impl Series {
    fn name(&self, lang: Lang) -> &str {
        lang.pick(Some(&self.name), self.name_zh.as_ref()).unwrap_or(&self.name)
    }

    /// Each quantile that was measured, with its place in [`NAMES`].
    fn values(&self) -> impl Iterator<Item = (usize, f64)> {
        let values = [Some(self.p50), Some(self.p90), Some(self.p99), self.p999];
        values.into_iter().enumerate().filter_map(|(n, value)| Some((n, value?)))
    }
}

impl Measured {
    /// Reads the file.
    ///
    /// # Errors
    /// If a number cannot stand on a logarithmic axis, or something is missing or not known.
    pub(crate) fn read(toml: &str) -> Result<Self, FigureError> {
        let measured: Measured =
            toml::from_str(toml).map_err(|error| FigureError::Data(error.message().to_owned()))?;
        if measured.series.is_empty() {
            return Err(FigureError::Data("no [[series]]: give at least one".to_owned()));
        }
        for series in &measured.series {
            let values: Vec<f64> = series.values().map(|(_, value)| value).collect();
            let name = &series.name;
            if values.iter().any(|value| !(value.is_finite() && *value > 0.0)) {
                return Err(FigureError::Data(format!(
                    "series `{name}`: a quantile must be more than 0"
                )));
            }
            if !values.is_sorted() {
                return Err(FigureError::Data(format!(
                    "series `{name}`: quantiles must not fall from p50 to p999"
                )));
            }
        }
        Ok(measured)
    }

    fn title(&self, lang: Lang) -> &str {
        lang.pick(Some(&self.title), self.title_zh.as_ref()).unwrap_or(&self.title)
    }

    fn note(&self, lang: Lang) -> [String; 2] {
        let machine =
            lang.pick(Some(&self.machine), self.machine_zh.as_ref()).unwrap_or(&self.machine);
        let (of, by) = (lang.pick("measured on", "测量机器"), lang.pick("by", "命令"));
        let colon = lang.colon();
        [format!("{of}{colon}{machine}"), format!("{by}{colon}{}", self.command)]
    }
}

/// A number for a label: nanoseconds become micro- and milliseconds.
fn label(value: f64, unit: &str) -> String {
    let round = |value: f64| {
        let digits = 2 - value.abs().log10().floor().clamp(-3.0, 2.0) as i32;
        let scale = 10f64.powi(digits);
        decimal((value * scale).round() / scale)
    };
    match unit {
        "ns" if value >= 999_500_000.0 => format!("{} s", round(value / 1e9)),
        "ns" if value >= 999_500.0 => format!("{} ms", round(value / 1e6)),
        "ns" if value >= 999.5 => format!("{} µs", round(value / 1e3)),
        _ => format!("{} {unit}", round(value)),
    }
}

/// One shape for each quantile.
fn mark(svg: &mut Svg, quantile: usize, x: f64, y: f64) {
    match quantile {
        0 => svg.dot("sl-caller", x, y, 4.5),
        1 => svg.path("sl-flag sl-rim", &format!("M{x:.1} {:.1}l5.5 9h-11z", y - 5.5)),
        2 => svg.path("sl-flag sl-rim", &format!("M{:.1} {:.1}h9v9h-9z", x - 4.5, y - 4.5)),
        _ => svg.path("sl-answer", &format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 5.0)),
    }
}

pub(crate) fn draw(measured: &Measured, page: Page, lang: Lang) -> Drawing {
    let names = measured.series.iter().map(|series| 1.1 * width(series.name(lang), 12.0));
    let left = page.pick(names.fold(60.0, f64::max) + 22.0, 12.0);
    let right = page.width() - page.pick(150.0, 14.0);
    let values =
        || measured.series.iter().flat_map(|series| series.values().map(|(_, value)| value));
    let first = values().fold(f64::INFINITY, f64::min).log10().floor();
    let last = values().fold(0.0, f64::max).log10().ceil().max(first + 1.0);
    let x = |value: f64| left + (value.log10() - first) / (last - first) * (right - left);
    let pitch = page.pick(30.0, 46.0);
    let top = page.pick(34.0, 46.0);
    let bottom = top + pitch * (measured.series.len() as f64 - 1.0) + 16.0;
    let mut svg = Svg::default();
    for decade in first as i32..=last as i32 {
        let at = x(10f64.powi(decade));
        svg.line("sl-grid", at, top - 14.0, at, bottom);
        let anchor = match page {
            Page::Narrow if decade == first as i32 => At::Start,
            Page::Narrow if decade == last as i32 => At::End,
            _ => At::Middle,
        };
        svg.text("sl-axis", at, bottom + 14.0, anchor, &label(10f64.powi(decade), &measured.unit));
        if decade < last as i32 {
            (2..10).for_each(|n| {
                let at = x(f64::from(n) * 10f64.powi(decade));
                svg.line("sl-grid", at, bottom - 4.0, at, bottom);
            });
        }
    }
    if !page.is_narrow() {
        svg.text(
            "sl-axis",
            right + 12.0,
            top - 18.0,
            At::Start,
            lang.pick("p50 – last", "p50 – 最后一个"),
        );
    }
    let mut seen = 0;
    for (n, series) in measured.series.iter().enumerate() {
        let y = top + pitch * n as f64;
        let all: Vec<(usize, f64)> = series.values().collect();
        let (low, high) = (series.p50, all.last().map_or(series.p50, |last| last.1));
        let range = format!("{} – {}", label(low, &measured.unit), label(high, &measured.unit));
        match page {
            Page::Wide => {
                svg.text("sl-name", left - 12.0, y + 4.0, At::End, series.name(lang));
                svg.text("sl-axis", right + 12.0, y + 4.0, At::Start, &range);
            }
            Page::Narrow => {
                svg.text("sl-name", left, y - 13.0, At::Start, series.name(lang));
                svg.text("sl-axis", right, y - 13.0, At::End, &range);
            }
        }
        svg.line("sl-spread", x(low), y, x(high), y);
        // The median last: where marks meet, it is on top.
        for (quantile, value) in all.iter().rev() {
            mark(&mut svg, *quantile, x(*value), y);
            seen = seen.max(*quantile);
        }
    }
    let marks: Vec<_> =
        (0..=seen).map(|n| move |svg: &mut Svg, x: f64, y: f64| mark(svg, n, x + 9.0, y)).collect();
    let entries: Vec<_> =
        marks.iter().zip(NAMES).map(|(mark, name)| Entry { mark, text: name.to_owned() }).collect();
    let end = legend::draw(&mut svg, page, page.pick(left, 8.0), bottom + 37.0, &entries);
    let mut y = end + 8.0;
    for line in measured.note(lang).iter().flat_map(|line| wrap(line, page.width() - 24.0)) {
        y += 15.0;
        svg.text("sl-axis", page.pick(left.min(160.0), 8.0), y, At::Start, &line);
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
        [name].into_iter().chain((0..NAMES.len()).map(|n| value(series, n))).collect()
    };
    let first = lang.pick("what", "对象").to_owned();
    Words {
        title: measured.title(lang).to_owned(),
        description: measured.note(lang).join(lang.pick("; ", "；")),
        columns: [first].into_iter().chain(NAMES.map(str::to_owned)).collect(),
        rows: measured.series.iter().map(row).collect(),
    }
}
