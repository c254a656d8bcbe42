//! Help of each command below its options: examples, and with `--help` the environment and the
//! exit codes.

/// Joins pieces of help into one constant.
macro_rules! help {
    ($($piece:expr),+ $(,)?) => { concat!($($piece),+) };
}

macro_rules! connection {
    () => {
        "\
Environment:
  IMMUTA_URL           the tenant's URL, such as https://acme.hosted.immutacloud.com
  IMMUTA_HOST          an alternative to IMMUTA_URL; the scheme is optional
  IMMUTA_API_KEY       the API key; IMMUTA_API_TOKEN also works
  IMMUTA_API_KEY_FILE  a file with the API key; or use the systemd credential immuta-api-key
  HTTPS_PROXY          the proxy, if any; NO_PROXY lists exceptions
  A flag overrides the environment. Without a flag, two sources for one setting are an error.
"
    };
}

macro_rules! root_examples {
    () => {
        "\
Examples:
  integrationd sync --simulate   try integrationd without a tenant or credentials
  integrationd validate          check the files without contacting the tenant
  integrationd ping              check the URL and the API key
  integrationd sync --dry-run    show what would change
  integrationd sync              show the plan, ask for confirmation, and apply it
"
    };
}

macro_rules! sync_examples {
    () => {
        "\
Examples:
  integrationd sync --dry-run                        show the plan for ./integrations.d
  integrationd sync                                  show the plan, ask for confirmation, and apply it
  integrationd sync --yes --only warehouse-prod      apply one integration without asking
  integrationd sync --resend-secrets warehouse-prod  resend its secrets, even if unchanged
  integrationd sync --dry-run --detailed-exitcode    in CI: exit with 2 if changes are pending
  integrationd sync --dry-run -o json | jq .plan     print the plan as JSON
  integrationd sync --simulate                       apply to a simulated tenant
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
  integrationd ping --profile profile.json    describe the tenant's API, for a bug report
"
    };
}

pub(super) const ROOT: &str = help!(
    root_examples!(),
    "
Set IMMUTA_URL and IMMUTA_API_KEY. See `--help` for all options."
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
  3   some changes were applied and others were not
  4   not approved: the prompt was not confirmed, the guard refused the plan, or the
      git history was rewritten
  64  the command line is wrong
  65  an integration file is invalid
  78  the settings are invalid
  If several codes apply, the first of 4, 3, 1, 65, 2 is used."
);

pub(super) const SYNC: &str = sync_examples!();

pub(super) const SYNC_LONG: &str = help!(
    sync_examples!(),
    "\n",
    connection!(),
    "  NO_COLOR             disables colours

Exit codes:
  0   in sync, or applied; or a dry run produced a plan
  1   failed, or an integration is blocked
  2   changes are pending (only in a dry run with --detailed-exitcode)
  3   some changes were applied and others were not, or a signal ended the run
  4   not approved: the prompt was not confirmed, the guard refused the plan, or the
      git history was rewritten
  64  the command line is wrong
  65  an integration file is invalid; the others were processed
  78  the settings are invalid
  If several codes apply, the first of 4, 3, 1, 65, 2 is used.

Signals:
  After the first Ctrl-C (or SIGTERM), sync starts no new writes and waits up to 20 seconds
  for those under way. After the second one, it stops immediately. In both cases,
  the next run continues."
);

pub(super) const DAEMON: &str = "\
Examples:
  integrationd daemon /etc/integrationd/integrations.d
  integrationd daemon --policy sync --interval 5m
  integrationd daemon --poll 30s /mnt/share/integrations.d    for a network file system
  integrationd daemon --listen-token-file token               clients with the token may trigger a run
  integrationd daemon --notify-url-file url                   report failures to a webhook

The status page, /status, /metrics, /livez and /readyz are served at http://127.0.0.1:9464/.

Signals:
  SIGTERM, SIGINT   start no new writes; exit when those under way have finished
  SIGHUP            reload the settings and start a run, which reads the API key and the secrets again

Exit codes:
  0   stopped by a signal
  1   the ledger or the listening address cannot be used
  78  the settings are invalid";

pub(super) const VALIDATE: &str = validate_examples!();

pub(super) const VALIDATE_LONG: &str = help!(
    validate_examples!(),
    "
Exit codes:
  0   every file is valid, possibly with warnings
  1   the files could not be read
  65  a file is invalid"
);

pub(super) const EXPLAIN: &str = "\
Examples:
  integrationd explain warehouse-prod
  integrationd explain warehouse-prod -o json | jq .next
  integrationd explain 17                 an id, as `integrationd list` shows it
  integrationd explain E0301
  integrationd explain E0301 -o json | jq -r .right > warehouse.yaml

docs/diagnostics.md lists all codes.";

pub(super) const LIST: &str = list_examples!();

pub(super) const LIST_LONG: &str = help!(
    list_examples!(),
    "\n",
    connection!(),
    "
Exit codes:
  0   the list is complete
  1   the list could not be read completely
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
  1   a check failed, and the last line shows a remedy; or all reads of one kind
      failed that a profile is made from
  78  the settings are invalid"
);

