//! What the help of each command says below its options: examples, and at
//! length (`--help`) the environment and the exit codes.

/// Joins pieces of help into one constant.
macro_rules! help {
    ($($piece:expr),+ $(,)?) => { concat!($($piece),+) };
}

macro_rules! connection {
    () => {
        "\
Environment:
  IMMUTA_URL           the tenant, such as https://acme.hosted.immutacloud.com
  IMMUTA_HOST          the tenant as well; the scheme may be left out
  IMMUTA_API_KEY       the API key; or IMMUTA_API_TOKEN
  IMMUTA_API_KEY_FILE  a file that holds it; or the systemd credential immuta-api-key
  HTTPS_PROXY          the proxy, if there is one; NO_PROXY names exceptions
  A flag beats the environment. Two sources for one setting are an error.
"
    };
}

macro_rules! root_examples {
    () => {
        "\
Examples:
  integrationd sync --simulate   try it: no tenant, no credentials
  integrationd validate          check the files, touch nothing
  integrationd ping              check the URL and the API key
  integrationd sync --dry-run    show what would change
  integrationd sync              show it, ask, and change it
"
    };
}

macro_rules! sync_examples {
    () => {
        "\
Examples:
  integrationd sync --dry-run                        show the plan of ./integrations.d
  integrationd sync                                  show it, ask, and apply it
  integrationd sync --yes --only warehouse-prod      one integration, without asking
  integrationd sync --resend-secrets warehouse-prod  send its stored secrets again
  integrationd sync --dry-run --detailed-exitcode    in CI: 2 means that something changes
  integrationd sync --dry-run -o json | jq .plan     for programs
  integrationd sync --simulate                       against a simulated tenant
"
    };
}

macro_rules! validate_examples {
    () => {
        "\
Examples:
  integrationd validate
  integrationd validate integrations.d/warehouse.yaml
  integrationd validate -o json | jq '.diagnostics[]'
"
    };
}

macro_rules! list_examples {
    () => {
        "\
Examples:
  integrationd list
  integrationd list -o json | jq -r '.integrations[] | select(.status != \"enabled\") | .id'
"
    };
}

macro_rules! ping_examples {
    () => {
        "\
Examples:
  integrationd ping
  integrationd ping --url https://acme.hosted.immutacloud.com --api-key-file key.txt
"
    };
}

pub(super) const ROOT: &str = help!(
    root_examples!(),
    "
The tenant is named by IMMUTA_URL, the API key by IMMUTA_API_KEY. See `--help` for all of it."
);

pub(super) const ROOT_LONG: &str = help!(
    root_examples!(),
    "\n",
    connection!(),
    "
Exit codes:
  0   in sync, or applied
  1   failed
  2   changes are pending (only with --detailed-exitcode)
  3   some changes were applied, some were not
  4   not approved: no answer, refused by the guard, or a rewritten history
  64  the command line is wrong
  65  an integration file is invalid
  78  the settings are invalid
  When several apply, the first of 4, 3, 1, 65, 2."
);

pub(super) const SYNC: &str = sync_examples!();

pub(super) const SYNC_LONG: &str = help!(
    sync_examples!(),
    "\n",
    connection!(),
    "  NO_COLOR             no colours

Exit codes:
  0   in sync, or applied; a dry run that could make its plan
  1   failed, or something is blocked
  2   changes are pending (only in a dry run with --detailed-exitcode)
  3   some changes were applied, some were not; also when a signal ended it
  4   not approved: no answer, refused by the guard, or a rewritten history
  64  the command line is wrong
  65  an integration file is invalid; the others were processed
  78  the settings are invalid
  When several apply, the first of 4, 3, 1, 65, 2.

Signals:
  The first Ctrl-C (or SIGTERM) starts no new write and finishes those under way, for
  up to 20 seconds. The second one stops at once. In all cases the next run continues."
);

pub(super) const DAEMON: &str = "\
Examples:
  integrationd daemon /etc/integrationd/integrations.d
  integrationd daemon --policy sync --interval 5m
  integrationd daemon --poll 30s /mnt/share/integrations.d    a network file system
  integrationd daemon --listen-token-file token               clients with it may trigger a run
  integrationd daemon --notify-url-file url                   report failures to a webhook

The status page is at http://127.0.0.1:9464/, and so are /status, /metrics, /livez and /readyz.

Signals:
  SIGTERM, SIGINT   start no new write; end when those under way have ended
  SIGHUP            read the settings again and start a run, with the key and secrets as they are

Exit codes:
  0   stopped by a signal
  1   the ledger or the address to listen on cannot be used
  78  the settings are invalid";

