//! The legend: what is drawn, and nothing else.

use crate::drawing::Page;
use crate::svg::{At, Svg, width};

/// Draws a mark between `x` and `x + 18`, on the line `y`.
pub(crate) type Mark<'a> = &'a dyn Fn(&mut Svg, f64, f64);

/// A mark, and what it means.
pub(crate) struct Entry<'a> {
    pub(crate) mark: Mark<'a>,
    pub(crate) text: String,
}

/// Draws the entries from `left` on, in as many lines as they need. Returns where they end.
pub(crate) fn draw(svg: &mut Svg, page: Page, left: f64, top: f64, entries: &[Entry<'_>]) -> f64 {
    let (mut x, mut y) = (left, top);
    for entry in entries {
        let wide = 24.0 + width(&entry.text, 11.0);
        if x > left && x + wide > page.width() - 6.0 {
            (x, y) = (left, y + 18.0);
        }
        (entry.mark)(svg, x, y - 4.0);
        svg.text("sl-axis", x + 24.0, y, At::Start, &entry.text);
        x += wide + 20.0;
    }
    y
}
