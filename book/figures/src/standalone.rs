//! A drawing as a file: what a page would give it, it brings along. A viewer that shows it as an image follows the
//! reader's light or dark setting.

use crate::drawing::{Drawing, Page, Words, svg};

/// The book's style sheet: colours and rules come from there.
const CSS: &str = include_str!("../../theme/figure.css");

/// The file's text.
pub(crate) fn file(words: &Words, drawing: Drawing) -> String {
    let (width, height) = (Page::Wide.width(), drawing.height);
    let picture = svg("overview", Page::Wide, words, drawing);
    let (light, dark, rules) =
        (block(":root, .light, .rust {"), block(".navy, .coal, .ayu {"), rules());
    let style = format!(
        "<style>\nsvg {{{light}}}\n@media (prefers-color-scheme: dark) {{\nsvg {{{dark}--sl-paper: #0d1117; }}\n}}\n{rules}</style>\n"
    );
    let paper = format!(
        "<rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"6\" fill=\"var(--sl-paper)\"/>\n"
    );
    let size = format!("<svg width=\"{width:.0}\" height=\"{height:.0}\" ");
    let picture = picture.replacen("<svg ", &size, 1);
    picture.replacen("</desc>\n", &format!("</desc>\n{style}{paper}"), 1)
}

/// What stands between the braces of a rule.
fn block(selector: &str) -> &'static str {
    let rest = CSS.split_once(selector).map_or("", |(_, rest)| rest);
    rest.split_once('}').map_or("", |(block, _)| block)
}

/// The rules of the drawings.
fn rules() -> &'static str {
    let rest = CSS.split_once("/* Drawings.").and_then(|(_, rest)| rest.split_once('\n'));
    let rest = rest.map_or("", |(_, rest)| rest);
    rest.split_once("\n\n/*").map_or(rest, |(rules, _)| rules)
}
