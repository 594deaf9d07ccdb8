//! `librocks_gc_fleet.so`: the functions of `rocks_gc_fleet.h`, and the library of the process
//! behind its C ABI. Only here is `unsafe`.
//!
//! | module | content |
//! |---|---|
//! | [`export`] | a panic ends at the border, and an error becomes a text |
//! | [`memory`] | texts and structs that cross the border |
//! | [`library`] | `follower::local::Local` over the functions of `rocks_gc.h` |
//! | [`listing`] | what that library lists |
//! | [`host`] | `follower::host::Host` over the host's functions |
//! | [`options`] | options by name |
//! | [`logger`] | messages to the host's logger |
//! | [`threads`] | signals |
//! | [`fleet`] | the exported functions of a follower |
//!
//! In `SAFETY` notes a pointer that is *alive*, *readable* or a *text* is what the header demands:
//! the handle was created and not destroyed; the struct has its struct_size; a NUL ends the text.

#![allow(clippy::missing_safety_doc, reason = "the header says what each function demands")]

mod export;
mod fleet;
mod host;
mod library;
mod listing;
mod logger;
mod memory;
mod options;
mod threads;

pub use fleet::{
    rgc_fleet_abi_version, rgc_fleet_close, rgc_fleet_follow, rgc_fleet_hold, rgc_fleet_is_held, rgc_fleet_load, rgc_fleet_may_lock,
    rgc_fleet_may_serve, rgc_fleet_release, rgc_fleet_replicated, rgc_fleet_status,
};
pub use logger::rgc_fleet_set_logger;
pub use options::{rgc_fleet_options_create, rgc_fleet_options_destroy, rgc_fleet_options_set};

/// The C types of both headers.
#[allow(warnings, clippy::all, missing_docs)]
mod c {
    include!(concat!(env!("OUT_DIR"), "/rocks_gc.rs"));
}

/// The C types of `rocks_gc_fleet.h`, and its functions, for their types alone.
#[allow(warnings, clippy::all, missing_docs)]
mod header {
    include!(concat!(env!("OUT_DIR"), "/rocks_gc_fleet.rs"));
}

/// An array of two functions compiles only if they have one type.
macro_rules! same_type_as_in_the_header {
    ($($name:ident)*) => { $(const _: () = { let _ = [$name, header::$name]; };)* };
}

same_type_as_in_the_header! {
    rgc_fleet_abi_version rgc_fleet_close rgc_fleet_follow rgc_fleet_replicated rgc_fleet_hold rgc_fleet_is_held rgc_fleet_load rgc_fleet_may_lock rgc_fleet_may_serve rgc_fleet_release
    rgc_fleet_status rgc_fleet_set_logger rgc_fleet_options_create rgc_fleet_options_destroy rgc_fleet_options_set
}
