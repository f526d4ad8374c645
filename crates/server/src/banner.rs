//! What `confab serve` prints when it listens.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// What the banner tells.
#[derive(Debug, Clone, Copy)]
pub struct Banner<'a> {
    /// Version of the server.
    pub version: &'a str,
    /// The address that the listener has, with the port it really got.
    pub address: SocketAddr,
    /// The address for TLS; the same when there is no other.
    pub tls_address: Option<SocketAddr>,
    /// Whether it is a proxy for official clients.
    pub is_proxy: bool,
    /// Certificate of the authority that clients have to trust.
    pub authority: Option<&'a Path>,
    /// The account of the first start.
    pub account_sid: &'a str,
    /// Its auth token, on the first start only: later output (which often ends in log files) must not have it.
    pub new_auth_token: Option<&'a str>,
    /// The file in which both are kept.
    pub credentials: &'a Path,
}

/// The text of the banner. Scripts and tests read the address from its first line.
pub fn banner(banner: &Banner<'_>) -> String {
    let Banner {
        version,
        address,
        tls_address,
        is_proxy,
        authority,
        account_sid,
        new_auth_token,
        credentials,
    } = *banner;
    let file = credentials.display();
    let tls_only = tls_address == Some(address);
    let scheme = if tls_only { "https" } else { "http" };
    let mut out = format!("Confab {version} is listening on {scheme}://{address}\n\n");
    // Writing to a String cannot fail.
    if let Some(address) = tls_address.filter(|_| !tls_only) {
        let _ = writeln!(out, "  TLS:         https://{address}");
    }
    if is_proxy {
        let _ = writeln!(
            out,
            "  proxy:       for official clients, as docs/drop-in.md tells"
        );
    }
    let _ = writeln!(out, "  account SID: {account_sid}");
    let user = match new_auth_token {
        Some(token) => {
            let _ = writeln!(out, "  auth token:  {token}");
            let _ = writeln!(out, "  The token is shown this once. Both are kept in {file}");
            quote(&format!("{account_sid}:{token}"))
        }
        None => {
            let _ = writeln!(out, "  auth token: in {file}");
            let path = quote(&credentials.to_string_lossy());
            format!("\"{account_sid}:$(sed -n 's/^auth_token=//p' {path})\"")
        }
    };
    let reachable = reachable(address);
    let trust = match authority.filter(|_| tls_only) {
        Some(path) => format!("--cacert {} ", quote(&path.to_string_lossy())),
        None => String::new(),
    };
    let _ = write!(
        out,
        "\nCreate a conversation:\n\n\
         curl {trust}-u {user} \\\n  \
         '{scheme}://{reachable}/conversations/v1/Conversations' \\\n  \
         --data-urlencode 'FriendlyName=My first conversation'\n"
    );
    out
}

/// A server that listens on all addresses is reached from the same machine by the loopback address; the wildcard
/// is no address to connect to on every system.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// One word for a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "AC0123456789abcdef0123456789abcdef";

    fn text(address: &str, token: Option<&str>, credentials: &Path) -> String {
        banner(&Banner {
            version: "0.1.0",
            address: address.parse().unwrap(),
            tls_address: None,
            is_proxy: false,
            authority: None,
            account_sid: SID,
            new_auth_token: token,
            credentials,
        })
    }

    /// What a shell makes of the pasted command, with a `curl` that prints its arguments.
    fn pasted(banner: &str) -> Vec<String> {
        let command = &banner[banner.find("curl ").unwrap()..];
        assert_eq!(command.lines().count(), 3, "{command}");
        let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(script)
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_first_line_names_the_address() {
        let text = text("127.0.0.1:8080", None, Path::new("./confab-data/credentials"));
        assert_eq!(
            text.lines().next(),
            Some("Confab 0.1.0 is listening on http://127.0.0.1:8080")
        );
    }

    #[test]
    fn the_first_start_shows_the_token_and_a_command_that_works() {
        // A token of one's own may hold what a shell would eat.
        let token = r#"it's"$HOME"`\&too"#;
        let text = text(
            "127.0.0.1:4711",
            Some(token),
            Path::new("./confab-data/credentials"),
        );
        assert!(text.contains(&format!("account SID: {SID}\n")), "{text}");
        assert!(text.contains(&format!("auth token:  {token}\n")), "{text}");
        assert!(text.contains("kept in ./confab-data/credentials"), "{text}");
        assert_eq!(
            pasted(&text),
            [
                "-u",
                &format!("{SID}:{token}"),
                "http://127.0.0.1:4711/conversations/v1/Conversations",
                "--data-urlencode",
                "FriendlyName=My first conversation",
            ]
        );
    }

    #[test]
    fn a_later_start_tells_the_file_and_its_command_reads_it() {
        let dir = tempfile::Builder::new().prefix("it's a").tempdir().unwrap();
        let file = dir.path().join("credentials");
        std::fs::write(
            &file,
            format!("# comment\naccount_sid={SID}\nauth_token=s3cret\n"),
        )
        .unwrap();
        let text = text("127.0.0.1:8080", None, &file);
        assert!(
            text.contains(&format!("auth token: in {}\n", file.display())),
            "{text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(pasted(&text)[1], format!("{SID}:s3cret"));
    }

    #[test]
    fn tls_is_told_and_the_command_trusts_the_authority_when_there_is_nothing_else() {
        let with_tls = |tls: &str| {
            banner(&Banner {
                version: "0.1.0",
                address: "127.0.0.1:8443".parse().unwrap(),
                tls_address: Some(tls.parse().unwrap()),
                is_proxy: true,
                authority: Some(Path::new("my data/tls/ca.pem")),
                account_sid: SID,
                new_auth_token: Some("t"),
                credentials: Path::new("c"),
            })
        };
        let beside = with_tls("127.0.0.1:443");
        assert!(
            beside.starts_with("Confab 0.1.0 is listening on http://127.0.0.1:8443\n"),
            "{beside}"
        );
        assert!(
            beside.contains("  TLS:         https://127.0.0.1:443\n"),
            "{beside}"
        );
        assert!(beside.contains("  proxy: "), "{beside}");
        assert_eq!(pasted(&beside)[0], "-u");
        let instead = with_tls("127.0.0.1:8443");
        assert!(
            instead.starts_with("Confab 0.1.0 is listening on https://127.0.0.1:8443\n"),
            "{instead}"
        );
        assert!(!instead.contains("TLS: "), "{instead}");
        let command = pasted(&instead);
        assert_eq!(command[..2], ["--cacert", "my data/tls/ca.pem"]);
        assert_eq!(
            command[4],
            "https://127.0.0.1:8443/conversations/v1/Conversations"
        );
    }

    #[test]
    fn a_wildcard_address_is_reached_by_loopback() {
        let url = |address: &str| pasted(&text(address, Some("t"), Path::new("c")))[2].clone();
        assert_eq!(
            url("0.0.0.0:80"),
            "http://127.0.0.1:80/conversations/v1/Conversations"
        );
        assert_eq!(url("[::]:80"), "http://[::1]:80/conversations/v1/Conversations");
        assert_eq!(
            url("192.0.2.1:80"),
            "http://192.0.2.1:80/conversations/v1/Conversations"
        );
    }
}
