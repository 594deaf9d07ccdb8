//! The reasons to keep versions that a host should hear of once: each is logged when it is first
//! met. The counters tell how often it was met.

use crate::layout::KeyOwner;
use crate::log::{Level, log};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A reason to keep versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A keyspace is keyspace level and has no safe point of its own, while there is a global one.
    NoOwnSafePoint,
    /// Collecting is switched off.
    Disabled,
    /// The filters of a column family judge keys of other modes.
    OtherKind,
    /// No file of a compaction held a version at or below the safe point of its keyspace.
    TooNew,
}

/// The notices that were logged.
#[derive(Debug, Default)]
pub struct Notices(AtomicU8);

impl Notices {
    /// Logs a notice, if it is the first of its kind.
    pub fn tell(&self, notice: Notice, owner: KeyOwner) {
        let bit = 1 << notice as u8;
        if self.0.load(Relaxed) & bit == 0 && self.0.fetch_or(bit, Relaxed) & bit == 0 {
            let level = if notice == Notice::TooNew { Level::Info } else { Level::Warn };
            log(level, || notice.text(owner));
        }
    }
}

impl Notice {
    fn text(self, owner: KeyOwner) -> String {
        let of = match owner {
            KeyOwner::Keyspace(mode, keyspace) => format!("keyspace {keyspace} (mode {})", char::from(mode.byte())),
            KeyOwner::Tidb(mode) => format!("mode {}", char::from(mode.byte())),
            KeyOwner::Plain | KeyOwner::Ledger | KeyOwner::Foreign => "all keyspaces".into(),
        };
        match self {
            Self::NoOwnSafePoint => format!(
                "a filter keeps versions of {of}: it is registered as keyspace level and has no safe point of its own, and the global one \
                 does not count for it; call rgc_advance_keyspace_safe_point"
            ),
            Self::Disabled => format!("a filter keeps versions of {of}: collecting is switched off; call rgc_set_enabled(gc, 1)"),
            Self::OtherKind => format!(
                "a filter keeps versions of {of}: the filters of this column family judge keys of other modes; install RGC_KIND_RAW for mode \
                 r, RGC_KIND_TXN for modes x, m and t"
            ),
            Self::TooNew => format!(
                "a compaction needs no filter: the safe points are below all versions of its files, for example of {of}; rgc_explain tells \
                 more"
            ),
        }
    }
}
