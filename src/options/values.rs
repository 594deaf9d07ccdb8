//! The values of options as texts.

/// The choice with this name.
pub fn choose<T: Copy, const N: usize>(value: &str, choices: [(&str, T); N]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == value).map(|&(_, choice)| choice)
}

/// A number. Decimal digits only: `parse` alone would accept a plus sign.
pub fn number(value: &str) -> Option<u64> {
    value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A decimal fraction above 0, for example 1.5.
pub fn positive(value: &str) -> Option<f64> {
    let parsed: f64 = value.parse().ok()?;
    (parsed > 0.0 && parsed.is_finite() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')).then_some(parsed)
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
