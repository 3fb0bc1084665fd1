//! A browser that is driven: chromedriver, and what is said to it. WebDriver is JSON over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

/// chromedriver. It and its browser end when this is dropped.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Result<Self> {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver: install the packages chromium and chromium-driver")?;
        let lines = child.stdout.take().map(BufReader::new).context("chromedriver says nothing")?;
        for line in lines.lines() {
            let line = line?;
            if let Some((_, port)) = line.split_once("successfully on port ") {
                let port = port.trim_end_matches('.').parse()?;
                return Ok(Driver { child, port });
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(anyhow!("chromedriver did not say on which port it listens"))
    }

    /// One request and its answer. `method` is GET, POST or DELETE.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let body = if method == "POST" { body.to_string() } else { String::new() };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(answer.read_line(&mut line)? > 0, "chromedriver hung up");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut text = vec![0; length];
        answer.read_exact(&mut text)?;
        let mut answer: Value = serde_json::from_slice(&text)?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) => Err(anyhow!("{method} {path}: {error}: {}", value["message"])),
            None => Ok(value),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A window of a browser.
pub(crate) struct Browser {
    driver: Driver,
    session: String,
}

impl Browser {
    pub(crate) fn open() -> Result<Self> {
        let driver = Driver::start()?;
        let flags = [
            "--headless=new",
            "--no-sandbox", // or it does not start as root, in a container
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let session = driver.ask("POST", "/session", &wanted)?;
        let session = session["sessionId"].as_str().context("no session")?.to_owned();
        Ok(Browser { driver, session })
    }

    fn post(&self, what: &str, body: &Value) -> Result<Value> {
        self.driver.ask("POST", &format!("/session/{}/{what}", self.session), body)
    }

    /// Goes to a page and waits until it is loaded.
    pub(crate) fn go(&self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url })).map(drop)
    }

    pub(crate) fn reload(&self) -> Result<()> {
        self.post("refresh", &json!({})).map(drop)
    }

    /// What the script returns.
    pub(crate) fn run(&self, script: &str) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
            .with_context(|| script.to_owned())
    }

    /// Runs the script again and again until it returns true. The wait is the page's own: no time is asserted, but a
    /// page that never gets there fails after half a minute.
    pub(crate) fn until(&self, what: &str, script: &str) -> Result<()> {
        let script = format!(
            "const done = arguments[arguments.length - 1], now = () => {{ {script} }};
             let left = 300; const look = () => now() ? done(true) : left-- ? setTimeout(look, 100) : done(false); look();"
        );
        let reached = self.post("execute/async", &json!({ "script": script, "args": [] }))?;
        ensure!(reached == true, "{what}");
        Ok(())
    }

    fn element(&self, selector: &str) -> Result<String> {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }))?;
        let id = found.as_object().and_then(|object| object.values().next()?.as_str());
        Ok(id.with_context(|| selector.to_owned())?.to_owned())
    }

    pub(crate) fn click(&self, selector: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.post(&format!("element/{id}/click"), &json!({})).map(drop)
    }

    /// Types into an element, key by key.
    pub(crate) fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.post(&format!("element/{id}/value"), &json!({ "text": text })).map(drop)
    }

    /// A command of Chrome's own protocol.
    pub(crate) fn devtools(&self, command: &str, arguments: &Value) -> Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": arguments }))
    }

    /// What was logged since this was asked last: `browser`, or `performance`.
    pub(crate) fn log(&self, kind: &str) -> Result<Vec<Value>> {
        let log = self.post("se/log", &json!({ "type": kind }))?;
        Ok(log.as_array().cloned().unwrap_or_default())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
    }
}
