//! `rocks-gc fence`.

use super::output::print;
use rocks_gc_fleet::control::fence;
use rocks_gc_fleet::error::Result;
use rocks_gc_fleet::etcd::Client;

#[derive(clap::Args)]
pub struct Arguments {
    /// The node's name: one that is registered, or that an order about a schema waits for.
    node: String,
    /// Why, for people.
    #[arg(long)]
    why: String,
}

pub async fn run(client: &Client, arguments: Arguments) -> Result<()> {
    let (epoch, ttl) = fence::fence(client, &arguments.node, None, &arguments.why).await?;
    let node = arguments.node;
    print(format!("node {node} is fenced (epoch {epoch}); if it is cut off from etcd, it may serve for {} s more", ttl.as_secs()));
    Ok(())
}
