//! The host of this process, as the follower calls it.

use crate::layout::id::Scope;

/// The host. The follower calls it on threads of its own; each call may block, and must not unwind.
pub trait Host: Send + Sync + 'static {
    /// Whether the host holds transactions, and so has locks to resolve.
    fn holds_transactions(&self) -> bool;
    /// Resolves all locks of the scope at or below `up_to`, durably, and says whether none is left.
    fn resolve(&self, scope: Scope, up_to: u64) -> bool;
    /// This node was fenced: the host must stop to serve. The follower has stopped.
    fn fenced(&self, why: &str);
    /// A hold could not be renewed in time. It ends soon, or has ended.
    fn hold_lost(&self, scope: Scope, name: &str);
}
