//! Registering keyspaces: their GC types, alone or with the metadata of a placement driver.

use super::keyspaces::{KeyspaceState, Loaded as LoadedKeyspaces};
use super::state::Shared;
use crate::error::Error;
use crate::layout::KeyspaceId;
use crate::layout::keyspace_meta::KeyspaceMeta;
use crate::log::{Level, log};
use crate::safe_point::{Barrier, GcType, KeepReason, Loaded, RegisterError, Registration, TypeConflict};

/// Loads a keyspace's metadata, and registers its type.
pub fn load_keyspace(shared: &Shared, meta: &KeyspaceMeta) -> Result<(), Error> {
    shared.let_ended_barriers_go();
    let KeyspaceMeta { id, .. } = *meta;
    let keyspace =
        KeyspaceId::new(id).ok_or_else(|| Error::invalid(format!("keyspace {id} is out of range; ids are 0 to {}", KeyspaceId::MAX)))?;
    let is_destroyed = shared.dropped().has_keyspace(&shared.layout, keyspace);
    // The type comes first, so that an unknown type keeps the keyspace, even if another
    // field is wrong too.
    let gc_type = gc_type(shared, keyspace, meta.gc_management_type.as_deref())?;
    if !is_destroyed {
        check_recorded(shared, &[keyspace], gc_type).map_err(|(_, what)| Error::invalid(what))?;
        let refused = shared.safe_points.refuse_other_type(keyspace, gc_type);
        refused.map_err(|conflict| Error::invalid(refuse_type(shared, conflict, gc_type)))?;
    }
    let state = KeyspaceState::from_number(meta.state)
        .ok_or_else(|| Error::invalid(format!("state {} of keyspace {id} is unknown; give 0 to 3", meta.state)))?;
    if !is_name(&meta.name) {
        return Err(Error::invalid(format!(
            "name {:?} of keyspace {id} is not valid; use 1 to 20 of the characters -, _, A to Z, a to z, 0 to 9",
            meta.name
        )));
    }
    let mut loaded = shared.keyspaces.lock();
    if let Some(before) = loaded.state(keyspace)
        && !before.leads_to(state)
    {
        return Err(Error::invalid(format!("keyspace {id} is {before} and cannot become {state}; load its state from PD")));
    }
    if is_destroyed && state.is_in_use() {
        return Err(Error::invalid(format!(
            "keyspace {id} is destroyed, and cannot be loaded as {state} while its record exists; use another id"
        )));
    }
    let named = if is_destroyed { Ok(Loaded::Registered { late: false }) } else { shared.safe_points.load(keyspace, gc_type) };
    let named = named.map_err(|error| Error::invalid(refuse(shared, error, gc_type).1))?;
    loaded.insert(keyspace, state, &meta.name);
    drop(loaded);
    match named {
        Loaded::Registered { late } => {
            shared.recorded_types.registered();
            tell_late(shared, late.into());
        }
        Loaded::StaysKept(why, gc_type) => tell_kept(keyspace, why, gc_type),
    }
    Ok(())
}

/// The keyspaces that have or had a name, and whether each owns it: it is in use, and not paused.
fn names(shared: &Shared, loaded: &LoadedKeyspaces, name: &str) -> impl DoubleEndedIterator<Item = (KeyspaceId, bool)> {
    let is_paused = |keyspace| matches!(shared.safe_points.known(keyspace).registration, Registration::Kept(KeepReason::Paused, _));
    loaded.with_name(name).map(move |(keyspace, in_use)| (keyspace, in_use && !is_paused(keyspace)))
}

/// The keyspace with a name: the one that owns it, or else the last one that had it.
pub fn keyspace_by_name(shared: &Shared, name: &str) -> Result<Option<KeyspaceId>, Error> {
    let loaded = shared.keyspaces.lock();
    let owners: Vec<KeyspaceId> = names(shared, &loaded, name).filter(|(_, owns)| *owns).map(|(keyspace, _)| keyspace).collect();
    match owners[..] {
        [] => Ok(names(shared, &loaded, name).next_back().map(|(keyspace, _)| keyspace)),
        [owner] => Ok(Some(owner)),
        [one, other, ..] => Err(Error::invalid(format!(
            "keyspaces {one} and {other} are both named {name:?}; load the present metadata of both, or pause the one that no longer exists \
             (rgc_pause_keyspace)"
        ))),
    }
}

/// The type that a text of PD or TiKV means. If the text is another one, the library keeps all keys
/// of the keyspace.
fn gc_type(shared: &Shared, keyspace: KeyspaceId, text: Option<&str>) -> Result<GcType, Error> {
    match text {
        None | Some("unified" | "global_gc") => Ok(GcType::Global),
        Some("keyspace_level" | "keyspace_level_gc") => Ok(GcType::KeyspaceLevel),
        Some(other) => {
            shared.safe_points.keep(keyspace, KeepReason::UnknownType);
            shared.tell_runs();
            Err(Error::invalid(format!(
                "gc_management_type {other:?} of keyspace {keyspace} is unknown, so all its keys are kept; use keyspace_level, \
                 keyspace_level_gc, unified or global_gc"
            )))
        }
    }
}

