//! Whether this node may serve: its registration stands for certain, and it knows what etcd held
//! when it registered. Host threads ask at any time.

use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// Whether a registration stands for certain, now.
pub type IsAlive = Box<dyn Fn() -> bool + Send + Sync>;

/// The node's standing.
pub struct Standing {
    is_alive: RwLock<IsAlive>,
    /// Everything was read after the registration.
    serves: watch::Sender<bool>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { is_alive: RwLock::new(Box::new(|| false)), serves: watch::channel(false).0 }
    }
}

impl Standing {
    /// A new registration. It serves when everything is read: [`Standing::serve`].
    pub fn begin(&self, is_alive: IsAlive) {
        self.end();
        *self.is_alive.write().unwrap_or_else(PoisonError::into_inner) = is_alive;
    }

    /// Everything was read after the registration.
    pub fn serve(&self) {
        self.serves.send_replace(true);
    }

    /// The registration is gone, or about to go.
    pub fn end(&self) {
        self.serves.send_replace(false);
    }

    /// May the node serve, now?
    pub fn may_serve(&self) -> bool {
        *self.serves.borrow() && (self.is_alive.read().unwrap_or_else(PoisonError::into_inner))()
    }

    /// Waits until it may serve.
    pub async fn serving(&self) {
        let mut serves = self.serves.subscribe();
        // The sender lives as long as this object.
        let _ = serves.wait_for(|serves| *serves).await;
    }
}
