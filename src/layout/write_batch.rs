//! RocksDB's write batches, as the WAL stores them (RocksDB's `db/write_batch.cc`).
//!
//! ```text
//! sequence number u64 | count u32 | records          little-endian
//! sequence number u64 | count u32 | records          little-endian
//! record  tag | family varint32, with some tags | key len varint32, key
//!         | value len varint32, value, with some tags
//!
//! A batch is parsed only if every record is known. A batch with any other record, such as a marker
//! of a two-phase commit, is not parsed.

const SEQUENCE_LEN: usize = 8;
const HEADER_LEN: usize = SEQUENCE_LEN + 4;

/// The operation of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchOp {
    /// A key and its value or wide columns.
    Put,
    /// A merge operand.
    Merge,
    /// A tombstone.
    Delete,
    /// A tombstone for one put.
    SingleDelete,
    /// A range tombstone.
    DeleteRange,
    /// A note that is only in the WAL.
    LogData,
    /// The beginning of a transaction's batch.
    Noop,
}

impl BatchOp {
    /// Whether the header counts the record, which then has a sequence number.
    fn counts(self) -> bool {
        !matches!(self, Self::LogData | Self::Noop)
    }
}

/// A record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRecord<'b> {
    /// The operation.
    pub op: BatchOp,
    /// RocksDB's id of the column family.
    pub family: u32,
    /// The key; the start of a range tombstone; the whole note.
    pub key: &'b [u8],
    /// The value; the end of a range tombstone.
    pub value: &'b [u8],
    /// Whether it holds wide columns instead of a value.
    pub is_entity: bool,
    bytes: &'b [u8],
}

/// A parsed batch.
#[derive(Debug)]
pub struct WriteBatch<'b> {
    sequence: [u8; SEQUENCE_LEN],
    /// The records, in order.
    pub records: Vec<BatchRecord<'b>>,
}

impl<'b> WriteBatch<'b> {
    /// Parses a batch, if all of its records are known.
    pub fn parse(bytes: &'b [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let (sequence, count) = header.split_first_chunk::<SEQUENCE_LEN>()?;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (record, behind) = record(rest)?;
            // A Noop that is not the first record separates committed from uncommitted records.
            if record.op == BatchOp::Noop && !records.is_empty() {
                return None;
            }
            // Recovery calls this in a callback of the host. Without memory the batch is not
            // parsed, and is replayed unchanged.
            records.try_reserve(1).ok()?;
            records.push(record);
            rest = behind;
        }
        let counted = records.iter().filter(|record| record.op.counts()).count();
        (u32::from_le_bytes(count.try_into().ok()?) as usize == counted).then_some(Self { sequence: *sequence, records })
    }

    /// The batch without the records for which `keeps` is false: each of them is replaced by a
    /// delete of `key`. So the other records keep their sequence numbers. RocksDB treats a WAL as
    /// damaged if its sequence numbers do not continue those of the earlier WAL. The delete is in
    /// the same family, because another family's comparator may not accept the key. `None` means
    /// that there is no memory.
    pub fn keep(&self, keeps: impl Fn(&BatchRecord) -> bool, key: &[u8]) -> Option<Vec<u8>> {
        let count = self.records.iter().filter(|record| record.op.counts()).count() as u32;
        let place_holder = key.len() + 1 + 2 * LONGEST_VARINT;
        let len = |record: &BatchRecord| if keeps(record) { record.bytes.len() } else { place_holder };
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(HEADER_LEN + self.records.iter().map(len).sum::<usize>()).ok()?;
        bytes.extend_from_slice(&self.sequence);
        bytes.extend_from_slice(&count.to_le_bytes());
        for record in &self.records {
            if keeps(record) {
                bytes.extend_from_slice(record.bytes);
            } else {
                if record.family == 0 {
                    bytes.push(DELETE);
                } else {
                    bytes.push(FAMILY_DELETE);
                    put_varint(record.family, &mut bytes);
                }
                put_varint(key.len() as u32, &mut bytes);
                bytes.extend_from_slice(key);
            }
        }
        Some(bytes)
    }
}

/// The tag of a tombstone in the default family.
const DELETE: u8 = 0x00;
/// The tag of a tombstone in another family.
const FAMILY_DELETE: u8 = 0x04;

/// The length of the longest varint of 32 bits, in bytes.
const LONGEST_VARINT: usize = 5;

