//! What a learner predicts before the machine shows it: `exercises/predictions.toml`.
//!
//! A prediction belongs to an exercise, and brings it points; or to a chapter of the book, and brings none. Fields that
//! are not listed here (`run`, `fact`, `zh`) are the book's.

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
    exercise: Option<String>,
    /// The chapter of the book that asks it: `why-22`.
    chapter: Option<String>,
    /// A number, or one of `choices`.
    pub(crate) kind: Kind,
    /// What is asked.
    pub(crate) question: String,
    /// What can be chosen; empty for a number.
    #[serde(default)]
    pub(crate) choices: Vec<String>,
    /// The right answer.
    pub(crate) answer: Value,
    /// How far a number may be from the answer and still be right.
    #[serde(default)]
    within: f64,
    /// Wrong answers, each with the reply that it gets.
    #[serde(default)]
    pub(crate) wrong: BTreeMap<String, String>,
    /// Why the right answer is right: shown once it was answered.
    #[serde(default)]
    pub(crate) why: String,
    /// What it is worth, in an exercise.
    #[serde(default = "one")]
    points: u32,
}

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks<'prediction> {
    /// The id or the folder of an exercise.
    Exercise(&'prediction str),
    /// A chapter of the book.
    Chapter(&'prediction str),
    /// The entry names neither, or both.
    Unclear,
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
    /// Whose question it is.
    pub(crate) fn asked_by(&self) -> Asks<'_> {
        match (&self.exercise, &self.chapter) {
            (Some(exercise), None) => Asks::Exercise(exercise),
            (None, Some(chapter)) => Asks::Chapter(chapter),
            (None, None) | (Some(_), Some(_)) => Asks::Unclear,
        }
    }

    /// What a right answer brings: a chapter's brings nothing.
    pub(crate) fn points(&self) -> u32 {
        if self.exercise.is_some() { self.points } else { 0 }
    }

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
        let answer = self.answer.to_string();
        let is_near = match (self.kind, number(&answer), number(given)) {
            (Kind::Number, Some(answer), Some(given)) => (answer - given).abs() <= self.within,
            _ => false,
        };
        Ok(is_near || self.is(given))
    }

    /// Whether `given` is the answer itself, and not only within what is allowed.
    pub(crate) fn is(&self, given: &str) -> bool {
        self.equal(&self.answer.to_string(), given)
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
    all.iter().filter(move |prediction| match prediction.asked_by() {
        Asks::Exercise(name) => name == id || name == folder,
        Asks::Chapter(_) | Asks::Unclear => false,
    })
}

/// The predictions of one chapter of the book.
pub(crate) fn of_chapter<'all>(
    all: &'all [Prediction],
    chapter: &str,
) -> impl Iterator<Item = &'all Prediction> {
    all.iter().filter(move |prediction| prediction.asked_by() == Asks::Chapter(chapter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entry: &str) -> Prediction {
        let head = "id = \"q1.x\"\nkind = \"number\"\nquestion = \"?\"\nanswer = 22\n";
        toml::from_str(&format!("{head}{entry}")).unwrap()
    }

    #[test]
    fn a_chapter_s_prediction_brings_no_points_and_may_carry_what_the_book_reads() {
        let book = "chapter = \"why-22\"\nrun = \"--cpus 8\"\nfact = \"cpus\"\n[zh]\nwhy = \"\"";
        assert_eq!((read(book).points(), read(book).asked_by()), (0, Asks::Chapter("why-22")));
        assert_eq!(read("exercise = \"ex01\"\npoints = 2").points(), 2);
        assert_eq!(read("").asked_by(), Asks::Unclear);
        assert_eq!(read("exercise = \"ex01\"\nchapter = \"why-22\"").asked_by(), Asks::Unclear);
    }

    #[test]
    fn a_number_is_right_within_what_is_allowed_and_no_further() {
        let near = read("chapter = \"why-22\"\nwithin = 1.5");
        for (given, right) in [("22", true), ("23.5 s", true), ("20.5", true), ("23.6", false)] {
            assert_eq!(near.is_right(given).unwrap(), right, "{given}");
        }
        assert!(near.is("22 s") && !near.is("23"));
        assert!(!read("chapter = \"why-22\"").is_right("22.5").unwrap());
        assert!(near.is_right("a few").is_err());
    }
}
