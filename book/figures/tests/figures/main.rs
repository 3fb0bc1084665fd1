//! What a figure says is what the records say.

mod data;
mod draws;
mod marks;
mod runs;
mod samples;

use std::collections::HashMap;

use softlockup::scenario::nested_oops::NestedOops;
use softlockup::{Incident, Scenario};
use softlockup_figures::{Lang, figure};

/// Lives through a scenario.
fn live(scenario: &dyn Scenario) -> Incident {
    scenario.machine().expect("the scenario fits").run().expect("the machine runs").incident
}

fn article() -> Incident {
    live(&NestedOops::default())
}

fn draw(kind: &str, incident: &Incident) -> String {
    figure(kind, incident, "fig", Lang::En).expect("a known kind")
}

/// The drawing for wide pages, without its legend if `y` says where that begins.
fn wide(html: &str) -> &str {
    let from = html.find("<svg class=\"sl-svg sl-wide\"").expect("a wide drawing");
    let to = html[from..].find("</svg>").expect("its end");
    &html[from..from + to]
}

/// An element of one line: its tag, attributes and text.
#[derive(Debug)]
struct Element {
    attributes: HashMap<String, String>,
    text: String,
}

impl Element {
    fn number(&self, name: &str) -> f64 {
        self.attributes[name].parse().expect("a number")
    }
}

/// Every element with this class among its classes.
fn elements(svg: &str, class: &str) -> Vec<Element> {
    let element = |line: &str| {
        let (head, text) = line.strip_prefix('<')?.split_once('>')?;
        let mut attributes = HashMap::new();
        for part in head.trim_end_matches('/').split("\" ") {
            let (name, value) = part.split_once("=\"")?;
            let name = name.rsplit(' ').next().unwrap_or(name);
            attributes.insert(name.to_owned(), value.trim_end_matches('"').to_owned());
        }
        let text = text.split_once('<').map_or(text, |(text, _)| text).to_owned();
        Some(Element { attributes, text })
    };
    let has = |element: &Element| {
        element.attributes.get("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    };
    svg.lines().filter_map(element).filter(has).collect()
}

/// Cells of the table that goes with a figure.
fn table(html: &str) -> Vec<Vec<String>> {
    let body =
        html.split_once("<tbody>").expect("a table").1.split_once("</tbody>").expect("its end").0;
    let cells = |row: &str| {
        row.split("<td>")
            .skip(1)
            .map(|cell| cell.split_once("</td>").expect("a cell").0.to_owned())
            .collect()
    };
    body.lines().filter(|line| line.starts_with("<tr>")).map(cells).collect()
}
