//! Questions 2 and 3: which CPU stopped which, and what each said. A row for each CPU to which something happened.

mod calls;
mod flags;
mod lane;
mod legend;
mod words;

pub(crate) use words::words;

use softlockup::Incident;
use softlockup::time::sample_period_ns;

use crate::Lang;
use crate::drawing::{Drawing, Page};
use crate::lanes::Lanes;
use crate::lanes::lane::Lane;
use crate::overview::calls::is_unanswered;
use crate::overview::lane::{others_say, says};
use crate::scale::Scale;
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
}
