//! The control plane: what operators and a host's own control plane ask for.
//!
//! | module | content |
//! |---|---|
//! | [`keyspaces`] | listing and finding keyspaces |
//! | [`create_keyspace`], [`remove_keyspace`] | as PD does |
//! | [`set_state`], [`set_config`] | changing keyspaces, as PD does |
//! | [`barriers`] | setting, listing and deleting barriers |
//! | [`ranges`] | adding and listing ranges to delete |
//! | [`fence`] | a node that does not answer is out |
//! | [`schemas`], [`orders`] | vending schema ids; dropping and truncating schemas |
//! | [`status`] | how far everything is, and what holds it up |
//!
//! Each operation is one transaction, or says what is left to do. All but fences refuse to write
//! while a PD leads.

pub mod barriers;
pub mod create_keyspace;
pub mod fence;
pub mod keyspaces;
pub mod orders;
pub mod ranges;
pub mod remove_keyspace;
pub mod schemas;
pub mod set_config;
pub mod set_state;
pub mod status;

/// How often an operation reads anew and tries again after another writer came first.
const ATTEMPTS: usize = 10;
