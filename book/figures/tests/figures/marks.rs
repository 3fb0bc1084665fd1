//! Each mark of the overview and of the graph has its record.

use std::collections::HashSet;

use softlockup::config::Ablation;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::{CpuId, Event, Incident, Record, Scenario};

use crate::{article, draw, elements, live, table, wide};

/// CPUs that waited to the end, and for which.
fn waits_to_the_end(incident: &Incident) -> HashSet<(CpuId, CpuId)> {
    let mut waits = HashSet::new();
    for record in &incident.records {
        match record.event {
            Event::CsdWait { on, .. } => _ = waits.insert((record.cpu, on)),
            Event::CsdWaitEnd { on } => _ = waits.remove(&(record.cpu, on)),
            _ => {}
        }
    }
    waits
}

/// The seconds at an x of the drawing, by its own scale.
fn seconds(svg: &str, x: f64) -> f64 {
    let plot = svg.split_once("data-plot=\"").expect("a scale").1;
    let plot: Vec<f64> =
        plot.split(['"', ' ']).take(4).map(|n| n.parse().expect("a number")).collect();
    plot[2] + (x - plot[0]) / (plot[1] - plot[0]) * (plot[3] - plot[2])
}

/// The CPU whose row is at this height; `None` for the row of all others.
fn cpu_at(svg: &str, y: f64) -> Option<CpuId> {
    let names = elements(svg, "sl-name");
    let name = names.iter().find(|name| (name.number("y") - 4.0 - y).abs() < 0.3)?;
    name.text.strip_prefix("CPU ")?.parse().ok().map(CpuId)
}

/// Whether a CPU (any, if none is named) made such a record about then, as exactly as the drawing shows it.
fn recorded(
    incident: &Incident,
    cpu: Option<CpuId>,
    secs: f64,
    is: impl Fn(&Event) -> bool,
) -> bool {
    let about = |record: &&Record| (record.time.ns() as f64 / 1e9 - secs).abs() < 0.1;
    let there = |record: &&Record| cpu.is_none_or(|cpu| record.cpu == cpu);
    incident.records.iter().filter(about).filter(there).any(|record| is(&record.event))
}

#[test]
fn every_number_in_a_flag_was_printed_by_the_watchdog() {
    let incident = article();
    let html = draw("overview", &incident);
    let drawn: Vec<u64> = elements(wide(&html), "sl-onflag")
        .iter()
        .map(|flag| flag.text.parse().expect("a number"))
        .collect();
    let printed: Vec<u64> = incident
        .records
        .iter()
        .filter_map(|record| match record.event {
            Event::SoftLockup { printed } => Some(printed),
            _ => None,
        })
        .collect();
    assert_eq!(drawn, printed);
}

#[test]
fn every_feed_circle_and_caller_stands_at_the_time_of_a_record() {
    let incident = article();
    let html = draw("overview", &incident);
    let svg = wide(&html);
    let above_the_legend = |y: f64| y < 260.0;
    let (mut seen, mut named) = (0, 0);
    for (class, is) in [
        ("sl-feed", &(|event: &Event| matches!(event, Event::Feed)) as &dyn Fn(&Event) -> bool),
        ("sl-answer", &|event: &Event| matches!(event, Event::CsdUnlock { .. })),
        ("sl-caller", &|event: &Event| matches!(event, Event::CsdQueue { .. })),
    ] {
        for mark in elements(svg, class).iter().filter(|mark| above_the_legend(mark.number("cy"))) {
            let secs = seconds(svg, mark.number("cx"));
            let cpu = cpu_at(svg, mark.number("cy"));
            assert!(recorded(&incident, cpu, secs, is), "{class} of {cpu:?} at {secs} s");
            named += usize::from(cpu.is_some());
            seen += 1;
        }
    }
    assert!(
        seen > 300 && named > 200,
        "only {seen} marks were looked at, {named} of them in a CPU's row"
    );
}

