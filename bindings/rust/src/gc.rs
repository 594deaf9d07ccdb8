//! The context: options, safe points, counters and the bound RocksDB.

use crate::callbacks::{self, Clock};
use crate::error::Error;
use crate::library::Library;
use crate::{KEYSPACE_MAX, Result};
use std::ffi::{CString, c_void};
use std::fmt;
use std::mem;
use std::ptr::{from_ref, null_mut};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

/// Options under construction.
#[derive(Debug)]
pub struct Builder {
    library: Library,
    options: *mut c_void,
}

impl Builder {
    /// Sets one option. The names and values are those of `rgc_options_set`.
    ///
    /// Errors: Invalid argument: an unknown name, or a value that the option does not accept.
    pub fn set(self, name: &str, value: &str) -> Result<Self> {
        let (name, value) = (CString::new(name)?, CString::new(value)?);
        // SAFETY: the options live, and the texts end with NUL.
        self.library.checked(|rgc, error| unsafe {
            (rgc.rgc_options_set)(self.options, name.as_ptr(), value.as_ptr(), error)
        })?;
        Ok(self)
    }

    /// Sets several options from "name=value;name=value": all of them, or none.
    ///
    /// Errors: Invalid argument: those of [`set`](Self::set); a part that is not name=value.
    pub fn parse(self, text: &str) -> Result<Self> {
        let text = CString::new(text)?;
        // SAFETY: the options live, and the text ends with NUL.
        self.library.checked(|rgc, error| unsafe {
            (rgc.rgc_options_parse)(self.options, text.as_ptr(), error)
        })?;
        Ok(self)
    }

    /// Creates the context.
    ///
    /// Errors: Invalid argument: options that are not allowed together.
    pub fn create(self) -> Result<Gc> {
        // SAFETY: the options live.
        let gc =
            self.library.checked(|rgc, error| unsafe { (rgc.rgc_create)(self.options, error) })?;
        Ok(Gc(Arc::new(Context { library: self.library.clone(), gc, clock: Mutex::new(None) })))
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // SAFETY: the options live, and this is the only call that destroys them.
        unsafe { (self.library.functions().rgc_options_destroy)(self.options) }
    }
}

/// A context (`rgc_t`): one for each DB. A clone is a reference to the same context. It ends with
/// its last reference. Attachments hold one, and so do the filters of compactions inside the
/// library.
#[derive(Clone)]
pub struct Gc(Arc<Context>);

struct Context {
    library: Library,
    gc: *mut c_void,
    /// Boxed twice: the library knows the address of the Clock.
    clock: Mutex<Option<Box<Clock>>>,
}

// SAFETY: any number of threads may share an rgc_t (rocks_gc.h).
unsafe impl Send for Context {}
// SAFETY: the same.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context lives, and this is the only call that destroys it.
        if unsafe { (self.library.functions().rgc_destroy)(self.gc) } == 0 {
            // Refused inside a callback. The library may call the clock again, so it stays.
            mem::forget(mem::take(self.clock.get_mut().unwrap_or_else(PoisonError::into_inner)));
        }
    }
}

impl fmt::Debug for Gc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Gc").field(&self.0.gc).finish()
    }
}

impl Gc {
    /// Begins a context with every default.
    pub fn builder(library: &Library) -> Result<Builder> {
        // SAFETY: the library is loaded.
        let options = unsafe { (library.functions().rgc_options_create)() };
        Ok(Builder { library: library.clone(), options })
    }

    /// The library of the context.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// The `rgc_t*`, for calls that this crate does not have. It lives as long as this reference.
    pub fn as_ptr(&self) -> *mut c_void {
        self.0.gc
    }

    /// Sets the clock: unix time in seconds, 0 for unknown. The library calls it from any thread.
    /// After a panic of the clock the time is unknown, and nothing expires. Waits for calls of the
    /// old clock.
    ///
    /// Errors: Busy: inside a callback, or while another thread sets the clock.
    pub fn set_clock(&self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Result<()> {
        self.replace_clock(Some(Box::new(Box::new(clock))))
    }

    /// Uses the system's clock, as a new context does.
    ///
    /// Errors: those of [`set_clock`](Self::set_clock).
    pub fn set_system_clock(&self) -> Result<()> {
        self.replace_clock(None)
    }

    fn replace_clock(&self, clock: Option<Box<Clock>>) -> Result<()> {
        // It does not wait: the holder may wait for a clock that makes this call.
        let mut current = match self.0.clock.try_lock() {
            Ok(current) => current,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Error::refused("rgc_set_clock")),
        };
        let state = clock.as_deref().map_or(null_mut(), |clock| from_ref(clock).cast_mut().cast());
        let function = clock.is_some().then_some(callbacks::now as _);
        // SAFETY: the context lives. The state is what `now` expects, and lives until the library
        // has another clock.
        let is_set =
            unsafe { (self.library().functions().rgc_set_clock)(self.as_ptr(), function, state) };
        if is_set == 0 {
            return Err(Error::refused("rgc_set_clock"));
        }
        let old = mem::replace(&mut *current, clock);
        drop(current);
        drop(old);
        Ok(())
    }

    /// Switches collecting on or off. Off, everything is kept.
    ///
    /// Errors: Busy: inside a callback.
    pub fn set_enabled(&self, enabled: bool) -> Result<()> {
        // SAFETY: the context lives.
        let is_set =
            unsafe { (self.library().functions().rgc_set_enabled)(self.as_ptr(), enabled.into()) };
        if is_set != 0 { Ok(()) } else { Err(Error::refused("rgc_set_enabled")) }
    }
}

/// The library answers 0 for the safe point of an impossible keyspace; a typed call can say more.
pub(crate) fn check_keyspace(keyspace: u32) -> Result<()> {
    if keyspace <= KEYSPACE_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!("keyspace {keyspace} is above {KEYSPACE_MAX}")))
}
