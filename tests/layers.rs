//! The order of the house: which folder of `src` may import which. ARCHITECTURE.md draws it.
//!
//! It reads the sources as text: every path that begins with `crate::` or `super::`. Comments do not count, nor do the
//! tests at the end of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each folder, and the folders that its files may import beside their own. What stands in no folder is `words`: data
/// that many need and that needs no other folder.
const MAY_IMPORT: [(&str, &[&str]); 8] = [
    ("words", &[]),
    ("parts", &["words"]),
    ("hardware", &["words", "parts"]),
    ("kernel", &["words", "parts", "hardware"]),
    ("incident", &["words"]),
    ("dmesg", &["words"]),
    ("machine", &["words", "parts", "hardware", "kernel", "incident"]),
    ("scenario", &["words", "parts", "hardware", "kernel", "incident", "dmesg", "machine"]),
];

/// The most files that may import each other in a ring.
const MAX_RING: usize = 8;

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
                () if name == "lib" => {}
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

fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().expect("there is a first part");
    let text = text.split("#[cfg(all(test").next().expect("there is a first part");
    let code = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    code.collect::<Vec<_>>().join("\n")
}

/// Every path in `text`, the file of `module`, that begins with `crate::` or `super::`. Braces give a path for each name.
fn paths(module: &str, text: &str) -> Vec<Vec<String>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            if text[..at].ends_with(|c| is_name(c) || c == ':') {
                continue; // `softlockup_crate::`, or the second `super::` of two
            }
            let mut base = Vec::new();
            let mut rest = &text[at..];
            loop {
                let (name, after) = rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()));
                match name {
                    "crate" | "" => {}
                    "super" if base.is_empty() => base = parent(module),
                    "super" => _ = base.pop(),
                    name => base.push(name.to_owned()),
                }
                match after.strip_prefix("::") {
                    Some(next) => rest = next,
                    None => break,
                }
            }
            match rest.strip_prefix('{').and_then(|group| group.split_once('}')) {
                Some((group, _)) => found.extend(group.split(',').map(|name| {
                    let path = name.trim().split("::").filter(|name| !name.is_empty());
                    base.iter().cloned().chain(path.map(str::to_owned)).collect()
                })),
                None => found.push(base),
            }
        }
    }
    found
}

/// Where `super` leads.
fn parent(module: &str) -> Vec<String> {
    let mut path: Vec<_> = module.split("::").map(str::to_owned).collect();
    path.pop();
    path
}

fn imports(sources: &BTreeMap<Module, String>) -> Vec<Import> {
    let mut imports = Vec::new();
    for (from, text) in sources {
        for path in paths(from, text) {
            let is_module = |len: &usize| sources.contains_key(&path[..*len].join("::"));
            let Some(len) = (1..=path.len()).rev().find(is_module) else { continue };
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
        _ if import.to == "sync" => true, // it hands on `std`'s atomics, or loom's
        Some(item) => defines(&import.to, item.split(" as ").next().expect("it has a name")),
    };
    let imports = imports(&sources);
    let wrong: Vec<_> = imports.iter().filter(|import| !names(import)).collect();
    assert!(wrong.is_empty(), "defined elsewhere: {wrong:#?}");
    let from_the_root = |text: &String| text.contains("crate::{");
    let from_the_root: Vec<_> = sources.iter().filter(|(_, text)| from_the_root(text)).collect();
    assert!(
        from_the_root.is_empty(),
        "{:?}",
        from_the_root.iter().map(|it| it.0).collect::<Vec<_>>()
    );
}

#[test]
fn an_arrow_that_goes_up_and_a_ring_are_found() {
    let text = |text: &str| code_of(text);
    let sources = BTreeMap::from([
        ("time".into(), text("// crate::machine::Machine\nuse crate::machine::{self, Machine};")),
        ("machine".into(), text("use crate::machine::hang::Hang;\npub struct Machine;")),
        ("machine::hang".into(), text("use super::Machine;\npub struct Hang;")),
    ]);
    let imports = imports(&sources);
    assert_eq!(wrong_arrows(&imports), ["time imports machine", "time imports machine"]);
    assert_eq!(rings(&imports), [BTreeSet::from(["machine", "machine::hang"])]);
}
