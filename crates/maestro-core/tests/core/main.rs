//! Scenarios of the core: a definition and events in, rows and effects out.
//!
//! Every scenario runs twice: with the state kept in memory, and with the state dropped and taken up from its rows
//! after each event; both must come to the same rows (`World::play`).

mod administration;
mod dag;
mod failing;
mod params;
mod properties;
mod queueing;
mod stopping;
mod unblocking;
mod world;
