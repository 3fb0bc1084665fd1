//! Question 1: why every report has the same number. The rows are aligned at their last feed, and each sample carries
//! the watchdog's count.

use softlockup::time::{
    NSEC_PER_TIMESTAMP_UNIT, get_timestamp, sample_period_ns, softlockup_thresh,
};
use softlockup::{Incident, KernelTime};

use crate::Lang;
use crate::counts::{Row, rows};
use crate::drawing::{Drawing, Page, Words};
use crate::lanes::Lanes;
use crate::legend::{self, Entry};
use crate::scale::{Scale, decimal};
use crate::svg::{At, Svg};

/// The moment at which the watchdog's count becomes `count`.
fn reaches(fed: KernelTime, count: u64) -> KernelTime {
    KernelTime::from_ns((get_timestamp(fed) + count) * NSEC_PER_TIMESTAMP_UNIT)
}

pub(crate) fn draw(incident: &Incident, lanes: &Lanes, page: Page, lang: Lang) -> Drawing {
    let rows = rows(lanes);
    let (left, right) = (page.pick(66.0, 14.0), page.width() - page.pick(142.0, 18.0));
    let longest = rows
        .iter()
        .filter_map(|row| Some(row.samples.last()?.0.ns_since(row.fed)))
        .max()
        .unwrap_or(0);
    let end = KernelTime::from_ns(longest + longest / 24);
    let scale = Scale { left, right, t0: 0.0, t1: (end.ns() as f64 / 1e9).max(1.0), step: 0.0 };
    let x = |ns: u64| scale.at(ns as f64 / 1e9);
    let (top, pitch, bar) = (44.0, page.pick(34.0, 52.0), 20.0);
    let first = top + page.pick(12.0, 28.0);
    let bottom = first + pitch * (rows.len().max(1) as f64 - 1.0) + 18.0;
    let mut svg = Svg::default();
    if rows.is_empty() {
        let text = lang.pick(
            "The timer of no CPU samples it between two feeds.",
            "没有哪个 CPU 的定时器在两次喂狗之间采样。",
        );
        svg.text("sl-axis", left, first + 4.0, At::Start, text);
        return Drawing { parts: svg, height: bottom, plot: None };
    }
    // Samples come at the same distances from the feed in every row, as the first row says.
    let most = rows.iter().max_by_key(|row| row.samples.len()).map_or(&[][..], |row| &row.samples);
    let fed_of_most =
        rows.iter().max_by_key(|row| row.samples.len()).map_or(KernelTime::BOOT, |row| row.fed);
    let reported = rows.iter().any(|row| row.printed.is_some());
    let every =
        (page.pick(36.0, 22.0) * most.len() as f64 / (right - left)).ceil().max(1.0) as usize;
    svg.line("sl-grid", x(0), top - 10.0, x(0), bottom);
    svg.text("sl-axis", x(0), top - 16.0, At::Middle, lang.pick("fed", "喂狗"));
    svg.text("sl-axis", x(0), bottom + 14.0, At::Middle, "0");
    for (n, (time, _)) in most.iter().enumerate() {
        let since = time.ns_since(fed_of_most);
        svg.line("sl-grid", x(since), top - 10.0, x(since), bottom);
        let last = n + 1 == most.len();
        if last || ((n + 1) % every == 0 && most.len() - n > every) {
            let class = if last && reported { "sl-axis sl-strong" } else { "sl-axis" };
            svg.text(class, x(since), top - 16.0, At::Middle, &(n + 1).to_string());
            svg.text(
                "sl-axis",
                x(since),
                bottom + 14.0,
                At::Middle,
                &decimal((since as f64 / 1e8).round() / 10.0),
            );
        }
    }
    let seconds = lang.pick("s since the feed", "自喂狗起的秒数");
    match page {
        Page::Wide => {
            svg.text("sl-axis", x(0) - 18.0, top - 16.0, At::End, lang.pick("sample", "采样"));
            svg.text(
                "sl-axis",
                right + 8.0,
                top - 16.0,
                At::Start,
                lang.pick("now − fed = count", "现在 − 喂狗 = 计数"),
            );
            svg.text("sl-axis", right + 8.0, bottom + 14.0, At::Start, seconds);
        }
        Page::Narrow => svg.text("sl-axis", right, bottom + 30.0, At::End, seconds),
    }
    let period = sample_period_ns(incident.config.watchdog_thresh_secs.max(1));
    let over = softlockup_thresh(incident.config.watchdog_thresh_secs) + 1;
    let mut seen_over = false;
    let mut seen_began = false;
    for (n, row) in rows.iter().enumerate() {
        let y = first + pitch * n as f64;
        let since = |time: KernelTime| x(time.ns_since(row.fed));
        let (last, count) = row.samples.last().copied().unwrap_or((row.fed, 0));
        let sum = format!("{} − {} = {count}", get_timestamp(last), get_timestamp(row.fed));
        let name = format!("CPU {}", row.cpu);
        match page {
            Page::Wide => {
                svg.text("sl-name", left - 10.0, y + 4.0, At::End, &name);
                svg.text("sl-say", right + 8.0, y + 4.0, At::Start, &sum);
            }
            Page::Narrow => {
                svg.text("sl-name", left, y - 16.0, At::Start, &name);
                svg.text("sl-say", right, y - 16.0, At::End, &sum);
            }
        }
        // The onset is input. Wherever it is before the first sample, the samples and the counts are the same.
        let window = row.samples[0].0.min(row.fed + period);
        let bar_ends = if row.printed.is_some() { right } else { since(row.end).min(right) };
        svg.line("sl-run", x(0), y, bar_ends, y);
        if row.began.is_some() {
            svg.rect("sl-wait", since(window), y - bar / 2.0, bar_ends - since(window), bar);
        }
        if row.began.is_some_and(|began| began < window) {
            svg.rect("sl-maybe", x(0), y - bar / 2.0, since(window) - x(0), bar);
        }
        for beat in 1.. {
            let time = reaches(row.fed, beat);
            if time > last + NSEC_PER_TIMESTAMP_UNIT / 2 {
                break;
            }
            let (class, high) =
                if beat == over { ("sl-beat sl-over", bar) } else { ("sl-beat", 5.0) };
            seen_over |= beat == over;
            svg.line(class, since(time), y + bar / 2.0 - high, since(time), y + bar / 2.0);
        }
        if let Some(began) = row.began.filter(|began| *began < window) {
            began_mark(&mut svg, since(began), y - bar / 2.0);
            seen_began = true;
        }
        svg.dot("sl-feed", x(0), y, 3.5);
        let every = if row.samples.len() == most.len() { every } else { 1 };
        for (n, (time, count)) in row.samples.iter().enumerate() {
            let late = row.printed.is_some() && n + 1 == row.samples.len();
            if !late && (n + 1) % every != 0 {
                continue;
            }
            let (wide, high) = (page.pick(22.0, 17.0), 16.0);
            let (rect, text) =
                if late { ("sl-flag", "sl-onflag") } else { ("sl-count", "sl-oncount") };
            svg.rect(rect, since(*time) - wide / 2.0, y - high / 2.0, wide, high);
            svg.text(text, since(*time), y + 4.2, At::Middle, &count.to_string());
        }
    }
    let unit = decimal((NSEC_PER_TIMESTAMP_UNIT as f64 / 1e6).round() / 1e3);
    let beats = |svg: &mut Svg, x: f64, y: f64| {
        (0..3).for_each(|n| {
            let x = x + 2.0 + 7.0 * f64::from(n);
            svg.line("sl-beat", x, y - 3.0, x, y + 4.0)
        })
    };
    let late = |svg: &mut Svg, x: f64, y: f64| {
        svg.line("sl-beat sl-over", x + 9.0, y - 7.0, x + 9.0, y + 5.0)
    };
    let count = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-count", x, y - 6.0, 18.0, 12.0);
    let onset = |svg: &mut Svg, x: f64, y: f64| {
        svg.rect("sl-maybe", x, y - 6.0, 18.0, 12.0);
        began_mark(svg, x + 9.0, y - 6.0);
    };
    let mut entries = vec![
        Entry {
            mark: &count,
            text: lang.pick("a sample, and its count", "一次采样及其计数").to_owned(),
        },
        Entry {
            mark: &beats,
            text: lang.pick(
                format!("the clock’s units, {unit} s each"),
                format!("时钟的单位，每个 {unit} 秒"),
            ),
        },
    ];
    if seen_over {
        entries.push(Entry {
            mark: &late,
            text: lang.pick(
                format!("unit {over}: late from here on"),
                format!("第 {over} 个单位：从此算超时"),
            ),
        });
    }
    if seen_began {
        entries.push(Entry {
            mark: &onset,
            text: lang
                .pick("the wait begins: input, somewhere in here", "等待开始：输入，落在此区间内")
                .to_owned(),
        });
    }
    let end = legend::draw(&mut svg, page, left, bottom + page.pick(38.0, 52.0), &entries);
    Drawing { parts: svg, height: end + 10.0, plot: None }
}

