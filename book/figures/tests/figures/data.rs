//! Figures of what came from elsewhere: measured numbers, and a recorded console.

use softlockup::scenario::nested_oops::NestedOops;
use softlockup::{Kernel, Scenario};
use softlockup_figures::{Lang, quantiles, side_by_side};

use crate::{elements, live, table, wide};

const FILE: &str = r#"
title = "A call and its answer"
unit = "ns"
machine = "two cores"
command = "cargo bench --bench ipi_round_trip"

[[series]]
name = "mailbox"
p50 = 100
p90 = 1000
p99 = 10000
p999 = 2.5e6

[[series]]
name = "condvar"
p50 = 5400
p90 = 9000
p99 = 31000
"#;

#[test]
fn each_decade_is_as_wide_as_the_next_and_units_are_chosen_for_people() {
    let html = quantiles(FILE, "fig", Lang::En).expect("a good file");
    let svg = wide(&html);
    let median = elements(svg, "sl-caller")[0].number("cx");
    let triangle = elements(svg, "sl-flag");
    let x = |n: usize| -> f64 {
        let path = &triangle[n].attributes["d"];
        path[1..].split(' ').next().expect("x").parse().expect("a number")
    };
    // From the last quantile to the first, so that the median lies on top: p99 as a square, p90 as a triangle.
    let (p99, p90) = (x(0) + 4.5, x(1));
    assert!((p90 - median - (p99 - p90)).abs() < 0.3, "{median} {p90} {p99}");
    assert_eq!(table(&html)[0], ["mailbox", "100 ns", "1 µs", "10 µs", "2.5 ms"]);
    assert_eq!(table(&html)[1][4], "–", "a quantile that was not measured is not drawn");
    assert!(svg.contains("two cores") && svg.contains("cargo bench --bench ipi_round_trip"));
}

#[test]
fn quantiles_that_no_series_has_are_in_neither_legend_nor_table() {
    let file = FILE.replace("p90 = 1000\n", "").replace("p90 = 9000\n", "p10 = 3200\n");
    let html = quantiles(&file, "fig", Lang::En).expect("a good file");
    assert!(!wide(&html).contains(">p90<") && wide(&html).contains(">p10<"));
    assert_eq!(table(&html)[1], ["condvar", "3.2 µs", "5.4 µs", "31 µs", "–"]);
}

#[test]
fn a_unit_that_is_none_of_time_stands_at_the_axis_once() {
    let file = FILE.replace("\"ns\"", "\"times the floor\"");
    let html = quantiles(&file, "fig", Lang::En).expect("a good file");
    assert_eq!(wide(&html).matches("times the floor").count(), 1);
    assert_eq!(table(&html)[0][1], "100");
}

#[test]
fn a_bad_file_of_measurements_is_one_clear_line() {
    let error = |file: &str| quantiles(file, "fig", Lang::En).expect_err("a bad file").to_string();
    let no_series = FILE.split("[[series]]").next().expect("a head").to_owned() + "series = []";
    assert_eq!(error(&no_series), "measured data: no [[series]]: give at least one");
    let falls = FILE.replace("p90 = 9000", "p90 = 90");
    assert_eq!(
        error(&falls),
        "measured data: series `condvar`: quantiles must not fall from p10 to p999"
    );
    let zero = FILE.replace("p50 = 5400", "p50 = 0");
    assert_eq!(error(&zero), "measured data: series `condvar`: a quantile must be more than 0");
    assert!(error(&FILE.replace("p99 = 31000", "p98 = 31000")).contains("unknown field `p98`"));
}

fn recorded(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/ground-truth/");
    std::fs::read_to_string(format!("{folder}{file}")).expect("a recorded console")
}

#[test]
fn headlines_of_the_same_kind_share_a_row_in_the_order_of_both_consoles() {
    let mut scenario = NestedOops::default();
    scenario.config_mut().kernel = Kernel::Arm64V6_12;
    scenario.config_mut().sysctl.softlockup_panic = true;
    let ours = live(&scenario).console();
    let html = side_by_side(&ours, &recorded("a64-612-softpanic-smp4.log"), "fig", Lang::En)
        .expect("headlines");
    let rows: Vec<&str> = html.lines().filter(|line| line.starts_with("<tr class")).collect();
    let shared = |text: &str| rows.iter().any(|row| row.matches(text).count() == 2);
    for text in [
        "BUG: soft lockup",
        "stuck for 22s!",
        "Kernel panic - not syncing: softlockup: hung tasks",
        "Unable to handle",
    ] {
        assert!(shared(text), "{text}");
    }
    let place = |text: &str| rows.iter().position(|row| row.matches(text).count() == 2);
    assert!(place("BUG: soft lockup") < place("Kernel panic"));
}

#[test]
fn a_line_that_only_the_kernel_has_does_not_push_our_first_report_away_from_its_own() {
    let mut scenario = NestedOops::default();
    scenario.config_mut().kernel = Kernel::Arm64V6_12;
    let ours = live(&scenario).console();
    let real = recorded("a64-612-oops-execbusy-smp4.log");
    assert!(real.contains("rcu: INFO") && !ours.contains("rcu: INFO"));
    let html = side_by_side(&ours, &real, "fig", Lang::En).expect("headlines");
    let first = html.lines().find(|line| line.contains("BUG: soft lockup")).expect("a report");
    assert_eq!(first.matches("BUG: soft lockup").count(), 2, "{first}");
}

#[test]
fn a_console_beside_itself_is_the_same_in_every_row() {
    let console = recorded("a64-612-csd-smp4.log");
    let html = side_by_side(&console, &console, "fig", Lang::En).expect("headlines");
    assert!(html.contains("<tr class=\"sl-same\">"));
    assert!(!html.contains("<tr class=\"sl-kind\">") && !html.contains("sl-missing"));
}

#[test]
fn a_console_without_headline_is_refused() {
    let console = recorded("a64-612-csd-smp4.log");
    let error = side_by_side(&console, "all is well\n", "fig", Lang::En).expect_err("no headline");
    assert_eq!(
        error.to_string(),
        "the recorded console has no headline: give one with a lockup or an oops"
    );
}
