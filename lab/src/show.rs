//! A verdict as a learner reads it.

use crate::cargo::Errors;
use crate::channel::{Check, Status};
use crate::commands::{Desk, predictions_left};
use crate::course::{Course, Exercise};
use crate::examine::End;
use crate::grade::{Graded, GradedEnd};
use crate::progress::Progress;
use crate::sandbox::Captured;
use crate::terminal::{BAD, DIM, GOOD, HEAD, NEXT, harmless, line, paint, say, verbatim, wrap};

/// How many lines of what an answer printed are shown.
const PRINTED_LINES: usize = 15;

/// Prints the verdict on one exercise.
pub(crate) fn verdict(desk: &Desk, progress: &Progress, exercise: &Exercise, graded: &Graded) {
    let course = &desk.course;
    let title = format!("{}  {}", exercise.id, exercise.title);
    say!("{}  {}", paint(HEAD, title), paint(DIM, course.short(&course.file(exercise))));
    rest(desk, progress, exercise, graded, 0);
}

/// Prints a verdict without its head and the checks that were shown before.
pub(crate) fn rest(
    desk: &Desk,
    progress: &Progress,
    exercise: &Exercise,
    graded: &Graded,
    shown: usize,
) {
    let course = &desk.course;
    for check in &graded.checks[shown.min(graded.checks.len())..] {
        one_check(check);
    }
    match &graded.end {
        GradedEnd::SoFar => so_far(),
        GradedEnd::DoesNotCompile(errors) => compiler(course, exercise, errors),
        GradedEnd::Ran(End::Passed) => passed(desk, progress, exercise, graded),
        GradedEnd::Ran(End::Failed) => {
            printed(graded);
            not_yet(desk, progress, exercise, graded);
        }
        GradedEnd::Ran(End::Incomplete(why)) => {
            line(&wrap(&format!("The run is not complete, so it does not count: {why}."), 2));
            printed(graded);
            not_yet(desk, progress, exercise, graded);
        }
        GradedEnd::Ran(End::Undecided(why)) => {
            line(&wrap(&format!("No verdict: {why}."), 2));
        }
        GradedEnd::Ran(End::Stopped) => say!("  stopped"),
    }
    if graded.left_behind > 0 {
        let count = graded.left_behind;
        line(&wrap(&format!("note: the run left {count} process(es) behind; they were ended"), 2));
    }
}

fn one_check(check: &Check) {
    let (style, word) = match check.status {
        Status::Pass => (GOOD, "pass"),
        Status::Fail => (BAD, "FAIL"),
        Status::Skip => (DIM, "skip"),
    };
    let points = match check.status {
        Status::Pass if check.points > 0 => format!("  +{}", check.points),
        _ => String::new(),
    };
    let rule = wrap(&format!("{}{points}", harmless(&check.rule)), 17);
    say!("  {}  {:8} {}", paint(style, word), check.tier, rule.trim_start());
    if check.status == Status::Pass {
        return;
    }
    if let Some(message) = &check.message {
        line("");
        line(&wrap(&harmless(message), 6));
    }
    if let Some(detail) = &check.detail {
        line("");
        line(&verbatim(&harmless(detail), 6));
    }
    if let Some(mistake) = &check.mistake {
        line("");
        line(&wrap(&format!("This mistake has a name: {}", harmless(mistake)), 6));
    }
}

fn so_far() {
    let what = "No verdict yet: the model checkers are being built, and then look at every interleaving. \
                What they say is added here.";
    line(&wrap(what, 2));
}

fn compiler(course: &Course, exercise: &Exercise, errors: &Errors) {
    for error in &errors.learner {
        line(error.trim_end());
        line("");
    }
    if errors.learner.is_empty() {
        say!("  Your file compiles, and its checks cannot use it. What they miss:");
        for error in &errors.course {
            line(&wrap(&format!("- {error}"), 4));
        }
        let back = "Names and signatures must stay as they were handed out.";
        let handed_out = course.handed_out(exercise);
        line(&wrap(&format!("{back} See {}.", course.short(&handed_out)), 2));
    }
    say!("  {}", paint(BAD, "It does not compile yet."));
}

fn passed(desk: &Desk, progress: &Progress, exercise: &Exercise, graded: &Graded) {
    let (score, of) = (desk.points(progress, exercise), exercise.points);
    let took = graded.took.as_secs_f32();
    say!("  {}  {score} of {of} points, in {took:.2} s", paint(GOOD, "Passed."));
    for left in predictions_left(desk, progress, exercise) {
        line(&paint(NEXT, wrap(&left, 2)));
    }
    if graded.warnings > 0 {
        let see = format!("cargo check -p {}", exercise.folder);
        line(&wrap(&format!("The compiler has {} warning(s): {see}", graded.warnings), 2));
    }
    say!("  {}", paint(NEXT, format!("Compare with `cargo lab solution {}`.", exercise.id)));
}

fn not_yet(desk: &Desk, progress: &Progress, exercise: &Exercise, graded: &Graded) {
    line("");
    let (score, of) = (graded.score(), exercise.points);
    let head = paint(BAD, "Not yet.");
    say!("  {head}  {score} of {of} points so far, in {:.2} s", graded.took.as_secs_f32());
    say!("  {}", paint(NEXT, format!("A hint: `cargo lab hint {}`.", exercise.id)));
    for left in predictions_left(desk, progress, exercise) {
        line(&paint(NEXT, wrap(&left, 2)));
    }
}

fn printed(graded: &Graded) {
    output("Your code printed", &graded.stdout, &graded.stdout.head());
    output("On standard error", &graded.stderr, &without_panics(&graded.stderr.head()));
}

/// What a check catches is in its message already: a panic's place, its message up to the next empty line, the note.
fn without_panics(stderr: &str) -> String {
    let mut in_panic = false;
    let is_shown = |line: &&str| {
        in_panic |= line.contains(" panicked at ");
        let shown = !in_panic && !line.starts_with("note: run with") && !line.is_empty();
        in_panic &= !(line.is_empty() || line.starts_with("note: run with"));
        shown
    };
    stderr.lines().filter(is_shown).collect::<Vec<_>>().join("\n")
}

fn output(what: &str, captured: &Captured, text: &str) {
    let text = harmless(text);
    if text.is_empty() {
        return;
    }
    line("");
    say!("  {}", paint(DIM, format!("{what} ({}):", size(captured.length))));
    for text in text.lines().take(PRINTED_LINES) {
        let short: String = text.chars().take(200).collect();
        say!("    {short}");
    }
    if text.lines().count() > PRINTED_LINES || captured.is_cut() {
        say!("    {}", paint(DIM, "…"));
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