fn began_mark(svg: &mut Svg, x: f64, top: f64) {
    svg.path("sl-onset", &format!("M{:.1} {top:.1}h7l-3.5 5.5z", x - 3.5));
}

pub(crate) fn words(lanes: &Lanes, lang: Lang) -> Words {
    let rows = rows(lanes);
    let counts = |row: &Row| {
        row.samples.iter().map(|sample| sample.1.to_string()).collect::<Vec<_>>().join(lang.comma())
    };
    let sentence = |row: &Row| {
        let (cpu, counts) = (row.cpu, counts(row));
        match (row.printed, lang) {
            (Some(printed), Lang::En) => {
                format!("CPU {cpu} counts {counts}, and reports {printed}.")
            }
            (None, Lang::En) => format!("CPU {cpu} counts {counts}, and does not report itself."),
            (Some(printed), Lang::Zh) => format!("CPU {cpu} 的计数为 {counts}，并报告 {printed}。"),
            (None, Lang::Zh) => format!("CPU {cpu} 的计数为 {counts}，不报告自己。"),
        }
    };
    let sixth = rows.first().filter(|row| row.printed.is_some()).map(|row| row.samples.len());
    let same = sixth.filter(|n| rows.iter().all(|row| row.samples.len() == *n));
    let title = match (same, lang) {
        (Some(n), Lang::En) => format!("Every report comes with sample {n} after the last feed"),
        (Some(n), Lang::Zh) => format!("每份报告都出现在最后一次喂狗后的第 {n} 次采样"),
        (None, Lang::En) => "CPUs from their last feed on, sample by sample".to_owned(),
        (None, Lang::Zh) => "各 CPU 从最后一次喂狗起，逐次采样".to_owned(),
    };
    let columns = lang.pick(
        ["CPU", "fed", "the wait began (input)", "counts", "printed"],
        ["CPU", "喂狗", "等待开始（输入）", "计数", "打印"],
    );
    let dash = || "–".to_owned();
    let cells = |row: &Row| {
        vec![
            format!("CPU {}", row.cpu),
            row.fed.to_string(),
            row.began.map_or_else(dash, |time| time.to_string()),
            counts(row),
            row.printed.map_or_else(dash, |printed| printed.to_string()),
        ]
    };
    Words {
        title,
        description: rows.iter().map(sentence).collect::<Vec<_>>().join(lang.pick(" ", "")),
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.iter().map(cells).collect(),
    }
}
