//! What a seed draws before anything happens: definitions and how often which fault strikes.

use std::fmt;
use std::fmt::Write as _;

use fastrand::Rng;

/// A fault that is planted on purpose, to show that the checkers find it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// Work is launched before its cause is durable.
    EarlyLaunch,
    /// Timers are not armed again after a crash.
    LostTimer,
    /// A late report of an old attempt is taken for the present one.
    StaleReport,
}

/// The options of one seed. Chances are in percent.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// The seed.
    pub seed: u64,
    /// Definitions as push requests.
    pub definitions: Vec<String>,
    /// What clients do in the phase with faults.
    pub actions: u32,
    /// A client's action is a stop or kill.
    pub ends: u8,
    /// A client's action is to unblock what has failed.
    pub unblocks: u8,
    /// A start gives a uuid that may have been used.
    pub named: u8,
    /// A job fails.
    pub job_fails: u8,
    /// A report is sent twice.
    pub repeated: u8,
    /// A report of an old attempt comes again much later.
    pub late: u8,
    /// A report comes for the first time much later, perhaps behind the one that follows it.
    pub tardy: u8,
    /// A report never comes, although the server lives on.
    pub lost: u8,
    /// A commit fails and is tried again.
    pub commit_fails: u8,
    /// After an event: the server dies.
    pub crash: u8,
    /// After an event: the wall clock jumps forward.
    pub jump: u8,
    /// Longest time of a commit, in milliseconds.
    pub commit_ms: u64,
    /// The core's cascade limit and queue window.
    pub cascade: u32,
    /// See above.
    pub window: usize,
    /// How long a shard evaluates params before they are evaluated beside it.
    pub fuel: u32,
    /// The planted fault, if any.
    pub bug: Option<Bug>,
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {} workflows {} actions {} ends {}% unblocks {}% named {}% job fails {}% repeated {}% late {}% tardy {}% lost {}% commit fails {}% \
             crash {}% jump {}% commit <={}ms cascade {} window {} fuel {} bug {:?}",
            self.seed,
            self.definitions.len(),
            self.actions,
            self.ends,
            self.unblocks,
            self.named,
            self.job_fails,
            self.repeated,
            self.late,
            self.tardy,
            self.lost,
            self.commit_fails,
            self.crash,
            self.jump,
            self.commit_ms,
            self.cascade,
            self.window,
            self.fuel,
            self.bug
        )
    }
}

impl Swarm {
    /// Draws the options of a seed.
    #[must_use]
    pub fn draw(seed: u64, bug: Option<Bug>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut often = |odds: u8, most: u8| {
            if rng.u8(..100) < odds {
                rng.u8(1..=most)
            } else {
                0
            }
        };
        let (ends, named, job_fails) = (often(70, 30), often(40, 60), often(70, 50));
        let (repeated, late, commit_fails) = (often(50, 40), often(50, 30), often(40, 30));
        let (crash, jump) = (often(60, 6), often(20, 3));
        let count = rng.usize(1..=2);
        let definitions = (0..count)
            .map(|i| definition(&mut rng, &format!("w{seed}-{i}")))
            .collect();
        let actions = rng.u32(2..=10);
        let commit_ms = rng.u64(0..=3) * 10;
        let cascade = *rng.choice(&[1, 3, 20, 1000]).unwrap_or(&1000);
        let fuel = *rng.choice(&[0, 1, 4]).unwrap_or(&4);
        let window = *rng.choice(&[1, 2, 256]).unwrap_or(&256);
        let mut often = |odds: u8, most: u8| {
            if rng.u8(..100) < odds {
                rng.u8(1..=most)
            } else {
                0
            }
        };
        let (tardy, lost, unblocks) = (often(30, 30), often(30, 20), often(30, 30));
        Self {
            seed,
            definitions,
            actions,
            ends,
            unblocks,
            named,
            job_fails,
            repeated,
            late,
            tardy,
            lost,
            commit_fails,
            crash,
            jump,
            commit_ms,
            cascade,
            window,
            fuel,
            bug,
        }
    }
}

