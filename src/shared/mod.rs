//! The state that filters and worker of a context share: the parsed options, safe points, the
//! clock, destroyed ranges and schemas, the rows that filters hand over to the worker, and the
//! number of the worker's jobs.

#![forbid(unsafe_code)]

mod barriers;
mod clock;
mod dropped;
mod dropped_range;
mod dropped_schemas;
mod families;
mod filter_kinds;
mod id_bits;
mod id_page;
mod id_set;
mod keyspace_counts;
mod keyspaces;
mod late_keys;
mod late_schemas;
mod notices;
mod recorded;
mod registration;
mod rows;
mod rows_in_hand;
mod schema_registry;
mod schemas;
mod segments;
mod state;
mod tree;
mod tree_map;
mod trusted;
mod worker_queue;

pub use clock::Clock;
pub use dropped::Dropped;
pub use dropped_range::{DroppedRange, RangeProgress};
pub use dropped_schemas::DroppedSchema;
pub use families::{AllowedFilters, AttachedFamily, Coverage, NamedFamily, all_covered, candidates};
pub use filter_kinds::FilterKind;
pub use id_page::IdPage;
pub use id_set::IdSet;
pub use keyspace_counts::{CountsOfKeyspaces, KeyspaceCounts};
pub use keyspaces::{KeyspaceState, Keyspaces};
pub use late_keys::LateKeys;
pub use late_schemas::LateSchemas;
pub use notices::{Notice, Notices};
pub use recorded::RecordedTypes;
pub use registration::{keep_for_conflict, keyspace_by_name, load_keyspace, register_keyspaces};
pub use rows::HandedOverRows;
pub use schema_registry::{Lookup, Registry};
pub use schemas::{KeyDropState, SchemaState, Schemas, Truncation};
pub use segments::{Segment, Segments};
pub use state::Shared;
pub use worker_queue::{JobKind, Served, ServedFamily, WorkerQueue};
