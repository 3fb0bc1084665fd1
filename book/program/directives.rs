//! What each directive gives: `book/README.md` lists them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::book::Edition;
use crate::chapters::Chapters;
use crate::exercises::{self, Exercise};
use crate::facts::fact;
use crate::figures::Figures;
use crate::html::{code_block, escape};
use crate::pick::pick;
use crate::predictions::{self, Prediction};
use crate::runs::{Runs, command, parse};
use crate::source::anchored;
use crate::{predicted, terms};

/// Expands directives for one edition.
pub(crate) struct Directives<'book> {
    root: &'book Path,
    runs: &'book Runs,
    edition: Edition,
    exercises: Vec<Exercise>,
    predictions: Vec<Prediction>,
}

impl<'book> Directives<'book> {
    pub(crate) fn open(root: &'book Path, runs: &'book Runs, edition: Edition) -> Result<Self> {
        let (exercises, predictions) = (exercises::load(root)?, predictions::load(root)?);
        Ok(Directives { root, runs, edition, exercises, predictions })
    }

    /// What `{{#verb arg}}` gives. `id` is unique in the chapter.
    pub(crate) fn expand(&self, verb: &str, arg: &str, id: &str) -> Result<String> {
        let figures = Figures { runs: self.runs, edition: self.edition };
        let (head, tail) = arg.split_once('|').unwrap_or((arg, ""));
        let (head, tail) = (head.trim(), tail.trim());
        match verb {
            "run" => text(&pick(&self.runs.get(head)?.console, tail)?),
            "report" => columns(&pick(&self.runs.get(head)?.report.to_string(), tail)?),
            "console" => text(&pick(&self.recorded(head)?, tail)?),
            "command" => {
                parse(arg)?;
                Ok(code_block("sh", &command(arg)))
            }
            "fact" => {
                let shown = self.runs.get(tail)?;
                let title = escape(&format!("{head}: {}", command(&shown.args)));
                let value = escape(&fact(head, &shown)?);
                Ok(format!("<span class=\"sl-fact\" title=\"{title}\">{value}</span>"))
            }
            "figure" => figures.one(arg, id),
            "fixes" => figures.fixes(arg, id),
            "ablations" => figures.ablations(arg, id),
            "replay" => figures.replay(arg, id),
            "quantiles" => figures.quantiles(&self.data(head)?, tail, id),
            "sidebyside" => {
                let (file, caption) = tail.split_once('|').context("say ARGS | FILE | CAPTION")?;
                figures.side_by_side(head, &self.recorded(file.trim())?, caption, id)
            }
            "predict" => Ok(self.prediction(arg)?.html(self.edition)),
            "predicted" => self.predicted(),
            "terms" => terms::table(&self.data("glossary.toml")?, self.edition),
            "exercise" => self.exercise(arg),
            "code" => {
                let (path, anchor) = arg.split_once(' ').context("say PATH ANCHOR")?;
                let code = code_block("rust,ignore", &anchored(self.root, path, anchor.trim())?);
                Ok(format!("{code}\n<p class=\"sl-path\"><code>{path}</code></p>\n"))
            }
            other => bail!("no directive is called `{other}`"),
        }
    }

    fn prediction(&self, id: &str) -> Result<&Prediction> {
        let prediction = self.predictions.iter().find(|prediction| prediction.id == id);
        let prediction = prediction.with_context(|| format!("no prediction is called `{id}`"))?;
        prediction.verify(self.runs)?;
        Ok(prediction)
    }

    fn predicted(&self) -> Result<String> {
        let chapters = Chapters::read(&self.root.join("book").join(self.edition.src()))?;
        predicted::table(&self.predictions, &chapters, self.edition)
    }

    fn exercise(&self, id: &str) -> Result<String> {
        let exercise = self.exercises.iter().find(|exercise| exercise.id == id);
        exercise.with_context(|| format!("no exercise is called `{id}`"))?.html(self)
    }

    fn recorded(&self, file: &str) -> Result<String> {
        let path = self.root.join("tests/ground-truth").join(file);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
    }

    fn data(&self, file: &str) -> Result<String> {
        let path = self.root.join("book/data").join(file);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }
}

impl Exercise {
    /// A box: what is built, for how many points, where, and how to begin.
    fn html(&self, book: &Directives<'_>) -> Result<String> {
        let (edition, id) = (book.edition, &self.id);
        let task = self.task(book.root)?;
        let lines = task.lines().skip_while(|line| line.starts_with("# ") || line.is_empty());
        // The reader of the box is in the book already.
        let lines = lines.filter(|line| !line.starts_with("In the book: "));
        let task = lines.collect::<Vec<_>>().join("\n");
        let (number, points, folder) = (self.number(), self.points, &self.folder);
        let begin = match edition {
            Edition::English => format!(
                "**Exercise {number}: {}** ({points} points)\n\nOne file to edit: \
                 `exercises/{folder}/src/lib.rs`. Graded again each time you save it:",
                self.title
            ),
            Edition::Chinese => format!(
                "**练习 {number}：{}**（{points} 分）\n\n只需编辑一个文件：\
                 `exercises/{folder}/src/lib.rs`。每次保存后都会重新评分：",
                self.title_zh
            ),
        };
        Ok(format!(
            "<div class=\"sl-exercise\" id=\"exercise-{id}\">\n\n\
             {begin}\n\n```sh\ncargo lab watch\n```\n\n\
             <details>\n<summary>{summary}</summary>\n\n{task}\n\n</details>\n</div>",
            summary = edition.word("What to do", "要做什么（英文）"),
        ))
    }
}

/// A piece of a report. One that has columns is not wrapped on a phone.
fn columns(lines: &[&str]) -> Result<String> {
    if lines.iter().any(|line| line.trim().contains("   ")) {
        return Ok(code_block("text,sl-columns", &lines.join("\n")));
    }
    text(lines)
}

fn text(lines: &[&str]) -> Result<String> {
    Ok(code_block("text", &lines.join("\n")))
}
