//! Which text of an English chapter a translation is of: `<!-- english: HASH -->` in the Chinese file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::book::Edition;
use crate::chapters::Chapters;

const OPEN: &str = "<!-- english: ";
const CLOSE: &str = " -->";

/// The hash of an English chapter.
pub(crate) fn hash(english: &str) -> String {
    let digest = Sha256::digest(english.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `chinese` is a translation of this text of the chapter.
pub(crate) fn is_fresh(chinese: &str, english: &str) -> bool {
    stamped(chinese) == Some(&hash(english))
}

fn stamped(chinese: &str) -> Option<&str> {
    chinese.split(OPEN).nth(1)?.split(CLOSE).next()
}

/// Stamps these chapters of the Chinese edition, or all of them: to be done when a translation was brought up to date.
pub(crate) fn stamp(root: &Path, names: &[String]) -> Result<()> {
    let english = Chapters::read(&root.join("book").join(Edition::English.src()))?;
    let folder = root.join("book").join(Edition::Chinese.src());
    for (name, chinese) in Chapters::read(&folder)?.0 {
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let original = english.0.get(&name);
        let original = original.with_context(|| format!("{name}.md has no English original"))?;
        let line = format!("{OPEN}{}{CLOSE}", hash(original));
        let text = match stamped(&chinese) {
            Some(old) => chinese.replace(&format!("{OPEN}{old}{CLOSE}"), &line),
            None => format!("{}\n\n{line}\n", chinese.trim_end()),
        };
        if text != chinese {
            fs::write(folder.join(format!("{name}.md")), text)?;
            println!("stamped {name}.md");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{hash, is_fresh, stamp};

    #[test]
    fn a_stamped_translation_is_fresh_until_the_original_changes() {
        let root = tempfile::tempdir().unwrap();
        for (folder, text) in [("src", "# Night\n"), ("src-zh", "# 那一夜\n")] {
            std::fs::create_dir_all(root.path().join("book").join(folder)).unwrap();
            std::fs::write(root.path().join("book").join(folder).join("night.md"), text).unwrap();
        }
        let chinese = || std::fs::read_to_string(root.path().join("book/src-zh/night.md")).unwrap();
        assert!(!is_fresh(&chinese(), "# Night\n"));
        stamp(root.path(), &[]).unwrap();
        assert!(is_fresh(&chinese(), "# Night\n"));
        assert!(!is_fresh(&chinese(), "# Night!\n"));

        std::fs::write(root.path().join("book/src/night.md"), "# Night!\n").unwrap();
        stamp(root.path(), &["day".to_owned()]).unwrap();
        assert!(!is_fresh(&chinese(), "# Night!\n"), "another chapter was stamped");
        stamp(root.path(), &["night".to_owned()]).unwrap();
        assert!(is_fresh(&chinese(), "# Night!\n"));
        assert_eq!(chinese().matches(&hash("# Night!\n")).count(), 1);
    }
}
