//! A console, and what it proves.

use softlockup::CpuId;

use crate::check::Failure;
use crate::ex11::SilentCpu;
use crate::oracle::ask;
use crate::replay;

/// What is to be said of a console.
#[derive(Clone, Copy, Debug)]
pub(super) enum Proof {
    /// This CPU: a line names it.
    Of(u32),
    /// None at all.
    None,
    /// This CPU, or none: it can be concluded, but no line names it.
    AtMost(u32),
}

/// A console, and what it proves.
#[derive(Clone, Debug)]
pub(super) struct Console {
    pub(super) name: String,
    pub(super) text: Vec<u8>,
    pub(super) proof: Proof,
    /// The line that names the CPU, or why no line does.
    pub(super) because: &'static str,
}

impl Console {
    pub(super) fn new(
        name: &str,
        text: impl Into<Vec<u8>>,
        proof: Proof,
        because: &'static str,
    ) -> Self {
        Console { name: name.to_owned(), text: text.into(), proof, because }
    }

    pub(super) fn judge(&self, silent_cpu: SilentCpu) -> Result<(), Failure> {
        let Console { name, text, proof, because } = self;
        let bytes = text.clone();
        let said = ask(&format!("the silent CPU of {name}"), move || silent_cpu(&bytes))?;
        let expected = match *proof {
            Proof::Of(cpu) if said == Some(CpuId(cpu)) => return Ok(()),
            Proof::AtMost(cpu) if said.is_none_or(|said| said == CpuId(cpu)) => return Ok(()),
            Proof::None if said.is_none() => return Ok(()),
            Proof::Of(cpu) => format!("CPU#{cpu}"),
            Proof::AtMost(cpu) => format!("no CPU, or CPU#{cpu}"),
            Proof::None => "no CPU".to_owned(),
        };
        let why = match said {
            None => {
                "A reader who overlooks that line has nothing to go by, and the machine hangs again"
            }
            Some(said) if said.0 > 4_096 => {
                "No machine has a CPU of that number: on this kernel x0 is a pointer, and its x1 is not 3"
            }
            Some(_) => {
                "The CPU that is named gets the blame, and its driver: a wrong name is worse than none"
            }
        };
        let said = said.map_or("that it cannot know".to_owned(), |said| format!("CPU#{said}"));
        let message =
            format!("{name}: expected {expected}, because {because}; the code says {said}. {why}");
        Err(Failure::new(message).with_detail(replay::last_lines(&String::from_utf8_lossy(text))))
    }
}
