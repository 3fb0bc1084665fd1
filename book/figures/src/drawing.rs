//! One figure as the page gets it: a drawing for wide pages and one for phones, and the same as a table for readers who
//! see neither. CSS shows one of the two drawings, so text keeps its size in both.

use std::fmt::Write;

use crate::Lang;
use crate::svg::{Svg, escape};

/// For how wide a page a drawing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Wide,
    Narrow,
}

impl Page {
    pub(crate) fn is_narrow(self) -> bool {
        self == Page::Narrow
    }

    /// How wide the drawing is.
    pub(crate) fn width(self) -> f64 {
        self.pick(760.0, 360.0)
    }

    pub(crate) fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Page::Wide => wide,
            Page::Narrow => narrow,
        }
    }
}

/// A finished drawing.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(crate) parts: Svg,
    pub(crate) height: f64,
    /// Where time runs in it, for the replay's playhead.
    pub(crate) plot: Option<Plot>,
}

/// Where time runs in a drawing: from `x0` at `t0` to `x1` at `t1` (seconds), between two heights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plot {
    pub(crate) x0: f64,
    pub(crate) x1: f64,
    pub(crate) t0: f64,
    pub(crate) t1: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// The same in words: a title, a description, and the numbers as a table.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Both drawings and the table, in one box.
pub(crate) fn page(id: &str, lang: Lang, words: &Words, draw: impl Fn(Page) -> Drawing) -> String {
    let wide = svg(&format!("{id}-w"), Page::Wide, words, draw(Page::Wide));
    let narrow = svg(&format!("{id}-n"), Page::Narrow, words, draw(Page::Narrow));
    let table = table(lang, words);
    format!("<div class=\"sl-drawing\" id=\"{id}\">\n{wide}{narrow}{table}</div>\n")
}

/// One drawing as inline SVG.
pub(crate) fn svg(id: &str, page: Page, words: &Words, drawing: Drawing) -> String {
    let Drawing { parts, height, plot } = drawing;
    let class = page.pick("sl-wide", "sl-narrow");
    let plot = plot.map_or(String::new(), |p| {
        format!(
            " data-plot=\"{:.1} {:.1} {} {} {:.1} {:.1}\"",
            p.x0, p.x1, p.t0, p.t1, p.top, p.bottom
        )
    });
    let (width, title, description) =
        (page.width(), escape(&words.title), escape(&words.description));
    format!(
        "<svg class=\"sl-svg {class}\"{plot} xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n<title id=\"{id}-t\">{title}</title>\n\
         <desc id=\"{id}-d\">{description}</desc>\n{}</svg>\n",
        parts.into_text()
    )
}

/// What the drawing shows, as a table that is folded away.
fn table(lang: Lang, words: &Words) -> String {
    let summary = lang.pick("The figure as a table", "以表格形式查看本图");
    let mut html = format!("<details class=\"sl-table\">\n<summary>{summary}</summary>\n");
    _ = write!(html, "<p>{}</p>\n<table>\n<thead><tr>", escape(&words.description));
    words
        .columns
        .iter()
        .for_each(|name| _ = write!(html, "<th scope=\"col\">{}</th>", escape(name)));
    html += "</tr></thead>\n<tbody>\n";
    for row in &words.rows {
        html += "<tr>";
        row.iter().for_each(|cell| _ = write!(html, "<td>{}</td>", escape(cell)));
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</details>\n"
}
