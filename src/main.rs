//! The command `integrationd`.

use std::process::ExitCode;

fn main() -> ExitCode {
    integrationd::cli::main()
}
