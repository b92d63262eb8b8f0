//! The hub: who may call what; switches calls between links.
