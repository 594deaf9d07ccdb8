//! `rocks-gc worker`.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::worker::{Metrics, Options, SystemClock, Worker};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[derive(clap::Args)]
pub struct Arguments {
    /// The worker's name: another one for each worker.
    #[arg(long)]
    name: String,
    /// How long old versions are kept at least.
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration)]
    gc_life_time: Duration,
    /// The pause between two rounds.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// How long after the leader's last sign of life another worker may lead.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    lease: Duration,
    /// Serves metrics (OpenMetrics) at http://ADDRESS/metrics.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

pub async fn run(client: Client, arguments: Arguments) -> Result<()> {
    let Arguments { name, gc_life_time, interval, lease, metrics: address } = arguments;
    let metrics = Arc::new(Metrics::new());
    if let Some(address) = address {
        serve(address, metrics.clone()).await?;
    }
    let worker = Worker::new(client, Options { name, gc_life_time, interval, lease }, Arc::new(SystemClock), metrics)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Error(format!("signals cannot be handled: {error}")))?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    worker.run(stop).await
}

async fn serve(address: SocketAddr, metrics: Arc<Metrics>) -> Result<()> {
    let refused = |error| Error(format!("metrics cannot be served at {address}: {error}; choose another address"));
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    tracing::info!("metrics are at http://{}/metrics", listener.local_addr().map_err(refused)?);
    let router = Router::new().route("/metrics", get(text)).with_state(metrics);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("metrics are not served any more: {error}");
        }
    });
    Ok(())
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    match metrics.text() {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text)
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], error.to_string()),
    }
}
