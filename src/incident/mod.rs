//! What happened on a machine, from boot to halt, and how it is kept in a file.
//!
//! Nothing here or in any reader touches a live machine, a clock or a thread: an incident that was loaded from a file
//! reads the same as one that has just happened.
//!
//! The file is JSON Lines: a header with `schema`, `version` and the machine's [`Config`]; one [`Record`] a line; and
//! a last line with the end of time and the number of records, so that a file that was cut short is recognised.

pub mod console;
pub mod report;
mod trace;
mod view;

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::cpumask::CpuId;
use crate::record::Record;
use crate::time::KernelTime;

/// What happened on a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The machine.
    pub config: Config,
    /// What happened, in causal order.
    pub records: Vec<Record>,
    /// When the machine was switched off.
    pub ended: KernelTime,
}

const SCHEMA: &str = "softlockup.incident";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    schema: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct HeaderWithConfig {
    #[serde(flatten)]
    header: Header,
    config: Config,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    ended_ns: KernelTime,
    records: usize,
}

impl Incident {
    /// Writes the incident to a file from which [`load`](Incident::load) reads it back. The same incident gives the
    /// same bytes.
    ///
    /// # Errors
    /// Of `out`.
    pub fn save(&self, mut out: impl Write) -> io::Result<()> {
        let mut line = |value: &dyn Fn(&mut Vec<u8>) -> serde_json::Result<()>| {
            let mut bytes = Vec::with_capacity(128);
            value(&mut bytes)?;
            bytes.push(b'\n');
            out.write_all(&bytes)
        };
        let header = Header { schema: SCHEMA.to_owned(), version: VERSION };
        let header = HeaderWithConfig { header, config: self.config.clone() };
        line(&|bytes| serde_json::to_writer(bytes, &header))?;
        for record in &self.records {
            line(&|bytes| serde_json::to_writer(bytes, record))?;
        }
        let footer = Footer { ended_ns: self.ended, records: self.records.len() };
        line(&|bytes| serde_json::to_writer(bytes, &footer))
    }

    /// Reads back what [`save`](Incident::save) wrote.
    ///
    /// # Errors
    /// If it is not such a file, was written by a later version, or is damaged or cut short.
    pub fn load(input: impl BufRead) -> Result<Self, LoadError> {
        let mut lines = input.lines().zip(1..);
        let (first, _) = lines.next().ok_or(LoadError::NotAnIncident)?;
        let first = first.map_err(LoadError::Read)?;
        let header: Header = serde_json::from_str(&first).map_err(|_| LoadError::NotAnIncident)?;
        match header {
            Header { schema, .. } if schema != SCHEMA => return Err(LoadError::NotAnIncident),
            Header { version, .. } if version != VERSION => {
                return Err(LoadError::Version(version));
            }
            _ => {}
        }
        let damaged = |line, why: &str| LoadError::Damaged { line, why: why.to_owned() };
        let HeaderWithConfig { config, .. } =
            serde_json::from_str(&first).map_err(|error| damaged(1, &error.to_string()))?;
        config.check().map_err(|error| LoadError::Config(error.to_string()))?;

        let mut records = Vec::new();
        while let Some((text, line)) = lines.next() {
            let text = text.map_err(LoadError::Read)?;
            if let Ok(footer) = serde_json::from_str::<Footer>(&text) {
                let complete = footer.records == records.len();
                return match (complete, lines.next()) {
                    (false, _) => Err(LoadError::CutShort),
                    (true, Some((_, line))) => {
                        Err(damaged(line, "something follows the last line"))
                    }
                    (true, None) => Ok(Incident { config, records, ended: footer.ended_ns }),
                };
            }
            let record: Record = match serde_json::from_str(&text) {
                Ok(record) => record,
                // A line that ends in the middle is the last one of a file that was cut.
                Err(error) if error.is_eof() => return Err(LoadError::CutShort),
                Err(error) => return Err(damaged(line, &error.to_string())),
            };
            let no_such_cpu = |cpu: &CpuId| cpu.0 >= config.nr_cpus;
            let others = record.event.other_cpu().into_iter().chain([record.cpu]);
            let more = record.event.other_cpus().iter().copied();
            if let Some(cpu) = others.chain(more).find(no_such_cpu) {
                return Err(damaged(line, &format!("there is no CPU#{cpu}")));
            }
            if record.seq < records.last().map_or(0, |last: &Record| last.seq + 1) {
                return Err(damaged(line, "a record is out of order"));
            }
            records.push(record);
        }
        Err(LoadError::CutShort)
    }
}

/// A file from which no incident can be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be read at all.
    Read(io::Error),
    /// It is something else.
    NotAnIncident,
    /// It was written by another version of this crate.
    Version(u32),
    /// Its header describes no machine.
    Config(String),
    /// A line is not what it should be.
    Damaged {
        /// Which, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// Its end is missing.
    CutShort,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read(error) => error.fmt(f),
            LoadError::NotAnIncident => f.write_str("not a file of records (no header line)"),
            LoadError::Version(found) => {
                write!(f, "records of version {found}; this program reads version {VERSION}")
            }
            LoadError::Config(error) => write!(f, "line 1: {error}"),
            LoadError::Damaged { line, why } => write!(f, "line {line}: {why}"),
            LoadError::CutShort => f.write_str("cut short: the last line is missing"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LoadError::Read(error) => Some(error),
            _ => None,
        }
    }
}
