//! All keys of prefixes at one revision, page by page.

use super::client::{Client, kv};
use super::failure::Failure;
use crate::error::{Error, Result};
use etcd_client::GetOptions;

/// etcd counts all keys of a prefix for each page, so pages are large: 1 or 2 MB.
const PAGE: i64 = 10_000;
/// How often a listing begins anew because its revision was compacted meanwhile.
const RESTARTS: usize = 5;

/// One key, or all that begin so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keys {
    /// This key alone.
    One(String),
    /// All keys that begin so.
    Prefix(String),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
    /// The id of its lease; 0: none.
    pub lease: i64,
    /// The revision that made the key.
    pub create_revision: i64,
    /// The revision that wrote the value.
    pub mod_revision: i64,
}

/// Keys with their values at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Of all entries. Watch from the next one.
    pub revision: i64,
    /// In the order of the request; each part in the order of keys.
    pub entries: Vec<Entry>,
}

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The listing begins: at first, and anew if its revision was compacted meanwhile.
    Begin,
    /// Some entries, in order.
    Page(Vec<Entry>),
}

impl Client {
    /// Lists everything at one revision: the newest of this moment. Blocks a quorum's round trip a
    /// page of 10,000 keys.
    pub async fn list(&self, of: &[Keys]) -> Result<Listing> {
        let mut entries = Vec::new();
        let take = |part| match part {
            Part::Begin => entries.clear(),
            Part::Page(page) => entries.extend(page),
        };
        let revision = self.list_parts(of, take).await?;
        Ok(Listing { revision, entries })
    }

    /// As [`Client::list`], with a page in memory at a time. Returns the revision.
    pub async fn list_parts(&self, of: &[Keys], mut take: impl FnMut(Part)) -> Result<i64> {
        let mut restarts = RESTARTS;
        loop {
            take(Part::Begin);
            match self.list_at_once(of, &mut take).await {
                Err((failure, _)) if failure.is_compacted() && restarts > 0 => restarts -= 1,
                listed => return listed.map_err(|(_, error)| error),
            }
        }
    }

    /// The first key at or after `from` that begins so, if there is one.
    pub async fn first_key(&self, prefix: &str, from: &str) -> Result<Option<Vec<u8>>> {
        let options = GetOptions::new().with_limit(1).with_keys_only().with_range(after(prefix));
        let get = |client: etcd_client::Client| {
            let (from, options) = (from.to_owned(), options.clone());
            async move { kv(&client).get(from, Some(options)).await }
        };
        let answer = self.repeat(&format!("list {prefix}"), get).await.map_err(|(_, error)| error)?;
        Ok(answer.kvs().first().map(|kv| kv.key().to_vec()))
    }

    async fn list_at_once(&self, of: &[Keys], take: &mut impl FnMut(Part)) -> Result<i64, (Failure, Error)> {
        let mut revision = 0;
        for keys in of {
            let (mut from, end) = keys.bounds();
            loop {
                let (page, more) = self.page(keys, &from, end.clone(), &mut revision).await?;
                if let Some(last) = page.last() {
                    from.clone_from(&last.key);
                    from.push(0);
                }
                take(Part::Page(page));
                if !more {
                    break;
                }
            }
        }
        Ok(revision)
    }

    /// A page, from `from` on, and whether there is more. The first page of a listing sets the revision.
    async fn page(
        &self,
        keys: &Keys,
        from: &[u8],
        end: Option<Vec<u8>>,
        revision: &mut i64,
    ) -> Result<(Vec<Entry>, bool), (Failure, Error)> {
        let mut options = GetOptions::new().with_limit(PAGE).with_revision(*revision);
        if let Some(end) = end {
            options = options.with_range(end);
        }
        let get = |client: etcd_client::Client| {
            let (from, options) = (from.to_vec(), options.clone());
            async move { kv(&client).get(from, Some(options)).await }
        };
        let mut answer = self.repeat(&format!("list {}", keys.text()), get).await?;
        if *revision == 0 {
            *revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        }
        let more = answer.more();
        let entries = answer.take_kvs().into_iter().map(|kv| Entry {
            lease: kv.lease(),
            create_revision: kv.create_revision(),
            mod_revision: kv.mod_revision(),
            key: kv.key().to_vec(),
            value: kv.value().to_vec(),
        });
        Ok((entries.collect(), more))
    }
}

impl Keys {
    /// The key, or the prefix.
    pub fn text(&self) -> &str {
        let (Self::One(text) | Self::Prefix(text)) = self;
        text
    }

    /// The first key, and the key after the last one. `None`: this key alone.
    pub(super) fn bounds(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        match self {
            Self::One(key) => (key.clone().into_bytes(), None),
            Self::Prefix(prefix) => (prefix.clone().into_bytes(), Some(after(prefix))),
        }
    }
}

/// The first key after all that begin so. The bytes of text are below 255, and are counted up.
fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end.push(0),
    }
    end
}
