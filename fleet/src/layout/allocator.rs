//! PD's keyspace ids: vended upwards in windows of 100, so that one write serves 100 ids.
//!
//! etcd holds the end of the last window. Only after a window's end is stored are its ids vended,
//! so a crash loses the rest of a window and never vends an id twice:
//!
//! | step | stored | vended |
//! |---|---|---|
//! | store 100 | 100 | 1, 2, 3 |
//! | crash, restart, store 200 | 200 | 101, 102 |
//!
//! At the tail PD subtracts a whole window from the clamped end, and vends ids again. Here a window
//! begins after the stored end, always.

use super::id::KeyspaceId;
use crate::error::{Error, Result};

const WINDOW: u32 = 100;

/// The allocator of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocator {
    last: u32,
    end: u32,
}

impl Allocator {
    /// Starts from what etcd holds; 0 if it holds nothing.
    pub fn restart(stored: u64) -> Result<Self> {
        let end = u32::try_from(stored).ok().filter(|end| *end <= KeyspaceId::MAX);
        let end = end.ok_or_else(|| Error(format!("the allocator holds {stored}, above {}", KeyspaceId::MAX)))?;
        Ok(Self { last: end, end })
    }

    /// The next id of this window. `None`: store the next window first.
    pub fn vend(&mut self) -> Option<u32> {
        if self.last == self.end {
            return None;
        }
        self.last += 1;
        Some(self.last)
    }

    /// What etcd must hold before the next id is vended: a transaction compares the value with
    /// [`Allocator::stored`] and puts this. Then [`Allocator::stored_window`].
    pub fn next_window(&self) -> Result<u64> {
        if self.end == KeyspaceId::MAX {
            return Err(Error(format!("no keyspace id is left: {} was the last", KeyspaceId::MAX)));
        }
        Ok(u64::from((self.end + WINDOW).min(KeyspaceId::MAX)))
    }

    /// What this process knows etcd to hold.
    pub fn stored(&self) -> u64 {
        u64::from(self.end)
    }

    /// The window after this one is stored: its ids may be vended.
    pub fn stored_window(&mut self) -> Result<()> {
        let end = self.next_window()?;
        *self = Self { last: self.end, ..Self::restart(end)? };
        Ok(())
    }
}
