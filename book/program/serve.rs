//! Serves the book on this machine while it is written: an edit builds it again, and the open pages load again.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tiny_http::{Header, Request, Response, Server};

use crate::book::{Edition, Workshop};

/// What a page asks again and again: the number of the build that it shows.
const VERSION: &str = ".version";

const RELOAD: &str = "<script>(() => { let shown; setInterval(async () => { try {
    const built = await (await fetch('/.version')).text();
    if (shown && shown !== built) location.reload();
    shown = built;
} catch { /* the server is gone */ } }, 400); })();</script></body>";

/// An editor writes a file in several steps: one build for all of them.
const SETTLED: Duration = Duration::from_millis(80);

/// Builds and serves until it is interrupted.
pub(crate) fn serve(workshop: &Workshop, port: u16, opens: bool) -> Result<()> {
    let out = workshop.root.join("target/book");
    workshop.build(&out)?;
    let server = Server::http(("127.0.0.1", port))
        .map_err(|why| anyhow!("port {port}: {why}: say --port with another one"))?;
    let address = format!("http://{}/", server.server_addr());
    let version = Arc::new(AtomicU64::new(1));
    println!("The book is at {address} until you press Ctrl-C.");
    if opens {
        open(&address);
    }
    thread::spawn({
        let (folder, version) = (out.clone(), Arc::clone(&version));
        move || answer_all(&server, &folder, &version)
    });
    let (_watcher, edits) = watch(&workshop.root)?;
    while let Ok(first) = edits.recv() {
        let mut first = first;
        while let Ok(edited) = edits.recv_timeout(SETTLED) {
            first = first.or(edited);
        }
        // The edition that was edited comes first: its reader waits. The other one has the language switch of it.
        let (first, then) = match first {
            Some(Edition::Chinese) => (Edition::Chinese, Edition::English),
            _ => (Edition::English, Edition::Chinese),
        };
        for edition in [first, then] {
            let began = Instant::now();
            match workshop.build_edition(edition, &out) {
                Ok(()) => println!("built {edition:?} again in {} ms", began.elapsed().as_millis()),
                Err(why) => eprintln!("{why:#}"),
            }
            version.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// A message for each change to what the book is made of: which edition's chapter it was, if it was one.
fn watch(root: &Path) -> Result<(RecommendedWatcher, Receiver<Option<Edition>>)> {
    let (send, edits) = channel();
    let chapters = Edition::BOTH.map(|edition| (edition, root.join("book").join(edition.src())));
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading a file is an event too.
        let Ok(event) = event else { return };
        let edited = matches!(
            event.kind,
            EventKind::Create(_)
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Any | ModifyKind::Data(_) | ModifyKind::Name(_))
        );
        if edited {
            let is_of = |(_, folder): &(Edition, PathBuf)| {
                event.paths.iter().any(|path| path.starts_with(folder))
            };
            let edition = chapters.iter().find(|of| is_of(of)).map(|(edition, _)| *edition);
            let _ = send.send(edition);
        }
    })?;
    for (path, mode) in [
        ("book/src", RecursiveMode::Recursive),
        ("book/src-zh", RecursiveMode::Recursive),
        ("book/theme", RecursiveMode::Recursive),
        ("book/data", RecursiveMode::Recursive),
        ("book", RecursiveMode::NonRecursive),
        ("exercises", RecursiveMode::NonRecursive),
    ] {
        let path = root.join(path);
        if path.exists() {
            watcher.watch(&path, mode).with_context(|| path.display().to_string())?;
        }
    }
    Ok((watcher, edits))
}

fn answer_all(server: &Server, folder: &Path, version: &AtomicU64) {
    for request in server.incoming_requests() {
        // A reader who has gone away is no fault of the book.
        let _ = answer(request, folder, version.load(Ordering::Relaxed));
    }
}

fn answer(request: Request, folder: &Path, version: u64) -> io::Result<()> {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    if path == VERSION {
        return request.respond(Response::from_string(version.to_string()));
    }
    let Some(file) = file(folder, path) else {
        return request
            .respond(Response::from_string("There is no such page.").with_status_code(404));
    };
    let kind = match file.extension().and_then(|is| is.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let header = |name: &str, value: &str| {
        Header::from_bytes(name, value).map_err(|()| io::ErrorKind::InvalidData)
    };
    let (kind, fresh) = (header("Content-Type", kind)?, header("Cache-Control", "no-store")?);
    if file.extension().is_some_and(|is| is == "html") {
        let text = fs::read_to_string(&file)?.replacen("</body>", RELOAD, 1);
        return request.respond(Response::from_string(text).with_header(kind).with_header(fresh));
    }
    request.respond(Response::from_file(File::open(&file)?).with_header(kind).with_header(fresh))
}

/// The file of the book that a path names; of a folder, its index.
fn file(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = folder.join(path);
    let file = if file.is_dir() { file.join("index.html") } else { file };
    file.is_file().then_some(file)
}

/// Opens the reader's browser, if there is one: the address is on the terminal anyway.
fn open(address: &str) {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let opened = Command::new(program)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut child) = opened {
        thread::spawn(move || child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn only_files_of_the_book_are_served() {
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().join("book");
        std::fs::create_dir_all(folder.join("zh")).unwrap();
        for page in ["index.html", "zh/index.html", "../secret"] {
            std::fs::write(folder.join(page), "x").unwrap();
        }
        assert_eq!(file(&folder, ""), Some(folder.join("index.html")));
        assert_eq!(file(&folder, "zh/"), Some(folder.join("zh/index.html")));
        for path in ["../secret", "zh/../../secret", "/etc/passwd", "none.html"] {
            assert_eq!(file(&folder, path), None, "{path}");
        }
    }
}
