//! The conversion between bytes and their meaning. It is pure, allocates nothing on the decision
//! path, and is strict: bytes that do not follow the format are an error, never a guess.

#![forbid(unsafe_code)]

pub mod bytes;
mod codec;
mod key_mode;
pub mod keyspace_meta;
pub mod lock;
pub mod memcomparable;
mod range;
pub mod raw_value;
mod schema;
mod stored_key;
pub mod write_batch;
pub mod write_record;

pub use codec::{Codec, parse_keyspace};
pub use key_mode::{KeyMode, KeyspaceId};
pub use range::{KeyRange, successor};
pub use schema::{NamedSchema, SchemaId, StoredRange, Tenant, prefix_range};
pub use stored_key::{
    DecodedKey, KeyError, KeyForm, KeyOwner, Layout, PlainKeys, TIMESTAMP_LEN, append_timestamp, row_end, split_timestamp,
};

/// A point in the host's order of versions.
pub type Timestamp = u64;
