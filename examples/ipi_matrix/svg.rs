//! The heat map as a picture: the three tables beside each other, and what the host says of itself below them.

use std::fmt::{self, Display, Formatter};

use super::heat::Scale;
use super::matrix::{Matrix, Quantity};
use softlockup_measure::host::Host;

/// Up to so many cores each cell has its number written in it. Every cell has it as a tooltip.
const MOST_WITH_NUMBERS: usize = 32;

const MARGIN: f64 = 24.0;
/// Left of a grid: the ids of its rows, and the word "core".
const LEFT: f64 = 52.0;
/// Above a grid: its title, the word "core" and the ids of its columns.
const ABOVE: f64 = 96.0;
/// Below a grid: its legend.
const BELOW: f64 = 64.0;
/// Above the panels: the picture's title.
const TITLE: f64 = 72.0;
/// What a panel's title needs, however small its grid is.
const LEAST_GRID: f64 = 300.0;
const LINE: f64 = 17.0;
const INK: &str = "#222222";
const PALE_INK: &str = "#666666";

/// The picture.
pub(crate) struct Picture<'a> {
    pub(crate) matrix: &'a Matrix,
    pub(crate) host: &'a Host,
}

impl Display for Picture<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let panel = LEFT + self.panel_width() + MARGIN;
        let width = MARGIN + Quantity::ALL.len() as f64 * panel;
        let notes = self.notes(width - 2.0 * MARGIN);
        let notes_top = TITLE + ABOVE + self.grid() + BELOW + 2.0 * LINE;
        let height = notes_top + LINE * notes.len() as f64 + MARGIN - LINE;
        let font = "Helvetica, Arial, sans-serif";
        write!(f, r#"<svg xmlns="http://www.w3.org/2000/svg" font-family="{font}""#)?;
        write!(f, r#" width="{width:.0}" height="{height:.0}""#)?;
        writeln!(f, r#" viewBox="0 0 {width:.0} {height:.0}">"#)?;
        writeln!(f, r##"<rect width="100%" height="100%" fill="#ffffff"/>"##)?;
        let model = self.host.cpu_model.as_deref().unwrap_or("unknown CPU");
        let title = format!("Round trip between host cores: {model}");
        Text { x: MARGIN, y: 36.0, size: 20.0, ..Text::default() }.write(f, &title)?;
        let (cores, slices) = (self.matrix.cores.len(), self.matrix.slices);
        let subtitle = format!(
            "{cores} cores, {slices} slices of time a pair; each table has its own colours"
        );
        let text = Text { x: MARGIN, y: 58.0, size: 12.0, fill: PALE_INK, ..Text::default() };
        text.write(f, &subtitle)?;
        for (i, quantity) in Quantity::ALL.into_iter().enumerate() {
            self.panel(f, quantity, MARGIN + LEFT + i as f64 * panel)?;
        }
        for (i, note) in notes.iter().enumerate() {
            let y = notes_top + i as f64 * LINE;
            Text { x: MARGIN, y, size: 12.0, fill: PALE_INK, ..Text::default() }.write(f, note)?;
        }
        writeln!(f, "</svg>")
    }
}

impl Picture<'_> {
    /// The side of one cell.
    fn cell(&self) -> f64 {
        let cores = self.matrix.cores.len();
        let least = if cores <= MOST_WITH_NUMBERS { 30.0 } else { 9.0 };
        (560.0 / cores as f64).round().clamp(least, 80.0)
    }

    /// The side of a grid of cells.
    fn grid(&self) -> f64 {
        self.cell() * self.matrix.cores.len() as f64
    }

    fn panel_width(&self) -> f64 {
        self.grid().max(LEAST_GRID)
    }

    /// What the host says, and what happened to the threads, in lines that fit into the picture.
    fn notes(&self, width: f64) -> Vec<String> {
        let suffered = [
            format!("preempted {}", self.matrix.suffered(|fate| fate.preempted)),
            format!("migrated {}", self.matrix.suffered(|fate| fate.migrated)),
        ];
        let text = format!("{}measuring threads: {}", self.host, suffered.join("; "));
        let columns = (width / 6.2) as usize; // a character of 12 px is rarely wider
        text.lines().flat_map(|line| wrapped(line, columns)).collect()
    }

    /// One table, whose grid begins at `left`.
    fn panel(&self, f: &mut Formatter<'_>, quantity: Quantity, left: f64) -> fmt::Result {
        let top = TITLE + ABOVE;
        let heading = Text { x: left, y: top - 74.0, size: 16.0, ..Text::default() };
        heading.write(f, quantity.title())?;
        let explanation = Text { y: top - 56.0, size: 11.0, fill: PALE_INK, ..heading };
        explanation.write(f, quantity.explanation())?;
        self.axes(f, left, top)?;
        let scale = self.matrix.scale(quantity);
        for row in 0..self.matrix.cores.len() {
            for column in 0..self.matrix.cores.len() {
                self.one_cell(f, quantity, &scale, (row, column), (left, top))?;
            }
        }
        self.legend(f, quantity, &scale, left, top + self.grid() + 18.0)
    }

    /// The ids of the cores along two sides, and what they are ids of.
    fn axes(&self, f: &mut Formatter<'_>, left: f64, top: f64) -> fmt::Result {
        let (cell, middle) = (self.cell(), self.grid() / 2.0);
        let label = Text { size: 12.0, anchor: "middle", ..Text::default() };
        Text { x: left + middle, y: top - 34.0, ..label }.write(f, "core")?;
        Text { x: left - 38.0, y: top + middle, turned: true, ..label }.write(f, "core")?;
        let size = (cell * 0.8).min(12.0);
        for (i, core) in self.matrix.cores.iter().enumerate() {
            let centre = (i as f64 + 0.5) * cell;
            let id = Text { size, fill: PALE_INK, ..Text::default() };
            let (x, y) = (left - 6.0, top + centre + size * 0.35);
            Text { x, y, anchor: "end", ..id }.write(f, core)?;
            let (x, y) = (left + centre, top - 6.0);
            if cell < 20.0 {
                let x = x + size * 0.35;
                Text { x, y, turned: true, ..id }.write(f, core)?;
            } else {
                Text { x, y, anchor: "middle", ..id }.write(f, core)?;
            }
        }
        Ok(())
    }

    fn one_cell(
        &self,
        f: &mut Formatter<'_>,
        quantity: Quantity,
        scale: &Scale,
        (row, column): (usize, usize),
        (left, top): (f64, f64),
    ) -> fmt::Result {
        let (cell, numbered) = (self.cell(), self.matrix.cores.len() <= MOST_WITH_NUMBERS);
        let (x, y) = (left + column as f64 * cell, top + row as f64 * cell);
        let side = if cell < 20.0 { cell } else { cell - 1.0 };
        write!(f, r#"<rect x="{x}" y="{y}" width="{side}" height="{side}""#)?;
        let Some(pair) = self.matrix.at(row, column) else {
            return writeln!(f, r##" fill="#eeeeee"/>"##);
        };
        let value = quantity.of(pair);
        let (fill, number) = (scale.rgb(value), quantity.text(value));
        let (a, b) = (self.matrix.cores[row], self.matrix.cores[column]);
        let siblings = if pair.smt_siblings == Some(true) { " (SMT siblings)" } else { "" };
        let tip = format!("cores {a} and {b}{siblings}: {number}");
        writeln!(f, r#" fill="{fill}"><title>{tip}</title></rect>"#)?;
        if !numbered {
            return Ok(());
        }
        let ink = if fill.is_light() { "#000000" } else { "#ffffff" };
        let size = (cell * 0.34).min(16.0);
        let (x, y) = (x + side / 2.0, y + side / 2.0 + size * 0.35);
        Text { x, y, size, fill: ink, anchor: "middle", turned: false }.write(f, number)
    }

    /// The colour scale with the numbers at its ends and between them.
    fn legend(
        &self,
        f: &mut Formatter<'_>,
        quantity: Quantity,
        scale: &Scale,
        left: f64,
        top: f64,
    ) -> fmt::Result {
        let width = self.grid().clamp(160.0, 400.0);
        let id = format!("{quantity:?}").to_lowercase();
        write!(f, r#"<defs><linearGradient id="{id}">"#)?;
        for (place, colour) in scale.stops() {
            write!(f, r#"<stop offset="{place:.3}" stop-color="{colour}"/>"#)?;
        }
        writeln!(f, "</linearGradient></defs>")?;
        write!(f, r#"<rect x="{left}" y="{top}" width="{width}" height="14""#)?;
        writeln!(f, r##" fill="url(#{id})" stroke="#cccccc"/>"##)?;
        for (place, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
            let number = quantity.text(scale.at(place));
            let (x, y) = (left + place * width, top + 30.0);
            Text { x, y, size: 12.0, anchor, ..Text::default() }.write(f, number)?;
        }
        Ok(())
    }
}

/// Where and how a piece of text stands.
#[derive(Clone, Copy)]
struct Text {
    x: f64,
    y: f64,
    size: f64,
    fill: &'static str,
    anchor: &'static str,
    /// Read from below.
    turned: bool,
}

impl Default for Text {
    fn default() -> Self {
        Text { x: 0.0, y: 0.0, size: 12.0, fill: INK, anchor: "start", turned: false }
    }
}

impl Text {
    fn write(self, f: &mut Formatter<'_>, text: impl Display) -> fmt::Result {
        let Text { x, y, size, fill, anchor, turned } = self;
        write!(f, r#"<text x="{x:.1}" y="{y:.1}" font-size="{size:.1}" fill="{fill}""#)?;
        if anchor != "start" {
            write!(f, r#" text-anchor="{anchor}""#)?;
        }
        if turned {
            write!(f, r#" transform="rotate(-90 {x:.1} {y:.1})""#)?;
        }
        writeln!(f, ">{}</text>", escaped(&text.to_string()))
    }
}

/// Text as XML takes it: also a name of the firmware's that has brackets or control characters.
fn escaped(text: &str) -> String {
    let text: String = text.chars().filter(|char| !char.is_control()).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A line broken between words, so that none of its parts is longer than `columns` characters if its words allow.
fn wrapped(line: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > columns {
            lines.push(word.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::made_up;
    use super::*;

    fn picture(nr_cores: usize) -> String {
        let cores: Vec<usize> = (0..nr_cores).collect();
        let mut host = Host::describe(&cores);
        host.cpu_model = Some("A & B <fast>\u{7}".to_owned());
        Picture { matrix: &made_up(&cores), host: &host }.to_string()
    }

    #[test]
    fn up_to_32_cores_have_their_numbers_written() {
        let numbers = |text: &str| text.matches(">60</text>").count();
        let written = 2 * 31 + 1; // both places of neighbours, and one end of the legend
        assert_eq!((numbers(&picture(32)), numbers(&picture(33))), (written, 1));
        assert_eq!(picture(33).matches(": 60</title>").count(), 2 * 32);
    }

    #[test]
    fn what_the_host_calls_itself_cannot_break_the_picture() {
        let text = picture(2);
        assert!(text.contains("A &amp; B &lt;fast&gt;</text>"), "{text}");
        assert_eq!(text.matches("<text").count(), text.matches("</text>").count());
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 3), ["unbreakable"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