pub(super) const VALIDATE: &str = validate_examples!();

pub(super) const VALIDATE_LONG: &str = help!(
    validate_examples!(),
    "
Exit codes:
  0   every file is valid; there may be warnings
  1   the files could not be read
  65  a file is invalid"
);

pub(super) const EXPLAIN: &str = "\
Examples:
  integrationd explain E0301
  integrationd explain E0301 -o json | jq -r .right > warehouse.yaml

docs/diagnostics.md has all codes.";

pub(super) const LIST: &str = list_examples!();

pub(super) const LIST_LONG: &str = help!(
    list_examples!(),
    "\n",
    connection!(),
    "
Exit codes:
  0   the list is complete
  1   the tenant could not be read, or only a part of it
  78  the settings are invalid"
);

pub(super) const PING: &str = ping_examples!();

pub(super) const PING_LONG: &str = help!(
    ping_examples!(),
    "\n",
    connection!(),
    "
Exit codes:
  0   all checks passed
  1   a check failed; the last line says what to do
  78  the settings are invalid"
);

pub(super) const SIMULATOR: &str = "\
Examples:
  integrationd simulator --listen 127.0.0.1:8080 --settle 2s
  curl http://127.0.0.1:8080/_simulator/state           what it holds
  curl http://127.0.0.1:8080/_simulator/faults -d '{\"kind\": {\"server_error\": {\"code\": 503}}}'
                                                        the next request fails
  integrationd simulator --connections works            a tenant with connections
  curl http://127.0.0.1:8080/_simulator/connections -d '{\"key\": \"sales\", \"technology\": \"Glue\", \"integration\": 1}'
                                                        one that took integration 1 over

It speaks the API's documented routes and keeps everything in memory. Its own
routes, below /_simulator/, need no credentials: it listens on loopback only.";

pub(super) const ADOPT: &str = "\
Examples:
  integrationd adopt warehouse-prod                  one, by the name of its file
  integrationd adopt --all --dir /etc/integrations   all that pair without doubt
  integrationd adopt --all --secrets assume          the server has the secrets of the files

An adopted integration may be deleted by `sync --policy sync` once its file is
gone. Without `--secrets` its stored secrets are not compared until they are sent.";

pub(super) const HISTORY: &str = "\
Examples:
  integrationd history                    the last ten runs that wrote something
  integrationd history -o json | jq .deleted    the last known attributes of deleted ones

A run without an end was cut off; the next run found out what became of it.";

pub(super) const SUSPEND: &str = "\
Examples:
  integrationd suspend --reason 'vendor migration' --until 2026-12-01    to the end of that day, in UTC
  integrationd suspend warehouse-prod --reason 'maintenance'
  integrationd suspend new-lake --unknown --reason 'not yet'    a file that was never applied

`systemctl reload integrationd` applies it at once.";

pub(super) const RESOLVE: &str = "\
Examples:
  integrationd resolve warehouse-prod --adopt 12   integration 12 is its result
  integrationd resolve warehouse-prod --retry      it had no effect: repeat it

The outcome of a write is unknown when its answer, or the process, was lost, and the
tenant shows several integrations that could be the result. Nothing is written for the
integration until an operator decides.";

pub(super) const HOOK: &str = "\
Examples:
  integrationd hook install /srv/git/tenant.git                  every push to it triggers a run
  integrationd hook install /srv/git/tenant.git --branch main    only those to this branch
  integrationd hook install /srv/git/tenant.git --uninstall
  integrationd hook run                                          run now, and show the plan

The daemon reads its own source, not what was pushed: let it read this repository.
`hook run` exits as `sync` would; a push has succeeded by then.";

pub(super) const MAN: &str = "\
Examples:
  integrationd man | man -l -
  integrationd man sync | man -l -
  integrationd man --directory /usr/local/share/man/man1";

pub(super) const COMPLETION: &str = "\
Examples:
  integrationd completion bash > /usr/share/bash-completion/completions/integrationd
  integrationd completion zsh > /usr/share/zsh/vendor-completions/_integrationd
  integrationd completion fish > /usr/share/fish/vendor_completions.d/integrationd.fish";

pub(super) const RENDER: &str = "\
Examples:
  integrationd render --var-file production.yaml
  diff <(integrationd render --var-file staging.yaml) <(integrationd render --var-file production.yaml)";

pub(super) const SCHEMA: &str = "\
Examples:
  integrationd schema > integration.schema.json

In a file, for editors with the YAML language server:
  # yaml-language-server: $schema=integration.schema.json";
