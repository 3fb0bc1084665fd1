//! Questions 2 and 3: which CPU stopped which, and what each said. A row for each CPU to which something happened.

use softlockup::incident::report::Place;
use softlockup::time::sample_period_ns;
use softlockup::{Incident, KernelTime};

use crate::Lang;
use crate::drawing::{Drawing, Page};
use crate::lanes::{Call, Lane, Lanes, Span, What};
use crate::legend::{self, Entry};
use crate::scale::{Scale, decimal, secs};
use crate::svg::{At, Svg, width};

const BAR: f64 = 16.0;

/// What was drawn, and so needs a word in the legend.
#[derive(Default)]
struct Seen {
    feeds: bool,
    waits: bool,
    off: bool,
    soft: bool,
    hard: bool,
    csd: bool,
    answers: bool,
    crosses: bool,
    stopped: bool,
}

struct Overview<'a> {
    lanes: &'a Lanes,
    page: Page,
    lang: Lang,
    scale: Scale,
    /// The height of each shown lane, and of all others.
    rows: Vec<f64>,
    others: f64,
    /// One dot for this many feeds.
    every: usize,
    seen: Seen,
}

pub(crate) fn draw(incident: &Incident, lanes: &Lanes, page: Page, lang: Lang) -> Drawing {
    let says = lanes.shown.iter().map(|lane| width(&says(lane, page, lang), 11.0));
    let says = says.fold(110.0, f64::max);
    let (left, right) = (page.pick(66.0, 6.0), page.width() - page.pick(24.0 + says, 8.0));
    let scale = Scale::new(page, left, right, lanes.begin, lanes.end);
    let period = sample_period_ns(incident.config.watchdog_thresh_secs.max(1)) as f64 / 1e9;
    let apart = period / (scale.t1 - scale.t0) * (right - left);
    let every = (4.2 / apart).ceil().max(1.0) as usize;
    let top = page.pick(36.0, 34.0);
    let mut y = top;
    let mut rows = Vec::new();
    for lane in &lanes.shown {
        rows.push(y);
        let crossed = lanes.calls.iter().any(|call| is_unanswered(call, lane));
        y += page.pick(32.0, 42.0) + if crossed { page.pick(14.0, 8.0) } else { 0.0 };
    }
    let mut overview =
        Overview { lanes, page, lang, scale, rows, others: y, every, seen: Seen::default() };
    overview.draw(incident, top)
}

fn is_unanswered(call: &Call, lane: &Lane) -> bool {
    call.targets.iter().any(|target| target.cpu == lane.cpu && target.answered.is_none())
}

