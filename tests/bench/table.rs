//! A table that is Markdown as it stands, and what stands in its cells.

use std::time::Duration;

use comfy_table::{CellAlignment, Row, Table, presets};

/// With this header; all columns but the first hold numbers.
pub(crate) fn table<H: Into<Row>>(header: H) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The middle one; nothing's is the default.
pub(crate) fn median<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

pub(crate) fn mebibytes(kib: Option<u64>) -> String {
    format!("{} MiB", kib.unwrap_or_default().div_ceil(1024))
}
