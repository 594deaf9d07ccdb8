//! Bytes, texts, arrays and structs that cross the C boundary. These functions check NULL, lengths
//! and alignment. They cannot check whether the memory is as large as the caller says.

use super::blob::Blob;
use crate::error::{Error, ErrorKind};
use std::ffi::{CStr, c_char};
use std::fmt::Display;
use std::mem::{MaybeUninit, size_of};
use std::ptr::{null, null_mut};

/// Bytes of the caller, during the call. NULL is allowed with length 0.
///
/// # Safety
/// Unless NULL, `data` points to `len` readable bytes, and nothing writes to them during `'a`.
pub(super) unsafe fn bytes<'a>(what: impl Display, data: *const c_char, len: usize) -> Result<&'a [u8], Error> {
    // SAFETY: NULL, or `len` bytes that nothing writes to during `'a`.
    unsafe { array(what, data.cast::<u8>(), len) }
}

/// An array of the caller, during the call. NULL is allowed with length 0.
///
/// # Safety
/// Unless NULL, `data` points to `n` readable elements, and nothing writes to them during `'a`.
pub(super) unsafe fn array<'a, T>(what: impl Display, data: *const T, n: usize) -> Result<&'a [T], Error> {
    // SAFETY: NULL, or `n` elements that nothing writes to during `'a`.
    unsafe { slice(data, n) }
        .ok_or_else(|| Error::invalid(format!("{what} is {data:p} with length {n}; give a pointer to as many elements")))
}

/// [`array()`] for callers that need no error text.
///
/// # Safety
/// As [`array()`].
#[inline]
pub(super) unsafe fn slice<'a, T>(data: *const T, n: usize) -> Option<&'a [T]> {
    if data.is_null() {
        return (n == 0).then_some(&[]);
    }
    if !data.is_aligned() || n > isize::MAX as usize / size_of::<T>() {
        return None;
    }
    // SAFETY: not NULL, aligned, no longer than an object may be: that was checked. The `n`
    // elements are readable, and nothing writes to them during `'a`.
    Some(unsafe { std::slice::from_raw_parts(data, n) })
}

/// A NUL-terminated UTF-8 text of the caller.
///
/// # Safety
/// Unless NULL, `text` is NUL-terminated, and nothing writes to it during `'a`.
pub(super) unsafe fn text<'a>(what: &str, text: *const c_char) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(Error::invalid(format!("{what} is NULL; give a NUL-terminated text")));
    }
    // SAFETY: not NULL, so a NUL ends it; nothing writes to it during `'a`.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Error::invalid(format!("{what} {text:?} is not UTF-8")))
}

/// A malloc'ed copy. It is never NULL, also for 0 bytes.
pub(super) fn malloc_bytes(bytes: &[u8]) -> Result<*mut c_char, Error> {
    Blob::of(bytes).map(Blob::hand_out)
}

/// A malloc'ed C string; NULL if there is no memory. It ends at the first NUL of `text`.
pub(super) fn malloc_text(text: &str) -> *mut c_char {
    let text = text.split('\0').next().unwrap_or_default();
    malloc_bytes(&[text.as_bytes(), b"\0"].concat()).unwrap_or(null_mut())
}

/// A public struct that begins with `size_t struct_size`.
///
/// # Safety
/// The type is `repr(C)`, begins with a `usize`, and all of its bytes may be zero.
pub(super) unsafe trait Sized1 {
    /// The size of the struct in the first version of the ABI, in bytes.
    const VERSION_1: usize;
}

/// Reads a struct of the caller, up to the caller's struct_size. Fields that are missing or only
/// partly there are zero.
///
/// # Safety
/// Unless NULL, `from` points to a struct of struct_size readable bytes, and nothing writes to them
/// during the call.
pub(super) unsafe fn read_sized<T: Sized1>(what: &str, from: *const T) -> Result<T, Error> {
    // SAFETY: NULL, which is an error, or struct_size readable bytes, at least VERSION_1.
    unsafe { Ok(read_bytes(from, struct_size(what, from, T::VERSION_1)?)) }
}

