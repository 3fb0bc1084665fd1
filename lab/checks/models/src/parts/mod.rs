//! The models: what CPUs do with a part, and the rules that must hold meanwhile.

pub(crate) mod call_queue;
pub(crate) mod cpu;
pub(crate) mod csd_lock;
pub(crate) mod csd_ring;
pub(crate) mod die_lock;
pub(crate) mod irq_state;
