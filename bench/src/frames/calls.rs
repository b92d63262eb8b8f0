//! The calls of a load, whatever their arguments are. It adds nothing to either kind.

use super::{Frame, Payload, Question, Varied};

/// Calls of one kind.
pub enum Calls {
    /// With the same filler.
    Filler(Question),
    /// With other arguments each time.
    Varied(Varied),
}

impl Calls {
    /// Calls of `service.method` with arguments of this kind and about this length.
    pub fn new(service: &str, method: &str, payload: Payload, argument_len: usize) -> Calls {
        match payload {
            Payload::Filler => Calls::Filler(Question::new(service, method, argument_len)),
            _ => Calls::Varied(Varied::new(service, method, payload, argument_len)),
        }
    }

    /// Appends the call with this id.
    pub fn append(&self, id: u64, out: &mut Vec<u8>) {
        match self {
            Calls::Filler(question) => question.append(id, out),
            Calls::Varied(varied) => varied.append(id, out),
        }
    }

    /// Whether `frame` is the right answer to the call with this id.
    pub fn is_answered_by(&self, frame: &Frame<'_>, id: u64) -> bool {
        match self {
            Calls::Filler(question) => question.is_answered_by(frame, id),
            Calls::Varied(varied) => varied.is_answered_by(frame, id),
        }
    }
}
