//! The configuration's example and its mistakes.
