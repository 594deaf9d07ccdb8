//! Finds the RocksDB that the process has loaded. It loads nothing: a second copy would crash the
//! host.

use super::opaque::{lend, lent};
use super::rocksdb_functions::Functions;
use crate::error::{Error, ErrorKind};
use crate::log::{Level, log};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// A function that every RocksDB with a C API has.
const WITNESS: &CStr = c"rocksdb_compactionfilterfactory_create";

/// A function that Node.js exports, and nothing else does.
const NODE: &CStr = c"napi_create_function";

const HELP: &str = "a RocksDB that is linked statically must be exported (link the executable with -rdynamic), or its functions \
                    given by rgc_bind_rocksdb_symbols, which rocks_gc_rocksdb_c.h prepares";

/// Binds by a handle of dlopen. The bound library remains loaded as long as the process lives.
///
/// # Safety
/// dlopen returned `handle`, or it is RTLD_DEFAULT; no code closes it during the call.
pub(super) unsafe fn by_handle(handle: *mut c_void) -> Result<Functions, Error> {
    // SAFETY: as promised by the caller.
    let functions = unsafe { in_handle(handle) }?;
    // SAFETY: the handle is open, and the name is static.
    let witness = definition(WITNESS, unsafe { libc::dlsym(handle, WITNESS.as_ptr()) });
    // An executable cannot be found like this, and is never unloaded.
    if let Some(library) = object_of(witness).and_then(|object| Loaded::find(&CString::new(object.name).ok()?)) {
        std::mem::forget(library);
    }
    Ok(functions)
}

/// The functions that a handle finds. All of them must lie in one object.
///
/// # Safety
/// As for [`by_handle`].
unsafe fn in_handle(handle: *mut c_void) -> Result<Functions, Error> {
    let look_up = |name: &str| {
        let name = CString::new(name).ok()?;
        // SAFETY: the handle is open, and `name` lives until dlsym returns.
        Some(definition(&name, unsafe { libc::dlsym(handle, name.as_ptr()) }))
    };
    // SAFETY: the address that the handle returns for a function's name is a function of this name.
    // That it is RocksDB's is what the host said, and what the check below confirms.
    let functions = unsafe { Functions::bind(look_up) }?;
    check_one_object(&functions)?;
    Ok(functions)
}

/// Refuses functions of two objects. One of them is not RocksDB: it has a function of RocksDB's
/// name, perhaps with other parameters.
fn check_one_object(functions: &Functions) -> Result<(), Error> {
    let mut found = functions.found().filter_map(|(name, address)| Some((name, object_of(address as *mut c_void)?)));
    let Some((first_name, first)) = found.next() else { return Ok(()) };
    let Some((name, other)) = found.find(|(_, object)| object.base != first.base) else { return Ok(()) };
    Err(Error::new(
        ErrorKind::NotSupported,
        format!(
            "{first_name} is a function of {}, but {name} is one of {}: bind by the path or the handle of the library that is RocksDB",
            first.name, other.name
        ),
    ))
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

/// Binds by a search in the process: in its global scope, then in every loaded object. An object
/// that has only some of the functions is not RocksDB. More than one RocksDB is an error.
pub(super) fn in_process() -> Result<Functions, Error> {
    // SAFETY: the name is static.
    if !unsafe { libc::dlsym(libc::RTLD_DEFAULT, NODE.as_ptr()) }.is_null() {
        return Err(Error::new(
            ErrorKind::NotSupported,
            "this process is Node.js, where packages export functions of RocksDB's names with other parameters (rocksdb-native: \
             rocksdb_write); give the path or the handle of the library that is RocksDB",
        ));
    }
    let mut copies = Vec::new();
    let mut incomplete = Vec::new();
    for (name, library) in candidates() {
        // SAFETY: RTLD_DEFAULT, or a handle that `library` keeps open.
        match unsafe { in_handle(library.0) } {
            Ok(_) => copies.push((name, library)),
            Err(error) => incomplete.push(format!("{name}: {}", error.what())),
        }
    }
    match copies.as_slice() {
        [] if incomplete.is_empty() => {
            Err(Error::new(ErrorKind::NotFound, format!("no RocksDB is found in this process; load it first; {HELP}")))
        }
        [] => Err(Error::new(
            ErrorKind::NotFound,
            format!("no RocksDB is found in this process; what was found is not bound: {}; {HELP}", incomplete.join("; ")),
        )),
        [(_, library)] => {
            for what in incomplete {
                log(Level::Warn, || format!("a loaded object is not taken for RocksDB: {what}"));
            }
            library.bind()
        }
        _ => {
            let names: Vec<&str> = copies.iter().map(|(name, _)| name.as_str()).collect();
            Err(Error::new(
                ErrorKind::NotSupported,
                format!("more than one RocksDB is in this process: {}; say which by handle, path or symbols", names.join(", ")),
            ))
        }
    }
}

/// The objects that have functions of RocksDB's names, each once, with a handle that finds them.
fn candidates() -> Vec<(String, Loaded)> {
    let libraries = objects().into_iter().filter_map(|path| Loaded::find(&path));
    // The address of a function identifies its object, because a handle also finds the functions
    // of the libraries that its object depends on.
    let mut candidates = BTreeMap::new();
    for library in std::iter::once(Loaded(libc::RTLD_DEFAULT)).chain(libraries) {
        for name in Functions::names() {
            let Ok(name) = CString::new(name) else { continue };
            // SAFETY: RTLD_DEFAULT, or a handle that `library` keeps open; `name` lives until dlsym
            // returns.
            let address = unsafe { libc::dlsym(library.0, name.as_ptr()) };
            let Some(object) = object_of(address).filter(|object| !object.has_stand_in) else { continue };
            candidates.entry(object.base).or_insert_with(|| {
                // The object's own handle finds its own functions first. The executable has none.
                let own = CString::new(object.name.as_str()).ok().and_then(|path| Loaded::find(&path));
                (object.name, own.unwrap_or(Loaded(libc::RTLD_DEFAULT)))
            });
        }
    }
    candidates.into_values().collect()
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
