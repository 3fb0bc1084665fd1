//! The same numbers for other programs: CSV and JSON.

use std::fmt::Write;

use serde::Serialize;

use super::matrix::Matrix;
use softlockup_measure::host::Host;

/// A line for each pair. What the host does not say is empty.
pub(crate) fn csv(matrix: &Matrix) -> String {
    let mut text = "core_a,core_b,floor_ns,mailbox_ns,ratio,smt_siblings,\
                    preempted_a,preempted_b,migrated_a,migrated_b\n"
        .to_owned();
    let or_empty = |known: Option<String>| known.unwrap_or_default();
    let count = |count: Option<u64>| or_empty(count.map(|count| count.to_string()));
    for pair in &matrix.pairs {
        let ([a, b], [fate_a, fate_b]) = (pair.cores, pair.fates);
        let (floor, mailbox, ratio) = (pair.floor_ns, pair.mailbox_ns, pair.ratio);
        let siblings = or_empty(pair.smt_siblings.map(|siblings| siblings.to_string()));
        let preempted = [fate_a, fate_b].map(|fate| count(fate.preempted)).join(",");
        let migrated = [fate_a, fate_b].map(|fate| count(fate.migrated)).join(",");
        let numbers = format!("{a},{b},{floor:.1},{mailbox:.1},{ratio:.3}");
        writeln!(text, "{numbers},{siblings},{preempted},{migrated}").expect("a String takes it");
    }
    text
}

/// One object: the host, how it was measured, and the pairs. What the host does not say is null.
///
/// # Errors
/// None that is known; serde_json could refuse, in one line.
pub(crate) fn json(host: &Host, matrix: &Matrix) -> Result<String, String> {
    #[derive(Serialize)]
    struct Whole<'a> {
        schema: &'static str,
        version: u32,
        host: &'a Host,
        #[serde(flatten)]
        matrix: &'a Matrix,
    }
    let whole = Whole { schema: "softlockup.ipi_matrix", version: 1, host, matrix };
    serde_json::to_string_pretty(&whole).map(|text| text + "\n").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::made_up;
    use super::*;

    #[test]
    fn csv_leaves_empty_what_is_unknown() {
        let text = csv(&made_up(&[0, 1, 2]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 3);
        assert_eq!(lines[1], "0,1,60.0,170.0,2.500,true,1,,,");
        assert!(lines.iter().all(|line| line.split(',').count() == 10), "{text}");
    }

    #[test]
    fn json_has_the_host_and_every_pair() {
        let (host, matrix) = (Host::describe(&[0, 1, 2]), made_up(&[0, 1, 2]));
        let value: serde_json::Value =
            serde_json::from_str(&json(&host, &matrix).unwrap()).unwrap();
        assert_eq!(value["host"]["cores_measured"], serde_json::json!([0, 1, 2]));
        assert_eq!(value["pairs"][1]["cores"], serde_json::json!([0, 2]));
        assert_eq!(value["pairs"][1]["fates"][0]["migrated"], serde_json::Value::Null);
    }
}
