//! `rocks-gc range`.

use super::output::{list, print, table};
use rocks_gc_fleet::control::ranges::{self, Todo};
use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::layout::own_value::Range;
use rocks_gc_fleet::layout::stored_range::{hex, parse_hex};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a range of stored keys: nodes delete it when the safe point has reached its timestamp.
    Add {
        /// The job's name.
        job: String,
        /// The element's name in the job.
        element: String,
        /// The first stored key, in hex.
        #[arg(long, value_parser = key)]
        start: Key,
        /// The stored key after the last one, in hex.
        #[arg(long, value_parser = key)]
        end: Key,
        /// No reader reads the range at or above it.
        #[arg(long)]
        timestamp: u64,
    },
    /// List all ranges.
    List,
}

/// A stored key.
#[derive(Clone)]
pub struct Key(Vec<u8>);

pub async fn run(client: &Client, command: Command) -> Result<()> {
    match command {
        Command::Add { job, element, start, end, timestamp } => {
            ranges::add(
                client,
                &job,
                &element,
                &Range { start: start.0, end: end.0, timestamp, swept_by: std::collections::BTreeSet::new() },
            )
            .await?;
            print(format!("range {job}/{element} is added"));
            Ok(())
        }
        Command::List => show(client).await,
    }
}

async fn show(client: &Client) -> Result<()> {
    let mut rows = table(&["JOB", "ELEMENT", "STATE", "START", "END", "TIMESTAMP", "ANSWERED"]);
    let (todo, errors) = Todo::list(client).await?;
    let mut add = |(job, element): (String, String), state: &str, range: &Range, answered: &[String]| {
        let Range { start, end, timestamp, .. } = range;
        rows.add_row([job, element, state.into(), hex(start), hex(end), timestamp.to_string(), list(answered)]);
    };
    for todo in todo {
        let answered: Vec<String> = todo.answers.keys().cloned().collect();
        add(todo.name, "to do", &todo.range, &answered);
    }
    for (name, range) in ranges::list_done(client).await? {
        let swept: Vec<String> = range.swept_by.iter().cloned().collect();
        add(name, "done", &range, &swept);
    }
    print(rows);
    errors.into_iter().next().map_or(Ok(()), Err)
}

fn key(text: &str) -> Result<Key> {
    parse_hex(text).map(Key).ok_or_else(|| Error(format!("{text:?} is not pairs of hexadecimal digits")))
}
