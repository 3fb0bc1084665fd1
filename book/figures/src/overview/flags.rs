//! What detectors said: one shape for each detector.

use crate::lanes::lane::What;
use crate::overview::{BAR, Overview};
use crate::svg::{At, Svg};

impl Overview<'_> {
    /// What detectors said, from left to right; what would cover the flag before it is left out.
    pub(super) fn flags(&mut self, svg: &mut Svg) {
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
}

/// The mark of a hard-lockup report.
pub(super) fn hard(svg: &mut Svg, x: f64, y: f64) {
    svg.path("sl-flag sl-rim", &format!("M{x:.1} {:.1}l6.5 6.5l-6.5 6.5l-6.5 -6.5z", y - 6.5));
}

/// The mark of a report of a stalled call.
pub(super) fn csd(svg: &mut Svg, x: f64, y: f64) {
    svg.path("sl-flag sl-rim", &format!("M{x:.1} {:.1}l6.5 11h-13z", y - 6.0));
}
