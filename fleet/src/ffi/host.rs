//! The host's functions.

use super::c::RGC_KEYSPACE_NONE;
use super::export::Failure;
use super::header;
use crate::follower::host::Host;
use crate::layout::id::{KeyspaceId, Scope};
use std::cell::Cell;
use std::ffi::CString;

/// The size of the struct in version 1.
const VERSION_1: usize = size_of::<header::rgc_fleet_host_t>();

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a callback.
pub(super) fn in_callback() -> bool {
    IN_CALLBACK.get()
}

/// Runs a callback.
pub(super) fn calling<R>(call: impl FnOnce() -> R) -> R {
    // A callback may call a function of this library, which calls the logger.
    let before = IN_CALLBACK.replace(true);
    let answer = call();
    IN_CALLBACK.set(before);
    answer
}

/// The host, by its functions.
pub(super) struct Functions(header::rgc_fleet_host_t);

// SAFETY: the header says that callbacks run on threads of this library, several at once.
unsafe impl Send for Functions {}
// SAFETY: as above.
unsafe impl Sync for Functions {}

impl Functions {
    /// Copies the struct.
    ///
    /// # Safety
    /// `host` is NULL or readable, and its functions may be called until the follower is closed.
    pub unsafe fn read(host: *const header::rgc_fleet_host_t) -> Result<Self, Failure> {
        if host.is_null() {
            let (state, resolve, fenced, hold_lost) = (std::ptr::null_mut(), None, None, None);
            return Ok(Self(header::rgc_fleet_host_t { struct_size: VERSION_1, state, resolve, fenced, hold_lost }));
        }
        // SAFETY: every version of the struct begins with its size.
        let size = unsafe { host.cast::<usize>().read_unaligned() };
        if size < VERSION_1 {
            return Err(Failure::invalid(format!("struct_size of rgc_fleet_host_t is {size}, below {VERSION_1}; set it to sizeof")));
        }
        // SAFETY: at least as large as version 1.
        Ok(Self(unsafe { host.read_unaligned() }))
    }
}

impl Host for Functions {
    fn holds_transactions(&self) -> bool {
        self.0.resolve.is_some()
    }

    fn resolve(&self, scope: Scope, up_to: u64) -> bool {
        let Some(resolve) = self.0.resolve else { return false };
        // SAFETY: the host's function with the host's state.
        calling(|| unsafe { resolve(self.0.state, number(scope), up_to) }) == 1
    }

    fn fenced(&self, why: &str) {
        if let (Some(fenced), Ok(why)) = (self.0.fenced, CString::new(why)) {
            // SAFETY: as above; the text lives for the call.
            calling(|| unsafe { fenced(self.0.state, why.as_ptr()) });
        }
    }

    fn hold_lost(&self, scope: Scope, name: &str) {
        if let (Some(hold_lost), Ok(name)) = (self.0.hold_lost, CString::new(name)) {
            // SAFETY: as above; the text lives for the call.
            calling(|| unsafe { hold_lost(self.0.state, number(scope), name.as_ptr()) });
        }
    }
}

/// C's number of a scope.
fn number(scope: Scope) -> u32 {
    match scope {
        Scope::Global => RGC_KEYSPACE_NONE,
        Scope::Keyspace(id) => id.get(),
    }
}

/// The keyspace of C's number.
pub(super) fn keyspace(number: u32) -> Result<Option<KeyspaceId>, Failure> {
    if number == RGC_KEYSPACE_NONE {
        return Ok(None);
    }
    KeyspaceId::new(number).map(Some).map_err(Failure::invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_in_a_callback_does_not_end_the_outer_one() {
        calling(|| {
            calling(|| ());
            assert!(in_callback());
        });
        assert!(!in_callback());
    }
}
