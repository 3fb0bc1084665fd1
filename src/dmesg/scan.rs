//! Reading a text from left to right. Whatever does not fit, a number out of range included, is `None`.

use std::str::FromStr;

use crate::config::MAX_CPUS;
use crate::cpumask::CpuId;
use crate::dmesg::cpu_list::CpuList;
use crate::dmesg::work;

/// What is left of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a>(pub(super) &'a str);

impl<'a> Scan<'a> {
    /// Takes exactly `text`.
    pub(super) fn tag(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Takes the first of `texts` that fits, if any.
    pub(super) fn any(&mut self, texts: &[&str]) -> Option<()> {
        texts.iter().find_map(|text| self.tag(text))
    }

    /// Takes everything up to `end`, and `end` too.
    pub(super) fn until(&mut self, end: &str) -> Option<&'a str> {
        let found = self.0.split_once(end);
        work::looks(found.map_or(self.0.len(), |(head, _)| head.len()));
        let (head, rest) = found?;
        self.0 = rest;
        Some(head)
    }

    /// Takes what fits, perhaps nothing. Only ASCII may fit.
    pub(super) fn take(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        let end = self.0.bytes().position(|b| !fits(b)).unwrap_or(self.0.len());
        work::looks(end);
        let (head, rest) = self.0.split_at(end);
        self.0 = rest;
        head
    }

    /// Takes blanks and tabs, if any.
    pub(super) fn blanks(&mut self) {
        self.take(|b| b == b' ' || b == b'\t');
    }

    /// Takes a decimal number.
    pub(super) fn decimal<T: FromStr>(&mut self) -> Option<T> {
        self.take(|b| b.is_ascii_digit()).parse().ok()
    }

    /// Takes a hexadecimal number, with or without `0x`.
    pub(super) fn hex(&mut self) -> Option<u64> {
        _ = self.tag("0x");
        let digits = self.take(|b| b.is_ascii_hexdigit());
        let digit = |b: u8| char::from(b).to_digit(16).map_or(0, u64::from);
        let fits = digits.len() <= 16 || digits.bytes().rev().skip(16).all(|b| b == b'0');
        let value = digits.bytes().fold(0, |value: u64, b| value << 4 | digit(b));
        (fits && !digits.is_empty()).then_some(value)
    }

    /// Takes a CPU's number.
    pub(super) fn cpu(&mut self) -> Option<CpuId> {
        self.decimal().map(CpuId)
    }

    /// Takes a list as `%*pbl` prints it, `0-3,35`: not empty, ascending, of at most [`MAX_CPUS`] CPUs.
    pub(super) fn cpu_list(&mut self) -> Option<CpuList> {
        let mut cpus = CpuList::default();
        let mut count = 0;
        loop {
            let first: u32 = self.decimal()?;
            let last: u32 = if self.tag("-").is_some() { self.decimal()? } else { first };
            count += u64::from(last.checked_sub(first)?) + 1;
            if count > u64::from(MAX_CPUS) {
                return None;
            }
            cpus.push(first, last)?;
            if self.tag(",").is_none() {
                return Some(cpus);
            }
        }
    }
}
