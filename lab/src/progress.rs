//! What the learner has reached: `lab-progress.toml` in the course's root, to be read, copied and mended by hand.
//!
//! It is replaced in one step, so that a `kill -9` at any moment leaves the old file or the new one. The old one stays
//! beside it as `lab-progress.backup.toml`. Two programs that write at once take turns.

mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::course::Exercise;
pub(crate) use store::Store;

/// What this program writes. It reads no later one.
const VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    version: u32,
    /// By the exercise's id.
    #[serde(default, rename = "exercise")]
    exercises: BTreeMap<String, Entry>,
    /// By the prediction's id.
    #[serde(default, rename = "prediction")]
    predictions: BTreeMap<String, Predicted>,
}

/// One exercise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    /// The points of the checks that the file passed when it was graded last.
    pub(crate) score: u32,
    /// The most that it ever had.
    pub(crate) best: u32,
    /// When it passed for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passed: Option<String>,
    /// The SHA-256 of the file that was graded last.
    pub(crate) source: String,
    /// The SHA-256 of the file that passed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passed_source: Option<String>,
    /// How many different files were graded.
    pub(crate) tries: u32,
    /// How many hints were shown.
    pub(crate) hints: u32,
    /// Whether the course's solution was shown before the exercise passed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) solution_seen: bool,
}

/// One prediction: the first answer counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Predicted {
    /// As the learner typed it.
    pub(crate) answer: String,
    /// Whether it was right.
    pub(crate) right: bool,
    /// What it brought.
    pub(crate) points: u32,
}

impl Default for Progress {
    fn default() -> Self {
        Self { version: VERSION, exercises: BTreeMap::new(), predictions: BTreeMap::new() }
    }
}

impl Progress {
    /// What is known of an exercise.
    pub(crate) fn entry(&self, exercise: &Exercise) -> Entry {
        self.exercises.get(&exercise.id).cloned().unwrap_or_default()
    }

    /// The same, to be changed.
    pub(crate) fn entry_mut(&mut self, exercise: &Exercise) -> &mut Entry {
        self.exercises.entry(exercise.id.clone()).or_default()
    }

    /// The answer to a prediction.
    pub(crate) fn predicted(&self, id: &str) -> Option<&Predicted> {
        self.predictions.get(id)
    }

    /// Takes down an answer, unless there is one.
    pub(crate) fn predict(&mut self, id: &str, answer: Predicted) {
        self.predictions.entry(id.to_owned()).or_insert(answer);
    }

    /// Whether nothing was reached or graded yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.exercises.is_empty() && self.predictions.is_empty()
    }
}
