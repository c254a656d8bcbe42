//! JSON that may hold secrets.

use std::io::{self, Write};

use serde::Serialize;
use zeroize::Zeroizing;

/// The JSON text of a value, in a buffer of exactly its size: it is measured first, so
/// that no half-grown copy stays behind in freed memory. The buffer is wiped when dropped.
#[expect(
    clippy::expect_used,
    reason = "memory takes every byte, and the keys are texts: nothing is left that can fail"
)]
pub(crate) fn to_json(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut size = Size(0);
    serde_json::to_writer(&mut size, value).expect("a size takes every byte");
    let mut json = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *json, value).expect("memory takes every byte");
    json
}

/// Counts what is written.
struct Size(usize);

impl Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
