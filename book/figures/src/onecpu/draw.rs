//! The drawing: a row each for samples, feeds, waits, interrupts, and the units.

use softlockup::config::Ablation;
use softlockup::time::{NSEC_PER_TIMESTAMP_UNIT, get_timestamp, softlockup_thresh};
use softlockup::{Incident, KernelTime};

use crate::Lang;
use crate::drawing::{Drawing, Page};
use crate::lanes::Lanes;
use crate::lanes::lane::Span;
use crate::legend::{self, Entry};
use crate::onecpu::View;
use crate::scale::{Scale, secs};
use crate::svg::{At, Svg, bold_width};

pub(crate) fn draw(incident: &Incident, lanes: &Lanes, page: Page, lang: Lang) -> Drawing {
    let mut svg = Svg::default();
    let Some(view) = View::of(incident, lanes) else {
        let text = lang.pick(
            "No watchdog runs: no CPU is sampled or fed.",
            "没有看门狗：没有采样，也没有喂狗。",
        );
        svg.text("sl-axis", 14.0, 24.0, At::Start, text);
        return Drawing { parts: svg, height: 40.0, plot: None };
    };
    let (left, right) = (page.pick(150.0, 8.0), page.width() - page.pick(108.0, 10.0));
    let scale = Scale::new(page, left, right, view.from, view.to);
    let lane = view.lane;
    let (pitch, bar) = (page.pick(34.0, 44.0), 16.0);
    let top = 44.0;
    let rows: Vec<f64> =
        (0..5).map(|n| top + pitch * f64::from(n) + page.pick(0.0, 14.0)).collect();
    let bottom = rows[4] + 26.0;
    let unit = page.pick(lang.pick("s since boot", "开机后秒数"), lang.pick("s", "秒"));
    scale.axis(&mut svg, page, unit, top - 16.0, bottom);
    svg.text("sl-name", page.pick(8.0, left), 16.0, At::Start, &lane.name());
    let preempt = match incident.config.ablate {
        Some(Ablation::PreemptOnInWait) => lang.pick("waits, preemption on", "等待，抢占开着"),
        _ => lang.pick("waits, preemption off", "等待，抢占关闭"),
    };
    let labels = [
        lang.pick("timer looks (sample)", "定时器查看（采样）"),
        lang.pick("stopper feeds", "stopper 喂狗"),
        preempt,
        lang.pick("interrupts off", "中断关闭"),
        lang.pick("units of 2³⁰ ns", "单位：2³⁰ ns"),
    ];
    for (y, label) in rows.iter().zip(labels) {
        svg.line("sl-run", left, *y, right, *y);
        match page {
            Page::Wide => svg.text("sl-axis", left - 10.0, y + 4.0, At::End, label),
            Page::Narrow => svg.text("sl-axis", left, y - 14.0, At::Start, label),
        }
    }
    let say = |svg: &mut Svg, y: f64, text: &str| {
        if !page.is_narrow() {
            svg.text("sl-axis", right + 10.0, y + 4.0, At::Start, text);
        }
    };
    // From this unit on a sample reports.
    let over = softlockup_thresh(incident.config.watchdog_thresh_secs) + 1;
    let late = view
        .fed
        .map(|fed| KernelTime::from_ns((get_timestamp(fed) + over) * NSEC_PER_TIMESTAMP_UNIT));
    let late = late.filter(|late| view.report.is_some_and(|report| report.0 >= *late));
    if let Some(late) = late {
        svg.line("sl-beat sl-over", scale.x(late), top - 14.0, scale.x(late), bottom);
    }
    for (n, (time, count)) in view.samples().into_iter().enumerate() {
        let x = scale.x(time);
        let reported = view.report.filter(|report| report.0 == time);
        let wide = page.pick(22.0, 17.0);
        match (reported, count) {
            (Some((_, printed)), _) => {
                svg.rect("sl-flag", x - wide / 2.0, rows[0] - bar / 2.0, wide, bar);
                svg.text("sl-onflag", x, rows[0] + 4.2, At::Middle, &printed.to_string());
            }
            (_, Some(count)) if !page.is_narrow() || n % 2 == 0 => {
                svg.rect("sl-count", x - wide / 2.0, rows[0] - bar / 2.0, wide, bar);
                svg.text("sl-oncount", x, rows[0] + 4.2, At::Middle, &count.to_string());
            }
            _ => svg.line("sl-sample", x, rows[0] - 6.0, x, rows[0] + 6.0),
        }
    }
    let feeds = lane.feeds.iter().copied().filter(|feed| view.shows(*feed));
    feeds.for_each(|feed| svg.dot("sl-feed", scale.x(feed), rows[1], 3.2));
    if let (Some(fed), Some((time, _))) = (view.fed, view.report) {
        let text = lang.pick("never again", "再也没有");
        let x = (scale.x(fed) + scale.x(time)) / 2.0;
        let again = lane.feeds.iter().any(|feed| *feed > fed && *feed <= time);
        if !again {
            svg.text("sl-axis", x, rows[1] - 5.0, At::Middle, text);
        }
    }
    let mut spans = |class: &str, y: f64, spans: &mut dyn Iterator<Item = Span>| -> Option<f64> {
        let mut widest: Option<(f64, f64)> = None;
        for span in spans {
            let end = span.to.unwrap_or(lanes.ended);
            if end < view.from || span.from > view.to || end == span.from {
                continue;
            }
            let (x0, x1) = (scale.x(span.from), scale.x(end));
            svg.rect(class, x0, y - bar / 2.0, (x1 - x0).max(1.5), bar);
            if widest.is_none_or(|(from, to)| x1 - x0 > to - from) {
                widest = Some((x0, x1));
            }
        }
        widest.map(|(from, _)| from)
    };
    let mut waits = lane.waits.iter().map(|wait| wait.span).chain(lane.die_lock.iter().copied());
    let waits = spans("sl-wait", rows[2], &mut waits);
    let off = spans("sl-off", rows[3], &mut lane.irqs_off.iter().copied());
    if let (Some(x), Some(wait)) = (
        waits,
        lane.waits.iter().find(|wait| wait.span.from >= view.from && wait.span.from <= view.to),
    ) {
        let text = lang.pick(
            format!("in csd_lock_wait, for CPU {}", wait.on),
            format!("在 csd_lock_wait 中等待 CPU {}", wait.on),
        );
        if x + 8.0 + bold_width(&text, 12.0) < right {
            svg.text("sl-name sl-onwait", x + 8.0, rows[2] + 4.2, At::Start, &text);
        }
    }
    if off.is_none() {
        svg.text(
            "sl-axis",
            (left + right) / 2.0,
            rows[3] - 5.0,
            At::Middle,
            lang.pick("never here: the timer runs", "此处从未关闭：定时器照常运行"),
        );
    }
    units_row(&mut svg, &scale, &view, rows[4], page);
    if let (Some(fed), Some((time, printed))) = (view.fed, view.report) {
        say(&mut svg, rows[0], &lang.pick(format!("prints {printed}"), format!("打印 {printed}")));
        say(
            &mut svg,
            rows[4],
            &format!("{} − {} = {printed}", get_timestamp(time), get_timestamp(fed)),
        );
    }
    let sample = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-count", x, y - 6.0, 18.0, 12.0);
    let over_mark = |svg: &mut Svg, x: f64, y: f64| {
        svg.line("sl-beat sl-over", x + 9.0, y - 7.0, x + 9.0, y + 5.0)
    };
    let flag = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-flag", x, y - 6.0, 18.0, 12.0);
    let feed = |svg: &mut Svg, x: f64, y: f64| svg.dot("sl-feed", x + 9.0, y, 3.2);
    let mut entries =
        vec![Entry { mark: &feed, text: lang.pick("a feed", "一次喂狗").to_owned() }];
    if view
        .samples()
        .iter()
        .any(|(time, count)| count.is_some() && view.report.is_none_or(|report| report.0 != *time))
    {
        let text = lang.pick("a sample, and its count", "一次采样及其计数").to_owned();
        entries.push(Entry { mark: &sample, text });
    }
    if view.report.is_some() {
        entries.push(Entry { mark: &flag, text: lang.pick("the report", "报告").to_owned() });
    }
    if late.is_some() {
        entries.push(Entry {
            mark: &over_mark,
            text: lang.pick(
                format!("unit {over} since the feed: late from here on"),
                format!("自喂狗起第 {over} 个单位：从此算超时"),
            ),
        });
    }
    let end = legend::draw(&mut svg, page, left, bottom + 37.0, &entries);
    Drawing { parts: svg, height: end + 10.0, plot: None }
}

