//! How a process starts, reports and stops: config, listen, drain, tasks, admin, telemetry.
