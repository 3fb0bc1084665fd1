//! The order of the house: which folder of `src` may import which. ARCHITECTURE.md draws it.
//!
//! It reads the sources as text: every path that begins with `crate::` or `super::`. Comments do not count, nor do the
//! tests at the end of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each folder, and the folders that its files may import beside their own. What stands in no folder is `words`: data
/// that many need and that needs no other folder.
const MAY_IMPORT: [(&str, &[&str]); 9] = [
    ("words", &[]),
    ("parts", &["words"]),
    ("hardware", &["words", "parts"]),
    ("kernel", &["words", "parts", "hardware"]),
    ("incident", &["words"]),
    ("dmesg", &["words"]),
    ("machine", &["words", "parts", "hardware", "kernel", "incident"]),
    ("scenario", &["words", "parts", "kernel", "incident", "machine"]),
    ("replay", &["words", "dmesg", "incident", "machine", "scenario"]),
];

/// The most files that may import each other in a ring.
const MAX_RING: usize = 7;

/// A module's name, without `crate::`: `kernel::state::flag`.
type Module = String;

/// One path in a file.
#[derive(Debug)]
struct Import {
    from: Module,
    /// The longest part of the path that is a module.
    to: Module,
    /// The name after it, if there is one.
    item: Option<String>,
}

/// Every module and its code.
fn sources() -> BTreeMap<Module, String> {
    fn read(folder: &Path, prefix: &str, into: &mut BTreeMap<Module, String>) {
        for entry in fs::read_dir(folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("names are UTF-8");
            let module = if prefix.is_empty() { name.into() } else { format!("{prefix}::{name}") };
            match () {
                () if path.is_dir() => read(&path, &module, into),
                () if name == "lib" && prefix.is_empty() => {}
                () => {
                    let module = if name == "mod" { prefix.to_owned() } else { module };
                    let text = fs::read_to_string(&path).expect("sources are UTF-8");
                    into.insert(module, code_of(&text));
                }
            }
        }
    }
    let mut sources = BTreeMap::new();
    read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut sources);
    sources
}

/// What stands before the tests at the end of a file, without comments and strings.
fn code_of(text: &str) -> String {
    let is_test = |line: &str| {
        let line = line.trim_start();
        line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test")
    };
    let lines: Vec<&str> = text.lines().collect();
    let begins_tests = |pair: &&[&str]| is_test(pair[0]) && pair[1].starts_with("mod ");
    let end = lines.windows(2).position(|pair| begins_tests(&pair)).unwrap_or(lines.len());
    let mut code = String::new();
    for line in &lines[..end] {
        let mut in_string = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' => in_string = !in_string,
                '\\' if in_string => _ = chars.next(),
                '/' if !in_string && chars.peek() == Some(&'/') => break,
                _ if in_string => {}
                c => code.push(c),
            }
        }
        code.push('\n');
    }
    code
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path of `text`, the file of `module`, that leads to a module of the crate: from `crate`, `super` or `self`, or
/// from a module that is declared in this file. Braces give a path for each name in them.
fn paths(module: &str, text: &str, sources: &BTreeMap<Module, String>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_name) {
        let follows_a_path = rest[..at].ends_with("::");
        rest = &rest[at..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        if follows_a_path || !after.starts_with("::") {
            continue;
        }
        let here: Vec<String> = module.split("::").map(str::to_owned).collect();
        let base = match name {
            "crate" => Vec::new(),
            "self" => here,
            "super" => here[..here.len() - 1].to_vec(),
            child if sources.contains_key(&format!("{module}::{child}")) => {
                here.into_iter().chain([child.to_owned()]).collect()
            }
            _ => continue,
        };
        leaves(&after[2..], &base, &mut found);
    }
    found
}

/// The paths that `text` begins with, each after `base`.
fn leaves(text: &str, base: &[String], found: &mut Vec<Vec<String>>) {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        let mut depth = 0;
        let mut start = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    if !group[start..at].trim().is_empty() {
                        leaves(&group[start..at], base, found);
                    }
                    start = at + 1;
                }
                _ => {}
            }
            if c == '}' && depth == 0 && start == at + 1 {
                return;
            }
        }
        return;
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let mut path = base.to_vec();
    match name {
        "super" => _ = path.pop(),
        "self" => {}
        "" => path.push("*".to_owned()),
        name => path.push(name.to_owned()),
    }
    match after.strip_prefix("::") {
        Some(next) => leaves(next, &path, found),
        None => found.push(path),
    }
}

/// # Panics
/// If a path does not lead to a module: it would be a name at the root, which stands there for users only.
fn imports(sources: &BTreeMap<Module, String>) -> Vec<Import> {
    let mut imports = Vec::new();
    for (from, text) in sources {
        for path in paths(from, text, sources) {
            let is_module = |len: &usize| sources.contains_key(&path[..*len].join("::"));
            let Some(len) = (1..=path.len()).rev().find(is_module) else {
                panic!("{from} takes {} from the root and not from its module", path.join("::"));
            };
            let (to, item) = (path[..len].join("::"), path.get(len).cloned());
            if to != *from {
                imports.push(Import { from: from.clone(), to, item });
            }
        }
    }
    imports
}