/// A tick where the watchdog's count goes up by one; the numbers of the last feed and of the report, and each fifth.
fn units_row(svg: &mut Svg, scale: &Scale, view: &View<'_>, y: f64, page: Page) {
    let (first, last) = (get_timestamp(view.from) + 1, get_timestamp(view.to));
    let named = [view.fed, view.report.map(|report| report.0)].map(|time| time.map(get_timestamp));
    for unit in first..=last {
        let x = scale.x(KernelTime::from_ns(unit * NSEC_PER_TIMESTAMP_UNIT));
        svg.line("sl-beat", x, y - 6.0, x, y + 6.0);
        let next = scale.at(secs(KernelTime::from_ns((unit + 1) * NSEC_PER_TIMESTAMP_UNIT)));
        let middle = (x + next) / 2.0;
        if named.contains(&Some(unit)) {
            svg.text("sl-axis sl-dark", middle, y + 18.0, At::Middle, &unit.to_string());
        } else if unit % page.pick(5, 10) == 0
            && named.iter().flatten().all(|other| other.abs_diff(unit) > page.pick(2, 3))
        {
            svg.text("sl-axis", middle, y + 18.0, At::Middle, &unit.to_string());
        }
    }
    if let Some(fed) = view.fed {
        svg.dot("sl-feed", scale.x(fed), y, 3.2);
    }
    if let Some((time, _)) = view.report {
        let x = scale.x(time);
        svg.rect("sl-flag", x - 3.0, y - 5.0, 6.0, 10.0);
    }
}
