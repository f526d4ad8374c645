//! A certificate authority of one's own: it makes the certificate by which clients take this server for
//! `*.twilio.com`.
//!
//! Whoever trusts it trusts it for these names and the owner's own only: the authority's certificate is constrained to
//! them (RFC 5280 §4.2.1.10), so that a lost key opens no other site.

use std::fs::OpenOptions;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData as _, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage};

use super::name::Name;
use crate::data_dir::{create_private_dir, read_secret_file, write_file};

/// The authority's certificate: what clients are told to trust.
pub const AUTHORITY: &str = "ca.pem";
/// Its key.
pub const AUTHORITY_KEY: &str = "ca.key";
/// The server's certificate.
pub const CERTIFICATE: &str = "server.pem";
/// Its key.
pub const KEY: &str = "server.key";
/// The owner's own names, so that a renewal has them, too.
pub const NAMES: &str = "names";

const LOCK: &str = "lock";

/// Regions in which the original processes; each is reached by every edge.
const REGIONS: &[&str] = &["us1", "ie1", "au1"];
/// Regions of old, which clients still name without an edge.
const OLD_REGIONS: &[&str] = &["us2", "br1", "de1", "jp1", "sg1"];
const EDGES: &[&str] = &[
    "ashburn",
    "dublin",
    "frankfurt",
    "roaming",
    "sao-paulo",
    "singapore",
    "sydney",
    "tokyo",
    "umatilla",
    "ashburn-ix",
    "frankfurt-ix",
    "london-ix",
    "san-jose-ix",
    "sao-paulo-ix",
    "singapore-ix",
    "sydney-ix",
    "tokyo-ix",
];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clocks of clients may be late.
const BEFORE: Duration = DAY;
/// Some systems refuse a server's certificate that holds for more than 825 days.
const CERTIFICATE_HOLDS: Duration = DAY.saturating_mul(820);
/// To give out a new authority is work on every client.
const AUTHORITY_HOLDS: Duration = DAY.saturating_mul(30 * 365);

/// What [`init`] found and made.
#[derive(Debug)]
pub struct Made {
    /// The authority.
    pub authority: Authority,
    /// The owner's own names in the certificate, those of earlier runs among them.
    pub names: Vec<Name>,
    /// Last moment of the certificate.
    pub until: OffsetDateTime,
}

/// What became of the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// There was none.
    Made,
    /// It is as before, and so is what clients trust.
    Kept,
    /// A new name lies outside of what it was allowed to sign for: same key, new certificate, which clients need.
    Widened,
}

/// Makes an authority in the directory unless there is one, and a certificate of it for the original's hosts, this
/// machine and the given names. A certificate that is there is renewed; names of earlier runs stay.
///
/// # Errors
/// When files cannot be read or written, or are not those of an earlier run.
pub fn init(directory: &Path, names: &[Name]) -> anyhow::Result<Made> {
    create_private_dir(directory, "the directory of certificates")?;
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join(LOCK))
        .with_context(|| format!("cannot write in {}", directory.display()))?;
    lock.lock().context("cannot lock the directory of certificates")?;

    let names = keep_names(directory, names)?;
    let old = read_certificate(&directory.join(AUTHORITY))?;
    let key = match read_key(directory, AUTHORITY_KEY)? {
        Some(key) => key,
        None if old.is_some() => bail!(
            "{} is missing, so nothing can be signed for those who trust {}; bring it back, or remove both to make \
             another authority",
            directory.join(AUTHORITY_KEY).display(),
            directory.join(AUTHORITY).display()
        ),
        None => make_key(directory, AUTHORITY_KEY)?,
    };
    let now = SystemTime::now();
    let params = authority_params(&key, &names, now)?;
    let server_key = match read_key(directory, KEY)? {
        Some(key) => key,
        None => make_key(directory, KEY)?,
    };
    let leaf_params = certificate_params(&names, now)?;
    let until = leaf_params.not_after;
    let leaf = leaf_params.signed_by(&server_key, &Issuer::from_params(&params, &key))?;

    let verdict = old.as_ref().map(|old| verify(leaf.der(), old, now));
    let authority = match verdict {
        Some(Ok(())) => Authority::Kept,
        None => Authority::Made,
        Some(Err(webpki::Error::NameConstraintViolation)) => Authority::Widened,
        Some(Err(error)) => bail!(
            "{} is not the certificate of {} ({error}); a certificate of your own goes into tls.certificate and \
             tls.key instead",
            directory.join(AUTHORITY).display(),
            directory.join(AUTHORITY_KEY).display()
        ),
    };
    if authority != Authority::Kept {
        write_file(directory, AUTHORITY, &params.self_signed(&key)?.pem(), 0o644)?;
    }
    write_file(directory, CERTIFICATE, &leaf.pem(), 0o644)?;
    Ok(Made {
        authority,
        names,
        until,
    })
}

