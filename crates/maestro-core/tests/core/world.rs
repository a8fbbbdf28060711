#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a module of test binaries"
)]
//! A workflow with a store in memory and a clock that is moved by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use maestro_core::message::{
    Command, Effect, Event, Fetch, Fetched, LoadedRun, LoadedStep, News, Outcome, Push, Refusal,
    Reply, Report, Start,
};
use maestro_core::params::{Facts, Moment, Nothing, ParamError, StartedBy, evaluate_start};
use maestro_core::plan::Plan;
use maestro_core::{Keys, Results, Resumed, Settings, Turn, Values, WorkflowState};
use maestro_model::codec::{read, to_text};
use maestro_model::definition::{Properties, User, Workflow};
use maestro_model::param::{EvaluatedValue, ParamMap, ParamType};
use maestro_model::run::Initiator;
use maestro_model::state::*;
use uuid::Uuid;

/// What a scenario's store holds.
#[derive(Default, Clone)]
pub struct Rows {
    pub workflow: Option<WorkflowRow>,
    pub properties: BTreeMap<Millis, String>,
    pub versions: BTreeMap<i64, String>,
    pub deleted: Option<DeletedWorkflow>,
    /// The data of a deleted workflow is still being removed.
    pub purging: bool,
    pub runs: BTreeMap<RunKey, RunRow>,
    pub steps: BTreeMap<(RunKey, StepOrd, u32), (StepState, Option<String>)>,
    /// One line per record: what, old and new status.
    pub events: Vec<String>,
}

impl RowSink for Rows {
    fn workflow(&mut self, row: &WorkflowRow) {
        self.workflow = Some(row.clone());
    }
    fn version(&mut self, row: &VersionRow) {
        self.versions
            .insert(row.version, row.definition.to_string());
    }
    fn properties(&mut self, row: &PropertiesRow) {
        self.properties
            .insert(row.create_time, row.properties.to_string());
    }
    fn history(&mut self, _: WorkflowKey, _: Millis, _: &str, _: &str) {}
    fn delete_workflow(&mut self, row: &DeletedWorkflow) {
        self.workflow = None;
        self.deleted = Some(row.clone());
    }
    fn insert_run(&mut self, run: &RunRow) {
        assert!(
            self.runs.insert(run.key, run.clone()).is_none(),
            "run number given twice"
        );
    }
    fn update_run(&mut self, key: RunKey, head: &RunHead) {
        let row = self
            .runs
            .get_mut(&key)
            .expect("an updated run was inserted");
        assert!(
            !row.head.status.is_terminal()
                || (row.head.status, head.status)
                    == (RunStatus::Failed, RunStatus::FailedUnblocked),
            "a terminal run changed: {row:?}"
        );
        row.head = head.clone();
    }
    fn step(
        &mut self,
        run: RunKey,
        step: StepOrd,
        attempt: u32,
        state: &StepState,
        params: Option<&str>,
    ) {
        let entry = self
            .steps
            .entry((run, step, attempt))
            .or_insert((state.clone(), None));
        entry.0 = state.clone();
        if let Some(params) = params {
            entry.1 = Some(params.to_owned());
        }
    }
    fn events(
        &mut self,
        run: &RunRow,
        step: Option<(StepOrd, u32)>,
        changes: &[(StatusChange, Millis)],
    ) {
        for (change, _) in changes {
            let id = run.id;
            self.events.push(match (change, step) {
                (StatusChange::Step { old, new }, Some((ord, attempt))) => {
                    format!(
                        "{}.{}#{ord}#{attempt} {}->{}",
                        id.instance,
                        id.run,
                        old.as_str(),
                        new.as_str()
                    )
                }
                (StatusChange::Run { old, new }, None) => {
                    format!(
                        "{}.{} {}->{}",
                        id.instance,
                        id.run,
                        old.public().as_str(),
                        new.public().as_str()
                    )
                }
                other => panic!("event of a wrong kind: {other:?}"),
            });
        }
    }
}

