//! The row of one CPU, and what is said of it.

use softlockup::incident::report::Place;

use crate::Lang;
use crate::drawing::Page;
use crate::lanes::lane::{Lane, Span, What};
use crate::overview::{BAR, Overview};
use crate::scale::secs;
use crate::svg::{At, Svg, bold_width};

impl Overview<'_> {
    fn bar(
        &self,
        svg: &mut Svg,
        class: &str,
        span: Span,
        lane: &Lane,
        y: f64,
    ) -> Option<(f64, f64)> {
        let end = span.to.or(lane.stopped).unwrap_or(self.lanes.ended);
        if secs(end) < self.scale.t0 {
            return None;
        }
        let (x0, x1) = (self.scale.x(span.from), self.scale.x(end));
        if x1 - x0 < 0.8 && span.to.is_some() {
            return None;
        }
        svg.rect(class, x0, y - BAR / 2.0, (x1 - x0).max(1.5), BAR);
        Some((x0, x1))
    }

    /// A CPU's row: its bars, then its feeds over them. A CPU that is fed while it waits is not late.
    pub(super) fn lane(&mut self, n: usize, bars: &mut Svg, over: &mut Svg, names: &mut Svg) {
        let (lane, y) = (&self.lanes.shown[n], self.rows[n]);
        self.run_line(bars, lane, y);
        for span in lane.waits.iter().map(|wait| wait.span).chain(lane.die_lock.iter().copied()) {
            if !lane.waits_with_interrupts_on(span) {
                continue; // its bar is the one of interrupts off
            }
            self.seen.waits |= self.bar(bars, "sl-wait", span, lane, y).is_some();
        }
        for span in &lane.irqs_off {
            if let Some((x0, x1)) = self.bar(bars, "sl-off", *span, lane, y) {
                self.seen.off = true;
                let texts = self.off_texts(lane, *span);
                let mut lines: Vec<f64> =
                    self.crossings(y).filter(|x| (x0..x1).contains(x)).collect();
                lines.sort_by(f64::total_cmp);
                lines.push(x1);
                // Between two lines that cross the bar, the first place that is wide enough.
                let starts = [x0].into_iter().chain(lines.iter().copied());
                let gaps: Vec<(f64, f64)> = starts.zip(lines.iter().copied()).collect();
                let place = |text: &String| {
                    let wide = bold_width(text, 12.0) + 14.0;
                    gaps.iter().find(|(from, to)| from + wide < *to).map(|(from, _)| from + 8.0)
                };
                if let Some((text, x)) = texts.iter().find_map(|text| Some((text, place(text)?))) {
                    bars.text("sl-onoff", x, y + 4.2, At::Start, text);
                }
            }
        }
        if !lane.is_silent()
            && let Some(span) = lane.die_lock.last().filter(|span| span.to.is_none())
        {
            let text =
                self.lang.pick("interrupts on: spins on die_lock", "中断开着：在 die_lock 上自旋");
            let flag = lane.said.first().map_or(0.0, |said| self.scale.x(said.time));
            let x = self.scale.x(span.from).max(flag) + 8.0;
            if x + bold_width(text, 12.0) < self.scale.right {
                over.text("sl-name sl-onwait", x, y + 4.2, At::Start, text);
            }
        }
        self.feeds(over, lane, y);
        if let Some(stopped) = lane.stopped.filter(|time| self.scale.shows(*time)) {
            over.rect("sl-stopped", self.scale.x(stopped) - 3.0, y - 3.0, 6.0, 6.0);
            self.seen.stopped = true;
        }
        self.label(names, y, &lane.name(), &says(lane, self.page, self.lang), lane.is_silent());
    }

    /// What is written into a bar of interrupts off: the longest text that fits is taken.
    fn off_texts(&self, lane: &Lane, span: Span) -> Vec<String> {
        let off = self.lang.pick("interrupts off", "中断关闭").to_owned();
        let colon = self.lang.colon();
        let mut texts = Vec::new();
        let waits = lane.waits.iter().find(|wait| wait.span.overlaps(span));
        match (lane.stuck.filter(|_| span.to.is_none()), waits) {
            (Some((Place::DieLock, on)), _) if on == Some(lane.cpu) => {
                let long = self.lang.pick(
                    "spins on die_lock, which it holds itself",
                    "在自己持有的 die_lock 上自旋",
                );
                let short = self.lang.pick("spins on its own die_lock", "在自己的 die_lock 上自旋");
                texts.extend([long, short].map(|text| format!("{off}{colon}{text}")));
            }
            (Some((Place::DieLock, _)), _) => {
                let text = self.lang.pick("spins on die_lock", "在 die_lock 上自旋");
                texts.push(format!("{off}{colon}{text}"));
            }
            (_, Some(wait)) => {
                let text = self
                    .lang
                    .pick(format!("waits for CPU {}", wait.on), format!("等待 CPU {}", wait.on));
                texts.push(format!("{off}{colon}{text}"));
            }
            _ => {}
        }
        texts.push(off);
        texts
    }
}

/// The right column: the function in the printed stack, or why there is none.
pub(super) fn says(lane: &Lane, page: Page, lang: Lang) -> String {
    if let Some((_, _, Some(func), _)) = lane.soft().next() {
        return match (page, lang) {
            (Page::Wide, _) => func.to_owned(),
            (Page::Narrow, Lang::En) => format!("in {func}"),
            (Page::Narrow, Lang::Zh) => format!("在 {func} 中"),
        };
    }
    if let Some(by) = lane.named_by.first() {
        return lang.pick(format!("named by CPU {by}"), format!("被 CPU {by} 点名"));
    }
    match lane.said.first().map(|said| &said.what) {
        Some(What::Hard { named: cpu } | What::Csd { on: cpu, .. }) => {
            lang.pick(format!("names CPU {cpu}"), format!("点名 CPU {cpu}"))
        }
        _ if lane.is_silent() => lang.pick("none: it is silent", "没有：它沉默").to_owned(),
        _ => lang.pick("no report", "没有报告").to_owned(),
    }
}

/// What became of the CPUs without a row of their own.
pub(super) fn others_say(others: &[Lane], lang: Lang) -> String {
    let reported = others.iter().filter(|lane| lane.soft().next().is_some()).count();
    if reported > 0 {
        return lang
            .pick(format!("{reported} of them report"), format!("其中 {reported} 个报告自己"));
    }
    match others.iter().all(|lane| lane.stopped.is_some()) {
        true => lang.pick("stop, as asked", "按要求停下").to_owned(),
        false => lang.pick("run on", "照常运行").to_owned(),
    }
}
