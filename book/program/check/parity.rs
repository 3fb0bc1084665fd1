//! The two editions say the same: the same files, directives and ids.

use crate::chapters::{Chapters, Directive, directives};
use crate::stamp::is_fresh;

pub(super) fn faults(english: &Chapters, chinese: &Chapters) -> Vec<String> {
    let mut faults = Vec::new();
    for name in english.0.keys().filter(|name| !chinese.0.contains_key(*name)) {
        faults.push(format!("src-zh/{name}.md is missing"));
    }
    for (name, theirs) in &chinese.0 {
        let Some(ours) = english.0.get(name) else {
            faults.push(format!("src-zh/{name}.md has no English original"));
            continue;
        };
        differences(name, "directive", &asked(ours), &asked(theirs), &mut faults);
        differences(name, "id", &ids(ours), &ids(theirs), &mut faults);
    }
    faults
}

/// The translations of another text than the English edition has now. Their pages say so: no fault.
pub(super) fn stale<'all>(english: &'all Chapters, chinese: &Chapters) -> Vec<&'all str> {
    let stale = english
        .0
        .iter()
        .filter(|(name, ours)| chinese.0.get(*name).is_some_and(|theirs| !is_fresh(theirs, ours)));
    stale.map(|(name, _)| name.as_str()).collect()
}

fn differences(name: &str, what: &str, ours: &[String], theirs: &[String], out: &mut Vec<String>) {
    let (mut ours, mut theirs) = (ours.to_vec(), theirs.to_vec());
    ours.sort();
    theirs.sort();
    for lacking in missing(&ours, &theirs) {
        out.push(format!("src-zh/{name}.md lacks the {what} {lacking}"));
    }
    for extra in missing(&theirs, &ours) {
        out.push(format!("src-zh/{name}.md has the {what} {extra}, and the original has not"));
    }
}

/// What `all` has more often than `of` has; both sorted.
fn missing<'all>(all: &'all [String], of: &[String]) -> Vec<&'all String> {
    let mut rest = of.to_vec();
    let mut out = Vec::new();
    for one in all {
        match rest.iter().position(|other| other == one) {
            Some(at) => drop(rest.remove(at)),
            None => out.push(one),
        }
    }
    out
}

/// The directives without their captions and labels, which are translated.
fn asked(text: &str) -> Vec<String> {
    let bare = |Directive { verb, arg }: Directive| {
        let parts: Vec<&str> = arg.split('|').map(str::trim).collect();
        let kept = match (verb.as_str(), parts.as_slice()) {
            ("figure" | "sidebyside", [kept @ .., _]) if parts.len() > 2 => kept.join(" | "),
            ("quantiles", [file, ..]) => (*file).to_owned(),
            ("ablations", _) => String::new(),
            ("fixes" | "replay", [runs, ..]) => {
                let args = runs.split(";;").map(|run| run.split_once('=').map_or(run, |it| it.1));
                args.map(str::trim).collect::<Vec<_>>().join(" ;; ")
            }
            _ => arg.clone(),
        };
        format!("{{{{#{verb} {kept}}}}}")
    };
    directives(text).into_iter().map(bare).collect()
}

/// Explicit ids of headings.
fn ids(text: &str) -> Vec<String> {
    let heads = text.lines().filter(|line| line.starts_with('#'));
    heads.filter_map(|line| Some(line.split_once("{#")?.1.split('}').next()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{faults, stale};
    use crate::chapters::Chapters;
    use crate::stamp::hash;

    const ENGLISH: &str =
        "# A {#a}\n\n{{#figure overview | --idle | Words.}}\n\n{{#fixes x = --idle ;; y = | W}}\n";

    fn against(chinese: &str) -> Vec<String> {
        let book = |text: &str| Chapters(BTreeMap::from([("a".to_owned(), text.to_owned())]));
        faults(&book(ENGLISH), &book(chinese))
    }

    #[test]
    fn captions_and_labels_may_differ_and_nothing_else() {
        let good = ENGLISH.replace("Words.", "词。").replace("x =", "甲 =");
        assert_eq!(against(&good), [""; 0]);
        assert_eq!(against(&good.replace("{#a}", "")).len(), 1);
        assert_eq!(against(&good.replace("overview", "aligned")).len(), 2);
        assert_eq!(against(&good.replace("甲 = --idle", "甲 = --busy")).len(), 2);
    }

    #[test]
    fn a_translation_of_another_text_is_out_of_date_and_no_fault() {
        let book = |text: &str| Chapters(BTreeMap::from([("a".to_owned(), text.to_owned())]));
        let (english, old) = (book("# A\n"), book("# 甲\n"));
        assert_eq!(stale(&english, &old), ["a"]);
        assert_eq!(faults(&english, &old), [""; 0]);
        let fresh = book(&format!("# 甲\n\n<!-- english: {} -->\n", hash("# A\n")));
        assert_eq!(stale(&english, &fresh), [""; 0]);
    }
}
