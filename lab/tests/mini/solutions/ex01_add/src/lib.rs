//! Why it works: it adds.

/// The sum.
pub fn add(one: u32, other: u32) -> u32 {
    one + other
}
