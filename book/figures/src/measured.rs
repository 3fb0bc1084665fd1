//! A file of measured distributions. It says what was measured, on which machine, by which command:
//!
//! ```toml
//! title = "A call and its answer"      # title_zh
//! unit = "ns"                          # or µs, ms, s; or any other word
//! machine = "2 cores of …"             # machine_zh
//! command = "cargo bench --bench ipi_round_trip"
//!
//! [[series]]
//! name = "mailbox"                     # name_zh
//! p50 = 120                            # p10, p90, p99 and p999 may be missing
//! p99 = 900
//! ```

use serde::Deserialize;

use crate::Lang;
use crate::error::FigureError;
use crate::scale::decimal;

/// A file of measured distributions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    title: String,
    title_zh: Option<String>,
    pub(crate) unit: String,
    machine: String,
    machine_zh: Option<String>,
    command: String,
    pub(crate) series: Vec<Series>,
}

/// What was measured of one thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    name: String,
    name_zh: Option<String>,
    p10: Option<f64>,
    pub(crate) p50: f64,
    p90: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
}

/// The quantiles that a file can have.
pub(crate) const NAMES: [&str; 5] = ["p10", "p50", "p90", "p99", "p99.9"];

impl Series {
    pub(crate) fn name(&self, lang: Lang) -> &str {
        lang.pick(Some(&self.name), self.name_zh.as_ref()).unwrap_or(&self.name)
    }

    /// Each quantile that was measured, with its place in [`NAMES`].
    pub(crate) fn values(&self) -> impl Iterator<Item = (usize, f64)> {
        let values = [self.p10, Some(self.p50), self.p90, self.p99, self.p999];
        values.into_iter().enumerate().filter_map(|(n, value)| Some((n, value?)))
    }
}

impl Measured {
    /// Reads the file.
    ///
    /// # Errors
    /// If a number cannot stand on a logarithmic axis, or something is missing or not known.
    pub(crate) fn read(toml: &str) -> Result<Self, FigureError> {
        let measured: Measured =
            toml::from_str(toml).map_err(|error| FigureError::Data(error.message().to_owned()))?;
        if measured.series.is_empty() {
            return Err(FigureError::Data("no [[series]]: give at least one".to_owned()));
        }
        for series in &measured.series {
            let values: Vec<f64> = series.values().map(|(_, value)| value).collect();
            let name = &series.name;
            if values.iter().any(|value| !(value.is_finite() && *value > 0.0)) {
                return Err(FigureError::Data(format!(
                    "series `{name}`: a quantile must be more than 0"
                )));
            }
            if !values.is_sorted() {
                return Err(FigureError::Data(format!(
                    "series `{name}`: quantiles must not fall from p10 to p999"
                )));
            }
        }
        Ok(measured)
    }

    /// The quantiles that at least one series has, as places in [`NAMES`].
    pub(crate) fn quantiles(&self) -> Vec<usize> {
        let has =
            |n: &usize| self.series.iter().any(|series| series.values().any(|(m, _)| m == *n));
        (0..NAMES.len()).filter(has).collect()
    }

    pub(crate) fn title(&self, lang: Lang) -> &str {
        lang.pick(Some(&self.title), self.title_zh.as_ref()).unwrap_or(&self.title)
    }

    pub(crate) fn note(&self, lang: Lang) -> [String; 2] {
        let machine =
            lang.pick(Some(&self.machine), self.machine_zh.as_ref()).unwrap_or(&self.machine);
        let (of, by) = (lang.pick("measured on", "测量机器"), lang.pick("by", "命令"));
        let colon = lang.colon();
        [format!("{of}{colon}{machine}"), format!("{by}{colon}{}", self.command)]
    }
}

/// A number with three digits that count.
fn rounded(value: f64) -> String {
    let digits = 2 - value.abs().log10().floor().clamp(-3.0, 2.0) as i32;
    let scale = 10f64.powi(digits);
    decimal((value * scale).round() / scale)
}

/// A number for a label, in the unit of time that suits it. Another unit than one of time stands at the axis.
pub(crate) fn label(value: f64, unit: &str) -> String {
    let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    let Some((_, ns)) = units.into_iter().find(|(name, _)| *name == unit) else {
        return rounded(value);
    };
    let ns = value * ns;
    let fits = units.into_iter().rev().find(|(_, one)| ns >= one * 0.9995);
    let (name, one) = fits.unwrap_or(units[0]);
    format!("{} {name}", rounded(ns / one))
}

/// Whether [`label`] says the unit.
pub(crate) fn is_time(unit: &str) -> bool {
    ["ns", "µs", "ms", "s"].contains(&unit)
}

/// The marks of the axis: 1, 2 and 5 of each decade that are not outside of the values.
pub(crate) fn ticks(least: f64, most: f64) -> Vec<f64> {
    let decades = (least.log10().floor() as i32)..=(most.log10().ceil() as i32);
    let all: Vec<f64> =
        decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|n| n * 10f64.powi(decade))).collect();
    let first = all.iter().rposition(|tick| *tick <= least * 1.0001).unwrap_or(0);
    let last = all.iter().position(|tick| *tick >= most * 0.9999).unwrap_or(all.len() - 1);
    all[first..=last.max(first + 1).min(all.len() - 1)].to_vec()
}