/// Whether the certificate, made by the authority beside it, ends within this time. False also when there is no
/// authority beside it.
pub(super) fn ends_within(directory: &Path, leaf: &CertificateDer<'_>, time: Duration) -> bool {
    match read_certificate(&directory.join(AUTHORITY)) {
        Ok(Some(authority)) => matches!(
            verify(leaf, &authority, SystemTime::now() + time),
            Err(webpki::Error::CertExpired { .. })
        ),
        _ => false,
    }
}

fn verify(
    leaf: &CertificateDer<'_>,
    authority: &CertificateDer<'_>,
    at: SystemTime,
) -> Result<(), webpki::Error> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let anchor = webpki::anchor_from_trusted_cert(authority)?;
    EndEntityCert::try_from(leaf)?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor],
            &[],
            UnixTime::since_unix_epoch(since),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map(|_| ())
}

/// The names of earlier runs and the given ones, which are written down for later runs.
fn keep_names(directory: &Path, given: &[Name]) -> anyhow::Result<Vec<Name>> {
    let path = directory.join(NAMES);
    let mut names = Vec::new();
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            for line in text
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty() && !l.starts_with('#'))
            {
                let name: Name = line
                    .parse()
                    .map_err(|error| anyhow!("{}: {line:?} is no name: {error}", path.display()))?;
                names.push(name);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let known = names.len();
    for name in given {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.len() > known {
        let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
        let text = format!("# Own names in the server's certificate; `confab tls init` reads them.\n{lines}");
        write_file(directory, NAMES, &text, 0o644)?;
    }
    Ok(names)
}

fn read_certificate(path: &Path) -> anyhow::Result<Option<CertificateDer<'static>>> {
    match std::fs::read(path) {
        Ok(text) => CertificateDer::from_pem_slice(&text)
            .map(Some)
            .map_err(|error| anyhow!("{} is no certificate in PEM: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn read_key(directory: &Path, name: &str) -> anyhow::Result<Option<KeyPair>> {
    let path = directory.join(name);
    let Some(text) = read_secret_file(&path)? else {
        return Ok(None);
    };
    KeyPair::from_pem(&text)
        .map(Some)
        .with_context(|| format!("{} is no key in PEM", path.display()))
}

fn make_key(directory: &Path, name: &str) -> anyhow::Result<KeyPair> {
    let key = KeyPair::generate()?;
    write_file(directory, name, &key.serialize_pem(), 0o600)?;
    Ok(key)
}

/// The same for the same key but for times and serial number, so that what it signed before stays good.
fn authority_params(key: &KeyPair, names: &[Name], now: SystemTime) -> anyhow::Result<CertificateParams> {
    let mut params = common_params(now, AUTHORITY_HOLDS)?;
    // Trust stores look an issuer up by its name: two authorities must not have the same.
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key.subject_public_key_info());
    let digits: String = digest
        .as_ref()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("Confab local CA {digits}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut permitted = vec![
        GeneralSubtree::DnsName("twilio.com".into()),
        GeneralSubtree::DnsName("localhost".into()),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
            Ipv4Addr::new(127, 0, 0, 0).into(),
            8,
        )),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv6Addr::LOCALHOST.into(), 128)),
    ];
    permitted.extend(names.iter().map(|name| match name.base() {
        Name::Dns(name) => GeneralSubtree::DnsName(name),
        Name::Ip(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
        }
    }));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

fn certificate_params(names: &[Name], now: SystemTime) -> anyhow::Result<CertificateParams> {
    let mut params = common_params(now, CERTIFICATE_HOLDS)?;
    params.distinguished_name.push(DnType::CommonName, "Confab");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = usual_names()
        .chain(names.iter().cloned())
        .map(|name| match name {
            Name::Dns(name) => Ok(SanType::DnsName(name.try_into()?)),
            Name::Ip(address) => Ok(SanType::IpAddress(address)),
        })
        .collect::<Result<_, rcgen::Error>>()?;
    Ok(params)
}

/// All hosts of the original that its client libraries build, and this machine.
fn usual_names() -> impl Iterator<Item = Name> {
    let regions = REGIONS
        .iter()
        .chain(OLD_REGIONS)
        .map(|region| format!("*.{region}.twilio.com"));
    let edges = REGIONS.iter().flat_map(|region| {
        EDGES
            .iter()
            .map(move |edge| format!("*.{edge}.{region}.twilio.com"))
    });
    std::iter::once("*.twilio.com".to_owned())
        .chain(regions)
        .chain(edges)
        .chain(std::iter::once("localhost".to_owned()))
        .map(Name::Dns)
        .chain([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(Name::Ip))
}

fn common_params(now: SystemTime, holds: Duration) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now - BEFORE + holds).into();
    // Random: browsers refuse two certificates of one issuer with the same number.
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| anyhow!("the system gives no random numbers"))?;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}
