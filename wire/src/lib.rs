//! Every shape that crosses a socket, pure: Dubbo frame, hessian2, fastjson2, tunnel record, failure, catalogue.

pub mod dubbo;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod pattern;
pub mod tunnel;
