//! One connection, to one member at a time.

use super::failure::{CONNECT, Failure};
use super::settings::{Settings, read};
use crate::error::{Error, Result};
use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How often a connection with an open stream is probed. etcd closes a connection that is probed
/// more often than every 5 s, or while no stream is open.
const PROBE: Duration = Duration::from_secs(6);
/// How long a new connection may take: meanwhile all callers wait.
const OPENING: Duration = Duration::from_secs(3);
const LARGEST_MESSAGE: usize = 64 << 20;

/// A client of etcd. A clone is cheap, and shares the connection.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    call_timeout: Duration,
}

struct Shared {
    settings: Settings,
    options: ConnectOptions,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    /// Of this endpoint.
    endpoint: usize,
    connection: Option<etcd_client::Client>,
    /// Counts connections, so that a late failure of an old one does not drop a new one.
    generation: u64,
    /// etcd's own id of its cluster, once a member has told it.
    etcd: Option<u64>,
}

/// A connection, and which one it is.
pub(super) struct Connected {
    pub client: etcd_client::Client,
    pub endpoint: usize,
    generation: u64,
}

impl Client {
    /// Reads the files that the settings name, and connects to the first endpoint that answers.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        settings.check()?;
        let shared = Shared { settings: settings.clone(), options: options(settings)?, current: Mutex::default() };
        let client = Self { shared: Arc::new(shared), call_timeout: settings.call_timeout };
        client.connected().await?;
        Ok(client)
    }

    /// The cluster's id in keys.
    pub fn cluster(&self) -> u64 {
        self.shared.settings.cluster
    }

    /// How long one attempt of a call may take.
    pub(super) fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    /// The same client, which waits at most so long.
    pub(super) fn impatient(&self, limit: Duration) -> Self {
        Self { shared: self.shared.clone(), call_timeout: self.call_timeout.min(limit) }
    }

    /// Calls a member. A failure of the member drops the connection, and the next call goes to the
    /// next endpoint. It is not repeated: a write may have happened.
    pub(super) async fn once<T, F: Answer<T>>(
        &self,
        doing: &str,
        call: impl FnOnce(etcd_client::Client) -> F,
    ) -> Result<T, (Failure, Error)> {
        let connected = self.connected().await.map_err(|error| (Failure::Other(error.clone()), error))?;
        let endpoint = connected.endpoint;
        match within(self.call_timeout(), call(connected.client.clone())).await {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                if failure.is_of_the_member() {
                    self.leave(&connected).await;
                }
                let error = failure.explain(self.name(endpoint), doing);
                Err((failure, error))
            }
        }
    }

    /// Calls what may be repeated, at most once an endpoint and once more.
    pub(super) async fn repeat<T, F: Answer<T>>(
        &self,
        doing: &str,
        call: impl Fn(etcd_client::Client) -> F,
    ) -> Result<T, (Failure, Error)> {
        let mut attempts = self.shared.settings.endpoints.len();
        loop {
            match self.once(doing, &call).await {
                Err((failure, _)) if failure.is_of_the_member() && attempts > 0 => attempts -= 1,
                answer => return answer,
            }
        }
    }

    /// The connection, or a new one to the first endpoint that answers.
    pub(super) async fn connected(&self) -> Result<Connected> {
        let mut current = self.shared.current.lock().await;
        let mut errors = Vec::new();
        while current.connection.is_none() {
            match self.open(&mut current).await {
                Ok(()) => break,
                Err(error) => errors.push(error.to_string()),
            }
            current.endpoint = (current.endpoint + 1) % self.shared.settings.endpoints.len();
            if errors.len() == self.shared.settings.endpoints.len() {
                return Err(Error(errors.join("; ")));
            }
        }
        let client = current.connection.clone().ok_or_else(|| Error("etcd is not connected".into()))?;
        Ok(Connected { client, endpoint: current.endpoint, generation: current.generation })
    }

    async fn open(&self, current: &mut Current) -> Result<()> {
        let endpoint = self.name(current.endpoint);
        let connect = async {
            let mut client = etcd_client::Client::connect([endpoint], Some(self.shared.options.clone())).await?;
            let status = client.status().await?;
            Ok((client, status.header().map_or(0, etcd_client::ResponseHeader::cluster_id)))
        };
        let connected = within(self.call_timeout().min(OPENING), connect).await;
        let (client, etcd) = connected.map_err(|failure| failure.explain(endpoint, CONNECT))?;
        if current.etcd.is_some_and(|known| known != etcd) {
            return Err(Error(format!(
                "etcd {endpoint}: it belongs to another etcd cluster than the other endpoints; correct the endpoints"
            )));
        }
        current.etcd = Some(etcd);
        current.generation += 1;
        current.connection = Some(client);
        Ok(())
    }

    /// Drops a connection that failed, unless another one is in its place already. The next one
    /// goes to the next endpoint: a member without a quorum accepts connections, and would be
    /// chosen again and again.
    pub(super) async fn leave(&self, connected: &Connected) {
        let mut current = self.shared.current.lock().await;
        if current.generation == connected.generation && current.connection.take().is_some() {
            current.endpoint = (current.endpoint + 1) % self.shared.settings.endpoints.len();
        }
    }

    pub(super) fn name(&self, endpoint: usize) -> &str {
        self.shared.settings.endpoints.get(endpoint).map_or("", String::as_str)
    }
}

/// What a call gives, later.
pub(super) trait Answer<T>: Future<Output = Result<T, etcd_client::Error>> {}

impl<T, F: Future<Output = Result<T, etcd_client::Error>>> Answer<T> for F {}

/// Waits at most so long.
pub(super) async fn within<T>(limit: Duration, call: impl Answer<T>) -> Result<T, Failure> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(Failure::Etcd),
        Err(_) => Err(Failure::Timeout(limit)),
    }
}

/// The key-value part, for large answers.
pub(super) fn kv(client: &etcd_client::Client) -> etcd_client::KvClient {
    client.kv_client().max_decoding_message_size(LARGEST_MESSAGE)
}

/// The watch part, for large answers.
pub(super) fn watch(client: &etcd_client::Client) -> etcd_client::WatchClient {
    client.watch_client().max_decoding_message_size(LARGEST_MESSAGE)
}

fn options(settings: &Settings) -> Result<ConnectOptions> {
    let mut options = ConnectOptions::new()
        .with_connect_timeout(settings.call_timeout)
        .with_keep_alive(PROBE, settings.call_timeout)
        .with_keep_alive_while_idle(false)
        .with_require_leader(true)
        .with_auto_token_refresh(true);
    if let Some((name, password)) = &settings.user {
        options = options.with_user(name, password.reveal());
    }
    if let Some(tls) = &settings.tls {
        let mut with = TlsOptions::new().ca_certificate(Certificate::from_pem(read(&tls.ca, "the CA file")?));
        if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
            with = with.identity(Identity::from_pem(read(cert, "the certificate file")?, read(key, "the key file")?));
        }
        if let Some(domain) = &tls.domain {
            with = with.domain_name(domain);
        }
        options = options.with_tls(with);
    }
    Ok(options)
}
