//! The exported functions of a follower.

use super::c;
use super::export::{Failure, answer, guarded};
use super::header::{RGC_FLEET_ABI_VERSION, rgc_fleet_host_t, rgc_fleet_options_t, rgc_fleet_t, rgc_t};
use super::host::{self, Functions, in_callback};
use super::library::Library;
use super::logger;
use super::memory::{malloc_text, text};
use super::options::Options;
use super::threads::block_signals;
use crate::follower::Follower;
use crate::follower::host::Host;
use crate::follower::registration::Identity;
use std::collections::BTreeMap;
use std::ffi::c_char;
use std::ptr::null_mut;
use std::time::Duration;

/// What C knows as `rgc_fleet_t`.
type Fleet = Follower<Library, Functions>;

/// # Safety
/// `fleet` is NULL or alive.
unsafe fn alive<'a>(fleet: *const rgc_fleet_t) -> Result<&'a Fleet, Failure> {
    // SAFETY: NULL or alive, and only shared.
    unsafe { fleet.cast::<Fleet>().as_ref() }.ok_or_else(|| Failure::invalid("fleet is NULL; call rgc_fleet_load first"))
}

fn outside_of_callbacks(function: &str) -> Result<(), Failure> {
    if in_callback() { Err(Failure::invalid(format!("{function} inside a callback of this library; call it elsewhere"))) } else { Ok(()) }
}

/// The version of the header's functions.
#[unsafe(no_mangle)]
pub extern "C" fn rgc_fleet_abi_version() -> u32 {
    RGC_FLEET_ABI_VERSION
}

/// Connects, and loads everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_load(
    gc: *mut rgc_t,
    options: *const rgc_fleet_options_t,
    host: *const rgc_fleet_host_t,
    timeout_ms: u64,
    errptr: *mut *mut c_char,
) -> *mut rgc_fleet_t {
    // SAFETY: `gc` is alive until the follower is closed; `options` is alive; `host` is NULL or
    // readable; `errptr` as the header says.
    unsafe {
        answer(errptr, "rgc_fleet_load", null_mut(), || {
            logger::install();
            outside_of_callbacks("rgc_fleet_load")?;
            let options = options.cast::<Options>().as_ref().ok_or_else(|| Failure::invalid("options is NULL"))?;
            let (library, host) = (Library::find(gc.cast::<c::rgc_t>())?, Functions::read(host)?);
            let versions =
                [("rocks_gc".to_owned(), library.version()), ("rocks_gc_fleet".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
            let identity = Identity {
                name: options.node()?.to_owned(),
                role: options.role,
                holds_transactions: host.holds_transactions(),
                versions: BTreeMap::from(versions),
                lease: options.lease,
            };
            let settings = options.settings()?;
            let limit = Duration::from_millis(timeout_ms);
            let follower = Fleet::load(&settings, identity, library, host, block_signals, limit).map_err(Failure::io)?;
            Ok(Box::into_raw(Box::new(follower)).cast())
        })
    }
}

/// Registers the node, and follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_follow(fleet: *mut rgc_fleet_t, timeout_ms: u64, errptr: *mut *mut c_char) {
    // SAFETY: `fleet` is alive; `errptr` as the header says.
    unsafe {
        answer(errptr, "rgc_fleet_follow", (), || {
            outside_of_callbacks("rgc_fleet_follow")?;
            alive(fleet)?.follow(Duration::from_millis(timeout_ms)).map_err(Failure::io)
        })
    }
}

/// May the host serve?
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_may_serve(fleet: *const rgc_fleet_t) -> u8 {
    guarded("rgc_fleet_may_serve", 0, || {
        // SAFETY: `fleet` is alive.
        unsafe { alive(fleet) }.map_or(0, |fleet| u8::from(fleet.may_serve()))
    })
}

/// May a transaction write a lock?
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_may_lock(fleet: *const rgc_fleet_t, keyspace: u32, start_ts: u64) -> u8 {
    guarded("rgc_fleet_may_lock", 0, || {
        // SAFETY: `fleet` is alive.
        let (Ok(fleet), Ok(keyspace)) = (unsafe { alive(fleet) }, host::keyspace(keyspace)) else { return 0 };
        u8::from(fleet.may_lock(keyspace, start_ts))
    })
}

/// Tells how far a standby has replicated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_replicated(fleet: *mut rgc_fleet_t, sequence: u64) {
    guarded("rgc_fleet_replicated", (), || {
        // SAFETY: `fleet` is alive.
        if let Ok(fleet) = unsafe { alive(fleet) } {
            fleet.has_replicated(sequence);
        }
    })
}

/// Sets a barrier for readers of this node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_hold(
    fleet: *mut rgc_fleet_t,
    keyspace: u32,
    name: *const c_char,
    ts: u64,
    ttl_seconds: u64,
    timeout_ms: u64,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `fleet` is alive; `name` is a text; `errptr` as the header says.
    unsafe {
        answer(errptr, "rgc_fleet_hold", (), || {
            outside_of_callbacks("rgc_fleet_hold")?;
            let name = text("name", name)?;
            crate::layout::name::check_own_name(name).map_err(Failure::invalid)?;
            if !(3..=86_400).contains(&ttl_seconds) {
                return Err(Failure::invalid(format!("ttl_seconds is {ttl_seconds}; give 3 to 86400")));
            }
            let (ttl, limit) = (Duration::from_secs(ttl_seconds), Duration::from_millis(timeout_ms));
            alive(fleet)?.hold(host::keyspace(keyspace)?, name, ts, ttl, limit).map_err(Failure::io)
        })
    }
}

/// Does a hold stand?
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_is_held(fleet: *const rgc_fleet_t, keyspace: u32, name: *const c_char) -> u8 {
    guarded("rgc_fleet_is_held", 0, || {
        // SAFETY: `fleet` is alive; `name` is NULL or a text.
        let (fleet, name) = unsafe { (alive(fleet), text("name", name)) };
        let (Ok(fleet), Ok(name), Ok(keyspace)) = (fleet, name, host::keyspace(keyspace)) else { return 0 };
        u8::from(fleet.is_held(keyspace, name))
    })
}

/// Ends a hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_release(
    fleet: *mut rgc_fleet_t,
    keyspace: u32,
    name: *const c_char,
    timeout_ms: u64,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `fleet` is alive; `name` is a text; `errptr` as the header says.
    unsafe {
        answer(errptr, "rgc_fleet_release", (), || {
            outside_of_callbacks("rgc_fleet_release")?;
            alive(fleet)?.release(host::keyspace(keyspace)?, text("name", name)?, Duration::from_millis(timeout_ms)).map_err(Failure::io)
        })
    }
}

/// The follower's state as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_status(fleet: *const rgc_fleet_t) -> *mut c_char {
    guarded("rgc_fleet_status", null_mut(), || {
        // SAFETY: `fleet` is alive.
        let Ok(fleet) = (unsafe { alive(fleet) }) else { return null_mut() };
        serde_json::to_string(&fleet.status()).map_or(null_mut(), |text| malloc_text(&text))
    })
}

/// Stops, and frees the follower.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_close(fleet: *mut rgc_fleet_t) -> u8 {
    guarded("rgc_fleet_close", 0, || {
        if in_callback() {
            return 0;
        }
        if !fleet.is_null() {
            // SAFETY: rgc_fleet_load made it, and it is closed once.
            drop(unsafe { Box::from_raw(fleet.cast::<Fleet>()) });
        }
        1
    })
}
