//! Registers by their names.
//!
//! In Linux: `__show_regs` of each architecture.

use std::fmt;

/// The registers of a dump, by the names that the kernel prints: arm64's `x0` and `sp`, x86's `RAX`, `CR2` and `GS`.
/// powerpc's `GPR04: … … … …` are `r4` to `r7`; s390's and mips's rows are `r0` and so on too.
///
/// ```
/// use softlockup::dmesg::{Message, parse};
///
/// let log = b"x1 : 0000000000000003 x0 : 0000000000000007";
/// let Message::Regs(regs) = &parse(log)[0].message else { panic!() };
/// assert_eq!((regs.get("x0"), regs.get("x1"), regs.get("x4")), (Some(7), Some(3), None));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Registers(Vec<(Name, u64)>);

/// Longer than any register's name.
const LEN: usize = 8;

/// A name in as little memory as possible: a console may hold millions of them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name([u8; LEN]);

impl Name {
    /// `None` if it is longer than any register's.
    fn new(name: &str) -> Option<Self> {
        let mut bytes = [0; LEN];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Name(bytes))
    }

    fn as_str(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(LEN);
        str::from_utf8(&self.0[..len]).unwrap_or_default()
    }
}

impl Registers {
    /// The value of a register; `None` if the dump does not show it. If it is there twice, the first value.
    pub fn get(&self, name: &str) -> Option<u64> {
        let name = Name::new(name)?;
        self.0.iter().find(|(is, _)| *is == name).map(|&(_, value)| value)
    }

    /// Each register and its value, in the order of the dump.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a register behind the others. What has a longer name than any register is left out.
    pub(super) fn push(&mut self, name: &str, value: u64) {
        self.0.extend(Name::new(name).map(|name| (name, value)));
    }

    /// Adds the registers of the next line of a dump.
    pub(super) fn append(&mut self, mut next: Registers) {
        self.0.append(&mut next.0);
    }
}

impl<'a> FromIterator<(&'a str, u64)> for Registers {
    /// What has a longer name than any register is left out.
    fn from_iter<I: IntoIterator<Item = (&'a str, u64)>>(registers: I) -> Self {
        let mut out = Registers::default();
        registers.into_iter().for_each(|(name, value)| out.push(name, value));
        out
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
