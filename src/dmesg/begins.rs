//! What a line can begin with: a cheap look at two bytes, before anything is read.

/// The first two bytes of the lines of a class, all of them ASCII.
#[derive(Clone, Copy)]
pub(super) struct Begins {
    /// The first bytes, as a set.
    first: u128,
    /// Each two bytes, with a blank between.
    both: &'static str,
}

/// Two bytes and a blank.
const STEP: usize = 3;

impl Begins {
    /// Any of these: `"NM wa BU"`.
    pub(super) const fn with(both: &'static str) -> Self {
        let mut first = 0;
        let mut at = 0;
        while at < both.len() {
            first |= 1 << both.as_bytes()[at];
            at += STEP;
        }
        Begins { first, both }
    }

    /// Whether a text begins so. One byte is the beginning of anything.
    pub(super) fn fits(&self, text: &str) -> bool {
        match text.as_bytes() {
            &[first, second, ..] => {
                let has_first = first.is_ascii() && self.first >> first & 1 == 1;
                has_first && self.both.as_bytes().chunks(STEP).any(|it| it[..2] == [first, second])
            }
            _ => true,
        }
    }
}
