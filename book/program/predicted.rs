//! The page of all predictions: what was asked where, what the reader said, what the machine says.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::book::Edition;
use crate::chapters::Chapters;
use crate::predictions::Prediction;

/// One row a prediction. The reader's own answers come from the browser: `predict.js`.
pub(crate) fn table(all: &[Prediction], chapters: &Chapters, edition: Edition) -> Result<String> {
    let heads = match edition {
        Edition::English => ["prediction", "you", "the machine"],
        Edition::Chinese => ["预测", "你", "机器"],
    };
    let mut out = String::from("<table class=\"sl-predicted\">\n<thead><tr>");
    for head in heads {
        write!(out, "<th>{head}</th>")?;
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    // The chapters' own first: those are answered here.
    let (of_chapters, of_exercises): (Vec<_>, Vec<_>) =
        all.iter().partition(|prediction| prediction.chapter.is_some());
    for prediction in of_chapters.into_iter().chain(of_exercises) {
        let (link, hand_in) = place(prediction, chapters, edition)?;
        writeln!(
            out,
            "<tr data-prediction=\"{data}\">\n<td>\n\n{link}{colon}{question}{hand_in}\n\n</td>\n\
             <td class=\"sl-said\">–</td>\n\
             <td><details><summary>{show}</summary>\n\n**{answer}**\n\n</details></td>\n</tr>",
            data = prediction.data(edition),
            colon = edition.word(": ", "："),
            question = prediction.asked(edition),
            show = edition.word("answer", "答案"),
            answer = prediction.answered(edition),
        )?;
    }
    out.push_str("</tbody>\n</table>");
    Ok(out)
}

/// A link to where it is asked; and for an exercise's, how to hand it in.
fn place(
    prediction: &Prediction,
    chapters: &Chapters,
    edition: Edition,
) -> Result<(String, String)> {
    if let Some(chapter) = &prediction.chapter {
        let title = chapters.title(chapter).unwrap_or(chapter);
        let link = format!("[{title}]({chapter}.md#predict-{})", prediction.anchor());
        return Ok((link, String::new()));
    }
    let exercise = prediction.exercise.as_deref().context(prediction.id.clone())?;
    let exercise = exercise.split('_').next().unwrap_or(exercise);
    let name = format!("{} {exercise}", edition.word("Exercise", "练习"));
    let link = match chapters.with_exercise(exercise) {
        Some(chapter) => format!("[{name}]({chapter}.md#exercise-{exercise})"),
        None => name, // the check finds an exercise that no chapter has
    };
    let value = edition.word("ANSWER", "答案");
    Ok((link, format!("\n\n`cargo lab predict {} {value}`", prediction.id)))
}
