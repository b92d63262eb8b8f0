//! What people want to know of an X.509 certificate: whose it is, who has signed it, from when until when, and its fingerprint.
//!
//! ```text
//!  Certificate ── TBS ── [0] version · serial · algorithm · issuer · validity (two times) · subject …
//! ```
//!
//! Whether to trust it is rustls's to say. Total: a certificate that cannot be read is `None`. Source: RFC 5280, section 4.1.

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::way::seen::Certificate;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;
/// 2.5.4.3 and 2.5.4.10.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
/// Renewing takes people time.
const SOON: Duration = Duration::from_secs(21 * 24 * 3600);

/// Reads a certificate in DER.
pub fn read(der: &[u8], now: SystemTime) -> Option<Certificate> {
    let (tag, certificate, _) = value(der)?;
    let (tbs_tag, mut at, _) = value(certificate)?;
    if (tag, tbs_tag) != (SEQUENCE, SEQUENCE) {
        return None;
    }
    if at.first() == Some(&VERSION) {
        next(&mut at)?;
    }
    let (_serial, _algorithm) = (next(&mut at)?, next(&mut at)?);
    let issuer = name(next(&mut at)?.1);
    let mut validity = next(&mut at)?.1;
    let (from, until) = (time(next(&mut validity)?)?, time(next(&mut validity)?)?);
    let subject = name(next(&mut at)?.1);
    let end = humantime::parse_rfc3339(&until).ok()?;
    let fingerprint = Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
    let (is_over, ends_soon) = (end < now, end >= now && end < now + SOON);
    Some(Certificate { subject, issuer, from, until, is_over, ends_soon, fingerprint })
}

/// The first value: its tag, its content, what follows.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = der.split_first_chunk()?;
    let (len, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (bytes.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

fn next<'a>(at: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, content, rest) = value(at)?;
    *at = rest;
    Some((tag, content))
}

/// Common name and organization, as far as there are.
fn name(mut sets: &[u8]) -> String {
    let (mut common, mut organization) = (None, None);
    while let Some((SET, mut pairs)) = next(&mut sets) {
        while let Some((SEQUENCE, mut pair)) = next(&mut pairs) {
            let (Some((OBJECT, kind)), Some((_, text))) = (next(&mut pair), next(&mut pair)) else { continue };
            let text = String::from_utf8_lossy(text).into_owned();
            match kind {
                COMMON_NAME => common = Some(text),
                ORGANIZATION => organization = Some(text),
                _ => {}
            }
        }
    }
    match (common, organization) {
        (Some(common), Some(organization)) if common != organization => format!("{common} ({organization})"),
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => "without a name".to_owned(),
    }
}

/// As RFC 3339. Years of two digits are of 1950 to 2049.
fn time((tag, text): (u8, &[u8])) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            (format!("{}{year}", if year < "50" { "20" } else { "19" }), rest)
        }
        GENERALIZED_TIME => text.split_at_checked(4).map(|(year, rest)| (year.to_owned(), rest))?,
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2);
    let whole = format!("{year}-{}-{}T{}:{}:{}Z", part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    (rest.len() == 10).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_says_whose_it_is_who_signed_it_and_until_when() {
        let mut params = rcgen::CertificateParams::new(vec!["hub.example.com".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "hub.example.com");
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Acme");
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2051, 3, 4);
        let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let now = humantime::parse_rfc3339("2026-06-01T00:00:00Z").unwrap();
        let read = read(made.der(), now).unwrap();
        assert_eq!((read.subject.as_str(), read.issuer.as_str()), ("hub.example.com (Acme)", "hub.example.com (Acme)"));
        assert_eq!((read.from.as_str(), read.until.as_str()), ("2026-01-02T00:00:00Z", "2051-03-04T00:00:00Z"));
        assert_eq!((read.is_over, read.ends_soon, read.fingerprint.len()), (false, false, 64));
        let later = |text: &str| super::read(made.der(), humantime::parse_rfc3339(text).unwrap()).unwrap();
        assert!(later("2051-02-20T00:00:00Z").ends_soon && later("2051-03-05T00:00:00Z").is_over);
    }

    #[test]
    fn bytes_that_are_none_are_refused_wherever_they_are_cut() {
        let made = rcgen::generate_simple_self_signed(vec!["hub".to_owned()]).unwrap();
        let der = made.cert.der();
        for len in 0..der.len() {
            assert_eq!(read(&der[..len], SystemTime::now()), None, "{len}");
        }
        assert_eq!(read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0], SystemTime::now()), None);
    }
}
