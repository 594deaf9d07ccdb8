//! The two cases that apply to nearly all keys of judged rows, in as few instructions as possible:
//! no call, and nothing that could panic. Each answers as the general way would. In every other
//! case it answers `None`, and has changed nothing. The shared state is passed as an `Arc`, so that
//! it is loaded only when it is needed.

use super::row_walk::{RowState, RowWalk};
use crate::layout::bytes::{Difference, USUAL, equal, first_difference};
use crate::layout::raw_value::RawValue;
use crate::layout::{Layout, TIMESTAMP_LEN, split_timestamp};
use crate::rule::Verdict;
use crate::rule::raw::{Death, Row};
use crate::shared::Shared;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The number of bytes that [`RowWalk::next_row`] copies from the end of a row. A variable length
/// would need a call.
const PART: usize = 24;

/// The lengths of keys whose rows are compared without a loop.
pub const USUAL_KEYS: RangeInclusive<usize> = *USUAL.start() + TIMESTAMP_LEN..=*USUAL.end() + TIMESTAMP_LEN;

/// The number of bytes that two keys of one length must share to have the same owner, for
/// [`RowWalk::next_row`]. Every row of this case must have two groups, so that the first group
/// holds a keyspace. If the data prefix is too long for that, the case never applies.
pub fn owner_len(layout: &Layout) -> usize {
    if layout.two_groups_len() <= PART { layout.owner_len() } else { usize::MAX }
}

impl RowWalk {
    /// Decides about a shadowed version of the current row whose value parses.
    #[inline(always)]
    pub fn shadowed<const IS_USUAL: bool>(&mut self, gc: &Arc<Shared>, key: &[u8], value: &[u8]) -> Option<Verdict> {
        let RowState::Raw(row) = &self.state else { return None };
        if key.len() != self.last_key.len() {
            return None;
        }
        equal::<IS_USUAL>(split_timestamp(key)?.0, split_timestamp(&self.last_key)?.0)?;
        let (_, ts) = split_timestamp(key)?;
        if ts > self.last_ts || gc.generation() != self.span.generation {
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
    pub fn next_row<const IS_USUAL: bool>(&mut self, gc: &Arc<Shared>, key: &[u8], value: &[u8]) -> Option<()> {
        let RowState::Raw(ended) = &mut self.state else { return None };
        if ended.dead().is_some() || key.len() < PART + TIMESTAMP_LEN || key.len() != self.last_key.len() {
            return None;
        }
        let ((row, _), (last_row, _)) = (split_timestamp(key)?, self.last_key.split_last_chunk_mut::<TIMESTAMP_LEN>()?);
        let Difference { place, is_before } = first_difference::<IS_USUAL>(row, last_row)?;
        if is_before || place < self.owner_len || gc.generation() != self.span.generation || !gc.layout.is_row_like(row, place) {
            return None;
        }
        let value = RawValue::parse_v2(value).ok()?;
        let death = Death::of(value.delete_mark, value.expire_ts, self.expired);
        match row.len() {
            ..=48 => last_row.first_chunk_mut::<PART>()?.copy_from_slice(row.first_chunk::<PART>()?),
            49..=72 => last_row.first_chunk_mut::<48>()?.copy_from_slice(row.first_chunk::<48>()?),
            len if place + PART < len => return None,
            _ => {}
        }
        last_row.last_chunk_mut::<PART>()?.copy_from_slice(row.last_chunk::<PART>()?);
        let (_, ts) = split_timestamp(key)?;
        self.last_ts = ts;
        *ended = Row::begin(ts, death, self.span.safe_point, self.history);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::USUAL_KEYS;
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
        let rows = *[3, 40].choose(rng).unwrap();
        for _ in 0..rng.random_range(1..60) {
            let width = if plain { 20 } else { *[3, 12, 20, 20, 20, 28].choose(rng).unwrap() };
            // Rows differ at their end or right behind the keyspace.
            let row = rng.random_range(0..rows);
            let user_key = if rng.random_bool(0.8) { format!("{row:0width$}") } else { format!("{row:0<width$}") };
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
                    let is_usual = USUAL_KEYS.contains(&key.len()) && rng.random_bool(0.5);
                    let fast =
                        if is_usual { frequent.decide_shadowed::<true>(key, value) } else { frequent.decide_shadowed::<false>(key, value) };
                    let fast = fast.inspect(|_| shadowed += 1).or_else(|| {
                        let next_row = if is_usual {
                            frequent.decide_next_row::<true>(key, value)
                        } else {
                            frequent.decide_next_row::<false>(key, value)
                        };
                        next_row.inspect(|_| next_rows += 1)
                    });
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
