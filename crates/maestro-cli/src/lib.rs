//! The maestro command: a server, and a client for people.
