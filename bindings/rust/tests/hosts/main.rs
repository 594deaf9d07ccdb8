//! Hosts on the `rocksdb` crate. `ROCKS_GC_LIBRARY` names librocks_gc.so.

#![forbid(unsafe_code)]

mod callbacks;
mod collecting;
mod ends;
mod families;
mod input;
mod support;