impl Overview<'_> {
    fn draw(&mut self, incident: &Incident, top: f64) -> Drawing {
        let (mut back, mut bars, mut over, mut names) =
            (Svg::default(), Svg::default(), Svg::default(), Svg::default());
        let has_others = !self.lanes.others.is_empty();
        let last = if has_others { self.others } else { self.rows.last().copied().unwrap_or(top) };
        let bottom = last + 14.0;
        let unit =
            self.page.pick(self.lang.pick("s since boot", "开机后秒数"), self.lang.pick("s", "秒"));
        self.scale.axis(&mut back, self.page, unit, top - 12.0, bottom);
        if !self.page.is_narrow()
            && self.lanes.shown.iter().any(|lane| lane.soft().next().is_some())
        {
            let text = self.lang.pick("the stack it prints", "它打印的栈在哪个函数");
            back.text("sl-axis", self.scale.right + 12.0, top - 18.0, At::Start, text);
        }
        for n in 0..self.lanes.shown.len() {
            self.lane(n, &mut bars, &mut over, &mut names);
        }
        if let Some(other) = self.lanes.others.first() {
            self.run_line(&mut bars, other, last);
            self.feeds(&mut bars, other, last);
            let count = self.lanes.others.len();
            let name = self.lang.pick(format!("{count} more"), format!("另 {count} 个"));
            let say = others_say(&self.lanes.others, self.lang);
            self.label(&mut names, last, &name, &say, false);
        }
        for call in &self.lanes.calls {
            self.call(&mut over, call);
        }
        self.notes(&mut over);
        self.flags(&mut over);
        if let Some((_, time, _)) = self.lanes.panic {
            let x = self.scale.x(time);
            over.line("sl-panic", x, top - 14.0, x, bottom);
        }
        let mut parts = Svg::default();
        [back, bars, over, names].into_iter().for_each(|part| parts.add(part));
        let end = self.legend(&mut parts, incident, bottom + 37.0);
        Drawing { parts, height: end + 10.0, plot: Some(self.scale.plot(top - 12.0, bottom)) }
    }

    fn label(&self, svg: &mut Svg, y: f64, name: &str, say: &str, strong: bool) {
        let (class, said) = match strong {
            true => ("sl-name sl-strong", "sl-axis sl-strong"),
            false => ("sl-name", "sl-axis"),
        };
        let Scale { left, right, .. } = self.scale;
        match self.page {
            Page::Narrow => {
                svg.text(class, left, y - 12.0, At::Start, name);
                svg.text(said, right, y - 12.0, At::End, say);
            }
            Page::Wide => {
                svg.text(class, left - 8.0, y + 4.0, At::End, name);
                svg.text(said, right + 12.0, y + 4.0, At::Start, say);
            }
        }
    }

    fn run_line(&self, svg: &mut Svg, lane: &Lane, y: f64) {
        let end = lane.stopped.unwrap_or(self.lanes.end);
        svg.line("sl-run", self.scale.left, y, self.scale.x(end), y);
    }

    fn feeds(&mut self, svg: &mut Svg, lane: &Lane, y: f64) {
        let feeds = lane.feeds.iter().filter(|feed| self.scale.shows(**feed));
        for feed in feeds.step_by(self.every) {
            svg.dot("sl-feed", self.scale.x(*feed), y, self.page.pick(1.6, 1.4));
            self.seen.feeds = true;
        }
    }

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
    fn lane(&mut self, n: usize, bars: &mut Svg, over: &mut Svg, names: &mut Svg) {
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
                    let wide = width(text, 12.0) + 14.0;
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
            if x + width(text, 12.0) < self.scale.right {
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

    /// Where lines of calls cross a row.
    fn crossings(&self, y: f64) -> impl Iterator<Item = f64> {
        let extents = self.lanes.calls.iter().filter_map(|call| self.extent(call));
        extents.filter(move |(_, top, bottom)| (*top..=*bottom).contains(&y)).map(|(x, ..)| x)
    }

    /// Where a call's line runs: from its caller to every CPU that it called.
    fn extent(&self, call: &Call) -> Option<(f64, f64, f64)> {
        let own = self.rows[self.lanes.row(call.from)?];
        let (mut top, mut bottom) = (own, own);
        for target in &call.targets {
            let y = match (self.lanes.row(target.cpu), target.answered) {
                (Some(row), Some(_)) => self.rows[row],
                (Some(row), None) => tip(self.rows[row], own, 8.5),
                (None, _) => self.others,
            };
            (top, bottom) = (top.min(y), bottom.max(y));
        }
        Some((self.scale.x(call.time), top, bottom))
    }

    /// Each answer stands at its own time; a cross where there is none.
    fn call(&mut self, svg: &mut Svg, call: &Call) {
        let (Some(row), Some((x, top, bottom))) = (self.lanes.row(call.from), self.extent(call))
        else {
            return;
        };
        let own = self.rows[row];
        svg.path("sl-call", &format!("M{x:.1} {top:.1}V{bottom:.1}"));
        for target in &call.targets {
            let Some(row) = self.lanes.row(target.cpu) else { continue };
            let y = self.rows[row];
            if let Some(time) = target.answered {
                let at = self.scale.x(time);
                if at > x + 3.0 {
                    let edge = y + BAR / 2.0 - 2.5;
                    svg.path("sl-call sl-late", &format!("M{x:.1} {edge:.1}H{at:.1}"));
                }
                svg.dot("sl-answer", at, y, 2.6);
                self.seen.answers = true;
            } else {
                svg.cross("sl-none", x, tip(y, own, 4.5));
                self.seen.crosses = true;
            }
        }
        let others = call.targets.iter().filter(|target| self.lanes.row(target.cpu).is_none());
        let others: Vec<_> = others.map(|target| target.answered).collect();
        if !others.is_empty() {
            if others.iter().all(Option::is_some) {
                svg.dot("sl-answer", x, self.others, 2.6);
                self.seen.answers = true;
            } else {
                svg.cross("sl-none", x, self.others);
                self.seen.crosses = true;
            }
        }
        svg.dot("sl-caller", x, own, 3.4);
    }

    /// What a CPU's first moments were, and how its callers called it.
    fn notes(&self, svg: &mut Svg) {
        if self.page.is_narrow() {
            return;
        }
        for (lane, y) in self.lanes.shown.iter().zip(&self.rows) {
            let Some(&first) = lane.faults.first() else { continue };
            let nested =
                self.lanes.report.oopses.iter().any(|oops| oops.cpu == lane.cpu && oops.nested);
            let what = match nested {
                true => self.lang.pick(
                    "an oops, and an oops inside its report",
                    "一次 oops，以及报告它时的又一次 oops",
                ),
                false => self.lang.pick("an oops", "一次 oops"),
            };
            let text = format!("{:.1} s{}{what}", secs(first), self.lang.colon());
            svg.text("sl-axis", self.scale.x(first), y - BAR / 2.0 - 6.0, At::Start, &text);
        }
        let Some((row, silent)) =
            self.lanes.shown.iter().enumerate().find(|(_, lane)| lane.is_silent())
        else {
            return;
        };
        let y = self.rows[row] + BAR / 2.0 + 13.0;
        let calls: Vec<(f64, bool)> = self
            .lanes
            .calls
            .iter()
            .filter(|call| is_unanswered(call, silent))
            .flat_map(|call| {
                let target = call.targets.iter().find(|target| target.cpu == silent.cpu);
                target.map(|target| (self.scale.x(call.time), target.ipi))
            })
            .collect();
        let below = self.lanes.calls.iter().all(|call| self.lanes.row(call.from) > Some(row));
        let (Some(&(x, true)), true) = (calls.first(), below) else { return };
        let sent = self.lang.pick("IPI sent, never taken", "发了 IPI，从未被接收");
        if x - 8.0 - width(sent, 11.0) < self.scale.left {
            return;
        }
        svg.text("sl-axis", x - 8.0, y, At::End, sent);
        if let Some(&(x, false)) = calls.get(1) {
            let queued = self.lang.pick("later: queued, no IPI", "之后：只入队，不发 IPI");
            svg.text("sl-axis", x + 8.0, y, At::Start, queued);
        }
    }

    /// What detectors said, from left to right; what would cover the flag before it is left out.
    fn flags(&mut self, svg: &mut Svg) {
        for (lane, y) in self.lanes.shown.iter().zip(&self.rows) {
            let mut free = f64::MIN;
            for said in lane.said.iter().filter(|said| self.scale.shows(said.time)) {
                let x = self.scale.x(said.time);
                let wide = self.page.pick(21.0, 17.0);
                if x - wide < free {
                    continue;
                }
                free = x;
                match said.what {
                    What::Soft { printed, .. } => {
                        svg.rect("sl-flag", x - wide, y - BAR / 2.0, wide, BAR);
                        svg.text(
                            "sl-onflag",
                            x - wide / 2.0,
                            y + 4.2,
                            At::Middle,
                            &printed.to_string(),
                        );
                        self.seen.soft = true;
                    }
                    What::Hard { .. } => {
                        hard(svg, x - 6.0, *y);
                        self.seen.hard = true;
                    }
                    What::Csd { .. } => {
                        csd(svg, x - 6.0, *y);
                        self.seen.csd = true;
                    }
                }
            }
        }
    }

    fn legend(&self, svg: &mut Svg, incident: &Incident, top: f64) -> f64 {
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
        let all: [(bool, &dyn Fn(&mut Svg, f64, f64), String); 9] = [
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

/// The right column: the function in the printed stack, or why there is none.
fn says(lane: &Lane, page: Page, lang: Lang) -> String {
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
fn others_say(others: &[Lane], lang: Lang) -> String {
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

/// Beside the bar of a CPU that did not answer, on the side of its caller.
fn tip(y: f64, caller: f64, beyond: f64) -> f64 {
    if y < caller { y + BAR / 2.0 + beyond } else { y - BAR / 2.0 - beyond }
}

/// The mark of a hard-lockup report.
fn hard(svg: &mut Svg, x: f64, y: f64) {
    svg.path("sl-flag sl-rim", &format!("M{x:.1} {:.1}l6.5 6.5l-6.5 6.5l-6.5 -6.5z", y - 6.5));
}

/// The mark of a report of a stalled call.
fn csd(svg: &mut Svg, x: f64, y: f64) {
    svg.path("sl-flag sl-rim", &format!("M{x:.1} {:.1}l6.5 11h-13z", y - 6.0));
}

/// The moment as a stamp with a tenth of a second.
pub(crate) fn tenth(time: KernelTime) -> String {
    format!("{:.1}", secs(time))
}
