//! What the marks mean: those that were drawn.

use softlockup::Incident;
use softlockup::time::sample_period_ns;

use crate::legend::{self, Entry, Mark};
use crate::overview::Overview;
use crate::overview::flags::{csd, hard};
use crate::scale::decimal;
use crate::svg::Svg;

impl Overview<'_> {
    pub(super) fn legend(&self, svg: &mut Svg, incident: &Incident, top: f64) -> f64 {
        let lang = self.lang;
        let period =
            decimal(sample_period_ns(incident.config.watchdog_thresh_secs.max(1)) as f64 / 1e9);
        let fed = match self.every {
            1 => lang.pick(format!("fed, every {period} s"), format!("喂狗，每 {period} 秒一次")),
            n => lang.pick(
                format!("fed, every {period} s: one dot for {n}"),
                format!("喂狗，每 {period} 秒一次：每 {n} 次画一点"),
            ),
        };
        let dots = |svg: &mut Svg, x: f64, y: f64| {
            (0..3).for_each(|n| svg.dot("sl-feed", x + 3.0 + 6.0 * f64::from(n), y, 1.6))
        };
        let wait = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-wait", x, y - 6.0, 18.0, 12.0);
        let off = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-off", x, y - 6.0, 18.0, 12.0);
        let soft = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-flag", x, y - 6.0, 18.0, 12.0);
        let hard = |svg: &mut Svg, x: f64, y: f64| hard(svg, x + 9.0, y);
        let csd = |svg: &mut Svg, x: f64, y: f64| csd(svg, x + 9.0, y);
        let stopped =
            |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-stopped", x + 6.0, y - 3.0, 6.0, 6.0);
        let call = |svg: &mut Svg, x: f64, y: f64| {
            svg.path("sl-call", &format!("M{x:.1} {y:.1}h18"));
            svg.dot("sl-caller", x + 9.0, y, 3.4);
        };
        let calls = match (self.seen.answers, self.seen.crosses) {
            (true, true) => lang.pick("calls; ○ answered, ✕ never", "呼叫；○ 应答，✕ 从不应答"),
            (true, false) => lang.pick("calls; ○ answered", "呼叫；○ 应答"),
            _ => lang.pick("calls; ✕ never answered", "呼叫；✕ 从不应答"),
        };
        let panic = |svg: &mut Svg, x: f64, y: f64| {
            svg.line("sl-panic", x + 9.0, y - 7.0, x + 9.0, y + 7.0)
        };
        let all: [(bool, Mark<'_>, String); 9] = [
            (self.lanes.panic.is_some(), &panic, "panic".to_owned()),
            (self.seen.feeds, &dots, fed),
            (
                self.seen.waits,
                &wait,
                lang.pick("waits, interrupts on", "等待，中断开着").to_owned(),
            ),
            (self.seen.off, &off, lang.pick("interrupts off", "中断关闭").to_owned()),
            (self.seen.soft, &soft, lang.pick("reports itself", "报告自己").to_owned()),
            (
                self.seen.hard,
                &hard,
                lang.pick("reports a hard lockup", "报告 hard lockup").to_owned(),
            ),
            (
                self.seen.csd,
                &csd,
                lang.pick("reports a call without answer", "报告无应答的呼叫").to_owned(),
            ),
            (self.seen.stopped, &stopped, lang.pick("stops, as asked", "按要求停下").to_owned()),
            (self.seen.answers || self.seen.crosses, &call, calls.to_owned()),
        ];
        let entries: Vec<_> = all
            .into_iter()
            .filter(|(seen, ..)| *seen)
            .map(|(_, mark, text)| Entry { mark, text })
            .collect();
        legend::draw(svg, self.page, self.scale.left, top, &entries)
    }
}
