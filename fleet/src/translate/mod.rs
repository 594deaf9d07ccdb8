//! Between the bytes of etcd and the numbers of `protocol`.
//!
//! | module | content |
//! |---|---|
//! | [`names`] | names of nodes, barriers and instances as numbers, and back |
//! | [`read`] | a listing becomes a [`Reading`]: a snapshot, and what cannot be read |
//! | [`cluster`] | is this the right cluster, and does no PD lead? |
//! | [`write`] | a transaction of `protocol` becomes one of etcd |
//!
//! The number of a scope is the keyspace's id; the global scope has PD's number of the null
//! keyspace.

pub mod cluster;
pub mod names;
pub mod read;
pub mod write;

pub use names::Names;
pub use read::Reading;
pub use write::Details;

use crate::error::Result;
use crate::layout::id::{KeyspaceId, Scope};
use crate::protocol::etcd;

/// PD's null keyspace.
const GLOBAL: etcd::Scope = u32::MAX;

/// The number of a scope.
pub fn number(scope: Scope) -> etcd::Scope {
    match scope {
        Scope::Global => GLOBAL,
        Scope::Keyspace(id) => id.get(),
    }
}

/// The scope of a number.
pub fn scope(number: etcd::Scope) -> Result<Scope> {
    if number == GLOBAL { Ok(Scope::Global) } else { KeyspaceId::new(number).map(Scope::Keyspace) }
}
