//! The reasons why garbage is not collected.

use crate::abi;
use std::ffi::c_int;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:ident,)*) => {
        /// Why the garbage of a keyspace is not collected: the first reason that applies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Why {
            $($(#[$doc])* $name,)*
            /// A reason that this crate does not know.
            Unknown,
        }

        impl Why {
            pub(crate) fn of(number: c_int) -> Self {
                match number {
                    $(abi::$number => Self::$name,)*
                    _ => Self::Unknown,
                }
            }
        }
    };
}

reasons! {
    /// Each version is the newest of its row in its file.
    NothingStale = RGC_WHY_NOTHING_STALE,
    /// No file holds a version of the keyspace.
    NoVersions = RGC_WHY_NO_VERSIONS,
    /// The next compactions collect the garbage.
    Due = RGC_WHY_DUE,
    /// The garbage lies only in the last level: call [`Gc::collect`](crate::Gc::collect).
    OnlyInLastLevel = RGC_WHY_ONLY_IN_LAST_LEVEL,
    /// Stale versions are above the keyspace's own safe point.
    OwnSafePoint = RGC_WHY_OWN_SAFE_POINT,
    /// Stale versions are above the global safe point.
    GlobalSafePoint = RGC_WHY_GLOBAL_SAFE_POINT,
    /// Keyspace level, and it has no safe point of its own.
    NoOwnSafePoint = RGC_WHY_NO_OWN_SAFE_POINT,
    /// There is no global safe point.
    NoGlobalSafePoint = RGC_WHY_NO_GLOBAL_SAFE_POINT,
    /// The keyspace was never registered.
    NotRegistered = RGC_WHY_NOT_REGISTERED,
    /// The keyspace is paused.
    Paused = RGC_WHY_PAUSED,
    /// Both GC types were registered.
    Conflict = RGC_WHY_CONFLICT,
    /// Metadata with an unknown GC type were loaded.
    UnknownType = RGC_WHY_UNKNOWN_TYPE,
    /// [`Gc::set_enabled`](crate::Gc::set_enabled) switched collecting off.
    Disabled = RGC_WHY_DISABLED,
    /// Values go with the transaction records that name them.
    ValuesOfRecords = RGC_WHY_VALUES_OF_RECORDS,
    /// The family's filters judge keys of other modes.
    OtherKind = RGC_WHY_OTHER_KIND,
    /// No factory makes filters of the family's kind.
    NoFilter = RGC_WHY_NO_FILTER,
    /// Keys or values do not parse.
    DoesNotParse = RGC_WHY_DOES_NOT_PARSE,
}
