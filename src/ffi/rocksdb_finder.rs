//! Finds the RocksDB that the process has loaded. It loads nothing: a second copy would crash the
//! host.

use super::opaque::{lend, lent};
use super::rocksdb_functions::Functions;
use crate::error::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// A function that every RocksDB with a C API has.
const WITNESS: &CStr = c"rocksdb_compactionfilterfactory_create";

const HELP: &str = "a RocksDB that is linked statically must be exported (link the executable with -rdynamic), or its functions \
                    given by rgc_bind_rocksdb_symbols, which rocks_gc_rocksdb_c.h prepares";

/// Binds by a handle of dlopen. The bound library remains loaded as long as the process lives.
///
/// # Safety
/// dlopen returned `handle`, or it is RTLD_DEFAULT; no code closes it during the call.
pub(super) unsafe fn by_handle(handle: *mut c_void) -> Result<Functions, Error> {
    let look_up = |name: &str| {
        let name = CString::new(name).ok()?;
        // SAFETY: the handle is open, and `name` lives until dlsym returns.
        Some(definition(&name, unsafe { libc::dlsym(handle, name.as_ptr()) }))
    };
    // SAFETY: the address that the handle returns for a function's name is this function.
    let functions = unsafe { Functions::bind(look_up) }?;
    // SAFETY: the handle is open, and the name is static.
    let witness = definition(WITNESS, unsafe { libc::dlsym(handle, WITNESS.as_ptr()) });
    // An executable cannot be found like this, and is never unloaded.
    if let Some(library) = object_of(witness).and_then(|object| Loaded::find(&CString::new(object.name).ok()?)) {
        std::mem::forget(library);
    }
    Ok(functions)
}

/// The address at which a function is defined. An executable that is not position independent has a
/// stand-in address of its own.
pub(super) fn definition(name: &CStr, address: *mut c_void) -> *mut c_void {
    if object_of(address).is_none_or(|object| !object.has_stand_in) {
        return address;
    }
    let mut elsewhere = objects().into_iter().filter_map(|path| {
        let library = Loaded::find(&path)?;
        // SAFETY: `library` keeps its handle open, and `name` lives until dlsym returns.
        let found = unsafe { libc::dlsym(library.0, name.as_ptr()) };
        object_of(found).filter(|object| !object.has_stand_in).map(|_| found)
    });
    elsewhere.next().unwrap_or(address)
}

/// Binds by the path or SONAME of a library that is already loaded.
pub(super) fn by_path(path: &str) -> Result<Functions, Error> {
    let library = CString::new(path).ok().filter(|path| !path.is_empty()).and_then(|path| Loaded::find(&path)).ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("{path:?} is not loaded in this process, and is never loaded a second time; load it first, or give the handle"),
        )
    })?;
    library.bind()
}

/// Binds by a search in the process: in its global scope, then in every loaded object. More than
/// one RocksDB is an error.
pub(super) fn in_process() -> Result<Functions, Error> {
    let libraries = objects().into_iter().filter_map(|path| Loaded::find(&path));
    // The address of the witness identifies a copy, because a handle also finds the functions of
    // the libraries that its object depends on.
    let mut copies = BTreeMap::new();
    for library in std::iter::once(Loaded(libc::RTLD_DEFAULT)).chain(libraries) {
        // SAFETY: RTLD_DEFAULT, or a handle that `library` keeps open; the name is static.
        let witness = unsafe { libc::dlsym(library.0, WITNESS.as_ptr()) };
        if let Some(object) = object_of(witness).filter(|object| !object.has_stand_in) {
            copies.entry(object.base).or_insert((object.name, library));
        }
    }
    let mut found = copies.into_values();
    match (found.next(), found.next()) {
        (None, _) => Err(Error::new(ErrorKind::NotFound, format!("no RocksDB is found in this process; load it first; {HELP}"))),
        (Some((_, library)), None) => library.bind(),
        (Some((one, _)), Some((two, _))) => {
            let names = [one, two].into_iter().chain(found.map(|(name, _)| name)).collect::<Vec<_>>().join(", ");
            Err(Error::new(
                ErrorKind::NotSupported,
                format!("more than one RocksDB is in this process: {names}; say which by handle, path or symbols"),
            ))
        }
    }
}

/// A reference to a loaded library, or the global scope, which needs no reference.
struct Loaded(*mut c_void);

impl Loaded {
    fn find(path: &CStr) -> Option<Self> {
        // SAFETY: `path` lives until dlopen returns; with RTLD_NOLOAD it runs no foreign code.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        (!handle.is_null()).then_some(Self(handle))
    }

    fn bind(&self) -> Result<Functions, Error> {
        // SAFETY: this Loaded keeps its handle open during the call.
        unsafe { by_handle(self.0) }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if self.0 != libc::RTLD_DEFAULT {
            // SAFETY: dlopen returned the handle in `find`; only this Loaded has it, so it is
            // closed once.
            unsafe { libc::dlclose(self.0) };
        }
    }
}

/// The loaded object that contains an address.
struct Object {
    base: usize,
    name: String,
    /// Whether the address is only a stand-in that leads to the function.
    has_stand_in: bool,
}

fn object_of(address: *mut c_void) -> Option<Object> {
    const RTLD_DL_SYMENT: c_int = 1;
    const UNDEFINED: u16 = 0;
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    let mut symbol: *mut libc::Elf64_Sym = null_mut();
    // SAFETY: any address is allowed; `info` and `symbol` are written if the answer is not 0.
    let info = unsafe {
        let extra = (&raw mut symbol).cast();
        if address.is_null() || libc::dladdr1(address, info.as_mut_ptr(), extra, RTLD_DL_SYMENT) == 0 {
            return None;
        }
        info.assume_init()
    };
    let name = if info.dli_fname.is_null() {
        "?".into()
    } else {
        // SAFETY: not NULL, so it is the loader's name of an object; the object is loaded, because
        // an address in it was just found, and the name is copied here.
        unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy().into_owned()
    };
    // SAFETY: NULL, or an entry in the symbol table of the object, which is loaded and read-only.
    let has_stand_in = unsafe { symbol.as_ref() }.is_some_and(|symbol| symbol.st_shndx == UNDEFINED);
    Some(Object { base: info.dli_fbase as usize, name, has_stand_in })
}

/// The paths of all loaded objects except the executable, which the global scope covers.
fn objects() -> Vec<CString> {
    unsafe extern "C" fn each(info: *mut libc::dl_phdr_info, _size: usize, paths: *mut c_void) -> c_int {
        // SAFETY: `info` and its name are the loader's and live until this function returns.
        // `paths` is the vector that was lent below, which nothing else uses until dl_iterate_phdr
        // returns.
        unsafe {
            if let Some(paths) = lent::<Vec<CString>>(paths)
                && !(*info).dlpi_name.is_null()
                && *(*info).dlpi_name != 0
            {
                paths.push(CStr::from_ptr((*info).dlpi_name).to_owned());
            }
        }
        0
    }
    let mut paths: Vec<CString> = Vec::new();
    // SAFETY: `each` has the type that dl_iterate_phdr wants, and `paths` lives until it returns.
    unsafe { libc::dl_iterate_phdr(Some(each), lend(&mut paths)) };
    paths
}
