//! Figures of several runs: fixes, ablations, the replay.

use serde_json::Value;
use softlockup::config::Ablation;
use softlockup::scenario::nested_oops::{NestedOops, Notifier};
use softlockup::{Event, Incident, Scenario};
use softlockup_figures::{Lang, ablations, fixes, replay};

use crate::{article, live, table};

fn with(change: impl Fn(&mut NestedOops)) -> Incident {
    let mut scenario = NestedOops::default();
    change(&mut scenario);
    live(&scenario)
}

#[test]
fn each_fix_ends_as_its_records_do() {
    let panics = with(|scenario| scenario.config_mut().sysctl.softlockup_panic = true);
    let well = with(|scenario| scenario.notifier = Notifier::Harmless);
    let hangs = article();
    let runs = [("stock", &hangs), ("softlockup_panic", &panics), ("no nested oops", &well)];
    let runs = runs.map(|(label, incident)| (label.to_owned(), incident));
    let rows = table(&fixes(&runs, "fig", Lang::En).expect("runs"));
    let panic = panics
        .records
        .iter()
        .find(|record| matches!(record.event, Event::Panic { .. }))
        .expect("a panic");
    let at = format!("panics at {:.1} s", panic.time.ns() as f64 / 1e9);
    let ends: Vec<&str> = rows.iter().map(|row| &*row[1]).collect();
    assert_eq!(ends, ["hangs to the end", &at, "no CPU is held up"]);
    assert_eq!(rows[0][2], "CPUs held up: 6; reports: 5");
    assert_eq!(rows[1][2], "CPUs held up: 3; reports: 1; did not stop: CPU 0");
    assert_eq!(rows[2][2], "tasks killed: 1");
}

#[test]
fn without_a_script_every_ablation_stands_in_the_page_under_its_label() {
    let stock = article();
    let fed = with(|scenario| scenario.config_mut().ablate = Some(Ablation::FeedFromTimer));
    let runs = [("as it was".to_owned(), &stock), ("fed by the timer".to_owned(), &fed)];
    let html = ablations(&runs, "fig", Lang::En).expect("runs");
    assert_eq!(html.matches("<section class=\"sl-tab\"").count(), 2);
    assert!(!html.contains("hidden"), "the script hides, the page does not");
    for label in ["as it was", "fed by the timer"] {
        assert!(html.contains(&format!(">{label}</p>")), "{label}");
    }
}

fn replayed(incident: &Incident) -> (String, Value) {
    let html = replay(&[("run".to_owned(), incident)], "fig", Lang::En).expect("a run");
    let data = html
        .split_once("class=\"sl-data\">")
        .expect("data")
        .1
        .split_once("</script>")
        .expect("its end")
        .0;
    let data = serde_json::from_str(data).expect("JSON");
    (html, data)
}

#[test]
fn the_data_of_a_replay_has_every_report_wait_and_feed_of_the_shown_cpus_and_is_small() {
    let incident = article();
    let (html, data) = replayed(&incident);
    let packed = data.to_string().len();
    assert!(packed < 4_000, "{packed} bytes");
    for record in &incident.records {
        let ms = (record.time.ns() / 1_000) as f64 / 1e3;
        let cpus = data["cpus"].as_array().expect("CPUs");
        let Some(cpu) = cpus.iter().find(|cpu| cpu["cpu"] == record.cpu.0) else { continue };
        match &record.event {
            Event::SoftLockup { printed } => {
                let said = serde_json::json!([ms, format!("stuck for {printed}s")]);
                assert!(cpu["said"].as_array().expect("said").contains(&said), "{said}");
            }
            Event::CsdWait { on, .. } => {
                let wait = serde_json::json!([ms, null, on.0]);
                assert!(cpu["wait"].as_array().expect("waits").contains(&wait), "{wait}");
            }
            Event::Feed if ms > data["from"].as_f64().expect("a time") => {
                let runs = cpu["fed"].as_array().expect("feeds");
                let unpacked = runs.iter().any(|run| {
                    let [at, every, n] = [0, 1, 2].map(|k| run[k].as_f64().expect("a number"));
                    (0..n as u32).any(|k| (at + f64::from(k) * every - ms).abs() < 1e-6)
                });
                assert!(unpacked, "CPU {} is fed at {ms} ms", record.cpu);
            }
            _ => {}
        }
    }
    assert!(
        html.contains("class=\"sl-svg sl-wide\""),
        "without a script the whole picture stands there"
    );
}

#[test]
fn the_lines_of_a_replay_are_lines_of_the_console() {
    let incident = article();
    let console = incident.console();
    let (_, data) = replayed(&incident);
    let lines = data["console"].as_array().expect("lines");
    assert!(lines.len() > 10);
    for line in lines {
        let text = line[1].as_str().expect("text");
        assert!(console.lines().any(|printed| printed == text), "{text}");
    }
}
