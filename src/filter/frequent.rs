//! The two cases that apply to nearly all keys of judged rows, in as few instructions as possible:
//! no call, and nothing that could panic. Each answers as the general way would. In every other
//! case it answers `None`, and has changed nothing. The shared state is passed as an `Arc`, so that
//! it is loaded only when it is needed.

use super::bytes::{BLOCK, equal, first_difference};
use super::row_walk::{RowState, RowWalk};
use crate::layout::raw_value::RawValue;
use crate::layout::{Layout, TIMESTAMP_LEN, split_timestamp};
use crate::rule::Verdict;
use crate::rule::raw::{Death, Row};
use crate::shared::Shared;
use std::sync::Arc;

/// The number of bytes that [`RowWalk::next_row`] copies from each end of a key. A variable length
/// would need a call.
const PART: usize = 2 * BLOCK;

/// The number of bytes that two keys of one length must share to have the same owner, for
/// [`RowWalk::next_row`]. Every row of this case must have two groups, so that the first group
/// holds a keyspace. If the data prefix is too long for that, the case never applies.
pub fn owner_len(layout: &Layout) -> usize {
    if layout.two_groups_len() <= PART - TIMESTAMP_LEN { layout.owner_len() } else { usize::MAX }
}

impl RowWalk {
    /// Decides about a shadowed version of the current row whose value parses.
    #[inline(always)]
    pub fn shadowed(&mut self, gc: &Arc<Shared>, key: &[u8], value: &[u8]) -> Option<Verdict> {
        let RowState::Raw(row) = &self.state else { return None };
        if key.len() != self.last_key.len() || key.len() < BLOCK + TIMESTAMP_LEN {
            return None;
        }
        let ((key_row, ts), (last_row, _)) = (split_timestamp(key)?, split_timestamp(&self.last_key)?);
        if !equal(key_row, last_row) || ts > self.last_ts || gc.generation() != self.span.generation {
            return None;
        }
        RawValue::parse_v2(value).ok()?;
        let verdict = row.judge_shadowed(ts, self.span.safe_point)?;
        self.last_ts = ts;
        Some(verdict)
    }

    /// Keeps the first version of the next row, if it has the same owner and key length as the last
    /// key, and its value parses. The bytes that it shares with the last key were checked there.
    #[inline(always)]
    pub fn next_row(&mut self, gc: &Arc<Shared>, key: &[u8], value: &[u8]) -> Option<()> {
        let RowState::Raw(ended) = self.state else { return None };
        if ended.dead().is_some() || key.len() != self.last_key.len() || key.len() < PART {
            return None;
        }
        let ((row, ts), (last_row, _)) = (split_timestamp(key)?, split_timestamp(&self.last_key)?);
        let shared = first_difference(row, last_row)?;
        if shared < self.owner_len || row.get(shared) < last_row.get(shared) {
            return None;
        }
        if gc.generation() != self.span.generation || !gc.layout.is_row_like(row, shared) {
            return None;
        }
        let value = RawValue::parse_v2(value).ok()?;
        let death = Death::of(value.delete_mark, value.expire_ts, self.expired);
        if shared + PART < key.len() {
            if key.len() > 2 * PART {
                return None;
            }
            *self.last_key.first_chunk_mut::<PART>()? = *key.first_chunk()?;
        }
        *self.last_key.last_chunk_mut::<PART>()? = *key.last_chunk()?;
        self.last_ts = ts;
        self.state = RowState::Raw(Row::begin(ts, death, self.span.safe_point, self.history));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::filter::{CompactionContext, CompactionFilter, ValueView};
    use crate::layout::{KeyMode, KeyspaceId};
    use crate::options::Options;
    use crate::safe_point::GcType;
    use crate::shared::{FilterKind, Shared};
    use rand::rngs::SmallRng;
    use rand::seq::IndexedRandom;
    use rand::{RngExt, SeedableRng};
    use std::sync::Arc;

    fn shared(options: &str) -> Arc<Shared> {
        let mut chosen = Options::default();
        chosen.parse(options).unwrap();
        let shared = Shared::new(&chosen).unwrap();
        shared.clock.set_host(Box::new(|| 100));
        let id = KeyspaceId::new(7).unwrap();
        shared.safe_points.register(std::iter::once(id), GcType::KeyspaceLevel).unwrap();
        shared.safe_points.advance([(id, 50)]);
        shared.safe_points.advance_global(50);
        Arc::new(shared)
    }

    /// Stored keys of neighbouring rows, mostly in order, some of them damaged or repeated.
    fn keys(rng: &mut SmallRng, shared: &Shared, plain: bool) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        for _ in 0..rng.random_range(1..60) {
            let width = if plain { 20 } else { *[3, 12, 20, 20, 20, 28].choose(rng).unwrap() };
            let user_key = format!("{:0width$}", rng.random_range(0..40));
            let (mode, id) = if plain { (None, None) } else { (Some(KeyMode::Raw), KeyspaceId::new(*[7, 7, 7, 8].choose(rng).unwrap())) };
            let mut key = shared.layout.encode(mode, id, user_key.as_bytes(), rng.random_range(40..60)).unwrap();
            if rng.random_ratio(1, 20) {
                let place = rng.random_range(0..key.len());
                key[place] = *[0, 1, 0xf6, 0xf7, 0xfe, 0xff].choose(rng).unwrap();
            }
            keys.extend(vec![key; rng.random_range(1..3)]);
        }
        keys.sort();
        if rng.random_ratio(1, 5) {
            let (one, other) = (rng.random_range(0..keys.len()), rng.random_range(0..keys.len()));
            keys.swap(one, other);
        }
        keys
    }

