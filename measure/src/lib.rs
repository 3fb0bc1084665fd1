//! Measuring calls between host cores, next to the floor: what the example `ipi_matrix` and the benchmarks share.
//!
//! - [`floor`]: the least that anything costs that goes to another core and comes back.
//! - [`call`]: the two sides of a call.
//! - [`round_trip`]: the loop that measures a call next to the floor, slice by slice.
//! - [`machine`]: a call on a machine, through that loop.
//! - [`cores`], [`host`]: which host cores there are, and what the host did to the measuring threads.
//! - [`quantiles`]: of what was measured.

pub mod call;
pub mod cores;
pub mod floor;
pub mod host;
pub mod machine;
pub mod quantiles;
pub mod round_trip;
