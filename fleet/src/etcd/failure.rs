//! Errors of etcd as text: the endpoint, what was tried, what to do.

use crate::error::Error;
use std::error::Error as _;
use std::time::Duration;

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    /// The member did not answer in time.
    Timeout(Duration),
    /// What the crate says.
    Etcd(etcd_client::Error),
    /// What a watch's message says.
    Said(String),
    /// It is clear already.
    Other(Error),
}

/// What a client does first.
pub const CONNECT: &str = "connect";

/// gRPC's code of "unavailable": no connection, no leader, a member that stops.
const UNAVAILABLE: i32 = 14;

impl Failure {
    /// May another member succeed? Then the connection is dropped, and the next endpoint tried.
    pub fn is_of_the_member(&self) -> bool {
        match self {
            Self::Timeout(_) => true,
            Self::Other(_) => false,
            Self::Said(why) => why.contains("no leader"),
            Self::Etcd(etcd_client::Error::GRpcStatus(status)) => {
                // 1 cancelled, 2 unknown, 13 internal: a connection that broke on the way.
                let code = i32::from(status.code());
                code == UNAVAILABLE || matches!(code, 1 | 2 | 13) && status.source().is_some() || self.says("auth store is old")
            }
            Self::Etcd(error) => matches!(error, etcd_client::Error::TransportError(_) | etcd_client::Error::IoError(_)),
        }
    }

    /// Is the revision gone?
    pub fn is_compacted(&self) -> bool {
        self.says("required revision has been compacted")
    }

    /// Does the lease not exist?
    pub fn is_lease_gone(&self) -> bool {
        self.says("requested lease not found") || matches!(self, Self::Etcd(etcd_client::Error::LeaseKeepAliveError(_)))
    }

    fn says(&self, text: &str) -> bool {
        matches!(self, Self::Etcd(etcd_client::Error::GRpcStatus(status)) if status.message().contains(text))
    }

    /// The text for people. `doing` is such as "list /pd/7/".
    pub fn explain(&self, endpoint: &str, doing: &str) -> Error {
        let why = match self {
            Self::Other(error) => return error.clone(),
            Self::Timeout(after) => format!("no answer within {} ms", after.as_millis()),
            Self::Said(why) => why.clone(),
            Self::Etcd(error) => chain(error),
        };
        let advice = advice(&why).or_else(|| (doing == CONNECT).then(|| advice_on_closed(&why, endpoint)).flatten());
        let advice = advice.map_or(String::new(), |advice| format!("; {advice}"));
        Error(format!("etcd {endpoint}: cannot {doing}: {why}{advice}"))
    }
}

/// What to do, if it is known.
fn advice(why: &str) -> Option<&'static str> {
    let lower = why.to_lowercase();
    ADVICE.iter().find(|(text, _)| lower.contains(text)).map(|(_, advice)| *advice)
}

/// A new connection that is closed without a word tells of TLS.
fn advice_on_closed(why: &str, endpoint: &str) -> Option<&'static str> {
    let is_closed = ["connection closed", "broken pipe", "connection reset"].iter().any(|text| why.to_lowercase().contains(text));
    is_closed.then_some(if endpoint.starts_with("https") {
        "it may not speak TLS, or not accept the client certificate: check the endpoint, and who signed the certificate"
    } else {
        "the endpoint may speak TLS: write https"
    })
}

const CLIENT_CERTIFICATE: &str = "etcd asks for a client certificate, or does not accept this one: check who signed it";

/// What etcd, rustls or the kernel say, and what to do. The first that fits counts.
const ADVICE: [(&str, &str); 19] = [
    ("permission denied", "grant the user's role this range in etcd, or use another user"),
    ("user name is empty", "etcd asks for a user: give a name and a password file"),
    ("invalid user id or password", "check the user's name and the password file"),
    ("authentication is not enabled", "etcd has no users: leave the user out"),
    ("invalid auth token", "the token has expired: try again"),
    ("database space exceeded", "etcd is full (NOSPACE): compact and defragment it, then disarm the alarm"),
    ("has been compacted", "list again at the newest revision"),
    ("invalid peer certificate", "the CA file or the server name does not fit the certificate of the member"),
    ("certificaterequired", CLIENT_CERTIFICATE),
    ("badcertificate", CLIENT_CERTIFICATE),
    ("certificateunknown", CLIENT_CERTIFICATE),
    ("unknownca", CLIENT_CERTIFICATE),
    ("invalidcontenttype", "the endpoint does not speak TLS: write http, or another port"),
    ("tls handshake eof", "the endpoint does not speak TLS: write http, or another port"),
    ("connection refused", "no process listens there: check that etcd runs, and the endpoint"),
    ("no answer within", "check that the member runs and has a quorum, or give more time"),
    ("no leader", "the etcd cluster has no quorum: check its other members"),
    ("lookup address", "the host name is unknown: check the endpoint"),
    ("frame", "the endpoint does not speak etcd's protocol: check host, port, and http or https"),
];

/// The error and its causes, each once. Neither requests nor passwords are in them.
fn chain(error: &etcd_client::Error) -> String {
    let (mut text, mut cause) = match error {
        etcd_client::Error::GRpcStatus(status) => (status.message().to_owned(), status.source()),
        etcd_client::Error::TransportError(error) => (error.to_string(), error.source()),
        other => (other.to_string(), None),
    };
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) && said != "transport error" {
            text = if text.is_empty() { said } else { format!("{text}: {said}") };
        }
        cause = next.source();
    }
    text
}
