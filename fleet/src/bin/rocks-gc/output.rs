//! Tables and times.

use comfy_table::{Table, presets};
use rocks_gc_fleet::worker::{Clock, SystemClock};

/// A table with these columns.
pub fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns);
    table
}

/// Writes a line, or a table. A reader that went away is no error.
pub fn print(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemClock.unix_ms() / 1000
}

/// A number that may be missing.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

/// Names with commas.
pub fn list(names: &[String]) -> String {
    if names.is_empty() { "-".into() } else { names.join(", ") }
}
