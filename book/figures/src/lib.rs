//! An incident as pictures: inline SVG for the book, and the data of its replay.
//!
//! Everything that is drawn comes from records, or from the machine's configuration, which is part of them. No figure
//! has a number that was typed.
//!
//! Each figure is one `<div class="sl-drawing">`: a drawing for wide pages, one for phones (CSS shows one of the two),
//! and a table for readers who see neither. Its colours are the classes of `book/theme/figure.css`.

mod aligned;
mod counts;
mod drawing;
mod error;
mod fix;
mod fixes;
mod graph;
mod lanes;
mod lang;
mod legend;
mod measured;
mod onecpu;
mod overview;
mod quantiles;
mod replay;
mod scale;
mod side_by_side;
mod standalone;
mod svg;
mod tabs;
mod waits;

pub use error::FigureError;
pub use lang::Lang;

use softlockup::Incident;

use crate::fix::Fix;
use crate::lanes::Lanes;
use crate::measured::Measured;

/// The kinds of [`figure`].
pub const KINDS: [&str; 4] = ["overview", "aligned", "onecpu", "waits"];

/// One figure of one run. `id` names it in the page; ids of its parts begin with it.
///
/// # Errors
/// If there is no such kind.
pub fn figure(
    kind: &str,
    incident: &Incident,
    id: &str,
    lang: Lang,
) -> Result<String, FigureError> {
    let lanes = Lanes::of(incident);
    match kind {
        "aligned" => {
            let words = aligned::words(&lanes, lang);
            Ok(drawing::page(id, lang, &words, |page| aligned::draw(incident, &lanes, page, lang)))
        }
        "waits" => {
            let words = waits::words(&lanes, lang);
            Ok(drawing::page(id, lang, &words, |page| waits::draw(&lanes, page, lang)))
        }
        "onecpu" => {
            let words = onecpu::words(incident, &lanes, lang);
            Ok(drawing::page(id, lang, &words, |page| onecpu::draw(incident, &lanes, page, lang)))
        }
        "overview" => {
            let words = overview::words(&lanes, lang);
            Ok(drawing::page(id, lang, &words, |page| overview::draw(incident, &lanes, page, lang)))
        }
        _ => Err(FigureError::UnknownKind(kind.to_owned())),
    }
}

/// The overview as a file of its own, with its own fonts and colours: the README's picture.
pub fn standalone(incident: &Incident, lang: Lang) -> String {
    let lanes = Lanes::of(incident);
    let words = overview::words(&lanes, lang);
    standalone::file(&words, overview::draw(incident, &lanes, drawing::Page::Wide, lang))
}

/// Runs with a label each.
type Runs<'a> = [(String, &'a Incident)];

/// The overviews of several runs as tabs, the first one shown: one cause taken away in each.
///
/// # Errors
/// If there is no run.
pub fn ablations(runs: &Runs<'_>, id: &str, lang: Lang) -> Result<String, FigureError> {
    Ok(tabs::tabs("sl-ablations", id, &overviews(runs, id, lang)?))
}

/// One short timeline a fix, one below the other.
///
/// # Errors
/// If there is no run.
pub fn fixes(runs: &Runs<'_>, id: &str, lang: Lang) -> Result<String, FigureError> {
    if runs.is_empty() {
        return Err(FigureError::NoRuns);
    }
    let fixes: Vec<_> = runs.iter().map(|(label, incident)| Fix::new(label, incident)).collect();
    let words = fixes::words(&fixes, lang);
    Ok(drawing::page(id, lang, &words, |page| fixes::draw(&fixes, page, lang)))
}

/// The replay: one tab a run, each an overview over which time runs.
///
/// # Errors
/// If there is no run.
pub fn replay(runs: &Runs<'_>, id: &str, lang: Lang) -> Result<String, FigureError> {
    let mut tabs = overviews(runs, id, lang)?;
    for ((_, figure), (_, incident)) in tabs.iter_mut().zip(runs) {
        let data = replay::data(incident, &Lanes::of(incident));
        *figure +=
            &format!("<script type=\"application/json\" class=\"sl-data\">{data}</script>\n");
    }
    let words = replay::words(lang);
    let tabs = tabs::tabs("sl-replays", id, &tabs);
    Ok(format!(
        "<div class=\"sl-replay\">\n<script type=\"application/json\" class=\"sl-words\">{words}</script>\n{tabs}</div>\n"
    ))
}

/// Measured distributions, from a TOML file.
///
/// # Errors
/// If the file has no such data.
pub fn quantiles(toml: &str, id: &str, lang: Lang) -> Result<String, FigureError> {
    let measured = Measured::read(toml)?;
    let words = quantiles::words(&measured, lang);
    Ok(drawing::page(id, lang, &words, |page| quantiles::draw(&measured, page, lang)))
}

/// The headlines of our console beside those of a recorded one.
///
/// # Errors
/// If one of them has none.
pub fn side_by_side(ours: &str, real: &str, id: &str, lang: Lang) -> Result<String, FigureError> {
    side_by_side::table(ours, real, id, lang)
}

fn overviews(runs: &Runs<'_>, id: &str, lang: Lang) -> Result<Vec<(String, String)>, FigureError> {
    if runs.is_empty() {
        return Err(FigureError::NoRuns);
    }
    let draw = |(n, (label, incident)): (usize, &(String, &Incident))| {
        Ok((label.clone(), figure("overview", incident, &format!("{id}-{n}-figure"), lang)?))
    };
    runs.iter().enumerate().map(draw).collect()
}
