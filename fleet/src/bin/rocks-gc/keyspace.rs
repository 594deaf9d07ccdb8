//! `rocks-gc keyspace`.

use super::output::{now, print, table};
use rocks_gc_fleet::control::create_keyspace::Creator;
use rocks_gc_fleet::control::keyspaces::{self, Keyspace};
use rocks_gc_fleet::control::set_state::{parse_state, set_state, state_name};
use rocks_gc_fleet::control::{remove_keyspace, set_config};
use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::layout::gc_management::GcManagement;
use std::collections::{BTreeMap, HashMap};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create keyspaces.
    Create {
        /// 1 to 20 letters, digits, - or _.
        #[arg(required = true)]
        names: Vec<String>,
        /// A setting; gc_management_type=keyspace_level gives a keyspace safe points of its own.
        #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
        config: Vec<(String, String)>,
    },
    /// List all keyspaces.
    List,
    /// Show a keyspace.
    Show {
        /// The keyspace's name.
        name: String,
    },
    /// Change the state: ENABLED, DISABLED, ARCHIVED or TOMBSTONE.
    SetState {
        /// The keyspace's name.
        name: String,
        /// The state.
        #[arg(value_parser = parse_state)]
        state: rocks_gc_fleet::layout::keyspace_meta::State,
    },
    /// Set or delete settings.
    SetConfig {
        /// The keyspace's name.
        name: String,
        /// A setting.
        #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
        set: Vec<(String, String)>,
        /// A setting to delete.
        #[arg(long, value_name = "KEY")]
        delete: Vec<String>,
    },
    /// Remove an ARCHIVED or TOMBSTONE keyspace: its name and its meta.
    Remove {
        /// The keyspace's name.
        name: String,
    },
}

pub async fn run(client: &Client, command: Command) -> Result<()> {
    match command {
        Command::Create { names, config } => {
            let (mut creator, config): (_, HashMap<_, _>) = (Creator::default(), config.into_iter().collect());
            for name in names {
                show(&creator.create(client, &name, config.clone(), now().cast_signed()).await?);
            }
        }
        Command::List => list(client).await?,
        Command::Show { name } => show(&keyspaces::find(client, &name).await?),
        Command::SetState { name, state } => show(&set_state(client, &name, state, now().cast_signed()).await?),
        Command::SetConfig { name, set, delete } => {
            let deleted = delete.into_iter().map(|key| (key, None));
            let changes = set.into_iter().map(|(key, value)| (key, Some(value))).chain(deleted).collect();
            show(&set_config::set_config(client, &name, &changes).await?);
        }
        Command::Remove { name } => {
            remove_keyspace::remove(client, &name).await?;
            print(format!("keyspace {name} is removed"));
        }
    }
    Ok(())
}

async fn list(client: &Client) -> Result<()> {
    let mut rows = table(&["ID", "NAME", "STATE", "SAFE POINT"]);
    let mut bad: Vec<Error> = Vec::new();
    for keyspace in keyspaces::list(client).await? {
        match keyspace.and_then(|keyspace| Ok((keyspace.state()?, keyspace))) {
            Ok((state, keyspace)) => {
                rows.add_row([keyspace.id.to_string(), keyspace.meta.name.clone(), state_name(state).into(), management(&keyspace)]);
            }
            Err(error) => bad.push(error),
        }
    }
    print(rows);
    bad.into_iter().next().map_or(Ok(()), Err)
}

fn show(keyspace: &Keyspace) {
    let meta = &keyspace.meta;
    let state = keyspace.state().map_or_else(|error| error.to_string(), |state| state_name(state).into());
    print(format!("{} {} {state} safe point: {}", keyspace.id, meta.name, management(keyspace)));
    for (key, value) in meta.config.iter().collect::<BTreeMap<_, _>>() {
        print(format!("    {key}={value}"));
    }
}

fn management(keyspace: &Keyspace) -> String {
    match keyspace.meta.gc_management() {
        GcManagement::Keyspace => "own".into(),
        GcManagement::Global => "global".into(),
        GcManagement::Unknown(text) => format!("unknown ({text})"),
    }
}

fn setting(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').ok_or_else(|| Error(format!("{text:?} is not KEY=VALUE")))?;
    Ok((key.into(), value.into()))
}
