//! The command line.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, ConfigError, Flag, Setting};
use crate::tls::command::InitArgs;
use crate::webhooks::{ListArgs, ReplayArgs};

/// The command line of `confab`.
#[derive(Debug, Parser)]
#[command(
    name = "confab",
    version,
    about = "A self-hosted server that is a drop-in for Twilio Conversations",
    after_help = "Start with `confab serve`; `confab serve --help` tells what happens then.",
    arg_required_else_help = true,
    max_term_width = 110
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `confab` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server.
    #[command(after_long_help = SERVE_HELP)]
    Serve(Sources),
    /// Print the effective configuration with its documentation, and where each value came from.
    #[command(after_long_help = CONFIG_HELP)]
    Config(ConfigArgs),
    /// Print the OpenAPI document of the REST API; the server also answers it under /openapi.json.
    Openapi,
    /// Make what TLS needs: an authority of your own and a certificate for *.twilio.com.
    #[command(subcommand)]
    Tls(Tls),
    /// Look at the calls of webhooks of a running server, and have them made once more.
    #[command(subcommand)]
    Webhooks(Webhooks),
}

/// What `confab webhooks` can do.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// List the calls that were made, or are to be made; newest first.
    #[command(after_long_help = WEBHOOKS_LIST_HELP)]
    List(ListArgs),
    /// Have calls made once more.
    #[command(after_long_help = WEBHOOKS_REPLAY_HELP)]
    Replay(ReplayArgs),
}

/// What `confab tls` can do.
#[derive(Debug, Subcommand)]
pub enum Tls {
    /// Make an authority unless there is one, and make or renew the certificate.
    #[command(after_long_help = TLS_HELP)]
    Init(InitArgs),
}

/// Where the configuration comes from, apart from the environment. Settings without a flag are set in the file
/// or by `CONFAB_…` variables.
#[derive(Debug, Clone, Default, Args)]
pub struct Sources {
    /// TOML file with settings, also CONFAB_CONFIG. No file is read unless it is named.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[expect(
        missing_docs,
        reason = "a doc comment would replace the help from the table of settings"
    )]
    #[arg(long, value_name = "ADDR", help = help_of("listen"))]
    pub listen: Option<String>,
    #[expect(missing_docs, reason = "as above")]
    #[arg(long, value_name = "DIR", help = help_of("data_dir"))]
    pub data_dir: Option<String>,
    #[expect(missing_docs, reason = "as above")]
    #[arg(long, value_name = "URL", help = help_of("public_url"))]
    pub public_url: Option<String>,
    #[expect(missing_docs, reason = "as above")]
    #[arg(long, value_name = "CLOCK", help = help_of("clock"))]
    pub clock: Option<String>,
    #[expect(missing_docs, reason = "as above")]
    #[arg(long, value_name = "URL", help = help_of("database"))]
    pub database: Option<String>,
    #[expect(missing_docs, reason = "as above")]
    #[arg(long, value_name = "ADDR", help = help_of("tls.listen"))]
    pub tls: Option<String>,
}

/// Arguments of `confab config`.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// The sources that are shown.
    #[command(flatten)]
    pub sources: Sources,
    /// Print the documentation of all settings as Markdown instead.
    #[arg(long)]
    pub markdown: bool,
}

impl Sources {
    /// The settings that were given as flags.
    pub fn flags(&self) -> Vec<Flag> {
        [
            ("listen", &self.listen),
            ("data_dir", &self.data_dir),
            ("public_url", &self.public_url),
            ("database", &self.database),
            ("clock", &self.clock),
            ("tls.listen", &self.tls),
        ]
        .into_iter()
        .filter_map(|(key, value)| {
            Some(Flag {
                key,
                value: value.clone()?,
            })
        })
        .collect()
    }

    /// The effective configuration of this process.
    pub fn load(&self) -> Result<Config, ConfigError> {
        Config::load_from_process(&self.flags(), self.config.as_deref())
    }
}

impl ConfigArgs {
    /// `confab config`.
    pub fn run(&self) -> anyhow::Result<()> {
        let text = if self.markdown {
            config::to_markdown()
        } else {
            config::to_toml(&self.sources.load()?)
        };
        print(&text)
    }
}

/// `confab openapi`.
pub fn print_openapi() -> anyhow::Result<()> {
    print(&format!("{:#}\n", confab_api::openapi(crate::VERSION)))
}

/// Not print!, which panics when the reader (a pager, `head`) has gone.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

fn help_of(key: &str) -> String {
    let Some(setting) = Setting::by_key(key) else {
        return String::new();
    };
    let default = setting.default_text();
    format!("{} [default: {default}] [env: {}]", setting.doc, setting.env())
}

/// Lines stay below 80 columns: the terminal's own wrapping would break the columns.
const SERVE_HELP: &str = "\
On the first start:
  No configuration is needed. The server makes the data directory with an
  embedded database, one account with a generated SID and auth token, and a
  master key. It prints SID and token, with a curl command that works when
  pasted; the token is shown this once. To choose them yourself, set
  CONFAB_ACCOUNT_SID and CONFAB_AUTH_TOKEN before.

Secrets (files of mode 0600; the start is refused when others can read them):
  DIR/credentials  account SID and auth token, for people and scripts
  DIR/master.key   encrypts the auth token and API key secrets in the
                   database; keep a copy, apart from those of the database.
                   CONFAB_MASTER_KEY takes its place.

