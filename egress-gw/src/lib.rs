//! The egress gateway: consumers come in here.
