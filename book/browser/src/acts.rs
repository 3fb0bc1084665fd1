//! What a reader does: changes the language, searches, plays the incident, predicts.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::address;
use crate::driver::Browser;
use crate::pages::Page;

/// What was tried, and what went wrong.
pub(crate) struct Acts {
    pub(crate) done: usize,
    pub(crate) faults: Vec<String>,
}

/// One thing that a reader does on the page with this address.
type Act = fn(&Browser, &str) -> Result<()>;

const RIGHT: &str = "\u{e014}";

pub(crate) fn faults(browser: &Browser, book: &Path, pages: &[Page]) -> Result<Acts> {
    let mut acts = Acts { done: 0, faults: Vec::new() };
    let mut all: Vec<(String, String, Act)> = Vec::new();
    let zh = pages.iter().any(|page| page.is("zh/"));
    for folder in ["", "zh/"].into_iter().filter(|folder| folder.is_empty() || zh) {
        let mut add = |name: &str, path: &str, act: Act| {
            let path = format!("{folder}{path}");
            all.push((format!("{path}: {name}"), address(book, &path), act));
        };
        add("search", "index.html", search);
        add("replay", "night.html", replay);
        add("predict", "why-22.html", predict);
    }
    if zh {
        all.push(("search in Chinese".into(), address(book, "zh/index.html"), search_chinese));
        all.push(("change the language".into(), address(book, "why-22.html"), change_language));
    }
    browser.log("browser")?;
    for (name, url, act) in all {
        browser.go(&url)?;
        acts.done += 1;
        let result = act(browser, &url);
        acts.faults.extend(result.err().map(|why| format!("{name}: {why:#}")));
        for entry in browser.log("browser")? {
            if entry["level"] == "SEVERE" {
                acts.faults.push(format!("{name}: the console says {}", entry["message"]));
            }
        }
    }
    Ok(acts)
}

/// A piece of a word is found, wherever it stands, and the way to its page works.
fn search(browser: &Browser, _: &str) -> Result<()> {
    find(browser, "lock_wait", "csd_lock_wait")
}

fn search_chinese(browser: &Browser, _: &str) -> Result<()> {
    find(browser, "喂狗", "喂狗")
}

fn find(browser: &Browser, typed: &str, shown: &str) -> Result<()> {
    browser.click("#mdbook-search-toggle")?;
    browser.type_into("#mdbook-searchbar", typed)?;
    let found = format!(
        "return [...document.querySelectorAll('#mdbook-searchresults .teaser')].some(it => it.textContent.includes('{shown}') && it.querySelector('em'))"
    );
    browser.until(&format!("`{typed}` is not found inside {shown}"), &found)?;
    let page = browser.run("return document.querySelector('#mdbook-searchresults a').href")?;
    browser.go(page.as_str().context("a result without a link")?)?;
    browser.until(
        &format!("`{typed}` is not marked on the page that was found"),
        "return document.querySelector('main mark')",
    )
}

/// The incident plays, stops, steps forward and back, and is scrubbed by keyboard, without turning the page.
fn replay(browser: &Browser, url: &str) -> Result<()> {
    const BAR: &str = ".sl-replay .sl-tab:not([hidden]) .sl-controls";
    const RANGE: &str = ".sl-replay .sl-tab:not([hidden]) input[type=range]";
    let now = || -> Result<f64> {
        let value =
            browser.run(&format!("return Number(document.querySelector('{RANGE}').value)"))?;
        value.as_f64().context("the replay says no time")
    };
    let button = |n: usize| browser.click(&format!("{BAR} button:nth-of-type({n})"));
    let (play, back, next) = (1, 2, 3);
    button(play)?; // at the end: from the beginning
    let from = now()?;
    let moves = format!("return Number(document.querySelector('{RANGE}').value) > {from}");
    browser.until("play does not move the time", &moves)?;
    button(play)?;
    let stopped = now()?;
    button(next)?;
    let stepped = now()?;
    ensure!(stepped > stopped, "a step forward leads from {stopped} to {stepped}");
    button(next)?;
    button(back)?;
    ensure!(now()? <= stepped, "a step back leads from {stepped} to {}", now()?);
    button(back)?;
    let before = now()?;
    ensure!(before < stepped, "two steps back lead from {stepped} to {before}");
    browser.type_into(RANGE, RIGHT)?;
    ensure!(now()? > before, "the arrow key leads from {before} to {}", now()?);
    let at = browser.run("return location.href")?;
    ensure!(at == url, "the arrow key turned the page");
    let shown =
        browser.run(&format!("return document.querySelector('{BAR} .sl-clock').textContent"))?;
    ensure!(shown.as_str().is_some_and(|text| !text.trim().is_empty()), "no clock is shown");
    Ok(())
}

/// A wrong answer gets its reply, survives a reload, and is forgotten when the reader wants to answer again.
fn predict(browser: &Browser, url: &str) -> Result<()> {
    const BOX: &str = ".sl-predict";
    browser.run("localStorage.clear()")?;
    browser.reload()?;
    let asked = browser
        .run(&format!("return JSON.parse(document.querySelector('{BOX}').dataset.prediction)"))?;
    let wrong = asked["wrong"].as_object().context("a prediction without wrong answers")?;
    let (wrong, reply) = wrong.iter().next().context("a prediction without wrong answers")?;
    let hidden = format!("return document.querySelector('{BOX} details').hidden");
    ensure!(browser.run(&hidden)? == true, "the answer is shown before it is asked for");
    match asked["kind"].as_str() {
        Some("number") => browser.type_into(&format!("{BOX} input[type=text]"), wrong)?,
        _ => browser.click(&format!("{BOX} input[value='{wrong}']"))?,
    }
    browser.click(&format!("{BOX} button[type=submit]"))?;
    let says = format!("return document.querySelector('{BOX} [role=status]').textContent");
    let said = browser.run(&says)?;
    let has = |said: &Value| {
        said.as_str().is_some_and(|text| text.contains(reply.as_str().unwrap_or("?")))
    };
    ensure!(has(&said), "{wrong} gets the reply {said}");
    ensure!(browser.run(&hidden)? == false, "the answer stays hidden");
    browser.reload()?;
    ensure!(has(&browser.run(&says)?), "the prediction is gone after a reload");
    let listed = format!("{}/predicted.html", url.rsplit_once('/').context("an odd address")?.0);
    browser.go(&listed)?;
    let row = "const rows = [...document.querySelectorAll('.sl-predicted [data-prediction]')];
               return rows.filter(row => row.querySelector('.sl-said').textContent !== '–').length";
    ensure!(
        browser.run(row)? == 1,
        "the page of predictions shows {} and not 1",
        browser.run(row)?
    );
    browser.go(url)?;
    browser.click(&format!("{BOX} button[type=submit]"))?;
    browser.reload()?;
    ensure!(browser.run(&hidden)? == true, "the prediction is kept after `again`");
    Ok(())
}

/// The switch leads to the same page of the other edition, and back.
fn change_language(browser: &Browser, url: &str) -> Result<()> {
    for (path, language) in [("zh/why-22.html", "zh-CN"), ("why-22.html", "en")] {
        browser.click(".right-buttons .sl-other")?;
        let at = browser.run("return [location.pathname, document.documentElement.lang]")?;
        let right = at[0].as_str().is_some_and(|at| at.ends_with(path)) && at[1] == language;
        ensure!(right, "the switch leads to {at}");
    }
    ensure!(browser.run("return location.href")? == url, "the switch does not lead back");
    Ok(())
}
