//! Two consoles of one incident, the learner's and the stock machine's, around where they differ.

mod layout;

use serde::Deserialize;
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use crate::terminal::{HEAD, harmless, paint, wrap};

/// How many equal lines are shown around a difference.
const AROUND: usize = 2;
/// From this width on the consoles stand side by side: a soft lockup's line up to its number fits into half of it.
const WIDE: usize = 136;

/// What a checks binary prints for `--replay`, in a line of JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct Beside {
    /// The console of the machine with the learner's part.
    yours: String,
    /// The stock machine's.
    stock: String,
    /// What the report says of the learner's.
    report: String,
    /// Why the machine with the learner's part broke off, if it did. Then there is no console of its whole incident.
    broke_off: Option<String>,
}

impl Beside {
    /// Reads a line. Others are what the answer itself prints.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut line: serde_json::Value = serde_json::from_str(line).ok()?;
        serde_json::from_value(line.get_mut("beside")?.take()).ok()
    }

    /// What the learner reads, on a terminal so many columns wide.
    pub(crate) fn tell(&self, width: usize) -> String {
        if let Some(why) = &self.broke_off {
            return self.broken_off(why);
        }
        let (yours, stock): (Vec<_>, Vec<_>) =
            (self.yours.lines().collect(), self.stock.lines().collect());
        let rows = rows(&yours, &stock);
        let mut out = Vec::new();
        match rows.iter().flatten().find(|row| row.differs()) {
            None => out.push(format!(
                "Your machine and the stock one print the same console, {} lines.",
                stock.len()
            )),
            Some(first) => {
                out.extend(first_difference(first, &yours, &stock));
                out.push(String::new());
                out.extend(match width >= WIDE {
                    true => layout::two_columns(&rows, width),
                    false => layout::in_turn(&rows),
                });
            }
        }
        let report = harmless(self.report.trim_end());
        out.extend([String::new(), paint(HEAD, "The report of your machine"), report]);
        out.join("\n")
    }

    fn broken_off(&self, why: &str) -> String {
        let told = match why.split_once("the code panicked: not yet implemented") {
            Some((place, what)) => format!(
                "Your part is not finished: {place}the machine came to what is not written yet{}.",
                harmless(what)
            ),
            None => format!("The machine with your part broke off: {}.", harmless(why)),
        };
        let mut out = vec![wrap(&told, 0)];
        if !self.yours.is_empty() {
            out.push("Its console ended with:".to_owned());
            out.extend(self.yours.lines().map(|line| format!("  {}", harmless(line))));
        }
        out.join("\n")
    }

    /// Whether the two consoles are equal.
    pub(crate) fn is_equal(&self) -> bool {
        self.yours == self.stock
    }

    /// Whether the learner's machine lived through the whole incident.
    pub(crate) fn is_whole(&self) -> bool {
        self.broke_off.is_none()
    }
}

/// A line of each console: its index and its text.
#[derive(Debug, Clone, Copy)]
struct Row<'text> {
    yours: Option<(usize, &'text str)>,
    stock: Option<(usize, &'text str)>,
}

impl Row<'_> {
    fn differs(&self) -> bool {
        self.yours.map(|(_, text)| text) != self.stock.map(|(_, text)| text)
    }
}

/// The places where they differ, each with the lines around it.
fn rows<'text>(yours: &[&'text str], stock: &[&'text str]) -> Vec<Vec<Row<'text>>> {
    let of = |op: &DiffOp| -> Vec<Row<'text>> {
        let (ours, theirs) = (op.old_range(), op.new_range());
        let count = ours.len().max(theirs.len());
        let at = |lines: &[&'text str], range: &std::ops::Range<usize>, n: usize| {
            let index = range.start + n;
            range.contains(&index).then(|| (index, lines[index]))
        };
        (0..count)
            .map(|n| Row { yours: at(yours, &ours, n), stock: at(stock, &theirs, n) })
            .collect()
    };
    let ops = capture_diff_slices(Algorithm::Myers, yours, stock);
    let groups = group_diff_ops(ops, AROUND).into_iter();
    groups.map(|group| group.iter().flat_map(of).collect()).collect()
}

fn first_difference(row: &Row<'_>, yours: &[&str], stock: &[&str]) -> Vec<String> {
    let quoted = |text: &str| format!("  {}", harmless(text));
    let when = |of: &[&str], at: usize| of[..=at].iter().rev().find_map(|line| printed_when(line));
    let (mut out, of_mine, of_stock) = match (row.yours, row.stock) {
        (Some((at, mine)), Some((index, other))) => {
            let head = format!("They differ first in line {} of your console. Yours:", at + 1);
            let between = "The stock machine's:".to_owned();
            let out = vec![head, quoted(mine), between, quoted(other)];
            (out, when(yours, at), when(stock, index))
        }
        (None, Some((at, other))) => {
            let head = format!("Your console lacks line {} of the stock one:", at + 1);
            (vec![head, quoted(other)], None, when(stock, at))
        }
        (Some((at, mine)), None) => {
            let head = format!("Line {} of your console is not in the stock one:", at + 1);
            (vec![head, quoted(mine)], when(yours, at), None)
        }
        (None, None) => return Vec::new(),
    };
    let of_mine = of_mine.filter(|_| of_mine != of_stock);
    out.extend(of_mine.into_iter().chain(of_stock).map(|when| wrap(when, 0)));
    out
}

