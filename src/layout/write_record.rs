//! The records of the write column family (TiKV's `Write`): `type | varint start_ts | tagged
//! fields`. The fields may have any order; the last of a repeated field counts.
//!
//! | tag | field | payload |
//! |---|---|---|
//! | type `P` `D` `L` `R` | put, delete, lock, rollback | none |
//! | `v` | short value | 1 byte length, bytes |
//! | `R` | overlapped rollback | none |
//! | `F` | GC fence | 8 bytes, big-endian |
//! | `l` | last change | 8 bytes ts, varint count; a ts without a count is an error |
//! | `S` | transaction source | varint |
//!
//! As in TiKV, reading ends at the first unknown tag. Two cases in which TiKV panics are errors
//! here: a short value that is cut off, and a last change with a count of 0.

use super::Timestamp;

/// The event that a record describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteType {
    /// A value was written.
    Put,
    /// The row was deleted.
    Delete,
    /// The row was only locked.
    Lock,
    /// A transaction was rolled back.
    Rollback,
}

/// The fields of a record that garbage collection needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteRecord {
    /// The event.
    pub write_type: WriteType,
    /// The timestamp at which the transaction began. A long value in the default column family has
    /// it in its key.
    pub start_ts: Timestamp,
    /// Whether the value is in the record; it may be empty.
    pub has_short_value: bool,
    /// The GC fence; 0 means none.
    pub gc_fence: Timestamp,
    /// Whether reading ended at a tag of a later version.
    pub has_unknown_tag: bool,
}

/// The error for a record that does not follow the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unparsed;

impl WriteRecord {
    /// Reads a whole record.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unparsed> {
        let (&first, rest) = bytes.split_first().ok_or(Unparsed)?;
        let write_type = match first {
            b'P' => WriteType::Put,
            b'D' => WriteType::Delete,
            b'L' => WriteType::Lock,
            b'R' => WriteType::Rollback,
            _ => return Err(Unparsed),
        };
        let (start_ts, mut rest) = lenient_varint(rest)?;
        let mut record = Self { write_type, start_ts, has_short_value: false, gc_fence: 0, has_unknown_tag: false };
        while let Some((&tag, payload)) = rest.split_first() {
            rest = match tag {
                b'v' => {
                    let (&len, bytes) = payload.split_first().ok_or(Unparsed)?;
                    record.has_short_value = true;
                    bytes.get(usize::from(len)..).ok_or(Unparsed)?
                }
                b'R' => payload,
                b'F' => {
                    let (fence, rest) = fixed_u64(payload)?;
                    record.gc_fence = fence;
                    rest
                }
                b'l' => {
                    let (ts, rest) = fixed_u64(payload)?;
                    let (count, rest) = varint(rest)?;
                    if ts > 0 && count == 0 {
                        return Err(Unparsed);
                    }
                    rest
                }
                b'S' => varint(payload)?.1,
                _ => {
                    record.has_unknown_tag = true;
                    break;
                }
            };
        }
        Ok(record)
    }
}

pub(super) fn fixed_u64(bytes: &[u8]) -> Result<(u64, &[u8]), Unparsed> {
    bytes.split_first_chunk().map(|(value, rest)| (u64::from_be_bytes(*value), rest)).ok_or(Unparsed)
}

/// The length of the longest varint, in bytes.
const VARINT_MAX: usize = 10;

/// A protobuf varint; a tenth byte above 1 is an error.
pub(super) fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Unparsed> {
    let (value, rest) = lenient_varint(bytes)?;
    match bytes.get(VARINT_MAX - 1) {
        Some(&tenth) if bytes.len() - rest.len() == VARINT_MAX && tenth > 1 => Err(Unparsed),
        _ => Ok((value, rest)),
    }
}

