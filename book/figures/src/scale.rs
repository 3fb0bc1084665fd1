//! The time axis.

use softlockup::KernelTime;

use crate::drawing::{Page, Plot};
use crate::svg::{At, Svg, width};

/// Steps of an axis, in milliseconds.
const STEPS_MS: [u64; 20] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000,
    300_000, 600_000, 1_800_000, 3_600_000,
];

/// Maps kernel time to x.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// In seconds.
    pub(crate) t0: f64,
    pub(crate) t1: f64,
    /// From one labelled line to the next.
    pub(crate) step: f64,
}

/// Seconds since boot.
pub(crate) fn secs(time: KernelTime) -> f64 {
    time.ns() as f64 / 1e9
}

impl Scale {
    /// From `begin`, or a little earlier so that it begins at a line, to `end`.
    pub(crate) fn new(
        page: Page,
        left: f64,
        right: f64,
        begin: KernelTime,
        end: KernelTime,
    ) -> Self {
        let most = page.pick(7, 5);
        let fits = |ms: &u64| end.ns_since(begin) / (ms * 1_000_000) < most;
        let step = STEPS_MS.into_iter().find(fits).unwrap_or(STEPS_MS[STEPS_MS.len() - 1]);
        let step = step as f64 / 1e3;
        let half = step / 2.0;
        let t0 = (secs(begin) / half).floor() * half;
        Scale { left, right, t0, t1: secs(end).max(t0 + 1e-3), step }
    }

    pub(crate) fn at(&self, secs: f64) -> f64 {
        let share = (secs - self.t0) / (self.t1 - self.t0);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    pub(crate) fn x(&self, time: KernelTime) -> f64 {
        self.at(secs(time))
    }

    pub(crate) fn shows(&self, time: KernelTime) -> bool {
        (self.t0..=self.t1).contains(&secs(time))
    }

    pub(crate) fn plot(&self, top: f64, bottom: f64) -> Plot {
        Plot { x0: self.left, x1: self.right, t0: self.t0, t1: self.t1, top, bottom }
    }

    /// Lines from `top` to `bottom`, and their seconds below.
    pub(crate) fn axis(&self, svg: &mut Svg, page: Page, unit: &str, top: f64, bottom: f64) {
        let half = self.step / 2.0;
        let first = (self.t0 / half).ceil() as u64;
        for n in (first..).take_while(|n| *n as f64 * half <= self.t1 + 1e-9) {
            let x = self.at(n as f64 * half);
            svg.line("sl-grid", x, top, x, bottom);
            let text = decimal(n as f64 * half);
            let room = x + width(&text, 11.0) / 2.0
                < self.right - page.pick(-8.0, 10.0 + width(unit, 11.0));
            if n % 2 == 0 && room {
                let at_the_edge = x - width(&text, 11.0) / 2.0 < 2.0;
                let at = if at_the_edge { At::Start } else { At::Middle };
                svg.text("sl-axis", x, bottom + 14.0, at, &text);
            }
        }
        match page {
            Page::Wide => svg.text("sl-axis", self.right + 12.0, bottom + 14.0, At::Start, unit),
            Page::Narrow => svg.text("sl-axis", self.right, bottom + 14.0, At::End, unit),
        }
    }
}

/// A number with as many decimals as it needs, at most three.
pub(crate) fn decimal(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The moment as a stamp with a tenth of a second.
pub(crate) fn tenth(time: KernelTime) -> String {
    format!("{:.1}", secs(time))
}
