//! Who decides about a keyspace's safe point: three vocabularies.
//!
//! PD writes `keyspace_level` and `unified`; the proposal `keyspace_level_gc` and `global_gc`; older
//! clients `safe_point_version` = `v2`, which counts only without `gc_management_type`. An unknown
//! string is neither: PD would take it for global, the draft of TiKV for "never". Here it is
//! visible, and nothing is collected.

use std::collections::HashMap;

/// Who decides about a keyspace's safe point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcManagement {
    /// The keyspace has its own.
    Keyspace,
    /// The global one.
    Global,
    /// A string of no vocabulary: all keys are kept.
    Unknown(String),
}

impl GcManagement {
    /// Reads a keyspace's config.
    pub fn of(config: &HashMap<String, String>) -> Self {
        let old_version = || config.get("safe_point_version").is_some_and(|version| version == "v2");
        match config.get("gc_management_type").map(String::as_str) {
            Some("keyspace_level" | "keyspace_level_gc") => Self::Keyspace,
            Some("unified" | "global_gc" | "") => Self::Global,
            Some(other) => Self::Unknown(other.to_owned()),
            None if old_version() => Self::Keyspace,
            None => Self::Global,
        }
    }
}