fn definition(rng: &mut Rng, id: &str) -> String {
    let count = rng.usize(1..=6);
    let mut steps = String::new();
    for i in 0..count {
        let mut next = String::new();
        for j in i + 1..count {
            if rng.u8(..100) < 40 {
                let condition = rng
                    .choice(&[
                        "true",
                        "true",
                        "ok",
                        "!ok",
                        "false",
                        "nobody",
                        "n > 0",
                        "n % 2 == 0",
                        "s0__n >= n",
                    ])
                    .unwrap_or(&"true");
                let condition = if *condition == "nobody" && rng.u8(..100) < 80 {
                    "true"
                } else {
                    condition
                };
                let comma = if next.is_empty() { "" } else { "," };
                let _ = write!(next, r#"{comma}"s{j}":"{condition}""#);
            }
        }
        // What is not a literal is computed once for each attempt and must survive whatever happens then.
        let n = rng
            .choice(&[
                r#""type":"LONG","value":1"#,
                r#""type":"LONG","expression":"step_attempt_id + RUN_TS % 2""#,
                r#""type":"LONG","expression":"params.nextUniqueId() % 7""#,
                r#""type":"LONG","expression":"k = 0; for (i = 0; i < 3000; i += 1) k += i; k""#,
            ])
            .unwrap_or(&"");
        let ok = format!(r#""ok":{{"type":"BOOLEAN","value":true}},"n":{{{n}}}"#);
        let work = match rng.u8(..10) {
            0..=2 => format!(r#""type":"NoOp","params":{{{ok}}}"#),
            3 | 4 => {
                let secs = rng.u8(..5);
                format!(
                    r#""type":"Sleep","params":{{{ok},"sleep_seconds":{{"type":"LONG","value":{secs}}}}}"#
                )
            }
            _ => {
                let (errors, timeouts) = (rng.u8(..3), rng.u8(..2));
                let backoff = r#""backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":2,"platform_retry_backoff_in_secs":1,"timeout_retry_backoff_in_secs":1}"#;
                format!(
                    r#""type":"Shell","params":{{{ok},"shell":{{"type":"MAP","value":{{"script":{{"type":"STRING","value":"true"}}}}}}}},"retry_policy":{{"error_retry_limit":{errors},"timeout_retry_limit":{timeouts},"platform_retry_limit":2,{backoff}}}"#
                )
            }
        };
        let timeout = if rng.u8(..100) < 30 {
            format!(r#","timeout":{}"#, rng.u8(1..6))
        } else {
            String::new()
        };
        let mode = rng
            .choice(&["FAIL_AFTER_RUNNING", "FAIL_IMMEDIATELY", "IGNORE_FAILURE"])
            .unwrap_or(&"");
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            steps,
            r#"{comma}{{"step":{{"id":"s{i}",{work},"failure_mode":"{mode}"{timeout},"transition":{{"successors":{{{next}}}}}}}}}"#
        );
    }
    let timeout = if rng.u8(..100) < 20 {
        r#","timeout":20"#
    } else {
        ""
    };
    let strategy = rng
        .choice(&[
            "1",
            "1",
            "3",
            "100",
            "\"FIRST_ONLY\"",
            "\"LAST_ONLY\"",
            "\"SERIAL_LATEST_ONLY\"",
            "\"STRICT_SEQUENTIAL\"",
        ])
        .unwrap_or(&"1");
    let concurrency = rng.choice(&[1, 2, 20]).unwrap_or(&20);
    format!(
        r#"{{"properties":{{"owner":"sim","run_strategy":{strategy},"step_concurrency":{concurrency}}},"workflow":{{"id":"{id}"{timeout},"steps":[{steps}]}}}}"#
    )
}
