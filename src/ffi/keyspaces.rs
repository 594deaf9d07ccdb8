//! The metadata of keyspaces.

use super::c;
use super::export::answer;
use super::handles::need_context;
use super::memory::{Sized1, bytes, malloc_text, read_sized, text};
use super::safe_points::keyspace;
use crate::error::{Error, ErrorKind};
use crate::layout::keyspace_meta::KeyspaceMeta;
use crate::shared::{keyspace_by_name, load_keyspace};
use std::ffi::c_char;
use std::ptr::null_mut;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_keyspace_meta_t {
    const VERSION_1: usize = 32;
}

/// Loads a keyspace's metadata.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspace_load(gc: *mut c::rgc_t, meta: *const c::rgc_keyspace_meta_t, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `meta` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_keyspace_load", (), || {
            let shared = &need_context(gc)?.shared;
            let meta = read_sized("meta", meta)?;
            let name = text("meta.name", meta.name)?.to_owned();
            let gc_type = meta.gc_management_type;
            let gc_management_type = if gc_type.is_null() { None } else { Some(lossy(gc_type)) };
            load_keyspace(shared, &KeyspaceMeta { id: meta.id, state: meta.state, name, gc_management_type })
        })
    }
}

/// A text that is only compared.
///
/// # Safety
/// `text` is readable and not NULL.
unsafe fn lossy(text: *const c_char) -> String {
    // SAFETY: `text` ends with a NUL, and nothing writes to it before it is copied here.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Loads a keyspace's metadata from PD's bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspace_load_protobuf(gc: *mut c::rgc_t, stored: *const c_char, len: usize, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `stored` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_keyspace_load_protobuf", (), || {
            let shared = &need_context(gc)?.shared;
            let meta = KeyspaceMeta::from_protobuf(bytes("bytes", stored, len)?)?;
            load_keyspace(shared, &meta).map_err(|error: Error| error.while_doing("keyspacepb.KeyspaceMeta"))
        })
    }
}

/// Finds the keyspace with a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspace_by_name(gc: *const c::rgc_t, name: *const c_char, id: *mut u32, errptr: *mut *mut c_char) -> u8 {
    // SAFETY: `gc` is alive, `name` is readable, `id` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_keyspace_by_name", 0, || {
            let shared = &need_context(gc)?.shared;
            let Some(found) = keyspace_by_name(shared, text("name", name)?)? else { return Ok(0) };
            if !id.is_null() {
                id.write_unaligned(found.get());
            }
            Ok(1)
        })
    }
}

/// Returns the prefix of a keyspace's own keys in etcd.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspace_etcd_namespace(id: u32, errptr: *mut *mut c_char) -> *mut c_char {
    // SAFETY: `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_keyspace_etcd_namespace", null_mut(), || {
            let text = malloc_text(&keyspace(id)?.etcd_namespace());
            if text.is_null() { Err(Error::new(ErrorKind::Aborted, "no memory for the text; try again")) } else { Ok(text) }
        })
    }
}