    #[test]
    fn answer_as_the_whole_decision_does() {
        // The log would be full of errors about keys out of order.
        crate::log::set_sink(None);
        let seed: u64 = rand::random();
        println!("seed {seed}");
        let mut rng = SmallRng::seed_from_u64(seed);
        let (mut shadowed, mut next_rows) = (0, 0);
        for options in ["data_prefix=z", "history=snapshot", "key_layout=plain;plain_keys=20;history=latest"] {
            for _ in 0..2000 {
                let (one, other) = (shared(options), shared(options));
                let keys = keys(&mut rng, &one, options.contains("plain"));
                let switched = rng.random_ratio(1, 10).then(|| rng.random_range(0..keys.len()));
                let (mut whole, mut frequent) = (
                    CompactionFilter::new(one.clone(), FilterKind::Default, CompactionContext::default()),
                    CompactionFilter::new(other.clone(), FilterKind::Default, CompactionContext::default()),
                );
                for (i, key) in keys.iter().enumerate() {
                    if switched == Some(i) {
                        one.set_enabled(false);
                        other.set_enabled(false);
                    }
                    let value: &[u8] =
                        [&b"v\0"[..], b"v\0", b"v\0", b"\x02", b"\0\0\0\0\0\0\0\x09\x01", b"\x01", b"", b"\x04"].choose(&mut rng).unwrap();
                    let expected = whole.decide(key, ValueView::Value(value));
                    let fast = frequent.decide_shadowed(key, value).inspect(|_| shadowed += 1);
                    let fast = fast.or_else(|| frequent.decide_next_row(key, value).inspect(|_| next_rows += 1));
                    let verdict = fast.unwrap_or_else(|| frequent.decide(key, ValueView::Value(value)));
                    assert_eq!(verdict, expected, "seed {seed}, {options}, key {i} of {keys:02x?}");
                }
                drop((whole, frequent));
                assert_eq!(one.stats.sums(), other.stats.sums(), "seed {seed}, {options}, {keys:02x?}");
            }
        }
        assert!(shadowed > 1000 && next_rows > 1000, "{shadowed} and {next_rows}: the frequent cases were rare");
    }
}
