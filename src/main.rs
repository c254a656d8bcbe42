//! The program `integrationd`.

fn main() {}
