//! An incident as pictures: inline SVG for the book, and the data of its replay.
//!
//! Everything that is drawn comes from records, or from the machine's configuration, which is part of them. No figure
//! has a number that was typed.
//!
//! Each figure is one `<div class="sl-drawing">`: a drawing for wide pages, one for phones (CSS shows one of the two),
//! and a table for readers who see neither. Its colours are the classes of `book/theme/figure.css`.

mod aligned;
mod drawing;
mod error;
mod lanes;
mod lang;
mod legend;
mod overview;
mod scale;
mod svg;
mod tabs;
mod waits;
mod words;

pub use error::FigureError;
pub use lang::Lang;

use softlockup::Incident;

use crate::lanes::Lanes;

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
        "overview" | "onecpu" => {
            let words = words::overview(&lanes, lang);
            Ok(drawing::page(id, lang, &words, |page| overview::draw(incident, &lanes, page, lang)))
        }
        _ => Err(FigureError::UnknownKind(kind.to_owned())),
    }
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
    Ok(tabs::tabs("sl-fixes", id, &overviews(runs, id, lang)?))
}

/// The replay: one tab a run, each an overview over which time runs.
///
/// # Errors
/// If there is no run.
pub fn replay(runs: &Runs<'_>, id: &str, lang: Lang) -> Result<String, FigureError> {
    Ok(tabs::tabs("sl-replays", id, &overviews(runs, id, lang)?))
}

/// Measured distributions, from a TOML file.
///
/// # Errors
/// If the file has no such data.
pub fn quantiles(toml: &str, _id: &str, _lang: Lang) -> Result<String, FigureError> {
    toml::from_str::<toml::Table>(toml).map_err(|error| FigureError::Data(error.to_string()))?;
    Err(FigureError::Data("no drawing of distributions yet".to_owned()))
}

/// The headlines of our console beside those of a recorded one.
///
/// # Errors
/// If one of them has none.
pub fn side_by_side(ours: &str, real: &str, _id: &str, _lang: Lang) -> Result<String, FigureError> {
    for (whose, console) in [("machine's", ours), ("recorded", real)] {
        if softlockup::dmesg::parse(console.as_bytes()).is_empty() {
            return Err(FigureError::NoHeadline(whose));
        }
    }
    Err(FigureError::Data("no drawing of two consoles yet".to_owned()))
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
