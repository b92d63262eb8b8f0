//! Certificate files: until when each is good, and whether the chain is the key's.

use std::path::Path;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{Step, days};
use crate::doctor::about::Papers;
use crate::doctor::certificate;
use crate::doctor::way::seen::Certificate;

/// Certificates of one file that are shown; the authorities of a whole system are more.
const SHOWN: usize = 4;

pub fn steps(papers: &Papers, now: SystemTime) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(file) = &papers.certificate_file {
        steps.push(times(&format!("{}.certificate_file", papers.key), file, now));
    }
    if let Some(file) = &papers.ca_file {
        steps.push(times(&format!("{}.ca_file", papers.key), file, now));
    }
    if let (Some(certificate), Some(key)) = (&papers.certificate_file, &papers.key_file) {
        steps.push(pair(&papers.key, certificate, key));
    }
    steps
}

fn times(key: &str, file: &Path, now: SystemTime) -> Step {
    let shown = file.display();
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let all = match all {
        Ok(all) if !all.is_empty() => all,
        Ok(_) => return unusable(format!("{key}: {shown} has no certificate")),
        Err(error) => return unusable(format!("{key}: {shown}: {error}")),
    };
    let read: Vec<Certificate> = all.iter().filter_map(|der| certificate::read(der, now)).collect();
    if read.len() < all.len() {
        return unusable(format!("{key}: {shown} has a certificate that cannot be read"));
    }
    let mut words: Vec<String> = read.iter().take(SHOWN).map(|one| word(one, now)).collect();
    if read.len() > SHOWN {
        words.push(format!("and {} more", read.len() - SHOWN));
    }
    let saw = format!("{key}: {shown}: {}", words.join("; "));
    let ask = "ask whoever issued it for a new one; the programs take a changed file without a restart";
    if read.iter().any(|one| one.is_over || begins_later(one, now)) {
        return Step::bad(
            "certificates",
            saw,
            "a certificate is out of its time: TLS with it does not come about",
            ask,
        );
    }
    if read.iter().any(|one| one.ends_soon) {
        return Step::note("certificates", saw, "a certificate ends within three weeks", ask);
    }
    Step::good("certificates", saw)
}

fn begins_later(certificate: &Certificate, now: SystemTime) -> bool {
    humantime::parse_rfc3339(&certificate.from).is_ok_and(|from| from > now)
}

fn word(certificate: &Certificate, now: SystemTime) -> String {
    let end = humantime::parse_rfc3339(&certificate.until).ok();
    let until = certificate.until.get(..10).unwrap_or(&certificate.until);
    match end.and_then(|end| end.duration_since(now).ok()) {
        Some(left) => format!(
            "{}, issued by {}, until {until}, {} days left",
            certificate.subject,
            certificate.issuer,
            days(left)
        ),
        None => format!("{}, issued by {}, over since {until}", certificate.subject, certificate.issuer),
    }
}

fn pair(key: &str, certificate: &Path, secret: &Path) -> Step {
    match tunnel::tls::server(certificate, secret) {
        Ok(_) => Step::good("certificates", format!("{key}: the certificate is the key's")),
        Err(error) => Step::bad(
            "certificates",
            format!("{key}: {error}"),
            "certificate and key do not belong together, or one cannot be read",
            "the file begins with the certificate of this key, and those that vouch for it follow",
        ),
    }
}

fn unusable(saw: String) -> Step {
    Step::bad("certificates", saw, "TLS with it does not come about", "wanted a PEM file")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Mark;
    use super::*;

    fn made(folder: &Path, name: &str, until: (i32, u8, u8)) -> (std::path::PathBuf, std::path::PathBuf) {
        let mut params = rcgen::CertificateParams::new(vec!["hub.example.com".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        let pair = rcgen::KeyPair::generate().unwrap();
        let (file, key) = (folder.join(name).with_extension("pem"), folder.join(name).with_extension("key"));
        std::fs::write(&file, params.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        (file, key)
    }

    #[test]
    fn dates_are_told_with_the_days_left_and_a_key_of_another_certificate_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (file, key) = made(folder.path(), "hub", (2026, 7, 1));
        let (_, other) = made(folder.path(), "other", (2026, 7, 1));
        let of = |key: &Path, at: &str| {
            let (certificate_file, key_file) = (Some(file.clone()), Some(key.to_owned()));
            let papers = Papers { key: "egress.tls".to_owned(), certificate_file, key_file, ca_file: None };
            steps(&papers, humantime::parse_rfc3339(at).unwrap())
        };
        let well = of(&key, "2026-05-01T00:00:00Z");
        assert!(well.iter().all(|step| step.mark == Mark::Good), "{well:?}");
        assert!(well[0].saw.contains("until 2026-07-01, 61 days left"), "{well:?}");
        assert_eq!(of(&key, "2026-06-20T00:00:00Z")[0].mark, Mark::Note);
        assert_eq!(of(&key, "2026-07-02T00:00:00Z")[0].mark, Mark::Bad);
        assert_eq!(of(&key, "2026-01-01T00:00:00Z")[0].mark, Mark::Bad);
        assert_eq!(of(&other, "2026-05-01T00:00:00Z")[1].mark, Mark::Bad);
        std::fs::write(&file, "nothing").unwrap();
        assert_eq!(of(&key, "2026-05-01T00:00:00Z")[0].mark, Mark::Bad);
        assert_eq!(days(Duration::from_secs(24 * 3600 - 1)), 0);
    }
}
