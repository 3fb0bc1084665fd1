//! Every scenario on every kernel draws, in both languages, as well-formed inline SVG.

use softlockup::Scenario;
use softlockup::config::Detectors;
use softlockup::scenario::busy::Busy;
use softlockup::scenario::callback_chain::CallbackChain;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::masked_busy::MaskedBusy;
use softlockup::scenario::nested_irq::NestedIrq;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::slow_report::SlowReport;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::{Incident, Kernel};
use softlockup_figures::{FigureError, KINDS, Lang, ablations, figure, fixes, replay};

use crate::{article, live};

fn scenarios() -> Vec<(&'static str, Box<dyn Scenario>)> {
    vec![
        ("article", Box::<NestedOops>::default()),
        ("lost-ipi", Box::<LostIpi>::default()),
        ("slow-console", Box::<SlowConsole>::default()),
        ("irqs-off-caller", Box::<IrqsOffCaller>::default()),
        ("busy", Box::<Busy>::default()),
        ("masked-busy", Box::<MaskedBusy>::default()),
        ("slow-report", Box::<SlowReport>::default()),
        ("callback-chain", Box::<CallbackChain>::default()),
        ("nested-irq", Box::<NestedIrq>::default()),
        ("wait-chains", Box::<WaitChains>::default()),
    ]
}

/// Tags open and close in order, ids are there once, and no blank line ends the HTML block early.
fn assert_well_formed(html: &str, what: &str) {
    assert!(!html.lines().any(|line| line.trim().is_empty()), "{what}: a blank line");
    assert!(!html.contains("NaN") && !html.contains("inf\""), "{what}: a number that is none");
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("{what}: `<{tag}` has no end"));
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{what}"),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split([' ', '\n']).next().unwrap_or(tag)),
        }
    }
    assert!(open.is_empty(), "{what}: {open:?} stay open");
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{what}: an id is there twice");
}

fn assert_accessible(html: &str, what: &str) {
    for svg in html.split("<svg ").skip(1) {
        let names = ["role=\"img\"", "aria-labelledby=", "<title id=", "<desc id="];
        names.iter().for_each(|name| assert!(svg.contains(name), "{what}: no {name}"));
        let title = svg
            .split_once("<title")
            .and_then(|(_, rest)| rest.split_once('>'))
            .map(|(_, rest)| rest);
        assert!(!title.is_some_and(|title| title.starts_with('<')), "{what}: an empty title");
    }
    assert_eq!(
        html.matches("<svg ").count(),
        2,
        "{what}: one drawing for wide pages, one for phones"
    );
    assert!(html.contains("<details class=\"sl-table\">"), "{what}: no table");
}

#[test]
fn every_scenario_draws_on_every_kernel_in_both_languages() {
    for (name, mut scenario) in scenarios() {
        for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_12, Kernel::X86V6_1] {
            let config = scenario.config_mut();
            config.kernel = kernel;
            config.detectors = Detectors { csd: true, ..Detectors::of(kernel) };
            let incident = live(&*scenario);
            for (kind, lang) in KINDS.iter().flat_map(|kind| [(kind, Lang::En), (kind, Lang::Zh)]) {
                let what = format!("{kind} of {name} on {kernel:?}, {lang:?}");
                let html = figure(kind, &incident, "fig", lang).expect("a known kind");
                assert_well_formed(&html, &what);
                assert_accessible(&html, &what);
            }
            let runs = [(name.to_owned(), &incident)];
            assert_well_formed(&fixes(&runs, "fig", Lang::En).expect("a run"), name);
            assert_well_formed(&ablations(&runs, "fig", Lang::Zh).expect("a run"), name);
        }
    }
}

#[test]
fn a_machine_without_watchdog_draws() {
    let mut scenario = NestedOops::default();
    scenario.config_mut().watchdog_thresh_secs = 0;
    let incident = live(&scenario);
    for kind in KINDS {
        let html = figure(kind, &incident, "fig", Lang::En).expect("a known kind");
        assert_well_formed(&html, kind);
        assert_accessible(&html, kind);
    }
}

#[test]
fn an_incident_without_records_draws() {
    let incident = Incident { records: Vec::new(), ..article() };
    for kind in KINDS {
        assert_well_formed(&figure(kind, &incident, "fig", Lang::En).expect("a known kind"), kind);
    }
}

#[test]
fn an_unknown_kind_is_an_error_that_names_the_kinds() {
    let error = figure("overveiw", &article(), "fig", Lang::En).expect_err("no such kind");
    assert_eq!(
        error.to_string(),
        "no figure is called `overveiw`: say overview, aligned, onecpu, waits"
    );
}

#[test]
fn figures_of_several_runs_need_a_run() {
    for error in
        [fixes(&[], "f", Lang::En), ablations(&[], "f", Lang::En), replay(&[], "f", Lang::En)]
    {
        assert_eq!(error, Err(FigureError::NoRuns));
    }
}

#[test]
fn a_chinese_figure_says_nothing_in_english_but_names_of_functions() {
    let html = figure("overview", &article(), "fig", Lang::Zh).expect("a known kind");
    for english in ["interrupts", "waits", "reports", "silent", "since boot", "answered", "more<"] {
        assert!(!html.contains(english), "{english}");
    }
    for chinese in ["中断关闭", "没有：它沉默", "smp_call_function_many", "另 58 个"] {
        assert!(html.contains(chinese), "{chinese}");
    }
}

#[test]
fn the_committed_picture_of_the_readme_is_what_the_command_writes() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../overview.svg");
    let committed = std::fs::read_to_string(committed).expect("book/overview.svg");
    let now = softlockup_figures::standalone(&article(), Lang::En);
    assert!(committed == now, "book/overview.svg is old: run `cargo run -p softlockup-figures`");
    assert_well_formed(&now, "book/overview.svg");
    for from_the_page in ["var(--links", "@import", "url("] {
        assert!(!now.contains(from_the_page), "{from_the_page}");
    }
    let used = now.split("var(").skip(1).filter_map(|rest| rest.split(')').next());
    for colour in used {
        assert!(now.contains(&format!("{colour}: ")), "the picture brings no {colour}");
    }
}
