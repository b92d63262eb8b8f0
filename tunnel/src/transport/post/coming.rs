//! The body of a request as it comes, whatever carries its bytes. It holds no more of it than a piece.

use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use super::part;
use crate::Encoding;

/// See the module's first line.
pub(super) struct Coming {
    body: Incoming,
    /// What takes the file out, where it is one of a form.
    form: Option<part::Reader>,
}

/// A body that ended before its time, or is none of ours.
pub(super) struct Cut;

impl Coming {
    /// `None`: it is a form of another kind.
    pub(super) fn of(request: Request<Incoming>) -> Option<Coming> {
        let form = part::Reader::of(request.headers().get(CONTENT_TYPE)).ok()?;
        Some(Coming { body: request.into_body(), form })
    }

    pub(super) fn encoding(&self) -> Encoding {
        if self.form.is_some() { Encoding::Multipart } else { Encoding::Plain }
    }

    /// The next bytes; none where the body is over.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        let frame = self.body.frame().await;
        let Some(form) = &mut self.form else {
            return frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()).map_err(|_| Cut));
        };
        match frame {
            Some(Ok(frame)) => Some(form.take(frame.into_data().unwrap_or_default()).map_err(|_| Cut)),
            Some(Err(_)) => Some(Err(Cut)),
            None if form.end().is_ok() => None,
            None => Some(Err(Cut)),
        }
    }
}
