use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::UnixTime;

use super::authority::{AUTHORITY, AUTHORITY_KEY, Authority, CERTIFICATE, KEY, NAMES, init};
use super::*;

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&fs::read(path).unwrap()).unwrap()
}

/// What a client that trusts the authority says about the server's certificate.
fn trusted(directory: &Path, host: &str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&directory.join(AUTHORITY))).unwrap();
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots),
        aws_lc_rs::default_provider().into(),
    )
    .build()
    .unwrap();
    let leaf = certificate(&directory.join(CERTIFICATE));
    let name = ServerName::try_from(host.to_owned()).unwrap();
    verifier
        .verify_server_cert(&leaf, &[], &name, &[], UnixTime::now())
        .map(|_| ())
}

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn read_all(directory: &Path) -> [Vec<u8>; 4] {
    [AUTHORITY, AUTHORITY_KEY, KEY, CERTIFICATE].map(|name| fs::read(directory.join(name)).unwrap())
}

#[test]
fn the_certificate_is_good_for_every_host_that_clients_build() {
    let directory = tempfile::tempdir().unwrap();
    let made = init(
        directory.path(),
        &names(&["Chat.Example.com", "*.office.internal", "192.0.2.7"]),
    )
    .unwrap();
    assert_eq!(made.authority, Authority::Made);
    for host in [
        "conversations.twilio.com",
        "api.twilio.com",
        "ip-messaging.twilio.com",
        "tsock.us1.twilio.com",
        "mcs.us1.twilio.com",
        "media.us1.twilio.com",
        "tsock.de1.twilio.com",
        "conversations.dublin.ie1.twilio.com",
        "conversations.sydney.au1.twilio.com",
        // An edge alone gets the region us1.
        "api.sydney.us1.twilio.com",
        "api.ashburn-ix.us1.twilio.com",
        "localhost",
        "127.0.0.1",
        "::1",
        "chat.example.com",
        "confab.office.internal",
        "192.0.2.7",
    ] {
        assert_eq!(trusted(directory.path(), host), Ok(()), "{host}");
    }
    for host in [
        "twilio.com",
        "a.b.c.twilio.com",
        "example.com",
        "twilio.com.example.org",
        "192.0.2.8",
    ] {
        assert!(trusted(directory.path(), host).is_err(), "{host}");
    }
}

#[test]
fn another_run_renews_the_certificate_and_keeps_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    init(path, &names(&["chat.example.com"])).unwrap();
    let before = read_all(path);
    let made = init(path, &[]).unwrap();
    let after = read_all(path);
    assert_eq!(made.authority, Authority::Kept);
    assert_eq!(made.names, names(&["chat.example.com"]));
    assert_eq!(before[..3], after[..3]);
    assert_ne!(before[3], after[3]);
    assert_eq!(trusted(path, "chat.example.com"), Ok(()));
    for (name, mode) in [
        (AUTHORITY, 0o644),
        (AUTHORITY_KEY, 0o600),
        (CERTIFICATE, 0o644),
        (KEY, 0o600),
        (NAMES, 0o644),
    ] {
        let found = fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        // The mask of the user may take more away.
        assert_eq!(found & !mode, 0, "{name} {found:o}");
    }
}

#[test]
fn a_name_outside_of_what_the_authority_may_sign_for_widens_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    init(path, &[]).unwrap();
    let before = read_all(path);
    // Below twilio.com it may sign already.
    let inside = init(path, &names(&["*.new.region.twilio.com"])).unwrap();
    assert_eq!(inside.authority, Authority::Kept);
    assert_eq!(trusted(path, "conversations.new.region.twilio.com"), Ok(()));
    let outside = init(path, &names(&["chat.example.com"])).unwrap();
    assert_eq!(outside.authority, Authority::Widened);
    let after = read_all(path);
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1], "the key stays");
    assert_eq!(trusted(path, "chat.example.com"), Ok(()));
    assert_eq!(trusted(path, "conversations.new.region.twilio.com"), Ok(()));
}