fn put_varint(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes the first record off.
fn record(bytes: &[u8]) -> Option<(BatchRecord<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (op, has_family, has_value) = match tag {
        DELETE => (BatchOp::Delete, false, false),
        0x01 | 0x16 => (BatchOp::Put, false, true),
        0x02 => (BatchOp::Merge, false, true),
        0x03 => (BatchOp::LogData, false, false),
        FAMILY_DELETE => (BatchOp::Delete, true, false),
        0x05 | 0x17 => (BatchOp::Put, true, true),
        0x06 => (BatchOp::Merge, true, true),
        0x07 => (BatchOp::SingleDelete, false, false),
        0x08 => (BatchOp::SingleDelete, true, false),
        0x0d => (BatchOp::Noop, false, false),
        0x0e => (BatchOp::DeleteRange, true, true),
        0x0f => (BatchOp::DeleteRange, false, true),
        _ => return None,
    };
    let (family, rest) = if has_family { varint(rest)? } else { (0, rest) };
    let (key, rest) = if op == BatchOp::Noop { (&[][..], rest) } else { prefixed(rest)? };
    let (value, rest) = if has_value { prefixed(rest)? } else { (&[][..], rest) };
    let bytes = bytes.get(..bytes.len() - rest.len())?;
    Some((BatchRecord { op, family, key, value, is_entity: matches!(tag, 0x16 | 0x17), bytes }, rest))
}

fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = varint(bytes)?;
    rest.split_at_checked(len as usize)
}

/// Reads a varint: the low 7 bits first, at most 5 bytes.
fn varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(number).ok()?, bytes.get(i + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch(count: u32, records: &[&[u8]]) -> Vec<u8> {
        [&b"sequence"[..], &count.to_le_bytes(), &records.concat()].concat()
    }

    const PUT: &[u8] = b"\x01\x01k\x02vw";
    const NOTE: &[u8] = b"\x03\x04note";
    const DELETE_IN_300: &[u8] = b"\x04\xac\x02\x01k";

    #[test]
    fn takes_known_records_apart() {
        let bytes = batch(2, &[b"\x0d", PUT, NOTE, DELETE_IN_300]);
        let parsed = WriteBatch::parse(&bytes).unwrap();
        let ops: Vec<_> = parsed.records.iter().map(|record| (record.op, record.family, record.key, record.value)).collect();
        assert_eq!(
            ops,
            [
                (BatchOp::Noop, 0, &b""[..], &b""[..]),
                (BatchOp::Put, 0, b"k", b"vw"),
                (BatchOp::LogData, 0, b"note", b""),
                (BatchOp::Delete, 300, b"k", b""),
            ]
        );
        assert_eq!(parsed.keep(|_| true, b"own").as_ref(), Some(&bytes));
        let without_put = batch(2, &[b"\x0d", b"\x00\x03own", NOTE, DELETE_IN_300]);
        assert_eq!(parsed.keep(|record| record.op != BatchOp::Put, b"own"), Some(without_put));
        let long = [7; 300];
        let with_long = batch(2, &[b"\x0d", b"\x00\xac\x02", &long, NOTE, DELETE_IN_300]);
        assert_eq!(parsed.keep(|record| record.op != BatchOp::Put, &long), Some(with_long));
        let in_family = batch(2, &[b"\x0d", PUT, NOTE, b"\x04\xac\x02\x03own"]);
        assert_eq!(parsed.keep(|record| record.op != BatchOp::Delete, b"own"), Some(in_family));
    }

    #[test]
    fn leaves_what_is_not_known_to_the_last_byte() {
        for (what, bytes) in [
            ("another count", batch(2, &[PUT])),
            ("begin of a prepare", batch(1, &[b"\x09", PUT])),
            ("end of a prepare", batch(1, &[PUT, b"\x0a\x01x"])),
            ("commit", batch(0, &[b"\x0b\x01x"])),
            ("a border in the middle", batch(1, &[PUT, b"\x0d"])),
            ("an unknown tag", batch(1, &[b"\x7f\x01k"])),
            ("a blob index", batch(1, &[b"\x11\x01k\x01v"])),
            ("a length too long", batch(1, &[b"\x01\x01k\x7fv"])),
            ("a number of six bytes", batch(1, &[b"\x01\x81\x80\x80\x80\x80\0k\0"])),
            ("a number above 32 bits", batch(1, &[b"\x01\xff\xff\xff\xff\x7f"])),
            ("no header", b"sequence\0\0\0".to_vec()),
        ] {
            assert!(WriteBatch::parse(&bytes).is_none(), "{what}");
        }
        assert!(WriteBatch::parse(&batch(0, &[])).is_some());
    }

    proptest! {
        #[test]
        fn whatever_is_taken_apart_goes_together_again(bytes: Vec<u8>, count in 0u32..4) {
            let bytes = batch(count, &[&bytes]);
            if let Some(parsed) = WriteBatch::parse(&bytes) {
                prop_assert_eq!(parsed.keep(|_| true, b""), Some(bytes.clone()));
            }
        }
    }
}
