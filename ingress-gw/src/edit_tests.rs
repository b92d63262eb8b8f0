//! What a provider gets of a call.
