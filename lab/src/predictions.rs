//! What a learner predicts before the machine shows it: `exercises/predictions.toml`.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use crate::course::{Course, Exercise};
use crate::stop::Stop;

/// One question with one right answer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Prediction {
    /// What `predict` calls it.
    pub(crate) id: String,
    /// The exercise that it counts for: `ex04`.
    pub(crate) exercise: String,
    /// A number, or one of `choices`.
    pub(crate) kind: Kind,
    /// What is asked.
    pub(crate) question: String,
    /// What can be chosen; empty for a number.
    #[serde(default)]
    pub(crate) choices: Vec<String>,
    /// The right answer.
    pub(crate) answer: Value,
    /// Wrong answers, each with the reply that it gets.
    #[serde(default)]
    pub(crate) wrong: BTreeMap<String, String>,
    /// Why the right answer is right: shown once it was answered.
    #[serde(default)]
    pub(crate) why: String,
    /// What it is worth.
    #[serde(default = "one")]
    pub(crate) points: u32,
}

fn one() -> u32 {
    1
}

/// What a prediction is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Compared as a number: `22`, `22.0` and `22s` are equal.
    Number,
    /// Compared as a word, upper or lower case.
    Choice,
}

/// An answer as TOML writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// `22`
    Integer(i64),
    /// `21.47`
    Float(f64),
    /// `"none"`
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => write!(out, "{value}"),
            Self::Float(value) => write!(out, "{value}"),
            Self::Text(value) => out.write_str(value),
        }
    }
}

impl Prediction {
    /// Whether `given` is the right answer.
    ///
    /// # Errors
    /// It is no answer to this question at all: a typing mistake should cost nothing.
    pub(crate) fn is_right(&self, given: &str) -> Result<bool, Stop> {
        let readable = match self.kind {
            Kind::Number => number(given).is_some(),
            Kind::Choice => {
                self.choices.is_empty() || self.choices.iter().any(|choice| same(choice, given))
            }
        };
        if !readable {
            let expected = match self.kind {
                Kind::Number => "a number".to_owned(),
                Kind::Choice => format!("one of {}", self.choices.join(", ")),
            };
            return Err(Stop::usage(format!("{} wants {expected}, not {given:?}", self.id)));
        }
        Ok(self.equal(&self.answer.to_string(), given))
    }

    /// The reply to a wrong answer, if the course foresaw it.
    pub(crate) fn reply(&self, given: &str) -> Option<&str> {
        let foreseen = self.wrong.iter().find(|(wrong, _)| self.equal(wrong, given));
        foreseen.map(|(_, reply)| reply.as_str())
    }

    fn equal(&self, one: &str, other: &str) -> bool {
        match (self.kind, number(one), number(other)) {
            (Kind::Number, Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs(),
            _ => same(one, other),
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

fn number(text: &str) -> Option<f64> {
    let digits =
        text.trim().trim_end_matches(|unit: char| unit.is_ascii_alphabetic() || unit == ' ');
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

/// All predictions of the course; none if it has no such file.
pub(crate) fn load(course: &Course) -> Result<Vec<Prediction>, Stop> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        prediction: Vec<Prediction>,
    }
    let path = course.root.join("exercises/predictions.toml");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(Vec::new()) };
    let file: File = toml::from_str(&text)
        .map_err(|error| Stop::grader(format!("{}: {}", path.display(), error.message())))?;
    Ok(file.prediction)
}

/// The predictions of one exercise.
pub(crate) fn of<'all>(
    all: &'all [Prediction],
    exercise: &Exercise,
) -> impl Iterator<Item = &'all Prediction> {
    let (id, folder) = (exercise.id.clone(), exercise.folder.clone());
    all.iter().filter(move |prediction| prediction.exercise == id || prediction.exercise == folder)
}
