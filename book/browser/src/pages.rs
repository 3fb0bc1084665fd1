//! Each page, in each look: no error, nothing loaded from elsewhere, nothing wider than the window.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::address;
use crate::driver::Browser;

/// How wide, and in which theme.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    width: u32,
    theme: &'static str,
}

impl Look {
    pub(crate) const ALL: [Look; 4] = [
        Look { width: 1280, theme: "light" },
        Look { width: 1280, theme: "navy" },
        Look { width: 390, theme: "light" },
        Look { width: 390, theme: "navy" },
    ];

    /// From now on, pages look like this.
    pub(crate) fn put_on(self, browser: &Browser, page: &Page) -> Result<()> {
        let size =
            json!({ "width": self.width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        browser.go(&page.url)?;
        let theme = self.theme;
        browser.run(&format!("localStorage.setItem('mdbook-theme', '{theme}')")).map(drop)
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.width, self.theme)
    }
}

/// A page of the built book.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    path: String,
    pub(crate) url: String,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl Page {
    /// The pages of both editions.
    pub(crate) fn all(book: &Path) -> Result<Vec<Page>> {
        let mut pages = Vec::new();
        for folder in ["", "zh/"] {
            let Ok(entries) = book.join(folder).read_dir() else { continue };
            for entry in entries {
                let name = entry?.file_name().to_string_lossy().into_owned();
                // A redirect, the whole book on one page, and a list that only a page without JavaScript shows.
                let other = ["404.html", "print.html", "toc.html"].contains(&name.as_str());
                if name.ends_with(".html") && !other {
                    let path = format!("{folder}{name}");
                    pages.push(Page { url: address(book, &path), path });
                }
            }
        }
        pages.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(pages)
    }

    pub(crate) fn is(&self, part: &str) -> bool {
        self.path.contains(part)
    }

    /// What is wrong with it, as the browser shows it now.
    pub(crate) fn faults(&self, browser: &Browser, book: &Path) -> Result<Vec<String>> {
        browser.log("browser")?;
        browser.log("performance")?;
        browser.go(&self.url)?;
        let mut faults: Vec<String> =
            browser.log("browser")?.iter().filter_map(complaint).collect();
        let inside = format!("file://{}/", book.display());
        for event in browser.log("performance")? {
            let event: Value = serde_json::from_str(event["message"].as_str().unwrap_or("null"))?;
            let url = event["message"]["params"]["request"]["url"].as_str().unwrap_or_default();
            let sent = event["message"]["method"] == "Network.requestWillBeSent";
            if sent && !url.starts_with(&inside) && !url.starts_with("data:") {
                faults.push(format!("asks for {url}"));
            }
        }
        let wide = browser.run(TOO_WIDE)?;
        let wide = wide.as_array().context("no list of what is too wide")?;
        faults
            .extend(wide.iter().filter_map(Value::as_str).map(|what| format!("too wide: {what}")));
        Ok(faults)
    }

    /// The whole page, however long.
    pub(crate) fn keep_picture(&self, browser: &Browser, look: Look, folder: &Path) -> Result<()> {
        let height = browser.run("return document.documentElement.scrollHeight")?;
        let clip = json!({ "x": 0, "y": 0, "width": look.width, "height": height, "scale": 1 });
        let wanted = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = browser.devtools("Page.captureScreenshot", &wanted)?;
        let picture = BASE64_STANDARD.decode(picture["data"].as_str().context("no picture")?)?;
        let name = self.path.trim_end_matches(".html").replace('/', "-");
        let file = folder.join(format!("{name}-{look}.png"));
        std::fs::write(&file, picture).with_context(|| file.display().to_string())
    }
}

fn complaint(entry: &Value) -> Option<String> {
    let serious = entry["level"] == "SEVERE" || entry["level"] == "WARNING";
    serious.then(|| format!("the console says {}", entry["message"]))
}

/// What sticks out of the window, or out of the column of text, and cannot be scrolled by itself.
const TOO_WIDE: &str = "
    const wide = [document.documentElement, ...document.querySelectorAll('.content, main')]
        .filter(box => box.scrollWidth > box.clientWidth + 1);
    if (!wide.length) return [];
    const scrolls = element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX) && !element.matches('html, body, .content, main');
    const right = document.documentElement.clientWidth + 1;
    const out = [...document.querySelectorAll('main *')].filter(element => {
        if (element.getBoundingClientRect().right <= right) return false;
        for (let at = element; at; at = at.parentElement) if (scrolls(at)) return false;
        return true;
    });
    return [...wide, ...out].slice(0, 6).map(element => element.outerHTML.slice(0, 120));";
