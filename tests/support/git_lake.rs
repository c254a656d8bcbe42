//! A lake in a git repository, and the command that reads it.

use tempfile::TempDir;

use crate::common::{Integrationd, Running, Tenant};

pub(crate) const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

pub(crate) const BOUND: &str = "--allow-secret=env:LAKE_TOKEN=Databricks@lake.example.com";

/// A command on the files of a repository, with what it remembers of the tenant.
pub(crate) fn run(
    (tenant, state): (&Tenant, &TempDir),
    command: &str,
    url: &str,
    args: &[&str],
) -> Integrationd {
    let run = Integrationd::new([command, "--git-directory=files", "--state"]);
    let run = run.arg(state.path()).arg("--git").arg(url);
    let run = args.iter().fold(run, Integrationd::arg).on(tenant);
    run.env("LAKE_TOKEN", "token-of-the-lake")
        .env("INTEGRATIOND_LOG_LEVEL", "info")
}

pub(crate) fn ends(daemon: Running) {
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}