Stopping:
  SIGTERM or SIGINT lets work in flight finish, for at most
  `shutdown.drain_secs`; a second signal exits at once.

Examples:
  confab serve
  confab serve --listen 0.0.0.0:8080 --data-dir /var/lib/confab
  confab serve --config /etc/confab.toml
  confab tls init && confab serve --tls 0.0.0.0:443
  CONFAB_DATABASE=postgres://confab@db/confab confab serve

A flag wins over the environment, the environment over the file. What stands
on a command line can be seen by all users of the machine: give a database URL
with a password as CONFAB_DATABASE or in the file.
`confab config` lists all settings.";

const TLS_HELP: &str = "\
What it makes, in the directory DIR:
  DIR/ca.pem      certificate of the authority: what clients have to trust.
                  It is allowed to sign for twilio.com, this machine and your
                  own names only.
  DIR/ca.key      its key (mode 0600); give it to nobody
  DIR/server.pem  certificate for *.twilio.com with all regions and edges,
                  localhost, 127.0.0.1, ::1 and your own names; 820 days
  DIR/server.key  its key (mode 0600)
  DIR/names       your own names, one a line, for the next run

  Another run keeps the authority, the keys and the names and renews the
  certificate. A server that runs takes it up within two seconds.

What to do then:
  1. confab serve --tls 0.0.0.0:443
     Without --tls the plain address is still a proxy for official clients.
  2. Let clients trust DIR/ca.pem: NODE_EXTRA_CA_CERTS (Node.js, twilio-cli),
     REQUESTS_CA_BUNDLE (twilio-python), SSL_CERT_FILE (Go, Ruby, aiohttp),
     or the trust store of a system or browser.
  3. Let clients find the server: HTTP_PROXY (twilio-node, twilio-cli) or
     HTTPS_PROXY (twilio-python) with the plain address, or /etc/hosts or DNS
     for the hosts of the original. `confab tls init` prints them.
  docs/drop-in.md has the commands for each client, and how to undo it.

Examples:
  confab tls init
  confab tls init --name chat.example.com --name 192.0.2.7
  confab tls init --dir /etc/confab/tls";

const WEBHOOKS_LIST_HELP: &str = "\
Server and credentials:
  The server must run. It is looked for at the address of the configuration
  (`listen`); --url names another one. Account SID and auth token are read
  from DIR/credentials, or CONFAB_ACCOUNT_SID and CONFAB_AUTH_TOKEN.

Exit status: 0 when the list was printed, also an empty one; 1 when the
server cannot be reached or refuses; 2 for a wrong command line.

Examples:
  confab webhooks list
  confab webhooks list --state failed --since 2026-01-31
  confab webhooks list --event onMessageAdded --limit 5 --json
  confab webhooks list --url https://chat.example.com --data-dir /var/lib/confab";

const WEBHOOKS_REPLAY_HELP: &str = "\
What is replayed:
  Deliveries by their numbers; or all that a conversation or a range of dates
  had, without those that are queued and without replays of its own. With
  --state failed, only what has not arrived by a replay either.
  A replay is a new delivery with the old body and idempotency token, and the
  header Confab-Replay-Of. Those of one conversation come in their order.

Exit status: 0 when the server has accepted it (the calls follow); 1 when it
cannot be reached or refuses; 2 for a wrong command line.

Examples:
  confab webhooks replay 17
  confab webhooks replay 17 18 --to https://new.example.com/hook
  confab webhooks replay --conversation CH0123456789abcdef0123456789abcdef
  confab webhooks replay --state failed --since 2026-01-31 --until 2026-02-01";

const CONFIG_HELP: &str = "\
Examples:
  confab config                       what a server started here would use
  confab config > confab.toml         a file to start from, without secrets
  confab config --config confab.toml  checks a file; a wrong key or value is
                                      named, and the exit status is not 0";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_table_is_a_flag_of_the_command_line() {
        let arguments = [
            "--listen",
            "1",
            "--data-dir",
            "2",
            "--public-url",
            "3",
            "--database",
            "4",
            "--clock",
            "5",
            "--tls",
            "6",
        ];
        let cli = Cli::try_parse_from(["confab", "serve"].into_iter().chain(arguments)).unwrap();
        let Command::Serve(sources) = cli.command else {
            panic!("not serve")
        };
        let given: Vec<Option<&str>> = sources
            .flags()
            .iter()
            .map(|flag| Setting::by_key(flag.key).unwrap().flag)
            .collect();
        let documented: Vec<Option<&str>> = config::SETTINGS
            .iter()
            .map(|setting| setting.flag)
            .filter(Option::is_some)
            .collect();
        assert_eq!(given, documented);
    }

    #[test]
    fn help_tells_about_the_first_start_and_the_secrets() {
        let mut command = Cli::command();
        let help = command
            .find_subcommand_mut("serve")
            .unwrap()
            .render_long_help()
            .to_string();
        for words in [
            "first start",
            "credentials",
            "master.key",
            "CONFAB_LISTEN",
            "127.0.0.1:8080",
            "Examples",
        ] {
            assert!(help.contains(words), "{words} is missing in\n{help}");
        }
        assert!(
            SERVE_HELP
                .lines()
                .chain(CONFIG_HELP.lines())
                .chain(TLS_HELP.lines())
                .chain(WEBHOOKS_REPLAY_HELP.lines())
                .all(|line| line.len() < 80)
        );
    }
}
