//! `confab webhooks`: looks at the log of a running server, and has calls made once more.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use reqwest::{Client, Method, Url};
use serde_json::Value;

use crate::cli::{Sources, print};
use crate::config::Config;
use crate::data_dir::{self, Credentials};

const LOG: &str = "/confab/v1/WebhookDeliveries";
/// Longest time for one request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Entries that one request asks for.
const PAGE: usize = 1000;

/// Which server, and as whom.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// The server [default: the `listen` address of the configuration]
    #[arg(long, value_name = "URL")]
    pub url: Option<Url>,
    /// The data directory with the `credentials`, as for `confab serve`
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// The configuration file, as for `confab serve`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// To be called, for the first time or again
    Queued,
    /// The listener took it
    Delivered,
    /// Given up
    Failed,
    /// Its webhook was removed before
    Canceled,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Default, Args)]
pub struct FilterArgs {
    /// Of this conversation
    #[arg(long, value_name = "SID")]
    pub conversation: Option<String>,
    /// In this state
    #[arg(long, value_name = "STATE")]
    pub state: Option<State>,
    /// At this date or later, such as 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// At this date or before
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
}

impl FilterArgs {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        [
            ("ConversationSid", self.conversation.clone()),
            ("State", self.state.map(|state| state.name().to_owned())),
            ("StartDate", self.since.clone()),
            ("EndDate", self.until.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// Arguments of `confab webhooks list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Which ones
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Of this event, such as onMessageAdded
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Entries at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Which server
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `confab webhooks replay`.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// Numbers of deliveries, as `confab webhooks list` shows them
    #[arg(value_name = "ID", conflicts_with_all = ["conversation", "state", "since", "until"],
          required_unless_present_any = ["conversation", "since"])]
    pub ids: Vec<u64>,
    /// Which ones
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Call this URL instead of the old one
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Which server
    #[command(flatten)]
    pub server: ServerArgs,
}

impl ListArgs {
    /// `confab webhooks list`.
    ///
    /// # Errors
    /// When the server cannot be asked, or refuses.
    pub fn run(&self) -> anyhow::Result<()> {
        on_runtime(async {
            let client = Api::open(&self.server)?;
            let entries = self.entries(&client).await?;
            if self.server.json {
                return print(&format!("{:#}\n", Value::Array(entries)));
            }
            if entries.is_empty() {
                return print("no deliveries\n");
            }
            print(&table(&entries))
        })
    }

    async fn entries(&self, api: &Api) -> anyhow::Result<Vec<Value>> {
        let mut parameters = self.filter.parameters();
        parameters.extend(self.event.clone().map(|event| ("Event", event)));
        parameters.push(("PageSize", self.limit.clamp(1, PAGE).to_string()));
        let mut request = api.url(LOG)?;
        request.query_pairs_mut().extend_pairs(&parameters);
        let mut entries = Vec::new();
        loop {
            let mut page = api.send(Method::GET, request.clone(), &[]).await?;
            if let Some(Value::Array(found)) = page.get_mut("webhook_deliveries").map(Value::take) {
                entries.extend(found);
            }
            let next = page["meta"]["next_page_url"]
                .as_str()
                .and_then(|url| Url::parse(url).ok());
            match next {
                // Only its query: the credentials go nowhere but to the server that was named.
                Some(next) if entries.len() < self.limit => request.set_query(next.query()),
                _ => break,
            }
        }
        entries.truncate(self.limit);
        Ok(entries)
    }
}