/// A varint as TiKV reads a start_ts. Of a tenth byte only the lowest bit counts, and it is always
/// the last byte.
fn lenient_varint(bytes: &[u8]) -> Result<(u64, &[u8]), Unparsed> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().enumerate().take(VARINT_MAX) {
        // In the tenth byte the shift leaves only the lowest bit.
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 || i + 1 == VARINT_MAX {
            return Ok((value, bytes.get(i + 1..).unwrap_or_default()));
        }
    }
    Err(Unparsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use WriteType::{Delete, Lock, Put, Rollback};
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn record(write_type: WriteType, start_ts: u64, has_short_value: bool, gc_fence: u64) -> Result<WriteRecord, Unparsed> {
        Ok(WriteRecord { write_type, start_ts, has_short_value, gc_fence, has_unknown_tag: false })
    }

    #[test]
    fn reads_what_tikv_writes() {
        for (bytes, expected) in [
            ("5000760b73686f72745f76616c7565", record(Put, 0, true, 0)),
            ("44808040", record(Delete, 1 << 20, false, 0)),
            ("52808080808020760170", record(Rollback, 1 << 40, true, 0)),
            ("52808080808040", record(Rollback, 1 << 41, false, 0)),
            ("507b52", record(Put, 123, false, 0)),
            ("507b5246000000000012d687", record(Put, 123, false, 1_234_567)),
            ("50c803760b73686f72745f76616c756552", record(Put, 456, true, 0)),
            ("50c803760b73686f72745f76616c756552460000000000000000", record(Put, 456, true, 0)),
            ("50c803760b73686f72745f76616c75655246000000000023cace", record(Put, 456, true, 2_345_678)),
            ("50c803760b73686f72745f76616c7565524605d91ac3b9ec0001", record(Put, 456, true, 421_397_468_076_048_385)),
            ("4cc8036c00000000000001590b", record(Lock, 456, false, 0)),
            ("4cc8036c000000000000000001", record(Lock, 456, false, 0)),
            ("4cc8035301", record(Lock, 456, false, 0)),
            ("4c01760b73686f72745f76616c7565", record(Lock, 1, true, 0)),
            ("5005", record(Put, 5, false, 0)),
            ("507f", record(Put, 127, false, 0)),
            ("508001", record(Put, 128, false, 0)),
            ("50ffffffffffffffffff01", record(Put, u64::MAX, false, 0)),
            ("50647600", record(Put, 100, true, 0)),
            ("448c0152460000000000000000", record(Delete, 140, false, 0)),
            (
                "508180b0cfbbd8c6ec05760176524605d91ac3b9ec00026c05d91ac3b9ec00000353ac02",
                record(Put, 421_397_468_076_048_385, true, 421_397_468_076_048_386),
            ),
            // An empty last change; tags in another order; a repeated field; TiKV's lenient tenth
            // byte.
            ("50056c000000000000000000", record(Put, 5, false, 0)),
            ("50056c000000000000000007", record(Put, 5, false, 0)),
            ("500552760161", record(Put, 5, true, 0)),
            ("5005760161760162", record(Put, 5, true, 0)),
            ("520552", record(Rollback, 5, false, 0)),
            ("50ffffffffffffffffffff52", record(Put, u64::MAX, false, 0)),
            ("508000", record(Put, 0, false, 0)),
        ] {
            assert_eq!(WriteRecord::parse(&hex(bytes)), expected, "{bytes}");
        }
    }

    #[test]
    fn refuses_what_is_broken() {
        for bytes in [
            "",
            "5805",
            "7005",
            "50",
            "4c",
            "5080",
            "508080808080808080",
            "500576",
            "50057605616263",
            "5005460000",
            "50056c",
            "50056c0000000000000005",
            "50056c000000000000000500",
            "500553",
            "50055380",
            "50055380808080808080808002",
            "50055380808080808080808080",
        ] {
            assert_eq!(WriteRecord::parse(&hex(bytes)), Err(Unparsed), "{bytes}");
        }
    }

    #[test]
    fn an_unknown_tag_ends_the_reading() {
        let parsed = WriteRecord::parse(&hex("50055a760161")).unwrap();
        assert!(parsed.has_unknown_tag && !parsed.has_short_value);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>, head in prop_oneof![Just(b'P'), Just(b'D'), Just(b'L'), Just(b'R')]) {
            let _ = WriteRecord::parse(&[&[head][..], &bytes].concat());
            prop_assert_eq!(WriteRecord::parse(&bytes).is_ok_and(|_| !b"PDLR".contains(&bytes[0])), false);
        }
    }
}
