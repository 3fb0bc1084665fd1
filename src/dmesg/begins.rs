//! What a line can begin with.

/// A set of ASCII characters.
#[derive(Clone, Copy)]
pub(super) struct Begins(u128);

impl Begins {
    /// Any of these.
    pub(super) const fn with(bytes: &[u8]) -> Self {
        let mut set = 0;
        let mut at = 0;
        while at < bytes.len() {
            set |= 1 << bytes[at];
            at += 1;
        }
        Begins(set)
    }

    /// Whether it is one of them.
    pub(super) fn contains(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> byte & 1 == 1
    }
}
