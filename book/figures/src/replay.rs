//! The data of a replay, small enough to live in its page: what each CPU does from when to when. The overview itself is
//! the replay: the script moves a playhead over it.

use serde::Serialize;
use softlockup::incident::console::Console;
use softlockup::time::{NSEC_PER_TIMESTAMP_UNIT, softlockup_thresh};
use softlockup::{Event, Incident, KernelTime};

use crate::Lang;
use crate::lanes::Lanes;
use crate::lanes::lane::{Lane, Span, What};

/// Lines of the console that a replay keeps, at most.
const LINES: usize = 80;

/// All of one run's replay. Times are milliseconds since boot.
#[derive(Serialize)]
struct Data {
    from: f64,
    to: f64,
    unit: f64,
    /// A sample reports above this count.
    thresh: u64,
    cpus: Vec<Cpu>,
    console: Vec<(f64, String)>,
    /// How many lines were left out.
    folded: usize,
}

#[derive(Serialize)]
struct Cpu {
    cpu: u32,
    fed: Vec<Run>,
    sampled: Vec<Run>,
    off: Vec<(f64, Option<f64>)>,
    wait: Vec<(f64, Option<f64>, u32)>,
    lock: Vec<(f64, Option<f64>)>,
    oops: Vec<f64>,
    said: Vec<(f64, String)>,
    stopped: Option<f64>,
}

/// Evenly spaced moments: the first, from one to the next, how many.
type Run = (f64, f64, usize);

/// Milliseconds, to the microsecond.
fn ms(time: KernelTime) -> f64 {
    (time.ns() / 1_000) as f64 / 1e3
}

fn packed(times: &[KernelTime], from: KernelTime) -> Vec<Run> {
    // The last one before the beginning counts too: from it the watchdog counts.
    let first = times.iter().rposition(|time| *time <= from).unwrap_or(0);
    let times = &times[first..];
    let (mut runs, mut at) = (Vec::new(), 0);
    while at < times.len() {
        let step = times.get(at + 1).map_or(0, |next| next.ns_since(times[at]));
        let even =
            times[at..].windows(2).take_while(|pair| pair[1].ns_since(pair[0]) == step).count();
        runs.push((ms(times[at]), step as f64 / 1e6, even + 1));
        at += even + 1;
    }
    runs
}

fn cpu(lane: &Lane, lanes: &Lanes) -> Cpu {
    let span = |span: Span| (ms(span.from), span.to.map(ms));
    let long = |span: &Span| span.ns(lanes.ended) > lanes.long;
    let said = lane.said.iter().map(|said| {
        let text = match said.what {
            What::Soft { printed, .. } => format!("stuck for {printed}s"),
            What::Hard { named } => format!("hard LOCKUP on cpu {named}"),
            What::Csd { on, .. } => format!("csd: CPU#{on}"),
        };
        (ms(said.time), text)
    });
    Cpu {
        cpu: lane.cpu.0,
        fed: packed(&lane.feeds, lanes.begin),
        sampled: packed(&lane.samples, lanes.begin),
        off: lane.irqs_off.iter().copied().filter(long).map(span).collect(),
        wait: lane
            .waits
            .iter()
            .filter(|wait| long(&wait.span))
            .map(|wait| (ms(wait.span.from), wait.span.to.map(ms), wait.on.0))
            .collect(),
        lock: lane.die_lock.iter().copied().filter(long).map(span).collect(),
        oops: lane.faults.iter().copied().map(ms).collect(),
        said: said.collect(),
        stopped: lane.stopped.map(ms),
    }
}

/// Of each record that prints: its first line, and of a lockup's report the program counter too. Registers are folded.
fn console(incident: &Incident, from: KernelTime) -> Vec<(f64, String)> {
    let mut console = Console::new(&incident.config);
    let mut lines = Vec::new();
    let mut text = String::new();
    for record in &incident.records {
        text.clear();
        console.print(record, &mut text);
        let show_regs = matches!(record.event, Event::ShowRegs);
        let pc = text.lines().find(|line| line.contains("] pc : ") || line.contains("] RIP: "));
        let first = text.lines().next().filter(|_| !show_regs);
        if record.time >= from {
            let kept = first.into_iter().chain(pc).map(|line| (ms(record.time), line.to_owned()));
            lines.extend(kept);
        }
    }
    lines
}

/// The data as JSON, for a `<script>` of the page.
pub(crate) fn data(incident: &Incident, lanes: &Lanes) -> String {
    let mut console = console(incident, lanes.begin);
    let folded = console.len().saturating_sub(LINES);
    console.truncate(LINES);
    let data = Data {
        from: ms(lanes.begin),
        to: ms(lanes.end),
        unit: NSEC_PER_TIMESTAMP_UNIT as f64 / 1e6,
        thresh: softlockup_thresh(incident.config.watchdog_thresh_secs),
        cpus: lanes.shown.iter().map(|lane| cpu(lane, lanes)).collect(),
        console,
        folded,
    };
    let json = serde_json::to_string(&data).unwrap_or_else(|_| "null".to_owned());
    json.replace('<', "\\u003c") // or a line of the console could end the script
}

/// What the script says to the reader.
pub(crate) fn words(lang: Lang) -> String {
    let words = match lang {
        Lang::En => serde_json::json!({
            "play": "Play", "pause": "Pause", "back": "Step back", "next": "Step forward", "time": "Time in the incident",
            "speed": "Speed", "perSecond": "× kernel time", "steps": "Steps of", "all": "all CPUs", "cpu": "CPU {0}",
            "does": "does", "units": "units since the feed", "why": "why", "console": "Console so far", "s": "s",
            "runs": "runs", "off": "interrupts off", "wait": "waits for CPU {0}", "lock": "waits for die_lock", "stopped": "stopped",
            "said": "“{0}”", "cannotLook": "its timer cannot look", "cannotFeed": "the timer looks, the stopper cannot feed",
            "fed": "the stopper feeds", "looks": "timer looks, count {0}", "feeds": "stopper feeds", "oops": "an oops",
            "offBegins": "interrupts go off", "offEnds": "interrupts are on again", "waitEnds": "its wait is over", "folded": "… {0} more lines",
            "begin": "the beginning", "end": "the end"
        }),
        Lang::Zh => serde_json::json!({
            "play": "播放", "pause": "暂停", "back": "后退一步", "next": "前进一步", "time": "事件中的时刻",
            "speed": "速度", "perSecond": "倍内核时间", "steps": "逐步查看", "all": "全部 CPU", "cpu": "CPU {0}",
            "does": "在做什么", "units": "自喂狗起的单位数", "why": "原因", "console": "到此刻为止的控制台", "s": "秒",
            "runs": "运行", "off": "中断关闭", "wait": "等待 CPU {0}", "lock": "等待 die_lock", "stopped": "已停下",
            "said": "“{0}”", "cannotLook": "定时器无法查看", "cannotFeed": "定时器在查看，stopper 无法喂狗",
            "fed": "stopper 在喂狗", "looks": "定时器查看，计数 {0}", "feeds": "stopper 喂狗", "oops": "一次 oops",
            "offBegins": "中断关闭", "offEnds": "中断重新打开", "waitEnds": "等待结束", "folded": "……另有 {0} 行",
            "begin": "开始", "end": "结束"
        }),
    };
    words.to_string()
}