#[test]
fn there_is_a_cross_for_each_call_that_cpu_0_never_answered() {
    let incident = article();
    let html = draw("overview", &incident);
    let silent = waits_to_the_end(&incident);
    assert!(silent.iter().all(|(_, on)| *on == CpuId(0)));
    assert_eq!(elements(wide(&html), "sl-none").len(), silent.len());
}

#[test]
fn a_healthy_cpu_that_never_heard_its_ipi_has_a_row_with_feeds_and_a_cross_for_each_caller() {
    let incident = live(&LostIpi::default());
    let html = draw("overview", &incident);
    let svg = wide(&html);
    let deaf = elements(svg, "sl-name").into_iter().find(|name| name.text == "CPU 3");
    let row = deaf.expect("a row for CPU 3").number("y") - 4.0;
    let callers = waits_to_the_end(&incident).iter().filter(|(_, on)| *on == CpuId(3)).count();
    assert_eq!(elements(svg, "sl-none").len(), callers);
    let fed = elements(svg, "sl-feed").iter().filter(|feed| feed.number("cy") == row).count();
    assert!(fed > 10, "CPU 3 is fed {fed} times");
    assert!(!svg.contains("silent"));
}

#[test]
fn the_right_column_names_the_function_of_each_printed_stack() {
    let incident = article();
    let html = draw("overview", &incident);
    let console = incident.console();
    let printed =
        console.lines().filter(|line| line.contains("pc : smp_call_function_many+")).count();
    assert_eq!(wide(&html).matches(">smp_call_function_many<").count(), printed);
    assert!(wide(&html).contains(">none: it is silent<"));
}

#[test]
fn without_the_cause_the_silence_is_gone() {
    let mut scenario = NestedOops::default();
    scenario.config_mut().ablate = Some(Ablation::IrqsOnInDie);
    let html = draw("overview", &live(&scenario));
    assert!(!wide(&html).contains("silent"));
    assert!(elements(wide(&html), "sl-off").is_empty(), "no bar, and no word of it in the legend");
    assert!(elements(wide(&html), "sl-none").is_empty());
}

#[test]
fn the_legend_has_no_word_for_what_is_not_drawn() {
    let html = draw("overview", &article());
    for absent in ["hard lockup", "call without answer", "stops, as asked", "panic"] {
        assert!(!wide(&html).contains(absent), "{absent}");
    }
}

#[test]
fn the_graph_of_wait_chains_has_an_arrow_for_each_wait_down_to_cpu_3() {
    let incident = live(&WaitChains::default());
    let html = draw("waits", &incident);
    let drawn: HashSet<(String, String)> =
        table(&html).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let waits = waits_to_the_end(&incident);
    let recorded: HashSet<_> =
        waits.iter().map(|(cpu, on)| (format!("CPU {cpu}"), format!("CPU {on}"))).collect();
    assert_eq!(drawn, recorded);
    assert_eq!(drawn.iter().filter(|(_, on)| on == "CPU 3").count(), 2);
    assert!(!drawn.iter().any(|(cpu, _)| cpu == "CPU 3"), "CPU 3 waits for none");
    // One arrow a wait, and one of each kind in the legend.
    let legend = 2;
    assert_eq!(elements(wide(&html), "sl-arrow").len(), waits.len() + legend);
}

#[test]
fn in_the_article_cpu_0_waits_for_itself() {
    let rows = table(&draw("waits", &article()));
    let own: Vec<_> = rows.iter().filter(|row| row[0] == "CPU 0").collect();
    assert_eq!((own.len(), &*own[0][1], &*own[0][3]), (1, "CPU 0", "die_lock"));
    assert!(rows.iter().all(|row| row[1] == "CPU 0"));
    // Only the first caller sends an IPI: the others find the queue not empty.
    assert_eq!(rows.iter().filter(|row| row[3] == "a call, IPI sent").count(), 1);
}