pub struct World {
    pub now: Millis,
    pub rows: Rows,
    pub settings: Settings,
    pub plan: Arc<Plan>,
    /// Drop the state after each event and take it up from the rows.
    reload: bool,
    state: WorkflowState,
    keys: Keys,
    /// Replies in order.
    pub replies: Vec<Result<Reply, Refusal>>,
    /// Launches and cancels in order, `launch a#1`.
    pub jobs: Vec<String>,
    launched: BTreeSet<AttemptRef>,
    fetches: Vec<(u64, Fetch)>,
    /// Answers of a slow store: read already, not there yet.
    pub held: Option<Vec<(u64, Fetched)>>,
    next_token: u64,
    uuids: u128,
}

pub const T0: Millis = 1_800_000_000_000;

/// Steps `{"step": ...}` from compact texts `id:type` or full JSON bodies.
pub fn definition(id: &str, steps: &str) -> String {
    format!(r#"{{"id":"{id}","steps":{steps}}}"#)
}

/// A definition from edges such as `a>b a>c:false b>d c>d`; steps of type NoOp unless `types` says otherwise.
pub fn graph(edges: &str, types: &[(&str, &str)]) -> String {
    let mut order: Vec<&str> = Vec::new();
    let mut successors: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for edge in edges.split_whitespace() {
        let (from, to) = edge.split_once('>').unwrap_or((edge, ""));
        let (to, condition) = to.split_once(':').unwrap_or((to, "true"));
        for id in [from, to] {
            if !id.is_empty() && !order.contains(&id) {
                order.push(id);
            }
        }
        if !to.is_empty() {
            successors.entry(from).or_default().push((to, condition));
        }
    }
    let mut steps = String::from("[");
    for (i, id) in order.iter().enumerate() {
        if i > 0 {
            steps.push(',');
        }
        let body = types
            .iter()
            .find(|(step, _)| step == id)
            .map_or(r#""type":"NoOp""#, |(_, body)| body);
        let next: Vec<String> = successors
            .get(id)
            .into_iter()
            .flatten()
            .map(|(to, c)| format!(r#""{to}":"{c}""#))
            .collect();
        write!(
            steps,
            r#"{{"step":{{"id":"{id}",{body},"transition":{{"successors":{{{}}}}}}}}}"#,
            next.join(",")
        )
        .unwrap();
    }
    steps.push(']');
    definition("w", &steps)
}

pub const SHELL: &str = r#""type":"Shell","params":{"shell":{"type":"MAP","value":{}}}"#;

impl World {
    pub fn new(workflow: &str, properties: &str) -> Self {
        Self::with(workflow, properties, false, Settings::default())
    }

    fn with(workflow: &str, properties: &str, reload: bool, settings: Settings) -> Self {
        let workflow: Workflow = read(workflow.as_bytes()).expect("definition");
        let mut rows = Rows::default();
        let mut keys = Keys::new(0, 0, 0);
        let mut effects = Vec::new();
        let mut turn = Turn {
            now: T0,
            settings: &settings,
            keys: &mut keys,
            rows: &mut rows,
            effects: &mut effects,
            budget: settings.cascade,
            followed: 0,
        };
        let state = WorkflowState::resume(workflow.id.clone(), fresh(), &mut turn);
        let plan = Arc::new(Plan::compile(Arc::new(workflow), 1, Arc::default()).expect("plan"));
        let mut world = Self {
            now: T0,
            rows,
            settings,
            plan,
            reload,
            state,
            keys,
            replies: Vec::new(),
            jobs: Vec::new(),
            launched: BTreeSet::new(),
            fetches: Vec::new(),
            held: None,
            next_token: 0,
            uuids: 1,
        };
        world.push(properties);
        world
    }

    /// Plays a scenario with and without reloading, checks that both end alike, and returns the first world.
    pub fn play(workflow: &str, properties: &str, scenario: impl Fn(&mut Self)) -> Self {
        Self::play_with(workflow, properties, Settings::default(), scenario)
    }

    pub fn play_with(
        workflow: &str,
        properties: &str,
        settings: Settings,
        scenario: impl Fn(&mut Self),
    ) -> Self {
        let mut kept = Self::with(workflow, properties, false, settings);
        scenario(&mut kept);
        let mut reloaded = Self::with(workflow, properties, true, settings);
        scenario(&mut reloaded);
        assert_eq!(
            kept.summary(),
            reloaded.summary(),
            "memory and rows disagree"
        );
        // Runs may take turns in another order; what happens to each attempt may not differ.
        let per_attempt = |rows: &Rows| {
            let mut events = rows.events.clone();
            events.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
            events
        };
        let (a, b) = (per_attempt(&kept.rows), per_attempt(&reloaded.rows));
        assert_eq!(
            a.iter().zip(&b).find(|(a, b)| a != b),
            None,
            "events differ"
        );
        for (a, b) in kept.rows.runs.values().zip(reloaded.rows.runs.values()) {
            assert_eq!(a, b, "rows of runs differ");
        }
        kept
    }

    /// Plays a scenario in one mode, where the other may legally come to another order.
    pub fn play_once(
        workflow: &str,
        properties: &str,
        settings: Settings,
        reload: bool,
        scenario: impl Fn(&mut Self),
    ) -> Self {
        let mut world = Self::with(workflow, properties, reload, settings);
        scenario(&mut world);
        world
    }

    pub fn push(&mut self, properties: &str) {
        let properties: Properties = read(properties.as_bytes()).expect("properties");
        let push = Push {
            workflow: Arc::clone(&self.plan.workflow),
            definition: to_text(&*self.plan.workflow).into(),
            properties: Some(properties),
            activate: true,
            author: User::Name("tester".into()),
            git_info: None,
            extra_info: Default::default(),
        };
        self.command(Command::Push(Box::new(push)));
        self.replies.pop().expect("a reply").expect("push");
    }

    pub fn command(&mut self, command: Command) {
        self.next_token += 1;
        self.feed(Event::Command {
            token: Some(self.next_token),
            command,
        });
    }

    pub fn start(&mut self) -> i64 {
        self.uuids += 1;
        self.start_as(Uuid::from_u128(self.uuids), false);
        match self.replies.last() {
            Some(Ok(Reply::Started { id, .. })) => id.instance,
            other => panic!("not started: {other:?}"),
        }
    }

    pub fn start_as(&mut self, uuid: Uuid, named: bool) {
        let start = Start {
            plan: Arc::clone(&self.plan),
            uuid,
            named,
            policy: RunPolicy::StartFreshNewRun,
            request_time: self.now,
            origin: Origin::default(),
            results: self.evaluate(&ParamMap::default(), uuid).expect("params"),
            timeout: match self.plan.timeout {
                maestro_core::plan::Timeout::Millis(ms) => Some(ms),
                _ => None,
            },
            instance_step_concurrency: self.plan.workflow.instance_step_concurrency,
            failed: None,
        };
        self.command(Command::Start(Box::new(start)));
    }

    /// The params of a start, as the server evaluates them.
    pub fn evaluate(&self, run_params: &ParamMap, uuid: Uuid) -> Result<Arc<Results>, ParamError> {
        let initiator = Initiator::Manual {
            depth: 0,
            user: Some("ana".into()),
        };
        let properties = self.state_properties();
        let facts = Facts {
            workflow: &self.plan.workflow,
            id: None,
            policy: RunPolicy::StartFreshNewRun,
            started_by: StartedBy::Initiator(&initiator),
            owner: properties.owner.as_ref().map_or("", |o| o.name()),
            created: self.now,
            uuid,
        };
        let mut moment = Moment::new(self.now, &uuid);
        evaluate_start(&self.plan, run_params, facts, &Nothing, &mut moment).map(Arc::new)
    }

    pub fn end(
        &mut self,
        instance: i64,
        action: ActionKind,
    ) -> Result<(InstanceStatus, bool), Refusal> {
        self.command(Command::End {
            instance,
            run: None,
            action,
            user: "ana".into(),
        });
        match self.replies.pop().expect("a reply") {
            Ok(Reply::Ended {
                status, completed, ..
            }) => Ok((status, completed)),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err(refusal),
        }
    }

    /// Reports on the latest attempt of a step of the latest run of an instance.
    pub fn report(&mut self, instance: i64, step: &str, news: News) {
        let at = self.at(instance, step);
        self.report_at(at, news);
    }

    pub fn report_at(&mut self, at: AttemptRef, news: News) {
        self.feed(Event::Report(Report {
            at,
            news,
            artifacts: Vec::new(),
            timeline: Vec::new(),
        }));
    }

    pub fn at(&self, instance: i64, step: &str) -> AttemptRef {
        let run = self.run(instance).key;
        let step = self.plan.index[step];
        let attempt = self
            .rows
            .steps
            .keys()
            .filter(|(r, s, _)| (*r, *s) == (run, step))
            .map(|k| k.2)
            .max()
            .unwrap_or(1);
        AttemptRef { run, step, attempt }
    }

    pub fn done(&mut self, instance: i64, step: &str) {
        self.report(instance, step, News::Started);
        self.report(
            instance,
            step,
            News::Ended(Outcome::Done {
                outputs: Values::default(),
            }),
        );
    }

    pub fn user_error(&mut self, instance: i64, step: &str) {
        self.report(
            instance,
            step,
            News::Ended(Outcome::UserError { retryable: true }),
        );
    }

    /// Moves the clock, stopping at each deadline on the way.
    pub fn pass(&mut self, millis: Millis) {
        let target = self.now + millis;
        while let Some(at) = self.state.next_deadline().filter(|at| *at <= target) {
            self.now = self.now.max(at);
            self.feed(Event::Timer);
        }
        self.now = target;
    }

    pub fn feed(&mut self, event: Event) {
        self.one(event);
        // Answers of the store and cuts of a cascade come at once.
        loop {
            let fetches = std::mem::take(&mut self.fetches);
            if fetches.is_empty() {
                break;
            }
            for (request, what) in fetches {
                let answer = self.read(&what);
                if let Some(held) = &mut self.held {
                    held.push((request, answer));
                    continue;
                }
                self.one(Event::Fetched { request, answer });
            }
        }
        self.state.check().expect("invariants");
        self.compare();
        if self.reload {
            self.take_up();
        }
    }

    /// One of the answers of a slow store comes.
    pub fn answer(&mut self, nth: usize) {
        let held = self.held.as_mut().expect("a slow store");
        let (request, answer) = held.remove(nth);
        self.feed(Event::Fetched { request, answer });
    }

    fn one(&mut self, event: Event) {
        let mut event = Some(event);
        loop {
            let mut effects = Vec::new();
            let mut turn = Turn {
                now: self.now,
                settings: &self.settings,
                keys: &mut self.keys,
                rows: &mut self.rows,
                effects: &mut effects,
                budget: self.settings.cascade,
                followed: 0,
            };
            self.state
                .on(event.take().unwrap_or(Event::Continue), &mut turn);
            if !self.take_effects(effects) {
                return;
            }
        }
    }

    /// True if the cascade was cut.
    fn take_effects(&mut self, effects: Vec<Effect>) -> bool {
        let mut again = false;
        for effect in effects {
            match effect {
                Effect::Reply { result, .. } => self.replies.push(result),
                Effect::Launch(launch) => {
                    let id = &launch.plan.step(launch.at.step).id;
                    if launch.adopt {
                        assert!(
                            self.launched.contains(&launch.at),
                            "adopted but never launched"
                        );
                    } else {
                        assert!(
                            self.launched.insert(launch.at),
                            "launched twice: {:?}",
                            launch.at
                        );
                        self.jobs.push(format!("launch {id}#{}", launch.at.attempt));
                    }
                }
                Effect::Cancel { at, .. } => {
                    let text = format!("cancel {}#{}", self.plan.step(at.step).id, at.attempt);
                    if !self.jobs.contains(&text) {
                        self.jobs.push(text);
                    }
                }
                Effect::Continue => again = true,
                Effect::Fetch { request, what } => self.fetches.push((request, what)),
                Effect::Evaluate(work) => {
                    let (at, outcome) = (work.at, work.make());
                    self.one(Event::Evaluated { at, outcome });
                }
                _ => {}
            }
        }
        again
    }

    fn read(&self, what: &Fetch) -> Fetched {
        match what {
            Fetch::Queued { after, limit } => Fetched::Queued(
                self.by_id(|row| {
                    row.head.status == RunStatus::Queued && after.is_none_or(|a| row.id > a)
                })
                .into_iter()
                .take(*limit)
                .collect(),
            ),
            Fetch::Instance(instance) => Fetched::Instance(
                self.by_id(|row| row.id.instance == *instance)
                    .pop()
                    .map(Box::new),
            ),
            Fetch::Failed { after, limit } => Fetched::Failed(
                self.by_id(|row| {
                    row.head.status == RunStatus::Failed && after.is_none_or(|a| row.id > a)
                })
                .into_iter()
                .map(|run| run.row)
                .take(*limit)
                .collect(),
            ),
            Fetch::Uuid(uuid) => Fetched::Uuid(
                self.rows
                    .runs
                    .values()
                    .any(|r| r.body.named && r.body.uuid == *uuid),
            ),
            Fetch::Deleted => Fetched::Deleted {
                last_instance: self.rows.deleted.as_ref().map_or(0, |d| d.last_instance),
                purging: self.rows.purging,
            },
        }
    }

    fn by_id(&self, keep: impl Fn(&RunRow) -> bool) -> Vec<LoadedRun> {
        let mut rows: Vec<&RunRow> = self.rows.runs.values().filter(|r| keep(r)).collect();
        rows.sort_by_key(|r| r.id);
        rows.into_iter().map(|row| self.load(row)).collect()
    }

    fn load(&self, row: &RunRow) -> LoadedRun {
        let mut latest: BTreeMap<StepOrd, LoadedStep> = BTreeMap::new();
        for ((run, step, attempt), (state, params)) in &self.rows.steps {
            if *run == row.key {
                let results = params
                    .as_ref()
                    .map(|text| Arc::new(Results::from_json(text).unwrap()));
                // What is stored goes through its encoding, as in the real store.
                let state = minicbor::decode(&minicbor::to_vec(state).unwrap()).unwrap();
                latest.insert(
                    *step,
                    LoadedStep {
                        step: *step,
                        attempt: *attempt,
                        state,
                        results,
                    },
                );
            }
        }
        LoadedRun {
            row: row.clone(),
            plan: Arc::clone(&self.plan),
            results: match &row.body.params {
                Some(text) => Arc::new(Results::from_json(text).unwrap()),
                None => self.plan.no_results(),
            },
            properties: Arc::new(self.state_properties()),
            steps: latest.into_values().collect(),
        }
    }

    fn state_properties(&self) -> Properties {
        self.rows
            .properties
            .values()
            .last()
            .map(|text| read(text.as_bytes()).unwrap())
            .unwrap_or_default()
    }

    /// Drops the state and takes it up from the rows, like a server after a crash.
    pub fn take_up(&mut self) {
        let live: Vec<LoadedRun> = self
            .by_id(|row| !row.head.status.is_terminal() && row.head.status != RunStatus::Queued);
        let count = |status| {
            self.rows
                .runs
                .values()
                .filter(|r| r.head.status == status)
                .count() as u64
        };
        let loaded = Resumed {
            row: self.rows.workflow.clone(),
            properties: self.state_properties(),
            deleted_instances: self.rows.deleted.as_ref().map_or(0, |d| d.last_instance),
            purging: false,
            failed: count(RunStatus::Failed),
            queued: count(RunStatus::Queued),
            live,
        };
        let mut effects = Vec::new();
        let mut turn = Turn {
            now: self.now,
            settings: &self.settings,
            keys: &mut self.keys,
            rows: &mut self.rows,
            effects: &mut effects,
            budget: self.settings.cascade,
            followed: 0,
        };
        self.state = WorkflowState::resume(self.plan.workflow.id.clone(), loaded, &mut turn);
        assert!(!self.take_effects(effects));
        self.one(Event::Continue);
        let fetches = std::mem::take(&mut self.fetches);
        for (request, what) in fetches {
            let answer = self.read(&what);
            self.one(Event::Fetched { request, answer });
        }
    }

    /// What memory holds is what the rows say.
    fn compare(&self) {
        for run in self.state.snapshot() {
            assert_eq!(run.row, self.rows.runs[&run.row.key]);
            for step in run.steps {
                let (state, _) = &self.rows.steps[&(run.row.key, step.step, step.attempt)];
                assert_eq!(state.status, step.status);
                if let Some(kept) = step.state {
                    assert_eq!(*state, kept);
                }
            }
        }
    }

    pub fn run(&self, instance: i64) -> &RunRow {
        self.rows
            .runs
            .values()
            .filter(|r| r.id.instance == instance)
            .max_by_key(|r| r.id.run)
            .expect("an instance")
    }

    pub fn status(&self, instance: i64) -> &'static str {
        self.run(instance).head.status.public().as_str()
    }

    /// An attempt of a step of the first instance.
    pub fn step(&self, step: &str, attempt: u32) -> &StepState {
        &self.rows.steps[&(self.run(1).key, self.plan.index[step], attempt)].0
    }

    /// `1: SUCCEEDED a=SUCCEEDED b=USER_FAILED,SUCCEEDED`, a line per run.
    pub fn summary(&self) -> String {
        let mut lines: Vec<(InstanceRef, String)> = Vec::new();
        for row in self.rows.runs.values() {
            let mut line = format!("{}: {}", row.id.instance, row.head.status.public().as_str());
            for (ord, step) in (0..).zip(&self.plan.steps) {
                let attempts: Vec<&str> = self
                    .rows
                    .steps
                    .iter()
                    .filter(|((run, s, _), _)| (*run, *s) == (row.key, ord))
                    .map(|(_, (state, _))| state.status.as_str())
                    .collect();
                if !attempts.is_empty() {
                    write!(line, " {}={}", step.id, attempts.join(",")).unwrap();
                }
            }
            lines.push((row.id, line));
        }
        lines.sort();
        lines
            .into_iter()
            .map(|(_, line)| line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Text forms of the timeline of an attempt.
    pub fn timeline(&self, step: &str, attempt: u32) -> Vec<String> {
        self.step(step, attempt)
            .timeline
            .events()
            .iter()
            .map(|event| match event {
                TimelineEvent::Log { text, .. } => text.to_string(),
                TimelineEvent::Details { errors, .. } => errors.join("; "),
                TimelineEvent::Action { action, .. } => action.to_string(),
            })
            .collect()
    }

    /// The params of an attempt that are stored; empty for none.
    pub fn params(&self, step: &str, attempt: u32) -> String {
        let ord = self.plan.index[step];
        let mut found = self.rows.steps.iter();
        let found = found.find(|((_, s, a), _)| (*s, *a) == (ord, attempt));
        found
            .and_then(|(_, (_, params))| params.clone())
            .unwrap_or_default()
    }

    pub fn outputs(name: &str, value: EvaluatedValue) -> Values {
        [(name.into(), value)].into_iter().collect()
    }

    /// Runs that hold a strictly sequential workflow up, as the state counts them.
    pub fn failed(&self) -> u64 {
        self.state.failed_runs()
    }

    /// Waiting runs, as the state counts them.
    pub fn queued(&self) -> u64 {
        self.state.queued_runs()
    }

    pub fn deadline(&self) -> Option<Millis> {
        self.state.next_deadline()
    }
}

fn fresh() -> Resumed {
    Resumed {
        row: None,
        properties: Properties::default(),
        deleted_instances: 0,
        purging: false,
        failed: 0,
        queued: 0,
        live: Vec::new(),
    }
}

#[test]
fn values_survive_the_store() {
    let values: Values = [
        ("d".into(), EvaluatedValue::Double(f64::NAN)),
        ("l".into(), EvaluatedValue::Long(i64::MIN)),
        (
            "s".into(),
            EvaluatedValue::StringArray([Some("\u{1F600}\"".into()), None].into()),
        ),
        (
            "m".into(),
            EvaluatedValue::Map(Arc::new(World::outputs("x", EvaluatedValue::Boolean(true)))),
        ),
    ]
    .into_iter()
    .collect();
    let results = Results {
        values,
        converted: vec![("l".into(), ParamType::String)],
        outputs: vec!["m".into()],
    };
    let text = results.to_json();
    let read = Results::from_json(&text).unwrap();
    assert_eq!(read.to_json(), text);
    assert_eq!(read.converted, results.converted);
    assert_eq!(read.outputs, results.outputs);
}
