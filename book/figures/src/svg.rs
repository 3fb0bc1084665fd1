//! A very small writer of SVG. Colours are CSS classes, so that the page's theme decides. No blank line: it would end
//! the HTML block in Markdown.

use std::fmt::{Display, Write};

/// Parts of a drawing, one a line.
#[derive(Debug, Default)]
pub(crate) struct Svg(String);

/// Where a text's x is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Start,
    Middle,
    End,
}

/// Text for HTML and SVG, in an attribute too.
pub(crate) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace(['\n', '\r'], " ")
}

/// About how wide a text is at this font size. A Chinese character is as wide as it is high.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | ' ' | '.' | ',' | ':' | '(' | ')' | '!' | '\'' => 0.32,
        'm' | 'w' | 'M' | 'W' => 0.86,
        'A'..='Z' => 0.66,
        '0'..='9' => 0.63,
        c if c >= '\u{2e80}' => 1.0,
        _ => 0.565,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// The same of a bold text.
pub(crate) fn bold_width(text: &str, size: f64) -> f64 {
    1.12 * width(text, size)
}

impl Svg {
    pub(crate) fn put(&mut self, part: impl Display) {
        // Writing to a `String` cannot fail.
        _ = writeln!(self.0, "{part}");
    }

    pub(crate) fn add(&mut self, other: Svg) {
        self.0 += &other.0;
    }

    pub(crate) fn line(&mut self, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
        self.put(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, w: f64, h: f64) {
        let w = w.max(0.0);
        self.put(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" rx="2"/>"#
        ));
    }

    pub(crate) fn dot(&mut self, class: &str, x: f64, y: f64, r: f64) {
        self.put(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{r}"/>"#));
    }

    pub(crate) fn path(&mut self, class: &str, d: &str) {
        self.put(format_args!(r#"<path class="{class}" d="{d}"/>"#));
    }

    /// A cross, centred.
    pub(crate) fn cross(&mut self, class: &str, x: f64, y: f64) {
        self.path(class, &format!("M{:.1} {:.1}l6 6m0 -6l-6 6", x - 3.0, y - 3.0));
    }

    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, at: At, text: &str) {
        let anchor = match at {
            At::Start => "start",
            At::Middle => "middle",
            At::End => "end",
        };
        let text = escape(text);
        self.put(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}
