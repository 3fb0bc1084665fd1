//! The count at each sample is the watchdog's.

use softlockup::time::get_timestamp;
use softlockup::vector::Vector;
use softlockup::{CpuId, Event, Incident, KernelTime};

use crate::{article, draw, elements, table, wide};

/// The counts of a CPU's watchdog from its last feed before the report on, and the printed number.
fn counted(incident: &Incident, cpu: CpuId) -> (Vec<u64>, u64) {
    let (mut fed, mut counts) = (KernelTime::BOOT, Vec::new());
    for record in incident.records.iter().filter(|record| record.cpu == cpu) {
        match record.event {
            Event::Feed => {
                fed = record.time;
                counts.clear();
            }
            Event::IrqEnter { vector: Vector::Timer } => {
                counts.push(get_timestamp(record.time) - get_timestamp(fed));
            }
            Event::SoftLockup { printed } => return (counts, printed),
            _ => {}
        }
    }
    panic!("CPU#{cpu} reports nothing");
}

#[test]
fn the_count_at_each_sample_is_units_now_minus_units_at_the_feed() {
    let incident = article();
    let rows = table(&draw("aligned", &incident));
    assert_eq!(rows.len(), 5);
    for row in rows {
        let cpu = CpuId(row[0].trim_start_matches("CPU ").parse().expect("a number"));
        let (counts, printed) = counted(&incident, cpu);
        let drawn: Vec<u64> = row[3].split(", ").map(|n| n.parse().expect("a number")).collect();
        assert_eq!((drawn, row[4].clone()), (counts, printed.to_string()), "{cpu}");
    }
}

#[test]
fn the_last_count_is_printed_and_no_earlier_one_is_late() {
    let incident = article();
    for row in table(&draw("aligned", &incident)) {
        let counts: Vec<u64> = row[3].split(", ").map(|n| n.parse().expect("a number")).collect();
        let (last, earlier) = counts.split_last().expect("samples");
        assert_eq!(last.to_string(), row[4]);
        assert!(earlier.iter().all(|count| *count <= 20) && *last > 20, "{counts:?}");
    }
}

#[test]
fn the_21st_unit_falls_between_the_last_two_samples_of_every_row() {
    let html = draw("aligned", &article());
    let svg = wide(&html);
    let flags = elements(svg, "sl-flag");
    let samples = elements(svg, "sl-count");
    // The last one is the legend's.
    let late = elements(svg, "sl-over");
    let late = &late[..late.len() - 1];
    assert_eq!((late.len(), flags.len()), (5, 5));
    for (late, flag) in late.iter().zip(&flags) {
        let x = late.number("x1");
        let report = flag.number("x") + flag.number("width") / 2.0;
        let fifth = samples.iter().filter(|sample| sample.number("y") == flag.number("y"));
        let fifth = fifth.map(|sample| sample.number("x")).fold(0.0, f64::max);
        assert!(fifth < x && x < report, "{fifth} < {x} < {report}");
    }
}

#[test]
fn one_cpu_shows_the_first_report_and_the_subtraction_behind_it() {
    let incident = article();
    let first = incident.report().soft_lockups.remove(0);
    let html = draw("onecpu", &incident);
    let fed = first.last_feed.expect("it was fed");
    let sum = format!(
        "{} − {} = {}",
        get_timestamp(first.time),
        get_timestamp(fed),
        first.printed_seconds
    );
    assert!(wide(&html).contains(&sum), "{sum}");
    let (counts, _) = counted(&incident, first.cpu);
    let rows = table(&html);
    let drawn: Vec<String> =
        rows.iter().map(|row| row[3].clone()).filter(|count| count != "–").collect();
    assert_eq!(drawn, counts.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut feeds = rows.iter().filter(|row| row[2] == "feed").map(|row| row[0].clone());
    assert_eq!(
        feeds.next_back(),
        Some(fed.to_string()),
        "no feed after the one from which it counts"
    );
}
