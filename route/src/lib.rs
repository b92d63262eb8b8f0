//! Which island, and why: rules and decision; pure.
