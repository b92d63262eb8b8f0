//! Reads a request's body once, from the front to the end of its attachments.
//!
//! It never decodes an argument but the name of a generic call's method, and allocates nothing for ordinary text.

use std::borrow::Cow;
use std::time::Duration;

use super::super::attachments::Attachments;
use super::super::fastjson2::{self, Fields};
use super::super::frame::{Codec, Header};
use super::super::read::ReadError;
use super::super::{descriptor, hessian2};
use super::known::{Known, Refused};
use super::{Call, GENERIC_TYPES, Generic, Leading, PeekError, Peeked, TARGET};

/// Reads a request's body. `header` must be a request's and no event's.
///
/// # Errors
/// [`PeekError`]: the request must be answered with BAD_REQUEST (a one-way one dropped) and not be carried on.
pub fn peek<'a>(header: &Header, body: &'a [u8]) -> Result<Peeked<'a>, PeekError> {
    let serialization = header.serialization();
    match serialization.codec() {
        Some(Codec::Hessian2) => hessian2(body).map(Peeked::Call).map_err(|refused| *refused),
        Some(Codec::Fastjson2) => fastjson2(body).map(Peeked::Call).map_err(|refused| *refused),
        None => Ok(Peeked::Opaque(serialization)),
    }
}

fn hessian2(body: &[u8]) -> Result<Call<'_>, Refused> {
    let mut reader = hessian2::Reader::new(body);
    let mut text = || if reader.null() { Ok(Cow::Borrowed("")) } else { reader.text() };
    let texts = [text()?, text()?, text()?, text()?, text()?];
    let leading = leading(texts, reader.at())?;
    let mut named = None;
    if is_generic(&leading) {
        let at = reader.at();
        if reader.tag() != Some(hessian2::Tag::Text) {
            return Err(PeekError::GenericMethod { at }.into());
        }
        named = Some(reader.text()?);
    }
    for _ in usize::from(named.is_some())..leading.arg_count {
        reader.skip()?;
    }
    let (end, came_by_path) = (reader.at(), reader.came_by_path());
    plain_map(end, reader.map_type()?)?;
    let attachments = Attachments::open_hessian2(body, reader)?;
    let call = effective(body, leading, named, attachments)?;
    if came_by_path {
        let own = name(&call.service);
        let is_wrong = |path: &str| services(path).any(|service| service != own);
        let mut arguments = hessian2::Reader::new(body);
        while arguments.at() < call.leading.end {
            arguments.skip()?;
        }
        if let Some(at) = hessian2::find_path(arguments, end, is_wrong)? {
            return Err(PeekError::InnerPath { at }.into());
        }
    }
    Ok(call)
}

fn fastjson2(body: &[u8]) -> Result<Call<'_>, Refused> {
    let mut fields = Fields::new(body);
    let mut text = || {
        let mut reader = fastjson2::Reader::new(body, fields.field()?);
        let text = if reader.null() { Cow::Borrowed("") } else { reader.text()? };
        let (at, wanted) = (reader.at(), "the end of the field");
        match body.get(at) {
            Some(&found) if !reader.is_done() => Err(ReadError::Unexpected { at, found, wanted }),
            _ => Ok(text),
        }
    };
    let texts = [text()?, text()?, text()?, text()?, text()?];
    let leading = leading(texts, fields.at())?;
    let mut named = None;
    if is_generic(&leading) {
        let mut reader = fastjson2::Reader::new(body, fields.field()?);
        let at = reader.at();
        if reader.tag() != Some(fastjson2::Tag::Text) {
            return Err(PeekError::GenericMethod { at }.into());
        }
        named = Some(reader.text()?);
    }
    for _ in usize::from(named.is_some())..leading.arg_count {
        fields.field()?;
    }
    let map = fields.clone().field()?;
    plain_map(map.start, fastjson2::Reader::new(body, map).type_ahead()?)?;
    let attachments = Attachments::open_fastjson2(body, &mut fields)?;
    effective(body, leading, named, attachments)
}

/// The types of maps that hold what is put into them. Java makes the type that the map names, and one from the provider's class
/// path may keep less: Dubbo's own `LRU2Cache` forgets all that is put in once.
const PLAIN_MAPS: [&str; 11] = [
    "",
    "java.util.HashMap",
    "java.util.LinkedHashMap",
    "java.util.TreeMap",
    "java.util.Hashtable",
    "java.util.concurrent.ConcurrentHashMap",
    "org.apache.dubbo.rpc.AttachmentsAdapter$ObjectToStringMap",
    // As fastjson2 shortens them.
    "HashMap",
    "LinkedHashMap",
    "TreeMap",
    "ConcurrentHashMap",
];

fn plain_map(at: usize, named: Option<Cow<'_, str>>) -> Result<(), Refused> {
    match named {
        Some(named) if !PLAIN_MAPS.contains(&&*named) => Err(PeekError::MapType { at }.into()),
        _ => Ok(()),
    }
}

