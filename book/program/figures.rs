//! Figures: which runs each of them draws, and what stands around the drawing.

use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use softlockup::Incident;
use softlockup_figures as draw;
use softlockup_figures::Lang;

use crate::book::Edition;
use crate::html::one_block;
use crate::runs::{Runs, Shown};

/// Draws for one edition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures<'book> {
    pub(crate) runs: &'book Runs,
    pub(crate) edition: Edition,
}

/// A run, and what its picture is called.
type Labelled = (String, Rc<Shown>);

/// The article's incident, and each of its causes taken away.
const ABLATIONS: [(&str, &str, &str); 4] = [
    ("as it was", "原样", ""),
    ("interrupts on in die()", "die() 中开着中断", "--ablate irqs-on-in-die"),
    ("preemption on while waiting", "等待时允许抢占", "--ablate preempt-on-in-wait"),
    ("fed by the timer", "由定时器喂狗", "--ablate feed-from-timer"),
];

impl Figures<'_> {
    /// `KIND | ARGS | CAPTION`
    pub(crate) fn one(self, arg: &str, id: &str) -> Result<String> {
        let mut parts = arg.splitn(3, '|').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let args = parts.next().context("say KIND | ARGS | CAPTION")?;
        let shown = self.runs.get(args)?;
        let drawing = draw::figure(kind, &shown.incident, id, self.lang())?;
        framed(&drawing, parts.next(), "")
    }

    /// `LABEL = ARGS ;; LABEL = ARGS | CAPTION`, one below the other.
    pub(crate) fn fixes(self, arg: &str, id: &str) -> Result<String> {
        let (runs, caption) = self.labelled(arg)?;
        framed(&draw::fixes(&incidents(&runs), id, self.lang())?, caption, "sl-is-fixes")
    }

    /// The same as tabs, to be played.
    pub(crate) fn replay(self, arg: &str, id: &str) -> Result<String> {
        let (runs, caption) = self.labelled(arg)?;
        framed(&draw::replay(&incidents(&runs), id, self.lang())?, caption, "sl-is-replay")
    }

    /// The article's incident and its three ablations.
    pub(crate) fn ablations(self, caption: &str, id: &str) -> Result<String> {
        let label = |english, chinese| self.edition.word(english, chinese).to_owned();
        let runs: Vec<Labelled> = ABLATIONS
            .into_iter()
            .map(|(english, chinese, args)| Ok((label(english, chinese), self.runs.get(args)?)))
            .collect::<Result<_>>()?;
        let drawing = draw::ablations(&incidents(&runs), id, self.lang())?;
        framed(&drawing, Some(caption), "sl-is-ablations")
    }

    /// Distributions that were measured, from the text of a file in `book/data/`.
    pub(crate) fn quantiles(self, toml: &str, caption: &str, id: &str) -> Result<String> {
        framed(&draw::quantiles(toml, id, self.lang())?, Some(caption), "sl-is-quantiles")
    }

    /// Our console beside a real one.
    pub(crate) fn side_by_side(
        self,
        args: &str,
        real: &str,
        caption: &str,
        id: &str,
    ) -> Result<String> {
        let ours = self.runs.get(args)?;
        let drawing = draw::side_by_side(&ours.console, real, id, self.lang())?;
        framed(&drawing, Some(caption), "sl-is-side-by-side")
    }

    fn labelled(self, arg: &str) -> Result<(Vec<Labelled>, Option<&str>)> {
        let (runs, caption) = arg.split_once('|').context("say LABEL = ARGS ;; … | CAPTION")?;
        let runs = runs.split(";;").map(|run| {
            let (label, args) = run.split_once('=').context("say LABEL = ARGS")?;
            Ok((label.trim().to_owned(), self.runs.get(args)?))
        });
        Ok((runs.collect::<Result<_>>()?, Some(caption)))
    }

    fn lang(self) -> Lang {
        match self.edition {
            Edition::English => Lang::En,
            Edition::Chinese => Lang::Zh,
        }
    }
}

fn incidents(runs: &[Labelled]) -> Vec<(String, &Incident)> {
    runs.iter().map(|(label, shown)| (label.clone(), &shown.incident)).collect()
}

/// The caption is Markdown: a blank line before it lets mdBook read it as that.
fn framed(drawing: &str, caption: Option<&str>, class: &str) -> Result<String> {
    let caption = caption.map(str::trim).filter(|caption| !caption.is_empty());
    let caption = caption.context("a figure needs a caption")?;
    ensure!(!drawing.trim().is_empty(), "the figure is empty");
    Ok(format!(
        "<figure class=\"sl-figure {class}\">\n{}\n<figcaption>\n\n{caption}\n\n</figcaption>\n</figure>",
        one_block(drawing)
    ))
}
