//! `confab tls init`: makes the files and teaches what to do with them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::authority::{self, Authority, Made};
use super::{DIRECTORY, Name};
use crate::cli::Sources;
use crate::data_dir::create_private_dir;

/// Hosts that official clients call, for those who send them here by DNS.
const HOSTS: [&str; 13] = [
    "api.twilio.com",
    "conversations.twilio.com",
    "chat.twilio.com",
    "notify.twilio.com",
    "content.twilio.com",
    "messaging.twilio.com",
    "studio.twilio.com",
    "events.twilio.com",
    "events-schemas.twilio.com",
    "monitor.twilio.com",
    "tsock.us1.twilio.com",
    "mcs.us1.twilio.com",
    "media.us1.twilio.com",
];

/// Arguments of `confab tls init`.
#[derive(Debug, Clone, Default, Args)]
pub struct InitArgs {
    /// Directory for the files [default: `tls` in the data directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// A name or address of your own by which clients call the server; may be given several times. Names of earlier
    /// runs stay.
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<Name>,
    /// The data directory, as for `confab serve`
    #[arg(long, value_name = "DIR", conflicts_with = "dir")]
    pub data_dir: Option<String>,
    /// The configuration file, as for `confab serve`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl InitArgs {
    /// `confab tls init`.
    ///
    /// # Errors
    /// When the files cannot be made.
    pub fn run(&self) -> anyhow::Result<()> {
        let sources = Sources {
            config: self.config.clone(),
            data_dir: self.data_dir.clone(),
            ..Sources::default()
        };
        let data_dir = sources.load()?.data_dir;
        let usual = data_dir.join(DIRECTORY);
        let directory = match &self.dir {
            Some(directory) => directory.clone(),
            None => {
                create_private_dir(&data_dir, "the data directory")?;
                usual.clone()
            }
        };
        let made = authority::init(&directory, &self.names)?;
        // People paste the paths into settings of programs that run elsewhere.
        let directory = directory
            .canonicalize()
            .context("cannot find the new directory")?;
        let is_usual = usual.canonicalize().is_ok_and(|usual| usual == directory);
        let text = told(&made, &directory, is_usual);
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => Ok(result?),
        }
    }
}

fn told(made: &Made, directory: &Path, is_usual: bool) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    let ca = file(authority::AUTHORITY);
    let fate = match made.authority {
        Authority::Made => "made; clients have to trust it",
        Authority::Kept => "kept; clients that trust it need nothing new",
        Authority::Widened => "made anew for the new names, with the old key: GIVE IT TO ALL CLIENTS AGAIN",
    };
    let own: String = made.names.iter().map(|name| format!(", {name}")).collect();
    let hosts = HOSTS.join(" ");
    let serve = if is_usual {
        "confab serve --tls 0.0.0.0:443".to_owned()
    } else {
        format!(
            "CONFAB_TLS_CERTIFICATE={} CONFAB_TLS_KEY={} \\\n    confab serve --tls 0.0.0.0:443",
            file(authority::CERTIFICATE),
            file(authority::KEY)
        )
    };
    let mut out = format!(
        "authority    {ca}: {fate}\n\
         certificate  {}: until {}, for *.twilio.com with its regions and edges,\n             localhost{own}\n\n",
        file(authority::CERTIFICATE),
        made.until.date(),
    );
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "1. Start the server (port 443 is where clients look for it; a proxy needs no TLS port):\n\n    {serve}\n\n\
         2. Let clients trust the authority:\n\n    \
         NODE_EXTRA_CA_CERTS={ca}   Node.js, twilio-cli\n    \
         REQUESTS_CA_BUNDLE={ca}    Python: twilio, requests\n    \
         SSL_CERT_FILE={ca}         Python: aiohttp, ssl; Go; Ruby; curl\n    \
         browsers: import it into the trust store of the system or browser\n\n\
         3. Let clients find the server, by a proxy (with the address of `confab serve`):\n\n    \
         HTTP_PROXY=http://127.0.0.1:8080    twilio-node, twilio-cli\n    \
         HTTPS_PROXY=http://127.0.0.1:8080   twilio-python\n\n   \
         or by name, in your DNS or in /etc/hosts of each client:\n\n    \
         127.0.0.1 {hosts}\n\n\
         docs/drop-in.md tells which way fits which client, and how to undo it.\n"
    );
    out
}
