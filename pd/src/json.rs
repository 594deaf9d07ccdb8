//! A strict reader of JSON objects with a few known fields, numbers exact to 64 bits. Unknown fields
//! are skipped, whatever they hold. A known field that occurs twice is an error.

use crate::error::{Error, Result};

/// The most arrays and objects inside each other.
const DEEPEST: usize = 100;

/// An object's fields, in order.
pub(crate) struct Object<'t>(Vec<(String, Value<'t>)>);

enum Value<'t> {
    /// A number as it is written.
    Number(&'t str),
    Text,
    Null,
    Other,
}

impl<'t> Object<'t> {
    /// Reads a text that is one object.
    pub(crate) fn parse(text: &'t str) -> Result<Self> {
        let mut reader = Reader { rest: text };
        reader.skip_space();
        let object = if reader.rest.starts_with('{') { reader.object(DEEPEST)? } else { return Err(Error("it is no JSON object".into())) };
        reader.skip_space();
        if reader.rest.is_empty() { Ok(object) } else { Err(reader.unexpected("behind the object")) }
    }

    fn find(&self, name: &str) -> Result<Option<&Value<'t>>> {
        let mut found = self.0.iter().filter(|(field, _)| field == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Error(format!("field {name} occurs twice"))),
            (value, None) => Ok(value),
        }
    }

    fn number<T: std::str::FromStr>(&self, name: &str, what: &str) -> Result<T> {
        let value = self.find(name)?.ok_or_else(|| Error(format!("field {name} is missing")))?;
        let written = if let Value::Number(written) = value { *written } else { "no number" };
        // Minus 0 is no integer in JSON readers: it is a double.
        let number = if written == "-0" { None } else { written.parse().ok() };
        number.ok_or_else(|| Error(format!("field {name} is {written}, and must be {what}")))
    }

    pub(crate) fn u64(&self, name: &str) -> Result<u64> {
        self.number(name, "an integer from 0 to 18446744073709551615")
    }

    pub(crate) fn i64(&self, name: &str) -> Result<i64> {
        self.number(name, "an integer of 64 bits with a sign")
    }

    /// Checks a field that may be missing or null.
    pub(crate) fn optional_u32(&self, name: &str) -> Result<()> {
        match self.find(name)? {
            None | Some(Value::Null) => Ok(()),
            Some(_) => self.number::<u32>(name, "an integer from 0 to 4294967295").map(drop),
        }
    }

    /// Checks a field that must be a text.
    pub(crate) fn text(&self, name: &str) -> Result<()> {
        match self.find(name)? {
            Some(Value::Text) => Ok(()),
            Some(_) => Err(Error(format!("field {name} must be a text"))),
            None => Err(Error(format!("field {name} is missing"))),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn unexpected(&self, place: &str) -> Error {
        match self.rest.chars().next() {
            Some(found) => Error(format!("{found:?} stands {place}")),
            None => Error(format!("the text ends {place}")),
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes a token, and space around it.
    fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        self.skip_space();
        true
    }

    fn expect(&mut self, token: &str, place: &str) -> Result<()> {
        if self.takes(token) { Ok(()) } else { Err(self.unexpected(place)) }
    }

    fn object(&mut self, depth: usize) -> Result<Object<'t>> {
        self.expect("{", "before an object")?;
        let mut fields = Vec::new();
        if self.takes("}") {
            return Ok(Object(fields));
        }
        loop {
            let name = self.text()?;
            self.expect(":", "behind a field's name")?;
            fields.push((name, self.value(depth)?));
            if self.takes("}") {
                return Ok(Object(fields));
            }
            self.expect(",", "behind a field")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<()> {
        self.expect("[", "before an array")?;
        if self.takes("]") {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.takes("]") {
                return Ok(());
            }
            self.expect(",", "behind an element")?;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'t>> {
        self.skip_space();
        let inner = || depth.checked_sub(1).ok_or_else(|| Error(format!("more than {DEEPEST} arrays or objects lie inside each other")));
        match self.rest.bytes().next() {
            Some(b'{') => self.object(inner()?).map(|_| Value::Other),
            Some(b'[') => self.array(inner()?).map(|()| Value::Other),
            Some(b'"') => self.text().map(|_| Value::Text),
            Some(b'-' | b'0'..=b'9') => self.written_number().map(Value::Number),
            _ if self.takes("null") => Ok(Value::Null),
            _ if self.takes("true") || self.takes("false") => Ok(Value::Other),
            _ => Err(self.unexpected("where a value must stand")),
        }
    }

    /// A number as JSON defines it: no leading zero, no plus, a digit on both sides of a point.
    fn written_number(&mut self) -> Result<&'t str> {
        let all = self.rest;
        let digits = |text: &'t str| text.trim_start_matches(|c: char| c.is_ascii_digit());
        let mut rest = all.strip_prefix('-').unwrap_or(all);
        let behind = |before: &'t str, place: &str| {
            let after = digits(before);
            if after.len() == before.len() { Err(Error(format!("no digit stands {place} of a number"))) } else { Ok(after) }
        };
        rest = match rest.strip_prefix('0') {
            Some(rest) if digits(rest).len() < rest.len() => return Err(Error("a number begins with 0".into())),
            Some(rest) => rest,
            None => behind(rest, "at the beginning")?,
        };
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = behind(fraction, "behind the point")?;
        }
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            rest = behind(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), "in the exponent")?;
        }
        self.rest = rest;
        Ok(all.strip_suffix(rest).unwrap_or(all))
    }

    /// A text between quotes, without its escapes.
    fn text(&mut self) -> Result<String> {
        self.rest = self.rest.strip_prefix('"').ok_or_else(|| self.unexpected("where a text must begin"))?;
        let mut text = String::new();
        loop {
            let mut characters = self.rest.chars();
            let character = characters.next().ok_or_else(|| Error("the text ends inside quotes".into()))?;
            self.rest = characters.as_str();
            match character {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                '\0'..' ' => return Err(Error(format!("{character:?} stands inside quotes without an escape"))),
                _ => text.push(character),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        let mut characters = self.rest.chars();
        let character = characters.next();
        self.rest = characters.as_str();
        Ok(match character {
            Some(plain @ ('"' | '\\' | '/')) => plain,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => self.escaped_unit()?,
            _ => return Err(Error("a backslash stands before no escape".into())),
        })
    }

    /// A UTF-16 unit in four digits; a high surrogate is followed by a low one.
    fn escaped_unit(&mut self) -> Result<char> {
        let mut units = vec![self.four_digits()?];
        if (0xd800..0xdc00).contains(&units.first().copied().unwrap_or_default()) {
            self.rest = self.rest.strip_prefix("\\u").ok_or_else(|| Error("a high surrogate stands alone".into()))?;
            units.push(self.four_digits()?);
        }
        match char::decode_utf16(units).collect::<std::result::Result<Vec<_>, _>>().as_deref() {
            Ok([character]) => Ok(*character),
            _ => Err(Error("surrogates are no pair".into())),
        }
    }

    fn four_digits(&mut self) -> Result<u16> {
        let (digits, rest) = self
            .rest
            .split_at_checked(4)
            .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .ok_or_else(|| Error("an escape \\u has no four hexadecimal digits".into()))?;
        self.rest = rest;
        u16::from_str_radix(digits, 16).map_err(|error| Error(format!("{digits:?}: {error}")))
    }
}
