//! The ledger in an embedded SQLite database.
