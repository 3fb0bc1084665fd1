//! Calls: a vertical line from a caller to every CPU that it called.

use crate::lanes::calls::Call;
use crate::lanes::lane::Lane;
use crate::overview::{BAR, Overview};
use crate::scale::secs;
use crate::svg::{At, Svg, width};

impl Overview<'_> {
    /// Where lines of calls cross a row.
    pub(super) fn crossings(&self, y: f64) -> impl Iterator<Item = f64> {
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
    pub(super) fn call(&mut self, svg: &mut Svg, call: &Call) {
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
    pub(super) fn notes(&self, svg: &mut Svg) {
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
}

pub(super) fn is_unanswered(call: &Call, lane: &Lane) -> bool {
    call.targets.iter().any(|target| target.cpu == lane.cpu && target.answered.is_none())
}

/// Beside the bar of a CPU that did not answer, on the side of its caller.
fn tip(y: f64, caller: f64, beyond: f64) -> f64 {
    if y < caller { y + BAR / 2.0 + beyond } else { y - BAR / 2.0 - beyond }
}
