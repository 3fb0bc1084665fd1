//! The course's exercises: `exercises/course.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// One exercise. Fields that are not listed here are for the grader.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exercise {
    /// `ex04`
    pub(crate) id: String,
    /// `ex04_die_lock`
    pub(crate) folder: String,
    /// What is built, in a few words.
    pub(crate) title: String,
    /// The same in Chinese.
    #[serde(rename = "title-zh")]
    pub(crate) title_zh: String,
    /// What it is worth.
    pub(crate) points: u32,
}

pub(crate) fn load(root: &Path) -> Result<Vec<Exercise>> {
    #[derive(Deserialize)]
    struct Course {
        exercise: Vec<Exercise>,
    }
    let path = root.join("exercises/course.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let course: Course = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(course.exercise)
}

impl Exercise {
    /// Where its task is written: the module doc of the file as it is handed out, whatever a learner made of it.
    pub(crate) fn task(&self, root: &Path) -> Result<String> {
        let path = root.join("lab/handed-out").join(&self.folder).join("lib.rs");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let doc = text.lines().map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<&str> = doc.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        Ok(without_items(&lines.join("\n")))
    }

    /// Its number: 4.
    pub(crate) fn number(&self) -> &str {
        self.id.trim_start_matches("ex").trim_start_matches('0')
    }
}

/// Links to items lead somewhere in rustdoc only: their texts are left.
fn without_items(doc: &str) -> String {
    let mut out = doc.to_owned();
    while let Some(from) = out.find("](softlockup::") {
        let Some(to) = out[from..].find(')').map(|len| from + len) else { break };
        let Some(open) = out[..from].rfind('[') else { break };
        out.replace_range(from..=to, "");
        out.remove(open);
    }
    out.replace("[`", "`").replace("`]", "`")
}

#[cfg(test)]
mod tests {
    use super::without_items;

    #[test]
    fn links_to_items_lose_their_targets() {
        let doc =
            "See [`Link`](softlockup::parts::Link) and [`parse`], in [Linux](https://kernel.org).";
        assert_eq!(without_items(doc), "See `Link` and `parse`, in [Linux](https://kernel.org).");
    }
}
