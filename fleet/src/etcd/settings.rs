//! Where etcd is, and who asks.

use crate::error::{Error, Result};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A password. `Debug` does not show it, and nothing else prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A password in memory.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Reads the first line of a file. Blocks.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = read(path, "the password file")?;
        let line = std::str::from_utf8(&text).ok().and_then(|text| text.lines().next()).filter(|line| !line.is_empty());
        let line = line.ok_or_else(|| Error(format!("the password file {} has no first line of text", path.display())))?;
        Ok(Self(line.to_owned()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Whose certificates are trusted.
    pub ca: PathBuf,
    /// The client's certificate, if etcd asks for one; then `key` too.
    pub cert: Option<PathBuf>,
    /// The client's private key.
    pub key: Option<PathBuf>,
    /// The name that the servers' certificates must have; `None`: the endpoint's host.
    pub domain: Option<String>,
}

/// Where etcd is, and who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// URLs of members of one etcd cluster: `http://host:port`, or `https://host:port` with TLS.
    pub endpoints: Vec<String>,
    /// Name and password, if etcd asks for them.
    pub user: Option<(String, Secret)>,
    /// Needed for `https`.
    pub tls: Option<Tls>,
    /// The cluster's id in keys: PD's, or one that the fleet chose.
    pub cluster: u64,
    /// How long one attempt of a call may take. A read is tried at each endpoint once.
    pub call_timeout: Duration,
}

impl Settings {
    /// Refuses what no connection could use. Does not connect.
    pub fn check(&self) -> Result<()> {
        if self.endpoints.is_empty() {
            return Err(Error("no endpoint of etcd is given; give at least one, such as http://127.0.0.1:2379".into()));
        }
        for endpoint in &self.endpoints {
            match (endpoint.split_once("://").map(|(scheme, _)| scheme), &self.tls) {
                (Some("http"), None) | (Some("https"), Some(_)) => {}
                (Some("http"), Some(_)) => {
                    return Err(Error(format!("endpoint {endpoint} begins with http, but files for TLS are given; write https")));
                }
                (Some("https"), None) => {
                    return Err(Error(format!("endpoint {endpoint} begins with https; give the certificate of the authority (CA) too")));
                }
                _ => return Err(Error(format!("endpoint {endpoint:?} is not a URL such as http://127.0.0.1:2379"))),
            }
        }
        match &self.tls {
            Some(tls) if tls.cert.is_some() != tls.key.is_some() => {
                Err(Error("a client certificate and its key must be given together".into()))
            }
            _ => Ok(()),
        }
    }
}

/// Reads a file; the error names it.
pub(super) fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error(format!("{what} {} cannot be read: {error}", path.display())))
}