/// Registers the type of all these keyspaces, or of none. An error has the place of the
/// keyspace that caused it.
pub fn register_keyspaces(shared: &Shared, keyspaces: &[KeyspaceId], gc_type: GcType) -> Result<(), (usize, String)> {
    shared.let_ended_barriers_go();
    let dropped = shared.dropped();
    if let Some((index, keyspace)) = keyspaces.iter().enumerate().find(|(_, keyspace)| dropped.has_keyspace(&shared.layout, **keyspace)) {
        return Err((index, format!("keyspace {keyspace} is destroyed, and cannot be registered while its record exists")));
    }
    check_recorded(shared, keyspaces, gc_type)?;
    match shared.safe_points.register(keyspaces.iter().copied(), gc_type) {
        Ok(late) => {
            shared.recorded_types.registered();
            tell_late(shared, late);
            Ok(())
        }
        Err(error) => Err(refuse(shared, error, gc_type)),
    }
}

/// Refuses a type if the attached store's ledger has recorded the other one, in this process or
/// an earlier one.
fn check_recorded(shared: &Shared, keyspaces: &[KeyspaceId], gc_type: GcType) -> Result<(), (usize, String)> {
    let Some((place, keyspace, recorded)) = shared.recorded_types.conflict(keyspaces, gc_type) else { return Ok(()) };
    keep_for_conflict(shared, &[keyspace]);
    shared.stats.shared().gc_types_refused.add(1);
    Err((
        place,
        format!(
            "keyspace {keyspace} is recorded in the ledger as {recorded} and cannot become {gc_type}: the first type is in force; all its keys \
             are kept until rgc_set_keyspace_gc_type registers it as {recorded}"
        ),
    ))
}

/// Keeps all keys of keyspaces for which both types were registered, here and in the ledger.
pub fn keep_for_conflict(shared: &Shared, keyspaces: &[KeyspaceId]) {
    keyspaces.iter().for_each(|keyspace| shared.safe_points.keep(*keyspace, KeepReason::Conflict));
    shared.tell_runs();
}

/// Reports why a type is not registered, with the place of the keyspace that caused it.
fn refuse(shared: &Shared, error: RegisterError, gc_type: GcType) -> (usize, String) {
    match error {
        RegisterError::Type(conflict) => (conflict.index, refuse_type(shared, conflict, gc_type)),
        RegisterError::Barrier { index, barrier: Barrier { scope, name, ts, .. } } => (
            index,
            format!(
                "the keyspace cannot become global: barrier {name:?} {scope} at {ts} would not hold back the global safe point; set it for \
                 RGC_KEYSPACE_NONE, and delete this one"
            ),
        ),
    }
}

/// Reports that both types were registered. Filters keep all keys of the keyspace from their
/// next row.
fn refuse_type(shared: &Shared, conflict: TypeConflict, gc_type: GcType) -> String {
    shared.tell_runs();
    shared.stats.shared().gc_types_refused.add(conflict.n as u64);
    let TypeConflict { n, keyspace, in_force, .. } = conflict;
    let others = if n > 1 { format!("; so are {} more", n - 1) } else { String::new() };
    format!(
        "keyspace {keyspace} is {in_force} and cannot become {gc_type}: the first type is in force; all its keys are kept until \
         rgc_set_keyspace_gc_type registers it as {in_force}{others}"
    )
}

/// The caller holds no lock, because the host's logger may ask for keyspaces.
fn tell_late(shared: &Shared, late: usize) {
    if late > 0 {
        shared.stats.shared().gc_types_refused.add(late as u64);
        log(Level::Warn, || {
            format!(
                "{late} keyspaces were registered as keyspace level after unknown_keyspace=global may have judged them by the global safe point; register them first"
            )
        });
    }
}

/// Logs that metadata were loaded, and that the keyspace remains paused until the host registers
/// it.
fn tell_kept(keyspace: KeyspaceId, why: KeepReason, gc_type: GcType) {
    log(Level::Info, || {
        let reason = if why == KeepReason::Paused { "rgc_pause_keyspace paused it" } else { "both GC types were registered for it" };
        format!(
            "keyspace {keyspace} is loaded and remains paused, so all its keys are kept: {reason}; rgc_set_keyspace_gc_type with {gc_type} \
             ends that"
        )
    });
}

fn is_name(name: &str) -> bool {
    (1..=20).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_type_keeps_everything_whatever_else_is_wrong() {
        let shared = Shared::new(&crate::options::Options::default()).unwrap();
        let id = KeyspaceId::new(1).unwrap();
        for (state, name) in [(0, "a-name-of-23-characters"), (7, "name"), (0, "name")] {
            register_keyspaces(&shared, &[id], GcType::Global).unwrap();
            shared.safe_points.advance_global(50);
            assert_eq!(shared.safe_points.effective(id).safe_point, 50);
            let meta = KeyspaceMeta { id: 1, state, name: name.into(), gc_management_type: Some("keyspace_level_v2".into()) };
            load_keyspace(&shared, &meta).unwrap_err();
            assert_eq!(shared.safe_points.effective(id).safe_point, 0);
        }
    }

    #[test]
    fn names_are_those_of_pd() {
        for name in ["keyspaceName1", "keyspace_name_1", "10", "18446744073709551615", "scope1", "-----", "789z-_"] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["789z-_)", "", "keyspace/", "keyspace:1", "many many spaces", "keyspace?limit=1", "keyspace%1", "123456789012345678901"]
        {
            assert!(!is_name(name), "{name}");
        }
    }
}
