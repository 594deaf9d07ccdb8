//! Attaching a store. First the ledger is read, then interrupted jobs are finished, then the worker
//! starts.

use super::families::ColumnFamily;
use super::store::Store;
use super::worker;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::shared::Shared;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Starts a thread for the library.
pub type Spawn = fn(Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>;

/// Attaches a store. After an error nothing is attached, and filters remove the same keys as
/// before.
pub fn attach(shared: Arc<Shared>, engine: Box<dyn Engine>, families: Vec<ColumnFamily>, spawn: Spawn) -> Result<Arc<Store>, Error> {
    let before = shared.dropped();
    let store = Arc::new(Store::open(shared, engine, families)?);
    let attached = store.resume().and_then(|()| store.record_types()).and_then(|()| start(&store, spawn));
    attached.inspect_err(|_| store.shared.set_dropped(before))?;
    store.take_up_orders();
    Ok(store)
}

fn start(store: &Arc<Store>, spawn: Spawn) -> Result<(), Error> {
    let working = store.clone();
    let thread = spawn(Box::new(move || worker::work(&working)));
    store.serve(thread.map_err(|error| Error::new(ErrorKind::Aborted, format!("the worker's thread cannot be started: {error}")))?);
    Ok(())
}
