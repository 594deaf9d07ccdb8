//! The library of this process, as the follower uses it. `ffi` implements it over the C ABI.

use crate::error::Result;
use crate::layout::id::KeyspaceId;
use crate::layout::keyspace_meta::State;
use std::fmt;

/// A keyspace, as the library takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyspace {
    /// The path's id.
    pub id: KeyspaceId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// A word of one of the vocabularies. Of an unknown word the library keeps everything.
    pub gc_management: String,
}

/// Whose safe point collects a keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GcType {
    /// The global one.
    Global,
    /// Its own.
    KeyspaceLevel,
}

/// What is left of something that was dropped or destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Readers may see keys.
    Visible,
    /// No reader sees a key, and files may hold some.
    InFiles,
    /// Nothing.
    Nothing,
}

/// A schema of a keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schema {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// Its id there.
    pub id: u32,
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {} of keyspace {}", self.id, self.keyspace)
    }
}

/// How far a schema that was dropped or truncated is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaProgress {
    /// What is left of what was dropped or truncated.
    pub left: Left,
    /// The timestamp of the last truncation; 0: none is known.
    pub truncated_up_to: u64,
}

/// Start and end of a range, half open.
pub type Bounds<'a> = (&'a [u8], &'a [u8]);

/// The library of this process. Its calls may block on the store.
pub trait Local: Send + Sync + 'static {
    /// Loads metadata, and registers the GC type.
    fn load_keyspace(&self, keyspace: &Keyspace) -> Result<()>;
    /// Ends a pause. An own safe point is 0 then.
    fn register(&self, id: KeyspaceId, gc_type: GcType) -> Result<()>;
    /// Keeps everything of the keyspace.
    fn pause(&self, id: KeyspaceId) -> Result<()>;
    /// Moves the global safe point. A step back is ignored.
    fn advance_global(&self, safe_point: u64);
    /// Moves safe points of keyspaces: all, or after an error none. Steps back are ignored.
    fn advance(&self, safe_points: &[(KeyspaceId, u64)]) -> Result<()>;
    /// Loads the list of the schemas of a keyspace.
    fn load_schemas(&self, keyspace: KeyspaceId, valid: &[u32], highest: u32) -> Result<()>;
    /// Drops a schema, permanently. Needs an attached store.
    fn drop_schema(&self, schema: Schema) -> Result<()>;
    /// Whether a schema was dropped here.
    fn is_dropped(&self, schema: Schema) -> bool;
    /// Deletes the versions of a schema up to a timestamp. Needs an attached store.
    fn truncate_schema(&self, schema: Schema, up_to: u64) -> Result<()>;
    /// Whether a store is attached that holds locks of transactions.
    fn has_lock_family(&self) -> bool;
    /// The highest id of each keyspace that was dropped here.
    fn highest_dropped(&self) -> Vec<Schema>;
    /// How far each of these schemas is.
    fn progress_of_schemas(&self, schemas: &[Schema]) -> Vec<SchemaProgress>;
    /// Destroys a range once its safe point has passed `timestamp`. Needs an attached store.
    fn destroy_after(&self, start: &[u8], end: &[u8], timestamp: u64) -> Result<()>;
    /// What is left of each range with exactly these bounds. `None`: the library has no record of it.
    fn left_of_ranges(&self, ranges: &[Bounds<'_>]) -> Vec<Option<Left>>;
}
