//! Safe points and GC types.

use crate::Result;
use crate::error::Error;
use crate::gc::{Gc, check_keyspace};
use crate::keyspaces::GcType;
use crate::library::start_of;
use std::ffi::c_int;

impl Gc {
    /// Moves the global safe point forward. False: it was not newer, or was refused; the log has
    /// the reason.
    pub fn advance_global_safe_point(&self, ts: u64) -> bool {
        // SAFETY: the context lives.
        unsafe {
            (self.library().functions().rgc_advance_global_safe_point)(self.as_ptr(), ts) != 0
        }
    }

    /// Moves a keyspace's safe point forward. `Ok(false)`: it was not newer, or everything of the
    /// keyspace is kept.
    ///
    /// Errors: Invalid argument: a keyspace out of range; a timestamp that the library refuses.
    pub fn advance_keyspace_safe_point(&self, keyspace: u32, ts: u64) -> Result<bool> {
        // SAFETY: the context lives.
        let moved = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_advance_keyspace_safe_point)(self.as_ptr(), keyspace, ts, error)
        })?;
        Ok(moved != 0)
    }

    /// Moves the safe points of several keyspaces forward: all or none are looked at. Returns how
    /// many moved.
    ///
    /// Errors: Invalid argument: the first bad element, by its index; arrays of two lengths.
    pub fn advance_keyspace_safe_points(&self, keyspaces: &[u32], ts: &[u64]) -> Result<usize> {
        if keyspaces.len() != ts.len() {
            return Err(Error::invalid(format!(
                "{} keyspaces and {} timestamps",
                keyspaces.len(),
                ts.len()
            )));
        }
        self.library().checked(|rgc, error| {
            // SAFETY: the context lives, and both arrays have so many elements.
            unsafe {
                (rgc.rgc_advance_keyspace_safe_points)(
                    self.as_ptr(),
                    keyspaces.as_ptr(),
                    ts.as_ptr(),
                    ts.len(),
                    error,
                )
            }
        })
    }

    /// Registers a keyspace with its GC type.
    ///
    /// Errors: Invalid argument: a keyspace out of range; the other type than the registered one.
    pub fn set_keyspace_gc_type(&self, keyspace: u32, gc_type: GcType) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_set_keyspace_gc_type)(self.as_ptr(), keyspace, gc_type as c_int, error);
        })
    }

    /// Registers several keyspaces with one GC type.
    ///
    /// Errors: as for one, by the index.
    pub fn set_keyspace_gc_types(&self, keyspaces: &[u32], gc_type: GcType) -> Result<()> {
        // SAFETY: the context lives, and the array has so many elements.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_set_keyspace_gc_types)(
                self.as_ptr(),
                keyspaces.as_ptr(),
                keyspaces.len(),
                gc_type as c_int,
                error,
            );
        })
    }

    /// Keeps everything of a keyspace until it is registered again.
    ///
    /// Errors: Invalid argument: a keyspace out of range; Busy: inside a callback or a filter.
    pub fn pause_keyspace(&self, keyspace: u32) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_pause_keyspace)(self.as_ptr(), keyspace, error)
        })
    }

    /// The global safe point; 0 means none.
    pub fn global_safe_point(&self) -> u64 {
        // SAFETY: the context lives.
        unsafe { (self.library().functions().rgc_global_safe_point)(self.as_ptr()) }
    }

    /// The effective safe point of a keyspace; 0 means that everything is kept.
    ///
    /// Errors: Invalid argument: a keyspace out of range.
    pub fn keyspace_safe_point(&self, keyspace: u32) -> Result<u64> {
        check_keyspace(keyspace)?;
        // SAFETY: the context lives.
        Ok(unsafe { (self.library().functions().rgc_keyspace_safe_point)(self.as_ptr(), keyspace) })
    }

    /// The effective safe point of a stored key; 0 means that it is kept.
    pub fn safe_point_for_key(&self, key: &[u8]) -> u64 {
        // SAFETY: the context lives, and the key has so many bytes.
        unsafe {
            (self.library().functions().rgc_safe_point_for_key)(
                self.as_ptr(),
                start_of(key),
                key.len(),
            )
        }
    }

    /// The timestamp at which the replicas of a range can be compared.
    ///
    /// Errors: Invalid argument: an inverted range; Not supported: the range holds keyspaces with
    /// safe points of their own.
    pub fn consistency_safe_point(&self, start: &[u8], end: &[u8]) -> Result<u64> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_consistency_safe_point)(
                self.as_ptr(),
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                error,
            )
        })
    }

    /// The least start timestamp at or below `up_to` of a lock; `None`: no lock is left. `keyspace`
    /// is an id, or [`KEYSPACE_NONE`](crate::KEYSPACE_NONE).
    ///
    /// Errors: those of `rgc_oldest_lock`. After an error the safe point must not move.
    pub fn oldest_lock(&self, keyspace: u32, up_to: u64) -> Result<Option<u64>> {
        // SAFETY: the context lives.
        let oldest = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_oldest_lock)(self.as_ptr(), keyspace, up_to, error)
        })?;
        Ok((oldest > 0).then_some(oldest))
    }
}
