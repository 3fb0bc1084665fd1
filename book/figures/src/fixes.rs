//! What each fix makes of the incident: one short timeline a run, on one time axis. Its height is the number of CPUs that
//! are held up: they wait, or have their interrupts off.

use softlockup::KernelTime;

use crate::Lang;
use crate::drawing::{Drawing, Page, Words};
use crate::fix::{End, Fix};
use crate::legend::{self, Entry};
use crate::scale::Scale;
use crate::svg::{At, Svg, bold_width};

const HIGH: f64 = 22.0;

pub(crate) fn draw(fixes: &[Fix], page: Page, lang: Lang) -> Drawing {
    let first = fixes.iter().map(|fix| fix.begin).min().unwrap_or(KernelTime::BOOT);
    let last = fixes.iter().map(Fix::until).max().unwrap_or(KernelTime::BOOT);
    let most =
        fixes.iter().flat_map(|fix| fix.steps.iter().map(|step| step.1)).max().unwrap_or(1).max(1);
    let (left, right) = (8.0, page.width() - page.pick(128.0, 10.0));
    let scale = Scale::new(page, left, right, first, last);
    let (mut back, mut svg) = (Svg::default(), Svg::default());
    let pitch = page.pick(64.0, 82.0);
    let mut y = page.pick(48.0, 66.0);
    for fix in fixes {
        let end = scale.x(fix.until());
        svg.text("sl-name", left, y - HIGH - page.pick(8.0, 24.0), At::Start, &fix.label);
        let cost = fix.cost(lang);
        match page {
            Page::Wide => svg.text("sl-axis", right, y - HIGH - 8.0, At::End, &cost),
            Page::Narrow => svg.text("sl-axis", left, y - HIGH - 8.0, At::Start, &cost),
        }
        svg.line("sl-run", left, y, end, y);
        let until = |n: usize| fix.steps.get(n + 1).map_or(end, |step| scale.x(step.0).min(end));
        for (n, (time, all, off)) in fix.steps.iter().enumerate() {
            let x = scale.x(*time);
            let unit = HIGH / most as f64;
            let (high, off) = (unit * *all as f64, unit * *off as f64);
            if *all > 0 && until(n) > x {
                svg.put(format_args!(
                    r#"<path class="sl-wait" d="M{x:.1} {:.1}v-{:.1}H{:.1}v{:.1}z"/>"#,
                    y - off,
                    high - off,
                    until(n),
                    high - off
                ));
                svg.put(format_args!(
                    r#"<path class="sl-off" d="M{x:.1} {y:.1}v-{off:.1}H{:.1}v{off:.1}z"/>"#,
                    until(n)
                ));
            }
        }
        let outcome = fix.outcome(lang);
        let (mark, class) = match fix.end {
            End::Hangs => (end, "sl-axis sl-strong"),
            End::Panics(time) => (scale.x(time), "sl-axis sl-dark"),
            End::Recovers(time) => (scale.x(time), "sl-axis sl-good"),
            End::Well => (left, "sl-axis sl-good"),
        };
        match fix.end {
            End::Hangs => svg.path("sl-off", &format!("M{mark:.1} {:.1}l9 8l-9 8z", y - 12.0)),
            End::Panics(_) => {
                svg.line("sl-panic", mark, y - HIGH - 2.0, mark, y + 4.0);
                svg.rect("sl-stopped", mark - 4.0, y - 4.0, 8.0, 8.0);
            }
            End::Recovers(_) => svg.dot("sl-feed", mark, y, 4.5),
            End::Well => {}
        }
        let wide = bold_width(&outcome, 11.0);
        let (x, y_text, at) = match mark + 14.0 + wide < page.width() {
            _ if fix.end == End::Well => (left, y - 5.0, At::Start),
            true => (mark + 14.0, y - 4.0, At::Start),
            false => (mark.min(right) - 10.0, y + 14.0, At::End),
        };
        svg.text(class, x, y_text, at, &outcome);
        y += pitch;
    }
    let bottom = y - pitch + 18.0;
    let unit = page.pick(lang.pick("s since boot", "开机后秒数"), lang.pick("s", "秒"));
    scale.axis(&mut back, page, unit, 14.0, bottom);
    let wait = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-wait", x, y - 6.0, 18.0, 12.0);
    let off = |svg: &mut Svg, x: f64, y: f64| svg.rect("sl-off", x, y - 6.0, 18.0, 12.0);
    let entries = [
        Entry {
            mark: &off,
            text: lang.pick("CPUs with interrupts off", "关着中断的 CPU").to_owned(),
        },
        Entry {
            mark: &wait,
            text: lang.pick("CPUs that wait, interrupts on", "开着中断等待的 CPU").to_owned(),
        },
    ];
    back.add(svg);
    let end = legend::draw(&mut back, page, left, bottom + 37.0, &entries);
    Drawing { parts: back, height: end + 10.0, plot: None }
}

pub(crate) fn words(fixes: &[Fix], lang: Lang) -> Words {
    let sentence = |fix: &Fix| {
        let (label, outcome, cost) = (&fix.label, fix.outcome(lang), fix.cost(lang));
        let cost = if cost.is_empty() { cost } else { format!("{}{cost}", lang.pick("; ", "；")) };
        format!("{label}{}{outcome}{cost}{}", lang.colon(), lang.pick(".", "。"))
    };
    let columns = lang.pick(["fix", "end", "cost"], ["修法", "结局", "代价"]);
    Words {
        title: lang.pick("What each fix makes of the incident", "每种修法会怎样").to_owned(),
        description: fixes.iter().map(sentence).collect::<Vec<_>>().join(lang.pick(" ", "")),
        columns: columns.map(str::to_owned).to_vec(),
        rows: fixes
            .iter()
            .map(|fix| vec![fix.label.clone(), fix.outcome(lang), fix.cost(lang)])
            .collect(),
    }
}
