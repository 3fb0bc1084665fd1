//! The book's program as it is used: on this workspace's own book, and on books that are wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_softlockup-book")).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A small book with one chapter of this text, in a workspace that has what a book needs.
fn book(chapter: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("book/book.toml", "[book]\ntitle = \"A book\"\n");
    write("book/src/SUMMARY.md", "# Summary\n\n- [A](a.md)\n");
    write("book/src/a.md", chapter);
    write("book/program/doctests.rs", "\"a.md\"");
    write("exercises/course.toml", "exercise = []\n");
    write(
        "exercises/predictions.toml",
        "[[prediction]]\nid = \"q1.later\"\nchapter = \"a\"\nkind = \"number\"\nquestion = \"?\"\n\
         run = \"\"\nfact = \"report[35].printed\"\nanswer = 22\nwhy = \"!\"\n",
    );
    root
}

fn check(root: &Path) -> Output {
    let out = root.join("out");
    program(&["check", "--root", root.to_str().unwrap(), "--out", out.to_str().unwrap()])
}

#[test]
fn this_workspaces_book_has_no_faults() {
    let out = tempfile::tempdir().unwrap();
    let root = workspace();
    let args = ["check", "--root", root.to_str().unwrap(), "--out", out.path().to_str().unwrap()];
    let checked = program(&args);
    assert!(checked.status.success(), "{}", stderr(&checked));
}

#[test]
fn a_page_shows_what_the_machine_printed() {
    let text = "# A\n\n{{#run --stuck 7@300 | grep soft lockup}}\n\nCPU {{#fact report[first].cpu | --stuck 7@300}}\n\n\
                {{#command --stuck 7@300}}\n\n{{#predict q1.later}}\n";
    let root = book(text);
    let checked = check(root.path());
    assert!(checked.status.success(), "{}", stderr(&checked));
    let page = fs::read_to_string(root.path().join("out/a.html")).unwrap();
    assert!(page.contains("soft lockup - CPU#7 stuck for 22s!"), "{page}");
    assert!(page.contains(">7</span>") && page.contains("nested_oops -- --stuck 7@300"), "{page}");
    assert!(page.contains("predict-q1-later"), "{page}");
}

#[test]
fn a_wrong_chapter_fails_with_the_line_and_the_reason() {
    for (wrong, why) in [
        ("{{#run --stuck 7@300 | grep CPU#8 stuck}}", "no line was picked"),
        ("{{#run --stack 7@300}}", "--stack"),
        ("{{#run --clock wall:200}}", "--clock"),
        ("{{#command --cpus many}}", "many"),
        ("{{#fact report[first].colour}}", "no `colour`"),
        ("{{#fact culprits}}", "no fact"),
        ("{{#code src/none.rs main}}", "none.rs"),
        ("{{#figure pie | | A pie}}", "pie"),
        ("{{#predict q9.none}}", "q9.none"),
        ("{{#include a.rs}}", "no directive"),
        ("[b](b.md)", "leads nowhere"),
        ("CPU 35 waits.", "35 is typed"),
        ("```rust,ignore\nx\n```", "not run"),
    ] {
        let checked = check(book(&format!("# A\n\n{wrong}\n")).path());
        let said = stderr(&checked);
        assert_eq!(checked.status.code(), Some(2), "{wrong}: {said}");
        assert!(said.contains(why), "{wrong}: {said}");
    }
}

#[test]
fn a_prediction_that_the_machine_contradicts_is_refused() {
    let root = book("# A\n\n{{#predict q1.later}}\n");
    let path = root.path().join("exercises/predictions.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("answer = 22", "answer = 23")).unwrap();
    let said = stderr(&check(root.path()));
    assert!(said.contains("the answer is 23 and the machine says 22"), "{said}");

    fs::write(&path, text + "[prediction.wrong]\n\"22.0\" = \"no\"\n").unwrap();
    let said = stderr(&check(root.path()));
    assert!(said.contains("22.0 is right, not wrong"), "{said}");
}

#[test]
fn a_folder_without_a_book_is_refused_in_one_line() {
    let empty = tempfile::tempdir().unwrap();
    let built = program(&["build", "--root", empty.path().to_str().unwrap()]);
    let said = stderr(&built);
    assert_eq!(built.status.code(), Some(2));
    assert!(said.lines().count() == 1 && said.contains("--root"), "{said}");
}
