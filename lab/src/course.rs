//! The course: which exercises there are, and where their files lie.

use std::env;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use serde::Deserialize;

use crate::stop::Stop;

/// `exercises/course.toml`, and the folder that everything else is found from.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// The folder that holds `exercises/`, `solutions/`, `lab/` and the progress file.
    pub(crate) root: PathBuf,
    /// In the order in which they are to be done.
    pub(crate) exercises: Vec<Exercise>,
    /// What all exercises are worth together, if the course says so.
    pub(crate) total: Option<u32>,
}

/// One exercise: an entry of `course.toml`. Fields that are not listed here are for others, and ignored.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Exercise {
    /// `ex04`: the name of its checks binary, of its feature, and of the exercise in a report.
    pub(crate) id: String,
    /// `ex04_die_lock`: the name of its folder and of its package.
    #[serde(default)]
    pub(crate) folder: String,
    /// What the learner builds, in a few words.
    pub(crate) title: String,
    /// The question of the README that it belongs to: "1", "2", "3", or "all".
    #[serde(deserialize_with = "word_or_number")]
    pub(crate) question: String,
    /// What it is worth, its predictions included.
    pub(crate) points: u32,
    /// Whether the model lane has checks for it.
    #[serde(default)]
    pub(crate) models: bool,
    /// The ids of exercises that should be done first.
    #[serde(default)]
    pub(crate) prerequisites: Vec<String>,
}

#[derive(Deserialize)]
struct CourseFile {
    exercise: Vec<Exercise>,
    total: Option<u32>,
}

/// `question = 2` and `question = "all"` are both fine.
fn word_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Word(String),
    }
    Ok(match Either::deserialize(from)? {
        Either::Number(number) => number.to_string(),
        Either::Word(word) => word,
    })
}

impl Course {
    /// Opens the course in `root`, or the one that the current folder is in.
    pub(crate) fn open(root: Option<&Path>) -> Result<Self, Stop> {
        let root = match root {
            Some(root) => root.to_owned(),
            None => find()?,
        };
        let root = root
            .canonicalize()
            .map_err(|error| Stop::usage(format!("no course in {}: {error}", root.display())))?;
        let path = root.join("exercises/course.toml");
        let text = fs::read_to_string(&path).map_err(|error| {
            Stop::usage(format!("no course here: cannot read {}: {error}", path.display()))
        })?;
        let file: CourseFile = toml::from_str(&text)
            .map_err(|error| Stop::grader(format!("{}: {}", path.display(), error.message())))?;
        let mut exercises = file.exercise;
        for exercise in &mut exercises {
            exercise.complete(&root)?;
        }
        Ok(Self { root, exercises, total: file.total })
    }

    /// The exercise that a user means by `ex04`, `4`, `ex04_die_lock` or `die_lock`.
    pub(crate) fn exercise(&self, name: &str) -> Result<&Exercise, Stop> {
        let number = name.trim_start_matches("ex").parse::<u32>().ok();
        self.exercises
            .iter()
            .find(|exercise| {
                exercise.id == name
                    || exercise.folder == name
                    || exercise.name() == name
                    || (number.is_some() && exercise.number() == number)
            })
            .ok_or_else(|| {
                let known: Vec<_> = self.exercises.iter().map(|known| known.id.as_str()).collect();
                Stop::usage(format!(
                    "there is no exercise {name:?}; there are {}",
                    known.join(", ")
                ))
            })
    }

    /// The exercises of these names, in the course's order.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&Exercise>, Stop> {
        let wanted = names.iter().map(|name| self.exercise(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(self
            .exercises
            .iter()
            .filter(|exercise| wanted.iter().any(|wanted| wanted.id == exercise.id))
            .collect())
    }

    /// The folder of an exercise.
    pub(crate) fn folder(&self, exercise: &Exercise) -> PathBuf {
        self.root.join("exercises").join(&exercise.folder)
    }

    /// The one file that the learner edits.
    pub(crate) fn file(&self, exercise: &Exercise) -> PathBuf {
        self.folder(exercise).join("src/lib.rs")
    }

    /// The same file as it was handed out.
    pub(crate) fn handed_out(&self, exercise: &Exercise) -> PathBuf {
        self.root.join("lab/handed-out").join(&exercise.folder).join("lib.rs")
    }

    /// The course's own solution.
    pub(crate) fn solution(&self, exercise: &Exercise) -> PathBuf {
        self.root.join("solutions").join(&exercise.folder).join("src/lib.rs")
    }

    /// The workspace of the checks.
    pub(crate) fn checks(&self) -> PathBuf {
        self.root.join("lab/checks")
    }

    /// How a user would name a file: from the course's root.
    pub(crate) fn short<'path>(&self, path: &'path Path) -> std::path::Display<'path> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// A text of the compiler's, with each of the course's files named in the same way.
    pub(crate) fn shorten(&self, text: &str) -> String {
        text.replace(&format!("{}{MAIN_SEPARATOR}", self.root.display()), "")
    }
}

impl Exercise {
    /// The folder's name without the number: `die_lock`.
    pub(crate) fn name(&self) -> &str {
        self.folder.split_once('_').map_or(&self.folder, |(_, name)| name)
    }

    fn number(&self) -> Option<u32> {
        self.id.trim_start_matches("ex").parse().ok()
    }

    /// `id` may be the long name too: the short one and the folder follow from it, or from what lies in `exercises/`.
    fn complete(&mut self, root: &Path) -> Result<(), Stop> {
        if let Some((short, _)) = self.id.split_once('_') {
            let short = short.to_owned();
            self.folder = std::mem::replace(&mut self.id, short);
        }
        if self.folder.is_empty() {
            let prefix = format!("{}_", self.id);
            let entries = fs::read_dir(root.join("exercises"))
                .map_err(Stop::file("cannot read", &root.join("exercises")))?;
            let names = entries.flatten().map(|entry| entry.file_name());
            let found = names.filter_map(|name| name.into_string().ok());
            self.folder =
                found.into_iter().find(|name| name.starts_with(&prefix)).ok_or_else(|| {
                    Stop::grader(format!(
                        "course.toml names {}, and exercises/{prefix}… is missing",
                        self.id
                    ))
                })?;
        }
        Ok(())
    }
}

/// The course around the current folder, else the one that this program was built in.
fn find() -> Result<PathBuf, Stop> {
    let here = env::current_dir().map_err(|error| Stop::usage(format!("where am I? {error}")))?;
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .chain(built_in.ancestors())
        .find(|folder| folder.join("exercises/course.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            Stop::usage(format!(
                "{} is in no course: go to a folder that has exercises/course.toml, or below it",
                here.display()
            ))
        })
}