fn leading(texts: [Cow<'_, str>; 5], end: usize) -> Result<Leading<'_>, Refused> {
    let [dubbo_version, service, version, method, types] = texts;
    let arg_count = descriptor::count(&types).map_err(|at| PeekError::Types { at })?;
    if method.is_empty() {
        return Err(PeekError::Missing { what: "method" }.into());
    }
    // Providers before 2.7 look at the number of arguments alone.
    if is_generic_name(&method) && arg_count == 3 && types != GENERIC_TYPES {
        return Err(PeekError::GenericTypes.into());
    }
    Ok(Leading { dubbo_version, service, version, method, types, arg_count, end })
}

fn is_generic(leading: &Leading<'_>) -> bool {
    is_generic_name(&leading.method) && leading.types == GENERIC_TYPES
}

fn is_generic_name(method: &str) -> bool {
    matches!(method, "$invoke" | "$invokeAsync")
}

fn effective<'a>(
    body: &'a [u8],
    leading: Leading<'a>,
    named: Option<Cow<'a, str>>,
    mut attachments: Attachments<'a>,
) -> Result<Call<'a>, Refused> {
    let mut known = Known::default();
    let mut cursor = attachments.cursor();
    if !attachments.is_null() {
        loop {
            let key = match cursor.short_text() {
                Some(key) => Cow::Borrowed(key),
                None => match cursor.key(body)? {
                    Some(key) => key,
                    None => break,
                },
            };
            known.take(key, &mut cursor)?;
        }
    }
    attachments.close(&cursor)?;

    let service = known.path.unwrap_or_else(|| leading.service.clone());
    if service.is_empty() {
        return Err(PeekError::Missing { what: "service" }.into());
    }
    let version = known.version.unwrap_or_else(|| leading.version.clone());
    let generic = named.is_some().then(|| Generic::of(known.generic.as_deref()));
    let method = match named {
        Some(named) => trim(named),
        None => leading.method.clone(),
    };
    if method.is_empty() {
        return Err(PeekError::Missing { what: "method" }.into());
    }
    let target = known.highway.iter().find(|(key, _)| key == TARGET).map(|(_, value)| value.clone());
    let timeout = known.timeout.and_then(|timeout| timeout.millis);
    Ok(Call {
        codec: attachments.codec(),
        service,
        interface: known.interface.filter(|interface| !interface.is_empty()),
        version: Some(version).filter(|version| !version.is_empty() && version != "0.0.0"),
        group: known.group.filter(|group| !group.is_empty()),
        method,
        generic,
        tag: known.tag.filter(|tag| !tag.is_empty()),
        target: target.filter(|target| !target.is_empty()),
        token: known.token,
        application: [known.remote_application, known.application].into_iter().flatten().find(|name| !name.is_empty()),
        traceparent: known.traceparent,
        timeout: [timeout, known.countdown].into_iter().flatten().filter_map(positive_millis).min(),
        reverse: known.reverse,
        highway: known.highway,
        attachments,
        leading,
    })
}

/// What in this path looks like a service, where a provider may find one: it looks `group/path:version` up, and a path may say all of
/// these itself, as in `group/context/com.acme.Greeter:1.0`. So a service stands at the end or before a `:`, and what has a `/` behind
/// it is a folder.
fn services(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.matches('/').count();
    let ends = path.split('/').enumerate().filter(move |(at, part)| *at == folders || part.contains(':'));
    ends.map(|(_, part)| name(part)).filter(|name| is_a_service(name))
}

/// How cameras and Windows end a file's name. A service that is named so counts as a file.
const FILE_ENDINGS: [&str; 42] = [
    "APK", "AVI", "BAK", "BMP", "CSV", "DAT", "DLL", "DOC", "DOCX", "EXE", "GIF", "GZ", "HEIC", "HTM", "HTML", "INI",
    "JAR", "JPEG", "JPG", "JSON", "LOG", "MOV", "MP3", "MP4", "PDF", "PNG", "PPT", "PPTX", "RAR", "SQL", "SVG", "TAR",
    "TIF", "TIFF", "TMP", "TXT", "WAV", "WEBP", "XLS", "XLSX", "XML", "ZIP",
];

/// Whether it begins as packages do, in small letters, and ends as a class does, which begins with none.
fn is_a_service(name: &str) -> bool {
    let Some((packages, class)) = name.rsplit_once('.') else { return false };
    let first = packages.split('.').next().unwrap_or(packages);
    let is_package = first.starts_with(|c: char| c.is_ascii_lowercase())
        && first.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let begins = |c: char| !c.is_ascii() || c.is_ascii_uppercase() || matches!(c, '_' | '$');
    let is_class = class.starts_with(begins) && class.chars().all(|c| begins(c) || c.is_ascii_alphanumeric());
    is_package && is_class && !FILE_ENDINGS.contains(&class)
}

/// A service's path without the context path in front and the version behind.
fn name(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split(':').next().unwrap_or(last)
}

fn positive_millis(millis: i64) -> Option<Duration> {
    u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

/// Takes off what Java's `String.trim` takes off, as the provider does before it looks for the method.
fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_space = |character: char| character <= ' ';
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_space)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(is_space).to_owned()),
    }
}