pub(super) const SIMULATOR: &str = "\
Examples:
  integrationd simulator --listen 127.0.0.1:8080 --settle 2s
  curl http://127.0.0.1:8080/_simulator/state           show the state
  curl http://127.0.0.1:8080/_simulator/faults -d '{\"kind\": {\"server_error\": {\"code\": 503}}}'
                                                        make the next request fail
  integrationd simulator --connections works            simulate a tenant with connections
  curl http://127.0.0.1:8080/_simulator/connections -d '{\"key\": \"sales\", \"technology\": \"Glue\", \"integration\": 1}'
                                                        add a connection that owns integration 1
  integrationd simulator --preset ui                    start with twelve integrations from the UI
  integrationd simulator --profile profile.json         behave like the profiled tenant

The simulator serves the documented routes of the API and keeps everything in
memory. The routes below /_simulator/ need no credentials, so the simulator listens on
loopback addresses only.";

pub(super) const EXPORT: &str = "\
Examples:
  integrationd export --dry-run            print the files that would be written
  integrationd export --adopt              write the files, and record the integrations as owned
  integrationd export --secret-reference 'vault:secret/data/immuta/{name}#{attribute}'
  integrationd export --overwrite lake     rewrite the file of one integration
  integrationd export --update lake        update the file with the server's changes
  integrationd export -o json | jq -r '.to_provide[].reference'

Integrations that belong to a connection, or whose type is unknown, get no file.

Exit codes:
  0   a sync of the files would change nothing
  1   a sync would change something, an integration could not have a file or be adopted, or
      the tenant could not be read or a file not be written
  64  the command line is wrong
  65  an integration file is invalid
  78  the settings are invalid";

pub(super) const ADOPT: &str = "\
Examples:
  integrationd adopt warehouse-prod                  adopt one integration, by its name in the files
  integrationd adopt --all --dir /etc/integrations   adopt all unambiguous matches
  integrationd adopt --all --secrets assume          assume that the server has the files' secrets

After adoption, `sync --policy sync` may delete the integration if its file is
removed. Without `--secrets`, the integration's stored secrets are not compared until they
are sent.";

pub(super) const SCRIPT: &str = "\
Examples:
  integrationd script lake                          print the script that lake needs next
  integrationd script lake --out lake.sql           write it to a new file with mode 0600
  integrationd script lake --kind delete            print another kind of script

The command prints on standard error where to run the script and what to do next. A script
may contain credentials. The command changes nothing in the tenant.

Exit codes:
  0   the script was printed or written, or none is needed
  1   there is no such script, or the tenant could not be read
  64  the command line is wrong
  65  an integration file is invalid
  78  the settings are invalid";

pub(super) const SNIPPET: &str = "\
Examples:
  integrationd snippet cluster --out immuta-access-control.properties
  integrationd snippet cluster --regenerate --out new.properties      make a new API key first

The file gets mode 0600: it contains an API key. With `--regenerate`, the old key stops
working at once, so the cluster has no access until it is configured with the new one.

Exit codes:
  0   the snippet was written
  1   there is no snippet, or the tenant could not be read
  4   a new key was not approved
  64  the command line is wrong
  65  an integration file is invalid
  78  the settings are invalid";

pub(super) const STATUS: &str = "\
Examples:
  integrationd status
  integrationd status -o json | jq '.seen.integrations[] | select(.state == \"Stalled\")'

Only root and the daemon's own user may read the status. The JSON output is the content of /status.
The exit code is 0 if the daemon answered, whatever its state, and 1 if it did not.";

pub(super) const HISTORY: &str = "\
Examples:
  integrationd history                          show the last ten runs that wrote something
  integrationd history -o json | jq .deleted    show the last known attributes of deleted integrations

A run without an end time was interrupted; the next run determined its outcome.";

pub(super) const SUSPEND: &str = "\
Examples:
  integrationd suspend --reason 'vendor migration' --until 2026-12-01    until the end of that day in UTC
  integrationd suspend warehouse-prod --reason 'maintenance'
  integrationd suspend new-lake --unknown --reason 'not yet'    for a file that was never applied

The command notifies the daemon that holds the ledger, and the daemon starts a run at once.";

pub(super) const RESOLVE: &str = "\
Examples:
  integrationd resolve warehouse-prod --adopt 12   record integration 12 as the result of the write
  integrationd resolve warehouse-prod --retry      record that the write had no effect

The outcome of a write is unknown if the response was lost or the process was killed,
and several integrations in the tenant could be the result. integrationd does not write
to the integration until an operator decides.";

pub(super) const HOOK: &str = "\
Examples:
  integrationd hook install /srv/git/tenant.git                  trigger a run with every push
  integrationd hook install /srv/git/tenant.git --branch main    only for pushes to this branch
  integrationd hook install /srv/git/tenant.git --uninstall
  integrationd hook run                                          trigger a run now and show the plan

The daemon reads its configured source, not the pushed data: configure the daemon to read
this repository.
`hook run` has the exit codes of `sync`; a failed run does not undo the push.";

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

For editors with the YAML language server, add this line to a file:
  # yaml-language-server: $schema=integration.schema.json";
