//! The learner's source: which file is theirs, and what an atomic is called there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use softlockup::sync::Site;

/// Whether a step stands in the part's code, and not in a model's.
pub(crate) fn is_theirs(at: Site) -> bool {
    let (models, _) = file!().rsplit_once("render").expect("this file is in `render`");
    !at.file().starts_with(models)
}

/// What stands before the method's name: `first` of `self.first.load(Acquire)`. For display only.
pub(crate) fn name(at: Site) -> String {
    let line = source_line(at.file(), at.line());
    let before: Vec<char> = line.chars().take(at.column() as usize - 1).collect();
    let mut depth = 0;
    let belongs = |c: &&char| {
        depth += i32::from(matches!(**c, ')' | ']')) - i32::from(matches!(**c, '(' | '['));
        depth > 0
            || c.is_alphanumeric()
            || matches!(**c, '_' | '.' | ')' | ']' | '(' | '[') && depth >= 0
    };
    let mut name: Vec<char> = before.iter().rev().take_while(belongs).copied().collect();
    name.reverse();
    let name: String = name.into_iter().collect();
    let name = name.trim_matches('.');
    let field = name.strip_prefix("self.").filter(|field| !field.starts_with(char::is_numeric));
    let name = field.unwrap_or(name);
    if name.is_empty() { "it".into() } else { name.into() }
}

thread_local! {
    static SOURCES: RefCell<HashMap<&'static str, Vec<String>>> = RefCell::default();
}

fn source_line(file: &'static str, line: u32) -> String {
    SOURCES.with_borrow_mut(|sources| {
        let lines = sources.entry(file).or_insert_with(|| {
            let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")); // what the names of files begin at
            let text = fs::read_to_string(workspace.join(file));
            text.unwrap_or_default().lines().map(str::to_owned).collect()
        });
        lines.get(line as usize - 1).cloned().unwrap_or_default()
    })
}
