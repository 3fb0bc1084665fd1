//! The three tables in the terminal. Colours are always written; the stream that this goes to takes them out again
//! where there are none.

use std::fmt::{self, Display, Write};

use super::heat::Scale;
use super::matrix::{Matrix, Quantity};

/// From more cores on numbers would make the table wider than a terminal.
const MOST_WITH_NUMBERS: usize = 32;

/// The width of a cell with a number in it.
const CELL: usize = 6;

/// One of the three tables, with its title and its legend.
pub(crate) struct Table<'a> {
    pub(crate) matrix: &'a Matrix,
    pub(crate) quantity: Quantity,
    /// Whether colours will be seen: without them every cell needs its number.
    pub(crate) colored: bool,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, explanation) = (self.quantity.title(), self.quantity.explanation());
        writeln!(f, "{title}: {explanation}")?;
        let scale = self.matrix.scale(self.quantity);
        let narrow = self.colored && self.matrix.cores.len() > MOST_WITH_NUMBERS;
        let cell_width = if narrow { 2 } else { CELL };
        if narrow {
            self.head_downwards(f)?
        } else {
            self.head(f)?
        }
        for (row, core) in self.matrix.cores.iter().enumerate() {
            write!(f, "{core:>CELL$} ")?;
            for column in 0..self.matrix.cores.len() {
                match self.matrix.at(row, column).map(|pair| self.quantity.of(pair)) {
                    None if narrow => write!(f, "{:>cell_width$}", "")?,
                    None => write!(f, "{:>cell_width$}", "- ")?,
                    Some(value) => {
                        let style = scale.style(value);
                        let text =
                            if narrow { String::new() } else { self.quantity.text(value) + " " };
                        write!(f, "{style}{text:>cell_width$}{style:#}")?;
                    }
                }
            }
            f.write_char('\n')?;
        }
        if self.colored {
            self.legend(f, &scale)?;
        }
        writeln!(f, "{:CELL$} {}", "", self.matrix.summary(self.quantity))
    }
}

impl Table<'_> {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>CELL$} ", "core")?;
        for core in &self.matrix.cores {
            write!(f, "{:>CELL$}", format!("{core} "))?;
        }
        f.write_char('\n')
    }

    /// The ids digit below digit, for narrow cells.
    fn head_downwards(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |core: &usize| core.to_string().len();
        let height = self.matrix.cores.iter().map(digits).max().unwrap_or(1);
        for line in 0..height {
            write!(f, "{:>CELL$} ", if line + 1 == height { "core" } else { "" })?;
            for core in &self.matrix.cores {
                write!(f, "{:>2}", format!("{core:>height$}")[line..=line].to_owned())?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }

    fn legend(&self, f: &mut fmt::Formatter<'_>, scale: &Scale) -> fmt::Result {
        write!(f, "{:CELL$} {} ", "", self.quantity.text(scale.low))?;
        for style in scale.steps() {
            write!(f, "{style}   {style:#}")?;
        }
        writeln!(f, " {}", self.quantity.text(scale.high))
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::made_up;
    use super::*;

    fn plain(cores: &[usize], colored: bool) -> String {
        let (matrix, quantity) = (made_up(cores), Quantity::Floor);
        let text = Table { matrix: &matrix, quantity, colored }.to_string();
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn without_colour_every_cell_has_its_number_and_columns_are_aligned() {
        assert_eq!(
            plain(&[0, 1, 12], false),
            "floor, ns: a number in one cache line, there and back\n  \
               core     0     1    12 \n     \
                  0     -    60   170 \n     \
                  1    60     -   160 \n    \
                 12   170   160     - \n       \
             least 60 (cores 0 and 1), median 160, most 170 (cores 0 and 12)\n"
        );
        let cores: Vec<usize> = (0..40).collect();
        assert!(plain(&cores, false).contains(" 440 "));
    }

    #[test]
    fn many_coloured_cells_are_narrow_and_their_ids_stand_upright() {
        let cores: Vec<usize> = (98..138).collect();
        let text = plain(&cores, true);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("            1 1 1"), "{text}");
        assert!(lines[3].starts_with("  core  8 9 0 1"), "{text}");
        assert!(lines[1..44].iter().all(|line| line.len() == CELL + 1 + 2 * 40), "{text}");
        assert_eq!(lines.len(), 1 + 3 + 40 + 2);
    }
}
