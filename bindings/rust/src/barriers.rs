//! Barriers: readers hold safe points back.

use crate::Result;
use crate::abi;
use crate::bytes;
use crate::callbacks::Collected;
use crate::gc::Gc;
use std::ffi::CString;
use std::time::Duration;

/// A barrier that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    /// An id, [`KEYSPACE_NONE`](crate::KEYSPACE_NONE) for the global safe point, or
    /// [`KEYSPACE_ALL`](crate::KEYSPACE_ALL).
    pub keyspace: u32,
    /// The name.
    pub name: String,
    /// The highest safe point that it allows.
    pub ts: u64,
    /// Its last second in unix time; `None` means that it does not end.
    pub expires_unix_seconds: Option<u64>,
}

impl Gc {
    /// Sets a barrier, or replaces the one of this name: no safe point of it passes `ts`. It lives
    /// for `ttl` in whole seconds, `None` until it is deleted. `keyspace` is an id,
    /// [`KEYSPACE_NONE`](crate::KEYSPACE_NONE) (the global safe point) or
    /// [`KEYSPACE_ALL`](crate::KEYSPACE_ALL) (every safe point).
    ///
    /// Errors: Invalid argument: a safe point is above `ts` already, and others of
    /// `rgc_barrier_set`; Busy: the time is unknown.
    pub fn set_barrier(
        &self,
        keyspace: u32,
        name: &str,
        ts: u64,
        ttl: Option<Duration>,
    ) -> Result<()> {
        let name = CString::new(name)?;
        let seconds = ttl.map_or(u64::MAX, |ttl| ttl.as_secs());
        // SAFETY: the context lives, and the name lives during the call.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_barrier_set)(self.as_ptr(), keyspace, name.as_ptr(), ts, seconds, error);
        })
    }

    /// Deletes a barrier. `Ok(false)`: it was not there.
    ///
    /// Errors: Invalid argument: a keyspace or a name that no barrier can have.
    pub fn delete_barrier(&self, keyspace: u32, name: &str) -> Result<bool> {
        let name = CString::new(name)?;
        // SAFETY: the context lives, and the name lives during the call.
        let was_there = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_barrier_delete)(self.as_ptr(), keyspace, name.as_ptr(), error)
        })?;
        Ok(was_there != 0)
    }

    /// The barriers that live, ordered by keyspace and name.
    pub fn barriers(&self) -> Vec<Barrier> {
        let mut collected = Collected { all: Vec::new(), of: barrier };
        self.list(&mut collected, |rgc, gc, each, state| {
            // SAFETY: the context lives, and `each` reads this state.
            unsafe { (rgc.rgc_barriers_foreach)(gc, each, state) }
        });
        collected.all
    }
}

fn barrier(info: &abi::BarrierInfo) -> Barrier {
    let end = info.expires_unix_seconds;
    Barrier {
        keyspace: info.keyspace,
        // SAFETY: the library lends a text.
        name: unsafe { bytes::text(info.name) },
        ts: info.ts,
        expires_unix_seconds: (end != u64::MAX).then_some(end),
    }
}
