//! `rocks-gc schema`.

use super::output::{list, print, table};
use rocks_gc_fleet::control::orders::{Outcome, drop_schema, truncate_schema, wait};
use rocks_gc_fleet::control::{keyspaces, schemas};
use rocks_gc_fleet::error::Result;
use rocks_gc_fleet::etcd::Client;
use std::time::Duration;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create a schema, and print its id.
    Create {
        /// The keyspace's name.
        keyspace: String,
        /// The schema's name.
        name: String,
    },
    /// List the schemas in use.
    List {
        /// The keyspace's name.
        keyspace: String,
    },
    /// List the ids that were dropped: a reader of archived logs ignores them.
    Dropped {
        /// The keyspace's name.
        keyspace: String,
    },
    /// Drop a schema, and wait until no node serves it.
    Drop {
        /// The keyspace's name.
        keyspace: String,
        /// The schema's name.
        name: String,
        #[command(flatten)]
        deadline: Deadline,
    },
    /// Delete what a schema has at or below a timestamp, and wait until no node serves it.
    Truncate {
        /// The keyspace's name.
        keyspace: String,
        /// The schema's name.
        name: String,
        /// The timestamp.
        #[arg(long)]
        timestamp: u64,
        /// The primary's sequence number, up to which a standby replicates first.
        #[arg(long)]
        sequence: u64,
        #[command(flatten)]
        deadline: Deadline,
    },
    /// Wait for a drop or a truncation whose command ended early.
    Wait {
        /// The keyspace's name.
        keyspace: String,
        /// The schema's id.
        id: u64,
        #[command(flatten)]
        deadline: Deadline,
    },
}

#[derive(clap::Args)]
pub struct Deadline {
    /// Nodes that have not answered until then are fenced.
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    deadline: Duration,
}

pub async fn run(client: &Client, command: Command) -> Result<()> {
    match command {
        Command::Create { keyspace, name } => print(schemas::create(client, &keyspace, &name).await?),
        Command::List { keyspace } => {
            let mut rows = table(&["ID", "NAME"]);
            for (id, name) in schemas::list(client, &keyspace).await?.valid {
                rows.add_row([id.to_string(), name]);
            }
            print(rows);
        }
        Command::Dropped { keyspace } => {
            for ids in schemas::list(client, &keyspace).await?.dropped() {
                print(if ids.start() == ids.end() { ids.start().to_string() } else { format!("{}-{}", ids.start(), ids.end()) });
            }
        }
        Command::Drop { keyspace, name, deadline } => {
            say("dropped", &drop_schema(client, &keyspace, &name, deadline.deadline).await?);
        }
        Command::Truncate { keyspace, name, timestamp, sequence, deadline } => {
            say("truncated", &truncate_schema(client, &keyspace, &name, timestamp, sequence, deadline.deadline).await?);
        }
        Command::Wait { keyspace, id, deadline } => {
            let keyspace = keyspaces::find(client, &keyspace).await?.id;
            say("done with", &wait(client, keyspace, id, deadline.deadline).await?);
        }
    }
    Ok(())
}

fn say(what: &str, outcome: &Outcome) {
    print(format!("schema {} is {what}; fenced: {}", outcome.id, list(&outcome.fenced)));
}
