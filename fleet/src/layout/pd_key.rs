//! PD's keys.

pub use rocks_gc_pd::key::PdKey;
