//! The variants of an exercise: its solution, its mutants and its alternatives, all in one binary.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::cargo::{self, Build, Outcome};
use crate::channel::{Check, Status};
use crate::course::{Course, Exercise};
use crate::examine::{End, examine};
use crate::sandbox::Cancel;
use crate::stop::Stop;

/// How often a variant is graded until there is a verdict.
const TRIES: usize = 3;

/// One line of `variants --list`.
#[derive(Debug, Deserialize)]
pub(super) struct Variant {
    /// The exercise's id.
    pub(super) exercise: String,
    /// Its name.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// How the name of the check begins that must refuse this mutant.
    #[serde(default)]
    refused_by: Option<String>,
    /// What must be said to its author.
    #[serde(default)]
    words: Vec<String>,
}

impl Variant {
    /// Only the model lane refuses it.
    fn needs_models(&self) -> bool {
        self.refused_by.as_deref().is_some_and(|by| by.starts_with("model"))
    }
}

/// What a variant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// The course's own answer.
    Solution,
    /// A wrong answer, as a learner would write it.
    Mutant,
    /// Another right answer.
    Alternative,
}

/// The binary, in both lanes.
#[derive(Debug)]
pub(super) struct Binaries {
    plain: PathBuf,
    models: Option<PathBuf>,
}

/// How a variant was graded.
#[derive(Debug)]
pub(super) struct Answer {
    /// Every check of the exercise was there to be passed.
    is_whole: bool,
    checks: Vec<Check>,
    end: End,
}

impl Binaries {
    /// Builds them. The model lane only if an exercise has models.
    pub(super) fn build(
        course: &Course,
        exercises: &[&Exercise],
        with_models: bool,
    ) -> Result<Self, Stop> {
        let has_models = with_models && exercises.iter().any(|exercise| exercise.models);
        Ok(Self {
            plain: build(course, "target", "solutions")?,
            models: match has_models {
                true => Some(build(course, "target-models", "solutions,models")?),
                false => None,
            },
        })
    }

    /// The variants of these exercises.
    pub(super) fn list(&self, exercises: &[&Exercise]) -> Result<Vec<Variant>, Stop> {
        let output = Command::new(&self.plain)
            .arg("--list")
            .output()
            .map_err(Stop::file("cannot start", &self.plain))?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Stop::grader(format!("`variants --list` failed: {error}")));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let read = |line: &str| {
            serde_json::from_str::<Variant>(line)
                .map_err(|error| Stop::grader(format!("`variants --list` wrote {line}: {error}")))
        };
        let all = text.lines().filter(|line| !line.is_empty()).map(read);
        let mut all = all.collect::<Result<Vec<_>, _>>()?;
        all.retain(|variant| {
            let is_seen = self.models.is_some() || !variant.needs_models();
            is_seen && exercises.iter().any(|exercise| exercise.id == variant.exercise)
        });
        Ok(all)
    }

    /// Grades a variant as an answer is graded. A host that is too busy gets another chance, as a learner would give it.
    pub(super) fn grade(&self, exercise: &Exercise, variant: &Variant) -> Result<Answer, Stop> {
        for _ in 1..TRIES {
            let answer = self.grade_once(exercise, variant)?;
            if !matches!(answer.end, End::Undecided(_)) {
                return Ok(answer);
            }
        }
        self.grade_once(exercise, variant)
    }

    fn grade_once(&self, exercise: &Exercise, variant: &Variant) -> Result<Answer, Stop> {
        let cancel = Cancel::default();
        let (id, name) = (exercise.id.as_str(), variant.name.as_str());
        let plain = examine(&self.plain, &[id, name], id, &cancel)?;
        let is_whole = self.models.is_some() || !exercise.models;
        let mut answer = Answer { is_whole, checks: plain.checks, end: plain.end };
        if let (true, End::Passed, Some(models)) = (exercise.models, &answer.end, &self.models) {
            let more = examine(models, &[id, name, "--only", "model"], id, &cancel)?;
            answer.checks.extend(more.checks);
            answer.end = more.end;
        }
        Ok(answer)
    }
}

impl Answer {
    /// What is wrong with this answer to this variant. `points` is what its checks are worth together.
    pub(super) fn wrong(&self, variant: &Variant, points: u32) -> Option<String> {
        match variant.kind {
            Kind::Solution | Kind::Alternative => self.wrong_if_refused(variant.kind, points),
            Kind::Mutant => self.wrong_if_accepted(variant),
        }
    }

    fn wrong_if_refused(&self, kind: Kind, points: u32) -> Option<String> {
        if self.end != End::Passed {
            return Some(format!("is refused: {}", self.told()));
        }
        let passed = self.checks.iter().filter(|check| check.status == Status::Pass);
        let score: u32 = passed.map(|check| check.points).sum();
        (kind == Kind::Solution && self.is_whole && score != points).then(|| {
            format!("its checks are worth {score} points together, and should be worth {points}")
        })
    }

    fn wrong_if_accepted(&self, variant: &Variant) -> Option<String> {
        if self.end == End::Passed {
            return Some("is accepted".to_owned());
        }
        let told = self.told();
        let by = match &self.end {
            End::Failed => self.checks.last().map_or("", |check| check.name.as_str()),
            _ => "",
        };
        match &variant.refused_by {
            Some(named) if !by.starts_with(named.as_str()) => {
                return Some(format!("should be refused by {named}, and is by {by}: {told}"));
            }
            None => return Some("does not name the check that must refuse it".to_owned()),
            Some(_) => {}
        }
        let missing = variant.words.iter().find(|word| !told.contains(word.as_str()));
        missing.map(|word| format!("should be told {word:?}, and is told: {told}"))
    }

    /// All that the author of a refused answer reads.
    fn told(&self) -> String {
        match (&self.end, self.checks.last()) {
            (End::Failed, Some(check)) => {
                let parts = [&check.message, &check.detail, &check.mistake];
                let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
                parts.join("\n")
            }
            (End::Incomplete(why) | End::Undecided(why), _) => why.clone(),
            (end, _) => format!("{end:?}"),
        }
    }
}

fn build(course: &Course, target: &str, features: &str) -> Result<PathBuf, Stop> {
    let workspace = course.checks();
    let build = Build {
        workspace: &workspace,
        target: &workspace.join(target),
        package: "checks",
        bin: Some("variants"),
        features,
        profile: "test",
        learner: None,
        gently: false,
    };
    match cargo::build(&build, &Cancel::default(), &|_| {})? {
        Outcome::Built(built) => Ok(built.program),
        Outcome::Refused(errors) => {
            Err(Stop::grader(format!("the variants do not compile: {}", errors.course.join("; "))))
        }
        Outcome::Stopped => Err(Stop::grader("the build of the variants was ended")),
    }
}
