//! `rocks-gc status`.

use super::output::{list, or_dash, print, table};
use rocks_gc_fleet::control::status::{self, Behind, Status};
use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::worker::{Clock, SystemClock};
use std::time::Duration;

#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// How long the workers keep old versions: tells which barriers are in the way.
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration)]
    gc_life_time: Duration,
}

pub async fn run(client: &Client, arguments: Arguments) -> Result<()> {
    let life_time = u64::try_from(arguments.gc_life_time.as_millis()).unwrap_or(u64::MAX);
    let status = status::status(client, SystemClock.unix_ms(), life_time).await?;
    if arguments.json {
        print(serde_json::to_string_pretty(&status).map_err(|error| Error(format!("JSON: {error}")))?);
    } else {
        show(&status);
    }
    Ok(())
}

fn show(status: &Status) {
    let writer = match (status.pd_leads, &status.leader) {
        (true, _) => "a PD leads; no worker writes".into(),
        (false, Some(leader)) => format!("worker {leader} leads"),
        (false, None) => "no worker leads".into(),
    };
    print(format!("cluster {}, etcd revision {}: {writer}\n", status.cluster, status.revision));
    let mut scopes = table(&["SCOPE", "NAME", "T", "AGE s", "G", "AGE s", "HELD UP BY"]);
    for of in &status.scopes {
        let (t, g) = (of.txn_safe_point.to_string(), of.gc_safe_point.to_string());
        scopes.add_row([of.scope.clone(), or_dash(of.name.as_ref()), t, or_dash(of.txn_age), g, or_dash(of.gc_age), list(&of.held_by)]);
    }
    print(scopes);
    let mut nodes = table(&["NODE", "ROLE", "EPOCH", "BEHIND IN"]);
    for of in &status.nodes {
        let role = format!("{:?}", of.role).to_lowercase();
        let behind: Vec<String> = of.behind.iter().map(behind).collect();
        nodes.add_row([of.name.clone(), role, of.epoch.to_string(), list(&behind)]);
    }
    print(format!("\n{nodes}"));
    print(format!("\nfenced: {}", list(&status.fenced)));
    print(format!("ranges: {} wait for G, {} are due", status.ranges.waiting, status.ranges.due));
    for order in &status.orders {
        print(format!("order about schema {} of keyspace {}: waits for {}", order.schema, order.keyspace, list(&order.waits_for)));
    }
    for (name, ahead) in &status.clocks {
        print(format!("clock of {name}: {ahead} s ahead of this one"));
    }
    for error in &status.unreadable {
        print(format!("unreadable: {error}"));
    }
}

fn behind(behind: &Behind) -> String {
    format!("{} (resolved {}, applied {})", behind.scope, or_dash(behind.resolved), or_dash(behind.applied))
}
