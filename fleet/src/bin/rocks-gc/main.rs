//! `rocks-gc`: the GC worker of a fleet, and the commands of its control plane.
//!
//! Results go to standard output, logs to standard error. An error is one line, with exit code 1.

mod barrier;
mod connection;
mod fence;
mod keyspace;
mod output;
mod range;
mod schema;
mod status;
mod worker;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The GC worker of a fleet of RocksDB nodes, and the commands of its control plane.
#[derive(Parser)]
#[command(name = "rocks-gc", version, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    connection: connection::Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a worker: one of them leads, and moves the safe points.
    Worker(worker::Arguments),
    /// Create, list and change keyspaces.
    #[command(subcommand)]
    Keyspace(keyspace::Command),
    /// Create, list, drop and truncate schemas.
    #[command(subcommand)]
    Schema(schema::Command),
    /// Set, list and delete barriers: nothing at or above one is collected.
    #[command(subcommand)]
    Barrier(barrier::Command),
    /// Add and list ranges to delete.
    #[command(subcommand)]
    Range(range::Command),
    /// Fence a node that does not answer: its lease ends, and its process stops to serve.
    Fence(fence::Arguments),
    /// Show how far everything is, and what holds it up.
    Status(status::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false).init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rocks-gc: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> rocks_gc_fleet::error::Result<()> {
    let client = arguments.connection.connect().await?;
    match arguments.command {
        Command::Worker(arguments) => worker::run(client, arguments).await,
        Command::Keyspace(command) => keyspace::run(&client, command).await,
        Command::Schema(command) => schema::run(&client, command).await,
        Command::Barrier(command) => barrier::run(&client, command).await,
        Command::Range(command) => range::run(&client, command).await,
        Command::Fence(arguments) => fence::run(&client, arguments).await,
        Command::Status(arguments) => status::run(&client, arguments).await,
    }
}