/// Reads an array of the caller's structs, each as [`read_sized`] does. The stride is the
/// struct_size of the first element. NULL is allowed with length 0.
///
/// # Safety
/// Unless NULL, `data` points to `n` such structs, one stride apart, and nothing writes to them
/// during the call.
pub(super) unsafe fn sized_array<T: Sized1>(what: &str, data: *const T, n: usize) -> Result<Vec<T>, Error> {
    if n == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: NULL, which is an error, or the first of at least one struct.
    let stride = unsafe { struct_size(what, data, T::VERSION_1) }?;
    if n > isize::MAX as usize / stride {
        return Err(Error::invalid(format!("{what} has {n} elements of {stride} bytes; give as many as there are")));
    }
    let element = |i| {
        // SAFETY: `i` is below `n`, so this element is in the array; no more than one stride is
        // read, and the product was seen not to overflow.
        unsafe {
            let element = data.byte_add(i * stride);
            struct_size(format_args!("{what}[{i}]"), element, T::VERSION_1).map(|size| read_bytes(element, size.min(stride)))
        }
    };
    // The inputs of a compaction are read in a callback of the host, where an allocation may fail.
    let mut elements = Vec::new();
    elements
        .try_reserve_exact(n)
        .map_err(|_| Error::new(ErrorKind::Aborted, format!("no memory for {n} elements of {what}; try again")))?;
    for i in 0..n {
        elements.push(element(i)?);
    }
    Ok(elements)
}

/// Reads as much of a struct as there is.
///
/// # Safety
/// `from` points to `size` readable bytes.
unsafe fn read_bytes<T: Sized1>(from: *const T, size: usize) -> T {
    let mut to = MaybeUninit::<T>::zeroed();
    // Behind version 1 every field ends at a multiple of its alignment, and no field is larger than
    // the struct's alignment.
    let whole = size - size % align_of::<T>();
    // SAFETY: no more bytes are copied than `to` has, which is a whole T, and than `from` has,
    // which is `size`. `to` is a new local, so they do not overlap. Bytes that are not copied are
    // zero, which is valid for every field of a `Sized1`.
    unsafe {
        to.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(from.cast(), whole.min(size_of::<T>()));
        to.assume_init()
    }
}

/// The struct_size of a struct of the caller, which must be at least `smallest`.
///
/// # Safety
/// Unless NULL, `of` points to a struct that begins with its struct_size, which is readable.
pub(super) unsafe fn struct_size<T: Sized1>(what: impl Display, of: *const T, smallest: usize) -> Result<usize, Error> {
    if of.is_null() {
        return Err(Error::invalid(format!("{what} is NULL")));
    }
    // SAFETY: not NULL, so it begins with a usize; any alignment will do.
    let size = unsafe { of.cast::<usize>().read_unaligned() };
    if size < smallest {
        return Err(Error::invalid(format!("{what}.struct_size is {size}, version 1 has {smallest} bytes; set it to sizeof")));
    }
    Ok(size)
}

/// Fills a struct of the caller with as much of `value` as fits, and sets its struct_size to that
/// size.
///
/// # Safety
/// `to` points to a struct of struct_size writable bytes, at least a usize.
pub(super) unsafe fn write_sized<T: Sized1>(to: *mut T, value: &T) {
    // SAFETY: `to` begins with its struct_size, and has as many writable bytes. No more than these
    // are copied, and no more than `value` has. `value` is Rust's own, so they do not overlap.
    unsafe {
        let size = to.cast::<usize>().read_unaligned().min(size_of::<T>());
        to.cast::<u8>().copy_from_nonoverlapping((&raw const *value).cast(), size);
        to.cast::<usize>().write_unaligned(size);
    }
}

/// Clears two out-parameters, either of which may be NULL.
///
/// # Safety
/// Each is NULL, or points to a value that may be written to and that nothing else uses.
#[inline]
pub(super) unsafe fn clear_out(data: *mut *const c_char, len: *mut usize) {
    if !data.is_null() {
        // SAFETY: not NULL, so it may be written to; any alignment will do.
        unsafe { data.write_unaligned(null()) };
    }
    if !len.is_null() {
        // SAFETY: as `data`.
        unsafe { len.write_unaligned(0) };
    }
}
