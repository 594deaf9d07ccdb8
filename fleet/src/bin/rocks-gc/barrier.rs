//! `rocks-gc barrier`.

use super::output::{now, or_dash, print, table};
use rocks_gc_fleet::control::barriers::{self, Barrier, Of};
use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::etcd::Client;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Set a barrier, or move one.
    Set {
        /// The barrier's name.
        name: String,
        /// Nothing at or above it is collected.
        #[arg(long)]
        timestamp: u64,
        /// How long it lives, such as 30m; `never`: until it is deleted.
        #[arg(long, value_parser = ttl)]
        ttl: Ttl,
        #[command(flatten)]
        of: Scope,
    },
    /// List all barriers.
    List,
    /// Delete a barrier.
    Delete {
        /// The barrier's name.
        name: String,
        #[command(flatten)]
        of: Scope,
    },
}

/// Neither option: keyspaces without a safe point of their own.
#[derive(clap::Args)]
#[group(multiple = false)]
pub struct Scope {
    /// The keyspace whom it holds up.
    #[arg(long)]
    keyspace: Option<String>,
    /// It holds up every scope.
    #[arg(long)]
    all: bool,
}

/// Seconds; `None`: never.
#[derive(Clone, Copy)]
pub struct Ttl(Option<u64>);

pub async fn run(client: &Client, command: Command) -> Result<()> {
    match command {
        Command::Set { name, timestamp, ttl, of } => show(&[barriers::set(client, &of.into(), &name, timestamp, ttl.0, now()).await?]),
        Command::Delete { name, of } => {
            barriers::delete(client, &of.into(), &name).await?;
            print(format!("barrier {name} is deleted"));
        }
        Command::List => {
            let (barriers, errors) = barriers::list(client).await?;
            show(&barriers);
            return errors.into_iter().next().map_or(Ok(()), Err);
        }
    }
    Ok(())
}

fn show(barriers: &[Barrier]) {
    let mut rows = table(&["SCOPE", "NAME", "TIMESTAMP", "UNTIL", "SECONDS LEFT"]);
    for Barrier { scope, name, timestamp, until } in barriers {
        let scope = scope.map_or_else(|| "all".into(), |scope| scope.to_string());
        let left = until.map(|until| until.cast_signed() - now().cast_signed());
        rows.add_row([scope, name.clone(), timestamp.to_string(), or_dash(*until), or_dash(left)]);
    }
    print(rows);
}

fn ttl(text: &str) -> Result<Ttl> {
    if text == "never" {
        return Ok(Ttl(None));
    }
    let duration = humantime::parse_duration(text).map_err(|error| Error(format!("{error}; write such as 30m, or never")))?;
    Ok(Ttl(Some(duration.as_secs() + u64::from(duration.subsec_nanos() > 0))))
}

impl From<Scope> for Of {
    fn from(of: Scope) -> Self {
        match of {
            Scope { all: true, .. } => Self::All,
            Scope { keyspace: Some(name), .. } => Self::Keyspace(name),
            Scope { .. } => Self::Global,
        }
    }
}
