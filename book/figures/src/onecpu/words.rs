//! The same in words.

use softlockup::time::get_timestamp;
use softlockup::{Incident, KernelTime};

use crate::Lang;
use crate::drawing::Words;
use crate::lanes::Lanes;
use crate::onecpu::View;

pub(crate) fn words(incident: &Incident, lanes: &Lanes, lang: Lang) -> Words {
    let Some(view) = View::of(incident, lanes) else {
        let title = lang.pick("No watchdog runs", "没有看门狗").to_owned();
        return Words { title, ..Words::default() };
    };
    let cpu = view.lane.cpu;
    let title =
        lang.pick(format!("CPU {cpu} and its two clocks"), format!("CPU {cpu} 和它的两个时钟"));
    let fed = view.fed.map(|fed| {
        lang.pick(
            format!("CPU {cpu} is fed at {fed} s, unit {}.", get_timestamp(fed)),
            format!("CPU {cpu} 在 {fed} 秒喂狗，单位 {}。", get_timestamp(fed)),
        )
    });
    let report = view.report.map(|(time, printed)| {
        lang.pick(
            format!(
                "It reports itself at {time} s, unit {}: “stuck for {printed}s”.",
                get_timestamp(time)
            ),
            format!(
                "它在 {time} 秒报告自己，单位 {}：“stuck for {printed}s”。",
                get_timestamp(time)
            ),
        )
    });
    let columns = lang.pick(
        ["at", "unit", "what", "count since the feed"],
        ["时刻", "单位", "事件", "自喂狗起的计数"],
    );
    let samples =
        view.samples().into_iter().map(|(time, count)| (time, lang.pick("sample", "采样"), count));
    let feeds = view.lane.feeds.iter().filter(|feed| view.shows(**feed));
    let feeds = feeds.map(|feed| (*feed, lang.pick("feed", "喂狗"), None));
    let mut rows: Vec<_> = samples.chain(feeds).collect();
    rows.sort_by_key(|row| row.0);
    let cells = |(time, what, count): (KernelTime, &str, Option<u64>)| {
        vec![
            time.to_string(),
            get_timestamp(time).to_string(),
            what.to_owned(),
            count.map_or_else(|| "–".to_owned(), |count| count.to_string()),
        ]
    };
    Words {
        title,
        description: fed.into_iter().chain(report).collect::<Vec<_>>().join(lang.pick(" ", "")),
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.into_iter().map(cells).collect(),
    }
}
