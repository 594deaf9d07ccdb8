//! The expiry of values. It is the whole rule of TTL v1: expired values are removed.

/// The time up to which values have expired: `now - grace`, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredUpTo(Option<u64>);

impl ExpiredUpTo {
    /// The limit for a time in Unix seconds (0 means unknown) and a grace in seconds. It never
    /// wraps.
    pub fn new(now: u64, grace_seconds: u64) -> Self {
        Self(if now == 0 { None } else { now.checked_sub(grace_seconds) })
    }

    /// Whether `expire_ts <= now - grace`. It is false for an unknown time, and for `u64::MAX`.
    pub fn covers(self, expire_ts: Option<u64>) -> bool {
        match (self.0, expire_ts) {
            (Some(up_to), Some(expire_ts)) => expire_ts <= up_to && expire_ts != u64::MAX,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_means_at_or_before_now_minus_grace() {
        for (now, grace, expire_ts, expired) in [
            (10, 0, Some(10), true),
            (10, 0, Some(11), false),
            (10, 0, Some(0), true),
            (10, 3, Some(7), true),
            (10, 3, Some(8), false),
            (10, 11, Some(0), false),
            (0, 0, Some(0), false),
            (u64::MAX, 0, Some(u64::MAX), false),
            (10, 0, None, false),
        ] {
            assert_eq!(ExpiredUpTo::new(now, grace).covers(expire_ts), expired, "{now} {grace} {expire_ts:?}");
        }
    }
}
