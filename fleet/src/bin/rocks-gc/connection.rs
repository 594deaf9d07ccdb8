//! Options of every command: where etcd is, and who asks. A password is in a file only: other
//! processes can read the arguments.

use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::etcd::{Client, Secret, Settings, Tls};
use rocks_gc_fleet::translate::cluster;
use std::path::PathBuf;
use std::time::Duration;

#[derive(clap::Args)]
pub struct Connection {
    /// URLs of members of the etcd cluster.
    #[arg(long, global = true, env = "ROCKS_GC_ENDPOINTS", value_delimiter = ',', default_value = "http://127.0.0.1:2379")]
    endpoints: Vec<String>,
    /// The cluster's id in etcd's keys: PD's, or one that the fleet chose.
    #[arg(long, global = true, env = "ROCKS_GC_CLUSTER", default_value_t = 1)]
    cluster: u64,
    /// The user's name in etcd.
    #[arg(long, global = true, env = "ROCKS_GC_USER", requires = "password_file")]
    user: Option<String>,
    /// A file whose first line is the user's password.
    #[arg(long, global = true, env = "ROCKS_GC_PASSWORD_FILE", value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// The certificate of the authority that signed etcd's certificates, in PEM.
    #[arg(long, global = true, env = "ROCKS_GC_CACERT", value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// The client's certificate, in PEM.
    #[arg(long, global = true, env = "ROCKS_GC_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The client's private key, in PEM.
    #[arg(long, global = true, env = "ROCKS_GC_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// The name in etcd's certificates, if it is not the endpoint's host.
    #[arg(long, global = true, env = "ROCKS_GC_SERVER_NAME", value_name = "NAME")]
    server_name: Option<String>,
    /// How long one call of etcd may take.
    #[arg(long, global = true, default_value = "5s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl Connection {
    /// Connects, and refuses another cluster's id.
    pub async fn connect(self) -> Result<Client> {
        let user = match (self.user, self.password_file) {
            (Some(name), Some(file)) => Some((name, Secret::from_file(&file)?)),
            _ => None,
        };
        let tls = match self.cacert {
            Some(ca) => Some(Tls { ca, cert: self.cert, key: self.key, domain: self.server_name }),
            None if self.cert.is_some() || self.key.is_some() || self.server_name.is_some() => {
                return Err(Error("--cert, --key and --server-name need --cacert".into()));
            }
            None => None,
        };
        let settings = Settings { endpoints: self.endpoints, user, tls, cluster: self.cluster, call_timeout: self.timeout };
        let client = Client::connect(&settings).await?;
        cluster::check(&client).await?;
        Ok(client)
    }
}
