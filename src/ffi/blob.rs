//! Memory for the host, of a size that is known beforehand.

use crate::error::{Error, ErrorKind};
use std::ffi::c_char;
use std::mem::ManuallyDrop;

/// Malloc'ed memory that is filled piece by piece; freed unless it is handed out.
pub(super) struct Blob {
    data: *mut u8,
    len: usize,
    room: usize,
}

impl Blob {
    /// Memory for `room` bytes, never NULL, also for none.
    pub(super) fn new(room: usize) -> Result<Self, Error> {
        // SAFETY: malloc of at least one byte.
        let data = unsafe { libc::malloc(room.max(1)) }.cast::<u8>();
        if data.is_null() {
            return Err(Error::new(ErrorKind::Aborted, format!("no memory for {room} bytes")));
        }
        Ok(Self { data, len: 0, room })
    }

    /// A copy.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Error> {
        let mut copy = Self::new(bytes.len())?;
        copy.push(bytes)?;
        Ok(copy)
    }

    /// Puts bytes behind those that are there.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > self.room - self.len {
            return Err(overfull());
        }
        // SAFETY: there is room for `bytes` behind the first `len`; the memory is new, so they do not overlap.
        unsafe { self.data.add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.len += bytes.len();
        Ok(())
    }

    /// How many bytes are there.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The memory, from now on the host's.
    pub(super) fn hand_out(self) -> *mut c_char {
        ManuallyDrop::new(self).data.cast()
    }
}

#[cold]
fn overfull() -> Error {
    Error::new(ErrorKind::Aborted, "a length changed during the call; leave the arguments alone until it returns")
}

impl Drop for Blob {
    fn drop(&mut self) {
        // SAFETY: malloc'ed in `new`, and not handed out.
        unsafe { libc::free(self.data.cast()) };
    }
}
