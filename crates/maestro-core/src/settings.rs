//! What the core needs to know of the configuration.

/// Limits and switches of the core. The server's settings fill it; the defaults are those of the specification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Transitions of one event before others get their turn (design, rule 1).
    pub cascade: u32,
    /// Queued runs that are kept in memory per workflow; further ones stay in the store (design, rule 6).
    pub queue_window: usize,
    /// Limit of the workflow's own tag where its properties give none (spec 05 CC-1).
    pub step_concurrency: u32,
    /// Limit of each step's own tag (spec 05 CC-1).
    pub single_step_concurrency: u32,
    /// Whether steps need permits at all (spec 06 TP-3).
    pub permits: bool,
    /// How long the core evaluates by itself, in pieces of some thousand steps of an expression; what takes longer goes
    /// out as an `Evaluate` effect (design, rule 8). With 0 every evaluation goes out.
    pub evaluation_fuel: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cascade: 1000,
            queue_window: 256,
            step_concurrency: 20,
            single_step_concurrency: 20,
            permits: true,
            evaluation_fuel: 4,
        }
    }
}
