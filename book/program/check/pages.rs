//! The pages as they were built: links, ids, pictures, and that nothing is loaded from elsewhere.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use scraper::{Html, Selector};

/// A page, parsed.
struct Page {
    html: Html,
    ids: HashSet<String>,
}

pub(super) fn faults(out: &Path) -> Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    read(out, out, &mut pages)?;
    let mut faults = Vec::new();
    for (path, page) in &pages {
        // All chapters on one page: links and ids are the chapters' own, twice.
        let print = path.ends_with("print.html");
        let mut found = loads(out, path, page)?;
        if !print && !path.ends_with("404.html") {
            found.extend(links(out, path, page, &pages)?);
            found.extend(twice(page)?);
        }
        found.extend(texts(page)?);
        faults.extend(found.into_iter().map(|what| format!("{}: {what}", path.display())));
    }
    Ok(faults)
}

fn read(out: &Path, folder: &Path, pages: &mut BTreeMap<PathBuf, Page>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            read(out, &path, pages)?;
        } else if path.extension().is_some_and(|is| is == "html") && !path.ends_with("toc.html") {
            let html = Html::parse_document(&fs::read_to_string(&path)?);
            let ids = attributes(&html, "[id]", "id")?.into_iter().collect();
            pages.insert(path.strip_prefix(out)?.to_owned(), Page { html, ids });
        }
    }
    Ok(())
}

fn selector(text: &str) -> Result<Selector> {
    Selector::parse(text).map_err(|why| anyhow::anyhow!("{text}: {why}"))
}

fn attributes(html: &Html, select: &str, name: &str) -> Result<Vec<String>> {
    let selector = selector(select)?;
    let found = html.select(&selector).filter_map(|element| element.attr(name));
    Ok(found.map(str::to_owned).collect())
}

/// Everything that a browser fetches lies in the book.
fn loads(out: &Path, path: &Path, page: &Page) -> Result<Vec<String>> {
    let mut urls = attributes(&page.html, "[src]", "src")?;
    urls.extend(attributes(&page.html, "link[href]:not([rel=canonical])", "href")?);
    let fault = |url: &String| match target(path, url) {
        _ if url.starts_with("data:") => None,
        None => Some(format!("loads {url} from elsewhere")),
        Some((file, _)) => {
            (!out.join(&file).is_file()).then(|| format!("loads {url}, which is missing"))
        }
    };
    Ok(urls.iter().filter_map(fault).collect())
}

fn links(
    out: &Path,
    path: &Path,
    page: &Page,
    pages: &BTreeMap<PathBuf, Page>,
) -> Result<Vec<String>> {
    let urls = attributes(&page.html, "main a[href], nav a[href]", "href")?;
    let fault = |url: &String| {
        let (file, anchor) = target(path, url)?;
        match pages.get(&file) {
            None => (!out.join(&file).is_file()).then(|| format!("the link {url} leads nowhere")),
            Some(page) if anchor.is_empty() || page.ids.contains(&anchor) => None,
            Some(_) => Some(format!("the link {url} leads to no such place")),
        }
    };
    Ok(urls.iter().filter_map(fault).collect())
}

/// The file that `url` names, seen from the page `from`, and the place in it. `None` if it is not of this book.
fn target(from: &Path, url: &str) -> Option<(PathBuf, String)> {
    if url.contains("://") || url.starts_with("//") || url.starts_with("mailto:") {
        return None;
    }
    let (url, anchor) = url.split_once('#').unwrap_or((url, ""));
    if url.is_empty() {
        return Some((from.to_owned(), anchor.to_owned()));
    }
    let mut file = PathBuf::new();
    for part in from.parent().unwrap_or(Path::new("")).join(url).components() {
        match part {
            Component::ParentDir => drop(file.pop()),
            Component::Normal(part) => file.push(part),
            _ => {}
        }
    }
    Some((file, anchor.to_owned()))
}

fn twice(page: &Page) -> Result<Vec<String>> {
    let mut seen = HashSet::new();
    let ids = attributes(&page.html, "[id]", "id")?;
    Ok(ids
        .into_iter()
        .filter(|id| !seen.insert(id.clone()))
        .map(|id| format!("two #{id}"))
        .collect())
}

/// No brace is left, no picture is without words, no piece of code is empty.
fn texts(page: &Page) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for main in page.html.select(&selector("main")?) {
        let text: String = main.text().collect();
        if let Some(at) = text.find("{{#") {
            let rest: String = text[at..].chars().take(40).collect();
            faults.push(format!("{rest}… was not expanded"));
        }
    }
    let alternative = |element: scraper::ElementRef<'_>| match element.value().name() {
        "img" => element.attr("alt").is_some_and(|words| !words.trim().is_empty()),
        _ => {
            element.attr("aria-hidden") == Some("true")
                || element.attr("aria-label").is_some()
                || element.attr("aria-labelledby").is_some()
                || element.children().any(|child| {
                    child.value().as_element().is_some_and(|child| child.name() == "title")
                })
        }
    };
    for picture in page.html.select(&selector("main img, main svg")?) {
        let inside = picture.ancestors().any(|of| {
            of.value().as_element().is_some_and(|of| of.name() == "svg" || of.name() == "button")
        });
        if !inside && !alternative(picture) {
            let id = picture.attr("id").or(picture.attr("class")).unwrap_or_default();
            faults.push(format!("the picture {id} has no words for those who do not see it"));
        }
    }
    for code in page.html.select(&selector("main pre > code")?) {
        if code.text().collect::<String>().trim().is_empty() {
            faults.push("an empty piece of code".to_owned());
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::faults;

    fn found(body: &str) -> Vec<String> {
        let out = tempfile::tempdir().unwrap();
        let page = |body| format!("<html><body><main>{body}</main></body></html>");
        std::fs::create_dir(out.path().join("zh")).unwrap();
        std::fs::write(out.path().join("a.html"), page(body)).unwrap();
        std::fs::write(out.path().join("zh/b.html"), page("<h1 id=\"there\">B</h1>")).unwrap();
        faults(out.path()).unwrap()
    }

    #[test]
    fn a_sound_page_has_no_faults() {
        let body = "<a href=\"zh/b.html#there\">b</a><a href=\"#here\">h</a><p id=\"here\"><a href=\"https://kernel.org\">k</a>\
                    <svg><title>Words</title><svg></svg></svg><img src=\"zh/b.html\" alt=\"B\"><pre><code>x</code></pre>";
        assert_eq!(found(body), [""; 0]);
    }

    #[test]
    fn each_fault_is_found() {
        for (body, what) in [
            ("<a href=\"c.html\">c</a>", "leads nowhere"),
            ("<a href=\"zh/b.html#here\">b</a>", "no such place"),
            ("<i id=\"x\"></i><i id=\"x\"></i>", "two #x"),
            ("<img src=\"zh/b.html\">", "no words"),
            ("<svg class=\"s\"><g></g></svg>", "no words"),
            ("<img alt=\"x\" src=\"https://example.org/x.png\">", "from elsewhere"),
            ("<script src=\"x.js\"></script>", "missing"),
            ("<pre><code> </code></pre>", "empty"),
            ("a {{#include x}}", "not expanded"),
        ] {
            let found = found(body);
            assert!(found.len() == 1 && found[0].contains(what), "{body}: {found:?}");
        }
    }
}
