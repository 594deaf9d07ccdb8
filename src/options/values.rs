//! The values of options as texts.

/// The choice with this name.
pub fn choose<T: Copy, const N: usize>(value: &str, choices: [(&str, T); N]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == value).map(|&(_, choice)| choice)
}

/// A number. Decimal digits only: `parse` alone would accept a plus sign.
pub fn number(value: &str) -> Option<u64> {
    value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The bytes that a text means: its own, or those that it writes as hex.
pub fn text_or_hex(value: &str) -> Option<Vec<u8>> {
    match value.strip_prefix("0x") {
        Some(digits) if digits.len() % 2 == 0 => {
            let (pairs, _) = digits.as_bytes().as_chunks::<2>();
            let digit = |byte: u8| char::from(byte).to_digit(16);
            pairs.iter().map(|&[high, low]| Some((digit(high)? * 16 + digit(low)?) as u8)).collect()
        }
        _ => Some(value.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_text_or_hex() {
        for (value, bytes) in [("z", &b"z"[..]), ("0x7A00", b"z\0"), ("0x7", b"0x7"), ("", b"")] {
            assert_eq!(text_or_hex(value).as_deref(), Some(bytes), "{value}");
        }
    }
}
