//! Predictions: `exercises/predictions.toml`, which the grader reads too. On a page each is a form that answers after
//! the reader has; without JavaScript it is a question, and an answer to unfold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::book::Edition;
use crate::html::escape;
use crate::runs::{Runs, command};

/// One question with one right answer. Fields that are not listed here are for the grader.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Prediction {
    pub(crate) id: String,
    /// The chapter that asks; the grader's own have none.
    #[serde(default)]
    pub(crate) chapter: Option<String>,
    /// The exercise that asks; the book's own have none.
    #[serde(default)]
    pub(crate) exercise: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) question: String,
    #[serde(default)]
    pub(crate) choices: Vec<String>,
    pub(crate) answer: Answer,
    #[serde(default)]
    pub(crate) within: f64,
    pub(crate) why: String,
    /// The run that answers, if one does…
    #[serde(default)]
    pub(crate) run: Option<String>,
    /// … and the fact of it that is the answer.
    #[serde(default)]
    pub(crate) fact: Option<String>,
    #[serde(default)]
    pub(crate) wrong: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) zh: Option<Translated>,
}

/// The same in Chinese. `choices` and `wrong` have the English choices as keys: those are what is stored and compared.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Translated {
    pub(crate) question: String,
    #[serde(default)]
    pub(crate) choices: BTreeMap<String, String>,
    pub(crate) why: String,
    #[serde(default)]
    pub(crate) wrong: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Number,
    Choice,
}

/// An answer as TOML writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Integer(i64),
    Float(f64),
    Text(String),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Integer(value) => write!(out, "{value}"),
            Answer::Float(value) => write!(out, "{value}"),
            Answer::Text(value) => out.write_str(value),
        }
    }
}

pub(crate) fn load(root: &Path) -> Result<Vec<Prediction>> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        prediction: Vec<Prediction>,
    }
    let path = root.join("exercises/predictions.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(file.prediction)
}

impl Prediction {
    /// Compares the answer with what the machine says, if a run answers.
    pub(crate) fn verify(&self, runs: &Runs) -> Result<()> {
        let place = || format!("prediction {}", self.id);
        ensure!(
            self.kind == Kind::Number || self.choices.contains(&self.answer.to_string()),
            "prediction {}: the answer {} is none of the choices",
            self.id,
            self.answer
        );
        for wrong in self.wrong.keys().chain(self.zh.iter().flat_map(|zh| zh.wrong.keys())) {
            ensure!(!self.agrees(wrong), "prediction {}: {wrong} is right, not wrong", self.id);
            ensure!(
                self.kind == Kind::Number || self.choices.contains(wrong),
                "prediction {}: the wrong answer {wrong} is none of the choices",
                self.id
            );
        }
        for choice in self.zh.iter().flat_map(|zh| zh.choices.keys()) {
            let known = self.choices.contains(choice);
            ensure!(known, "prediction {}: {choice} is translated and no choice", self.id);
        }
        if let (Some(run), Some(fact)) = (&self.run, &self.fact) {
            let said = crate::facts::fact(fact, &*runs.get(run).with_context(place)?);
            let said = said.with_context(place)?;
            ensure!(
                self.agrees(&said),
                "prediction {}: the answer is {} and the machine says {said}",
                self.id,
                self.answer
            );
        }
        Ok(())
    }

    /// Whether `given` is the right answer.
    pub(crate) fn agrees(&self, given: &str) -> bool {
        let answer = self.answer.to_string();
        match (self.kind, answer.parse::<f64>(), given.trim().parse::<f64>()) {
            (Kind::Number, Ok(answer), Ok(given)) => (answer - given).abs() <= self.within + 1e-9,
            _ => answer.eq_ignore_ascii_case(given.trim()),
        }
    }

    /// What it is called in a page's address.
    pub(crate) fn anchor(&self) -> String {
        self.id.replace('.', "-")
    }

    /// The question, in the edition's language.
    pub(crate) fn asked(&self, edition: Edition) -> &str {
        self.translated(edition).map_or(&self.question, |zh| &zh.question)
    }

    /// The right answer, as the edition's reader sees it.
    pub(crate) fn answered(&self, edition: Edition) -> String {
        let answer = self.answer.to_string();
        let shown = self.choices.iter().position(|choice| *choice == answer);
        shown.map_or(answer, |at| self.labels(edition)[at].to_owned())
    }

    /// What `predict.js` needs to know, ready for an attribute.
    pub(crate) fn data(&self, edition: Edition) -> String {
        let data = serde_json::json!({
            "id": self.id,
            "kind": self.kind,
            "answer": self.answer.to_string(),
            "within": self.within,
            "choices": self.choices.iter().zip(self.labels(edition)).collect::<Vec<_>>(),
            "wrong": self.translated(edition).map_or(&self.wrong, |zh| &zh.wrong),
        });
        escape(&data.to_string())
    }

    fn translated(&self, edition: Edition) -> Option<&Translated> {
        self.zh.as_ref().filter(|_| edition == Edition::Chinese)
    }

    fn labels(&self, edition: Edition) -> Vec<&String> {
        let zh = self.translated(edition);
        let label = self.choices.iter();
        label.map(|it| zh.and_then(|zh| zh.choices.get(it)).unwrap_or(it)).collect()
    }

    /// The widget.
    pub(crate) fn html(&self, edition: Edition) -> String {
        let zh = self.translated(edition);
        let why = zh.map_or(&self.why, |zh| &zh.why);
        let run = self.run.as_ref().map_or_else(String::new, |run| {
            let try_it = edition.word("Try it yourself:", "自己试试：");
            format!("\n\n{try_it}\n\n```sh\n{}\n```", command(run))
        });
        let grader = format!("`cargo lab predict {} {}`", self.id, edition.word("ANSWER", "答案"));
        let grader = match edition {
            Edition::English => {
                format!("To have it counted in the course, type {grader} in a terminal.")
            }
            Edition::Chinese => format!("想把它计入课程，请在终端里输入 {grader}。"),
        };
        format!(
            "<div class=\"sl-predict\" id=\"predict-{id}\" data-prediction=\"{data}\">\n\n\
             **{predict}** {question}\n\n{choices}\
             <details class=\"sl-answer\">\n<summary>{open}</summary>\n\n**{answer}** — {why}{run}\n\n\
             <p class=\"sl-small\">\n\n{grader}\n\n</p>\n</details>\n</div>",
            id = self.anchor(),
            data = self.data(edition),
            question = self.asked(edition),
            answer = self.answered(edition),
            predict = edition.word("Predict.", "预测。"),
            open = edition.word("The answer, and why", "答案与原因"),
            choices = listed(&self.labels(edition)),
        )
    }
}

fn listed(choices: &[&String]) -> String {
    let items: Vec<String> = choices.iter().map(|choice| format!("- {choice}\n")).collect();
    match items.as_slice() {
        [] => String::new(),
        items => format!("<div class=\"sl-choices\">\n\n{}\n</div>\n\n", items.concat()),
    }
}