impl ReplayArgs {
    /// `confab webhooks replay`.
    ///
    /// # Errors
    /// When the server cannot be asked, or refuses; what was asked for before that is replayed.
    pub fn run(&self) -> anyhow::Result<()> {
        on_runtime(async {
            let api = Api::open(&self.server)?;
            let url = self.to.clone().map(|url| ("Url", url));
            if self.ids.is_empty() {
                let mut form = self.filter.parameters();
                form.extend(url);
                let answer = api
                    .send(Method::POST, api.url(&format!("{LOG}/Replay"))?, &form)
                    .await?;
                return if self.server.json {
                    print(&format!("{answer:#}\n"))
                } else {
                    print("accepted; `confab webhooks list` shows the replays as they are queued\n")
                };
            }
            let form: Vec<_> = url.into_iter().collect();
            let mut queued = Vec::new();
            for id in &self.ids {
                let path = format!("{LOG}/{id}/Replay");
                let answer = api
                    .send(Method::POST, api.url(&path)?, &form)
                    .await
                    .with_context(|| format!("delivery {id}"))?;
                if !self.server.json {
                    print(&format!("{id} is replayed as {}\n", answer["id"]))?;
                }
                queued.push(answer);
            }
            if self.server.json {
                print(&format!("{:#}\n", Value::Array(queued)))?;
            }
            Ok(())
        })
    }
}

fn on_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?
        .block_on(work)
}

/// The API of a running server.
struct Api {
    client: Client,
    base: Url,
    credentials: Credentials,
}

impl Api {
    fn open(server: &ServerArgs) -> anyhow::Result<Self> {
        let sources = Sources {
            config: server.config.clone(),
            data_dir: server.data_dir.clone(),
            ..Sources::default()
        };
        let config = sources.load()?;
        let base = match &server.url {
            Some(url) => url.clone(),
            None => own_address(&config)?,
        };
        let credentials = match (&config.account_sid, &config.auth_token) {
            (Some(sid), Some(token)) => Credentials {
                account_sid: sid.clone(),
                auth_token: token.clone(),
            },
            _ => data_dir::read_credentials(&config.data_dir)?.ok_or_else(|| {
                anyhow!(
                    "there are no credentials in {}; name the data directory of the server with --data-dir, or set \
                     CONFAB_ACCOUNT_SID and CONFAB_AUTH_TOKEN",
                    config.data_dir.display()
                )
            })?,
        };
        // No proxy and no redirects: the credentials are for this server.
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self {
            client,
            base,
            credentials,
        })
    }

    fn url(&self, path: &str) -> anyhow::Result<Url> {
        self.base.join(path).context("--url is not a URL of a server")
    }

    async fn send(&self, method: Method, url: Url, form: &[(&'static str, String)]) -> anyhow::Result<Value> {
        let shown = url.origin().ascii_serialization();
        let mut request = self.client.request(method.clone(), url).basic_auth(
            &self.credentials.account_sid,
            Some(self.credentials.auth_token.expose()),
        );
        if method == Method::POST {
            request = request.form(form);
        }
        let response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| {
                format!("cannot reach a server at {shown}; name the address of a running one with --url")
            })?;
        let status = response.status();
        let text = response
            .text()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("the answer of {shown} broke off"))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() && !answer.is_null() {
            return Ok(answer);
        }
        match (answer["code"].as_u64(), answer["message"].as_str()) {
            (Some(code), Some(message)) => bail!("{shown} refuses: {message} (code {code})"),
            _ => bail!("{shown} answered {status}, and not as a Confab server does"),
        }
    }
}

/// Where a server of this configuration is reached from the same machine.
fn own_address(config: &Config) -> anyhow::Result<Url> {
    let plain = !config.tls.only && config.listen.port() != 0;
    if !plain {
        bail!("the configuration names no plain address with a port; name the server with --url");
    }
    let ip = match config.listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, config.listen.port());
    Url::parse(&format!("http://{address}")).context("the address is no URL")
}

fn table(entries: &[Value]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header([
            "id",
            "date",
            "state",
            "answer",
            "tries",
            "event",
            "conversation",
            "url",
        ]);
    for entry in entries {
        let text = |name: &str| match &entry[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let answer = match &entry["status"] {
            Value::Null => text("error"),
            status => status.to_string(),
        };
        let event = match entry["replay_of"].as_i64() {
            Some(id) => format!("{} (replay of {id})", text("event")),
            None => text("event"),
        };
        table.add_row([
            text("id"),
            text("date_created"),
            text("state"),
            answer,
            text("attempt_count"),
            event,
            text("conversation_sid"),
            text("webhook_url"),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}