#[test]
fn what_the_authority_may_not_sign_for_is_refused_by_clients() {
    let (narrow, wide) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    init(narrow.path(), &[]).unwrap();
    // The thief of the key, with the certificate that people trust.
    fs::copy(narrow.path().join(AUTHORITY_KEY), wide.path().join(AUTHORITY_KEY)).unwrap();
    init(wide.path(), &names(&["bank.example", "192.0.2.1"])).unwrap();
    assert_eq!(trusted(wide.path(), "bank.example"), Ok(()));
    fs::copy(narrow.path().join(AUTHORITY), wide.path().join(AUTHORITY)).unwrap();
    for host in ["bank.example", "192.0.2.1"] {
        assert!(trusted(wide.path(), host).is_err(), "{host}");
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused_and_stay() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = one.path();
    init(path, &[]).unwrap();
    init(other.path(), &[]).unwrap();
    let refused = |part: &str| {
        let before = fs::read(path.join(CERTIFICATE)).unwrap();
        let error = format!("{:#}", init(path, &[]).unwrap_err());
        assert!(error.contains(part), "{error}");
        assert_eq!(before, fs::read(path.join(CERTIFICATE)).unwrap());
    };
    let key = fs::read(path.join(AUTHORITY_KEY)).unwrap();

    fs::copy(other.path().join(AUTHORITY_KEY), path.join(AUTHORITY_KEY)).unwrap();
    refused("ca.pem is not the certificate of");
    fs::remove_file(path.join(AUTHORITY_KEY)).unwrap();
    refused("ca.key is missing");
    fs::write(path.join(AUTHORITY_KEY), &key).unwrap();
    fs::set_permissions(path.join(AUTHORITY_KEY), fs::Permissions::from_mode(0o644)).unwrap();
    refused("chmod 600");
    fs::set_permissions(path.join(AUTHORITY_KEY), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path.join(NAMES), "# mine\nchat.example.com\nnot a name\n").unwrap();
    refused("\"not a name\" is no name");
    fs::write(path.join(NAMES), "# mine\n\n chat.example.com\n").unwrap();
    assert_eq!(init(path, &[]).unwrap().names, names(&["chat.example.com"]));
}

/// The start is refused when the files are of no use, with a text that names them.
#[test]
fn the_server_takes_the_configured_files_or_those_of_the_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    assert!(
        Tls::open(&config, data.path()).unwrap().is_none(),
        "TLS is not set up"
    );
    config.tls.listen = Some("127.0.0.1:0".parse().unwrap());
    let refused = |config: &Config| format!("{:#}", Tls::open(config, data.path()).err().unwrap());
    assert!(
        refused(&config).contains("run `confab tls init`"),
        "{}",
        refused(&config)
    );

    init(&data.path().join(DIRECTORY), &names(&["one.example"])).unwrap();
    let own = Tls::open(&config, data.path()).unwrap().unwrap();
    assert!(own.serves("one.example") && own.serves("127.0.0.1") && own.serves("::1"));
    assert!(!own.serves("two.example") && !own.serves("") && !own.serves("a b"));
    assert_eq!(own.authority(), Some(data.path().join(DIRECTORY).join(AUTHORITY)));

    let elsewhere = tempfile::tempdir().unwrap();
    init(elsewhere.path(), &names(&["two.example"])).unwrap();
    config.tls.certificate = Some(elsewhere.path().join(CERTIFICATE));
    config.tls.key = Some(elsewhere.path().join(KEY));
    assert!(
        Tls::open(&config, data.path())
            .unwrap()
            .unwrap()
            .serves("two.example")
    );

    config.tls.key = Some(data.path().join(DIRECTORY).join(KEY));
    let error = refused(&config);
    assert!(
        error.contains("cannot use") && error.contains("server.key"),
        "{error}"
    );
    fs::write(elsewhere.path().join(CERTIFICATE), "nothing").unwrap();
    assert!(refused(&config).contains("holds none"), "{}", refused(&config));
    config.tls.certificate = Some(elsewhere.path().join("absent.pem"));
    assert!(refused(&config).contains("absent.pem"), "{}", refused(&config));
}

#[test]
fn changed_files_are_taken_up_once_both_fit() {
    let data = tempfile::tempdir().unwrap();
    let directory = data.path().join(DIRECTORY);
    init(&directory, &[]).unwrap();
    let tls = Tls::open(&Config::default(), data.path()).unwrap().unwrap();
    init(&directory, &names(&["one.example"])).unwrap();
    assert!(!tls.serves("one.example"));
    tls.take_up().unwrap();
    assert!(tls.serves("one.example"));

    let other = tempfile::tempdir().unwrap();
    init(other.path(), &names(&["two.example"])).unwrap();
    fs::copy(other.path().join(CERTIFICATE), directory.join(CERTIFICATE)).unwrap();
    assert!(
        tls.take_up().is_err(),
        "the key is still that of the other certificate"
    );
    assert!(tls.serves("one.example"), "the old one is served on");
    fs::copy(other.path().join(KEY), directory.join(KEY)).unwrap();
    tls.take_up().unwrap();
    assert!(tls.serves("two.example") && !tls.serves("one.example"));
}

#[test]
fn the_end_of_the_certificate_is_foreseen() {
    let directory = tempfile::tempdir().unwrap();
    init(directory.path(), &[]).unwrap();
    let leaf = certificate(&directory.path().join(CERTIFICATE));
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    assert!(!authority::ends_within(directory.path(), &leaf, days(818)));
    assert!(authority::ends_within(directory.path(), &leaf, days(820)));
    fs::remove_file(directory.path().join(AUTHORITY)).unwrap();
    assert!(
        !authority::ends_within(directory.path(), &leaf, days(820)),
        "nobody knows"
    );
}
