//! What the functions of a host's engine answer, in Rust's own values.

use super::c;
use super::export::guard;
use super::memory::{Sized1, read_sized, slice};
use super::opaque::lent;
use crate::engine::File;
use crate::error::{Error, ErrorKind};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_file_t {
    const VERSION_1: usize = 88;
}

/// Calls a function with an errptr, and turns its answer into a result.
///
/// # Safety
/// `call` leaves NULL in errptr, or a malloc'ed C text that it gives away.
pub(super) unsafe fn checked(call: impl FnOnce(*mut *mut c_char) -> c_int) -> Result<(), Error> {
    let mut text = null_mut();
    let answer = call(&mut text);
    // SAFETY: NULL, as it was before, or a malloc'ed text that nothing else uses.
    let said = unsafe { take_text(text) };
    match (u32::try_from(answer), said) {
        (Ok(c::RGC_ENGINE_OK), _) => Ok(()),
        (Ok(c::RGC_ENGINE_BUSY), said) => {
            Err(Error::new(ErrorKind::Busy, said.unwrap_or_else(|| "the engine stalls writes; try again later".into())))
        }
        (Ok(c::RGC_ENGINE_NO_FAMILY), said) => {
            Err(Error::new(ErrorKind::FamilyDropped, said.unwrap_or_else(|| "the host dropped the column family".into())))
        }
        (_, Some(said)) => Err(Error::of_store(&said)),
        (_, None) => Err(Error::new(ErrorKind::IoError, format!("the engine answered {answer} without an error text"))),
    }
}

/// Calls a function that returns a malloc'ed value, or none.
///
/// # Safety
/// As [`checked`]; and if all is well, `get` leaves NULL in the value, or as many malloc'ed bytes
/// as in the length, which it gives away.
pub(super) unsafe fn value_of(get: impl FnOnce(*mut *mut c_char, *mut usize, *mut *mut c_char) -> c_int) -> Result<Option<Vec<u8>>, Error> {
    let (mut value, mut len) = (null_mut(), 0);
    // SAFETY: errptr is as `checked` wants it. `value` is NULL, or `len` malloc'ed bytes that
    // nothing else uses; they are copied, then freed, once.
    unsafe {
        checked(|error| get(&mut value, &mut len, error))?;
        let found = (!value.is_null()).then(|| slice(value.cast::<u8>(), len).unwrap_or_default().to_vec());
        libc::free(value.cast());
        Ok(found)
    }
}

/// Copies and frees the host's text.
///
/// # Safety
/// `text` is NULL, or a malloc'ed C text that nothing uses any more.
pub(super) unsafe fn take_text(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, so a NUL ends it, and malloc made it; it is copied, then freed, once.
    unsafe {
        let said = CStr::from_ptr(text).to_string_lossy().into_owned();
        libc::free(text.cast());
        Some(said)
    }
}

/// Adds a file that `files` reports to the vector.
pub(super) unsafe extern "C" fn gather(into: *mut c_void, file: *const c::rgc_file_t) {
    guard(|| {
        // SAFETY: `into` is the vector that `files` lent, and nothing else uses it until the host's
        // function returns. `file` is NULL or the host's struct of struct_size bytes; it, and what
        // it points to, lives until `gather` returns, and is copied here.
        unsafe {
            let Some(into) = lent::<Vec<File>>(into) else { return };
            let Ok(file) = read_sized("file", file) else { return };
            let bytes = |data: *const c_char, len| slice(data.cast::<u8>(), len).unwrap_or_default().to_vec();
            let properties = slice(file.user_collected, file.num_user_collected).unwrap_or_default();
            into.push(File {
                name: bytes(file.name, file.name_len),
                level: file.level,
                bytes: file.bytes,
                entries: file.entries,
                deletions: file.deletions,
                smallest: bytes(file.smallest, file.smallest_len),
                largest: bytes(file.largest, file.largest_len),
                properties: properties.iter().map(|p| (bytes(p.name, p.name_len), bytes(p.value, p.value_len))).collect(),
            });
        }
    });
}
