//! Each exercise is in one chapter, and says in which.

use std::path::Path;

use anyhow::Result;

use crate::chapters::{Chapters, directives};
use crate::exercises::load;

pub(super) fn faults(root: &Path, chapters: &Chapters) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for exercise in load(root)? {
        let id = &exercise.id;
        let has = |text: &str| {
            let found = directives(text);
            found.iter().filter(|it| it.verb == "exercise" && it.arg == *id).count()
        };
        let places: Vec<&str> = chapters
            .0
            .iter()
            .flat_map(|(name, text)| std::iter::repeat_n(name.as_str(), has(text)))
            .collect();
        let [chapter] = places.as_slice() else {
            faults.push(format!("{id} must be in one chapter, and is in {places:?}"));
            continue;
        };
        let chapter = format!("book/src/{chapter}.md");
        if !exercise.task(root)?.contains(&chapter) {
            let folder = &exercise.folder;
            faults.push(format!(
                "the module doc of {folder} must name its chapter, {chapter}, in exercises/ and in lab/handed-out/"
            ));
        }
    }
    Ok(faults)
}