/// When a kernel prints a headline.
fn printed_when(line: &str) -> Option<&'static str> {
    const WHEN: [(&str, &str); 10] = [
        (
            "soft lockup - CPU",
            "A CPU prints a soft lockup in its own timer's interrupt, at a sample that finds the last feed of its stopper too long ago (`watchdog_timer_fn`).",
        ),
        (
            "hard LOCKUP",
            "A CPU prints a hard lockup about the CPU that it watches, if that one took no timer's interrupt between two looks (`watchdog_buddy_check_hardlockup`).",
        ),
        (
            "csd: ",
            "A CPU that waits for another one's answer prints such a line each time its time-out is over (`csd_lock_wait_toolong`).",
        ),
        (
            "Internal error",
            "`die` prints this line when it holds `die_lock`: each one is a report that has begun (`__die`).",
        ),
        (
            "---[ end trace",
            "An oops prints this line at its end, before `die` gives `die_lock` back.",
        ),
        (
            "Unable to handle kernel",
            "A fault in the kernel prints this line before it asks for `die_lock`.",
        ),
        (
            "die event detected",
            "A callback on the die chain prints this line, while `die` holds `die_lock`.",
        ),
        ("exited with", "A task that is killed prints this line: its oops is over (`do_exit`)."),
        ("Kernel panic", "`panic` prints this line, and stops the other CPUs after it."),
        (
            "NMI backtrace for",
            "A CPU prints this about itself when another one has asked for its stack.",
        ),
    ];
    WHEN.iter().find(|(part, _)| line.contains(part)).map(|(_, when)| *when)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(yours: &str, stock: &str) -> Beside {
        let line = serde_json::json!({"beside": {"yours": yours, "stock": stock, "report": "r"}});
        Beside::read(&line.to_string()).unwrap()
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn the_first_line_that_differs_is_named_with_when_it_is_printed() {
        let stock = "a\nb\nc\n[1] soft lockup - CPU#3 stuck\nModules\nd";
        let said = plain(&beside("a\nb\nc\nd", stock).tell(80));
        assert!(said.starts_with("Your console lacks line 4 of the stock one:\n  [1] soft lockup"));
        assert!(said.contains("in its own timer's interrupt"), "{said}");
        let said = plain(&beside(stock, "a\nb\nc\nd").tell(80));
        assert!(said.starts_with("Line 4 of your console is not in the stock one:"), "{said}");
    }

    #[test]
    fn columns_stand_side_by_side_where_there_is_room() {
        let beside = beside("same\nmine\nsame", "same\nother\nsame");
        let wide = plain(&beside.tell(WIDE));
        let row = wide.lines().find(|line| line.contains(" | ")).unwrap();
        assert!(row.starts_with("mine ") && row.ends_with("| other"), "{wide}");
        assert!(wide.lines().all(|line| line.chars().count() <= WIDE));
        let narrow = plain(&beside.tell(WIDE - 1));
        assert!(narrow.contains("* mine\n") && narrow.contains("* other\n"), "{narrow}");
    }

    #[test]
    fn only_what_is_near_a_difference_is_shown_and_not_thousands_of_lines() {
        let many: String = (0..500).map(|n| format!("Kernel panic {n}\n")).collect();
        let told = plain(&beside(&format!("{many}x"), &many).tell(80));
        assert!(!told.contains("panic 490") && told.contains("panic 499"), "{told}");
        let told = plain(&beside("x", &many).tell(WIDE));
        assert!(told.contains("lines more") && told.lines().count() < 70, "{told}");
    }

    #[test]
    fn registers_and_stacks_are_folded_behind_the_headline() {
        let details: String = (0..9).map(|n| format!("x{n}\n")).collect();
        let stock = format!("a\nKernel panic\n{details}soft lockup - CPU#3\n");
        for width in [80, WIDE] {
            let told = plain(&beside("a", &stock).tell(width));
            assert!(told.contains("(9 lines that belong to it)") && !told.contains("x4"), "{told}");
        }
    }

    #[test]
    fn what_is_not_written_is_called_that() {
        let mut beside = beside("", "a");
        beside.broke_off =
            Some("on CPU#0 at 254.2 s the code panicked: not yet implemented: give it back".into());
        let said = beside.tell(200).replace('\n', " ");
        let expected = "not finished: on CPU#0 at 254.2 s the machine came to what is not written yet: give it back.";
        assert!(said.contains(expected), "{said}");
    }
}