fn folder(module: &str) -> &str {
    let first = module.split("::").next().expect("a module has a name");
    let is_folder = MAY_IMPORT.iter().any(|(folder, _)| *folder == first);
    if is_folder { first } else { "words" }
}

/// The imports that go up.
fn wrong_arrows(imports: &[Import]) -> Vec<String> {
    let may = |from: &str, to: &str| {
        let (_, allowed) = MAY_IMPORT.iter().find(|(folder, _)| *folder == from).expect("known");
        from == to || allowed.contains(&to)
    };
    let wrong = |import: &&Import| !may(folder(&import.from), folder(&import.to));
    imports.iter().filter(wrong).map(|it| format!("{} imports {}", it.from, it.to)).collect()
}

/// Every module that `from` imports, straight or through others.
fn reach<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
    while let Some(module) = todo.pop() {
        todo.extend(next.get(module).into_iter().flatten().filter(|&&to| seen.insert(to)));
    }
    seen
}

/// The sets of modules that import each other in a ring.
fn rings(imports: &[Import]) -> Vec<BTreeSet<&str>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        next.entry(&import.from).or_default().insert(&import.to);
    }
    let reached: BTreeMap<_, _> = next.keys().map(|&from| (from, reach(&next, from))).collect();
    let ring = |module: &&str| {
        let mutual = |other: &&&str| reached.get(**other).is_some_and(|back| back.contains(module));
        reached[module].iter().filter(mutual).copied().collect::<BTreeSet<_>>()
    };
    let rings: BTreeSet<_> = reached.keys().map(ring).filter(|ring| !ring.is_empty()).collect();
    rings.into_iter().collect()
}

#[test]
fn arrows_between_folders_go_down_only() {
    let wrong = wrong_arrows(&imports(&sources()));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rings_of_files_are_small_and_lie_in_the_kernel() {
    let imports = imports(&sources());
    for ring in rings(&imports) {
        assert!(ring.len() <= MAX_RING, "{} files in a ring: {ring:#?}", ring.len());
        assert!(ring.iter().all(|module| folder(module) == "kernel"), "{ring:#?}");
    }
}

#[test]
fn imports_name_the_module_that_defines() {
    let sources = sources();
    let defines = |module: &str, item: &str| {
        let kinds = ["struct", "enum", "trait", "fn", "const", "static", "type", "mod"];
        let begins = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        kinds.iter().any(|kind| {
            let words = format!("{kind} {item}");
            sources[module]
                .match_indices(&words)
                .any(|(at, _)| begins(&sources[module][at + words.len()..]))
        })
    };
    let names = |import: &&Import| match import.item.as_deref() {
        None | Some("self" | "*") => true,
        _ if import.to == "sync" || import.from == "sync" => true, // it hands on atomics: `std`'s, loom's, its own
        Some(item) => defines(&import.to, item.split(" as ").next().expect("it has a name")),
    };
    let imports = imports(&sources);
    let wrong: Vec<_> = imports.iter().filter(|import| !names(import)).collect();
    assert!(wrong.is_empty(), "defined elsewhere: {wrong:#?}");
}

#[test]
fn an_arrow_that_goes_up_and_a_ring_are_found_however_they_are_written() {
    let sources = |time: &str, hang: &str| {
        BTreeMap::from([
            ("time".to_owned(), code_of(time)),
            ("machine".to_owned(), code_of("use hang::Hang;\npub struct Machine;")),
            ("machine::hang".to_owned(), code_of(hang)),
        ])
    };
    for up in [
        "use crate::machine::Machine;",
        "use crate::{machine::{hang::Hang}};",
        "let url = \"http://\"; crate::machine::Machine::new();",
        "#[cfg(test)]\nuse std::fmt;\nuse super::machine::*;",
    ] {
        let imports = imports(&sources(up, ""));
        let wrong = wrong_arrows(&imports);
        assert!(
            wrong.len() == 1 && wrong[0].starts_with("time imports machine"),
            "{up}: {wrong:?}"
        );
    }
    for down in ["// crate::machine::Machine", "let text = \"crate::machine\";", "use std::fmt;"] {
        assert!(wrong_arrows(&imports(&sources(down, ""))).is_empty(), "{down}");
    }
    for back in [
        "use super::Machine;",
        "use crate::machine::Machine;",
        "use super::super::machine::Machine;",
    ] {
        let imports = imports(&sources("", back));
        assert_eq!(rings(&imports), [BTreeSet::from(["machine", "machine::hang"])], "{back}");
    }
}

#[test]
#[should_panic(expected = "from the root")]
fn a_name_from_the_root_is_refused() {
    imports(&BTreeMap::from([("time".to_owned(), code_of("use crate::Machine;"))]));
}
