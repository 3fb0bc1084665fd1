//! Add two numbers.

/// The sum.
pub fn add(_one: u32, _other: u32) -> u32 {
    todo!("add the two numbers")
}
