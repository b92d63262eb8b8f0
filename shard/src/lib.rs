//! One core: sockets, one flush a turn, deadlines without timers.
