//! How long to wait before the next attempt.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waiting times without end: each about twice the one before, from 0.1 to 0.2 s up to 5 to 10 s.
/// The random part keeps a thousand nodes from coming back in the same moment. Begin anew after a
/// success.
pub fn reconnects() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default().with_min_delay(FIRST).with_max_delay(LONGEST).with_jitter().without_max_times().build()
}
