//! Memory for the host, of a size that is known in advance.

use crate::error::{Error, ErrorKind};
use std::ffi::c_char;
use std::mem::ManuallyDrop;

/// Malloc'ed memory that is filled piece by piece. It is freed unless it is handed out.
pub(super) struct Blob {
    data: *mut u8,
    len: usize,
    room: usize,
}

impl Blob {
    /// Memory for `room` bytes. It is never NULL, also for 0 bytes.
    pub(super) fn new(room: usize) -> Result<Self, Error> {
        // SAFETY: malloc has no conditions; NULL is checked below.
        let data = unsafe { libc::malloc(room.max(1)) }.cast::<u8>();
        if data.is_null() {
            return Err(Error::new(ErrorKind::Aborted, format!("no memory for {room} bytes")));
        }
        Ok(Self { data, len: 0, room })
    }

    /// A copy of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Error> {
        let mut copy = Self::new(bytes.len())?;
        copy.push(bytes)?;
        Ok(copy)
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > self.room - self.len {
            return Err(overfull());
        }
        // SAFETY: `data` has `room` bytes, and `bytes` fits behind the first `len` of them: that
        // was checked. Only this Blob knows the memory, so `bytes` is no part of it.
        unsafe { self.data.add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.len += bytes.len();
        Ok(())
    }

    /// The number of bytes so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Hands the memory out to the host, which must free it.
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
        // SAFETY: malloc'ed in `new`; `hand_out` forgets the Blob, so this is the only free.
        unsafe { libc::free(self.data.cast()) };
    }
}
