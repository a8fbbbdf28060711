//! One seed: clients, a server that may die, jobs, a clock, and the store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

use maestro_core::message::{
    Command, Event, Outcome as JobOutcome, Push, Refusal, Reply, Report, Start, StartOutcome,
};
use maestro_core::plan::Plan;
use maestro_core::{Settings, Values};
use maestro_engine::partition::{Input, Partition, Released, Sealed};
use maestro_engine::{Definitions, recovery};
use maestro_model::Str;
use maestro_model::codec::{read as parse, to_text};
use maestro_model::definition::{User, WorkflowCreateRequest};
use maestro_model::state::{ActionKind, Millis, Origin, RunPolicy, RunStatus, StepStatus};
use maestro_store::{Store, sqlite};
use uuid::Uuid;

use crate::check::{Edges, Past, read, repeated};
use crate::jobs::{Job, Jobs};
use crate::swarm::{Bug, Swarm};

/// A store that several seeds use one after the other: making one for each costs more than the seed.
pub struct Ground {
    store: Store,
    outbox: i64,
    /// The time never goes back, over seeds either.
    now: Millis,
    /// Seeds that have used it.
    pub seeds: u32,
}

impl Ground {
    /// A fresh store in a folder.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn new(dir: &Path) -> Result<Self, maestro_store::OpenError> {
        let options = sqlite::Options {
            readers_kept: 1,
            ..sqlite::Options::default()
        };
        Ok(Self {
            store: sqlite::open(dir, &options)?,
            outbox: 0,
            now: 1_800_000_000_000,
            seeds: 0,
        })
    }
}

/// What a seed came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Events that were played.
    pub events: u64,
    /// Crashes that were survived.
    pub crashes: u32,
    /// Reports that never came.
    pub lost: u32,
    /// Transitions that were seen.
    pub edges: Edges,
}

/// Something that comes at a time.
enum Due {
    /// A client acts.
    Act,
    /// The next batch on its way is committed.
    Commit,
    /// A report reaches the server that was up then.
    Report(Str, Report, u32),
    /// A job ends.
    JobEnds(Uuid),
    /// The server is up again.
    Up,
    /// An answer of the store or of the evaluator.
    Input(Box<Input>, u32),
}

/// An answer that a client got: who, and what.
type Answers = Arc<Mutex<Vec<(usize, Result<Reply, Refusal>)>>>;

struct World<'a> {
    swarm: &'a Swarm,
    rng: fastrand::Rng,
    ground: &'a mut Ground,
    now: Millis,
    settings: Settings,
    definitions: Definitions,
    server: Option<Partition>,
    /// How often the server has died: what was meant for an earlier life is lost.
    life: u32,
    /// Workflows whose timers a planted bug forgot.
    forgotten: bool,
    /// A report to this life of the server was lost.
    lost: bool,
    in_flight: VecDeque<Sealed>,
    due: BTreeMap<(Millis, u64), Due>,
    next: u64,
    jobs: Jobs,
    answers: Answers,
    /// Starts that were acknowledged: workflow and instance.
    acknowledged: BTreeMap<usize, BTreeSet<i64>>,
    named: Vec<Uuid>,
    plans: Vec<(Str, Arc<Plan>)>,
    past: Vec<Past>,
    faults: bool,
    out: Outcome,
}

/// Plays a seed.
///
/// # Errors
/// Says which promise was broken.
pub fn play(swarm: &Swarm, ground: &mut Ground) -> Result<Outcome, String> {
    ground.seeds += 1;
    ground.now += 1_000_000;
    let now = ground.now;
    let settings = Settings {
        cascade: swarm.cascade,
        queue_window: swarm.window,
        evaluation_fuel: swarm.fuel,
        ..Settings::default()
    };
    let mut world = World {
        swarm,
        rng: fastrand::Rng::with_seed(swarm.seed ^ 0x5eed),
        now,
        settings,
        definitions: Definitions::new(1 << 20, Arc::default()),
        server: None,
        life: 0,
        forgotten: false,
        lost: false,
        in_flight: VecDeque::new(),
        due: BTreeMap::new(),
        next: 0,
        jobs: Jobs::default(),
        answers: Answers::default(),
        acknowledged: BTreeMap::new(),
        named: Vec::new(),
        plans: Vec::new(),
        past: Vec::new(),
        faults: true,
        out: Outcome::default(),
        ground,
    };
    world.come_up()?;
    world.push_all()?;
    for _ in 0..swarm.actions {
        let at = world.now + world.rng.i64(0..8_000);
        world.plan(at, Due::Act);
    }
    world.run(60_000)?;
    world.faults = false;
    world.restart_for_lost_reports()?;
    world.run(10_000_000)?;
    world.unblock_all()?;
    world.finish()?;
    world.ground.now = world.now;
    Ok(world.out)
}

impl World<'_> {
    fn chance(&mut self, percent: u8) -> bool {
        percent > 0 && self.rng.u8(..100) < percent
    }

    fn strikes(&mut self, percent: u8) -> bool {
        self.faults && self.chance(percent)
    }

    fn plan(&mut self, at: Millis, due: Due) {
        self.next += 1;
        self.due.insert((at.max(self.now), self.next), due);
    }

    /// Plays until nothing is left to happen, or for so long.
    fn run(&mut self, millis: Millis) -> Result<(), String> {
        let until = self.now + millis;
        self.after()?;
        loop {
            let timer = match &self.server {
                Some(server) if !self.forgotten => server.next_deadline(),
                _ => None,
            };
            let first = self.due.first_key_value().map(|((at, _), _)| *at);
            let next = match (first, timer) {
                (None, None) => return Ok(()),
                (Some(a), None) => a,
                (None, Some(b)) => b,
                (Some(a), Some(b)) => a.min(b),
            };
            if next > until {
                // What lies further away than the phase is for the next one, or never.
                self.now = until;
                return Ok(());
            }
            self.now = self.now.max(next);
            self.out.events += 1;
            if first.is_some_and(|at| at <= self.now) {
                if let Some((_, due)) = self.due.pop_first() {
                    self.happen(due)?;
                }
            } else if let Some(server) = &mut self.server {
                server.tick(self.now);
            }
            self.after()?;
        }
    }

    fn happen(&mut self, due: Due) -> Result<(), String> {
        match due {
            Due::Act => self.act(),
            Due::Commit => return self.commit(),
            Due::Report(workflow, report, life) => {
                if life == self.life
                    && let Some(server) = &mut self.server
                {
                    let event = Event::Report(report);
                    server.handle(
                        Input::Event {
                            workflow,
                            event,
                            answer: None,
                        },
                        self.now,
                    );
                }
            }
            Due::JobEnds(uuid) => self.job_ends(&uuid),
            Due::Up => return self.come_up(),
            Due::Input(input, life) => {
                if life == self.life
                    && let Some(server) = &mut self.server
                {
                    server.handle(*input, self.now);
                }
            }
        }
        Ok(())
    }

    /// After each event: cascades go on, batches are sealed, faults strike.
    fn after(&mut self) -> Result<(), String> {
        if self.strikes(self.swarm.jump) {
            let by = self.rng.i64(2_000..600_000);
            self.now += by;
            let moved: Vec<_> = std::mem::take(&mut self.due).into_iter().collect();
            for ((at, n), due) in moved {
                self.due.insert((at + by, n), due);
            }
            for job in self.jobs.all.values_mut().filter(|job| !job.over) {
                job.ends += by;
            }
            if let Some(server) = &mut self.server {
                server.shift_clock(by, self.now);
            }
        }
        if let Some(server) = &mut self.server {
            while server.go_on(self.now) {}
            for state in server.states() {
                state.check()?;
            }
        }
        if self.server.as_ref().is_some_and(Partition::is_open) && self.in_flight.len() < 2 {
            self.seal()?;
        }
        if self.strikes(self.swarm.crash) {
            self.crash()?;
        }
        self.take_answers();
        Ok(())
    }

    fn seal(&mut self) -> Result<(), String> {
        let Some(server) = &mut self.server else {
            return Ok(());
        };
        let mut sealed = server.seal(Sealed::default());
        if self.swarm.bug == Some(Bug::EarlyLaunch) {
            let (early, rest): (Vec<_>, Vec<_>) = sealed
                .effects
                .drain(..)
                .partition(|effect| matches!(effect, Released::Launch(..)));
            sealed.effects = rest;
            for effect in early {
                self.release(effect)?;
            }
        }
        self.in_flight.push_back(sealed);
        let delay = i64::try_from(self.rng.u64(..=self.swarm.commit_ms)).unwrap_or(0);
        self.plan(self.now + delay, Due::Commit);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), String> {
        if self.in_flight.is_empty() {
            return Ok(());
        }
        if self.strikes(self.swarm.commit_fails) {
            let at = self.now + self.rng.i64(1..500);
            self.plan(at, Due::Commit);
            return Ok(());
        }
        let Some(mut sealed) = self.in_flight.pop_front() else {
            return Ok(());
        };
        if !sealed.batch.is_empty() {
            let batches: [&_; 1] = [&sealed.batch];
            self.ground
                .store
                .writer
                .commit(&mut batches.into_iter())
                .map_err(|e| e.to_string())?;
        }
        // A crash may come between any two effects.
        for effect in sealed.effects.drain(..) {
            if self.strikes(self.swarm.crash) {
                return self.crash();
            }
            self.release(effect)?;
        }
        if self.server.as_ref().is_some_and(|s| !s.is_open()) && self.in_flight.is_empty() {
            self.compare()?;
        }
        Ok(())
    }

    /// What memory holds is what the rows say, once everything is durable.
    fn compare(&mut self) -> Result<(), String> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let snapshot = read(self.ground.store.readers.snapshot())?;
        for state in server.states() {
            if let Some(row) = state.row() {
                let counts = read(snapshot.counts(row.key))?;
                let begun = state.snapshot();
                let picked_up = begun
                    .iter()
                    .filter(|run| run.row.head.status == RunStatus::PickedUp);
                let memory = (
                    state.queued_runs() + picked_up.count() as u64,
                    state.failed_runs(),
                );
                if memory != (counts.created, counts.failed) {
                    return Err(format!(
                        "memory counts {memory:?} queued and failed runs, the store {counts:?}"
                    ));
                }
            }
            for run in state.snapshot() {
                let row = read(snapshot.run_by_key(run.row.key))?;
                if row.as_ref() != Some(&run.row) {
                    return Err(format!("memory has {:?}, the store {row:?}", run.row));
                }
                let stored = read(snapshot.steps(run.row.key))?;
                for step in run.steps {
                    let row = stored.iter().find(|s| s.step == step.step);
                    let same = row.is_some_and(|row| {
                        row.attempt == step.attempt
                            && row.state.status == step.status
                            && step.state.as_ref().is_none_or(|state| {
                                row.state == *state
                                    && row.params.as_deref() == step.params.as_deref()
                            })
                    });
                    if !same {
                        return Err(format!("memory has {step:?}, the store {row:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn release(&mut self, effect: Released) -> Result<(), String> {
        match effect {
            Released::Reply(answer, result) => answer(result),
            Released::Launch(workflow, launch) => {
                let snapshot = read(self.ground.store.readers.snapshot())?;
                let row =
                    read(snapshot.step(launch.at.run, launch.at.step, Some(launch.at.attempt)))?;
                let durable = row.is_some_and(|row| row.state.status >= StepStatus::Starting);
                if !durable {
                    return Err(format!(
                        "{:?} is launched before its cause is durable",
                        launch.at
                    ));
                }
                self.launch(&workflow, &launch)?;
            }
            Released::Cancel(_, uuid, _) => {
                let now = self.now;
                match self.jobs.all.get_mut(&uuid) {
                    Some(job) if !job.over => {
                        job.outcome = JobOutcome::Stopped;
                        job.ends = now + self.rng.i64(0..200);
                        let at = job.ends;
                        self.plan(at, Due::JobEnds(uuid));
                    }
                    // Whoever still wants it ended has not heard of its end.
                    Some(job) => {
                        let (workflow, news) = (job.workflow.clone(), Jobs::news(job, now));
                        if let Some(end) = news.last() {
                            self.report(&workflow, end);
                        }
                    }
                    None => {}
                }
            }
            Released::Release(at, uuid, _) => {
                if let Some(job) = self.jobs.all.get_mut(&uuid) {
                    if !job.over {
                        return Err(format!("{at:?} is over while its work goes on"));
                    }
                    job.released = true;
                }
            }
            Released::Fetch(workflow, request, what) => {
                let snapshot = read(self.ground.store.readers.snapshot())?;
                let answer = recovery::fetch(&self.definitions, &workflow, &what, &*snapshot)
                    .map_err(|e| e.to_string())?;
                let event = Event::Fetched { request, answer };
                self.answer(Input::Event {
                    workflow,
                    event,
                    answer: None,
                });
            }
            Released::Load(workflow) => {
                let snapshot = read(self.ground.store.readers.snapshot())?;
                let loaded = recovery::load(&workflow, &*snapshot)
                    .map(Box::new)
                    .map_err(|e| e.to_string());
                self.answer(Input::Loaded { workflow, loaded });
            }
            Released::Evaluate(workflow, work) => {
                let event = Event::Evaluated {
                    at: work.at,
                    outcome: work.make(),
                };
                self.answer(Input::Event {
                    workflow,
                    event,
                    answer: None,
                });
            }
            Released::NotifyDurable(workflow, number) => {
                let event = Event::Durable(number);
                self.answer(Input::Event {
                    workflow,
                    event,
                    answer: None,
                });
            }
            Released::DefinitionChanged(_) | Released::Changed(..) | Released::Purge(..) => {}
        }
        Ok(())
    }

    fn answer(&mut self, input: Input) {
        let at = self.now + self.rng.i64(0..50);
        self.plan(at, Due::Input(Box::new(input), self.life));
    }

    fn launch(
        &mut self,
        workflow: &Str,
        launch: &maestro_core::message::Launch,
    ) -> Result<(), String> {
        if let Some(job) = self.jobs.all.get(&launch.uuid) {
            if !launch.adopt {
                return Err(format!("{:?} is launched twice", launch.at));
            }
            // Found again: the runtime says what it knows.
            let news = Jobs::news(job, self.now);
            for report in news {
                self.report(workflow, &report);
            }
            return Ok(());
        }
        let length = *self.rng.choice(&[0, 10, 900, 4_000, 15_000]).unwrap_or(&10);
        let fails = self.chance(self.swarm.job_fails);
        let outcome = match self.rng.u8(..8) {
            _ if !fails => JobOutcome::Done {
                outputs: Values::default(),
            },
            0 => JobOutcome::FatalError,
            1 | 2 => JobOutcome::PlatformError { retryable: true },
            3 => JobOutcome::UserError { retryable: false },
            _ => JobOutcome::UserError { retryable: true },
        };
        let ends = self.now + length;
        let job = Job {
            workflow: workflow.clone(),
            at: launch.at,
            ends,
            outcome,
            over: false,
            released: false,
        };
        for report in Jobs::news(&job, self.now - 1) {
            self.report(workflow, &report);
        }
        self.jobs.all.insert(launch.uuid, job);
        self.plan(ends, Due::JobEnds(launch.uuid));
        Ok(())
    }

    fn job_ends(&mut self, uuid: &Uuid) {
        let now = self.now;
        let Some(job) = self
            .jobs
            .all
            .get_mut(uuid)
            .filter(|job| !job.over && job.ends <= now)
        else {
            return;
        };
        job.over = true;
        let (workflow, news) = (job.workflow.clone(), Jobs::news(job, now));
        if let Some(end) = news.into_iter().last() {
            self.report(&workflow, &end);
        }
    }

    /// A report sets out for the server; it may never come, come late, twice, and again when nobody expects it any more.
    fn report(&mut self, workflow: &Str, report: &Report) {
        if self.strikes(self.swarm.lost) {
            self.lost = true;
            self.out.lost += 1;
            return;
        }
        let first = if self.strikes(self.swarm.tardy) {
            self.rng.i64(1_000..30_000)
        } else {
            self.rng.i64(0..30)
        };
        let mut times = vec![first];
        if self.strikes(self.swarm.repeated) {
            times.push(self.rng.i64(0..60));
        }
        if self.strikes(self.swarm.late) {
            times.push(self.rng.i64(1_000..10_000));
        }
        for (i, delay) in times.into_iter().enumerate() {
            let mut report = report.clone();
            if i > 0 && self.swarm.bug == Some(Bug::StaleReport) {
                // The planted fault: whatever comes late is taken for the present attempt.
                let snapshot = self.ground.store.readers.snapshot();
                let latest = snapshot
                    .ok()
                    .and_then(|s| s.step(report.at.run, report.at.step, None).ok().flatten());
                report.at.attempt =
                    latest.map_or(report.at.attempt, |row| row.attempt.max(report.at.attempt)) + 1;
            }
            let at = self.now + delay;
            self.plan(at, Due::Report(workflow.clone(), report, self.life));
        }
    }

    /// The server dies: memory, batches on their way and answers are gone; jobs and the store stay.
    fn crash(&mut self) -> Result<(), String> {
        if self.server.take().is_none() {
            return Ok(());
        }
        self.out.crashes += 1;
        self.life += 1;
        self.lost = false;
        self.in_flight.clear();
        self.due.retain(|_, due| !matches!(due, Due::Commit));
        self.take_answers();
        let at = self.now + self.rng.i64(0..5_000);
        self.plan(at, Due::Up);
        self.check_store()
    }

    /// Nothing asks for a report that was lost while the server lives, unless the attempt is stopped or times out: the
    /// runtimes tell what they know when the next server takes the attempts up.
    fn restart_for_lost_reports(&mut self) -> Result<(), String> {
        if self.lost && self.server.is_some() {
            self.crash()?;
        }
        Ok(())
    }

    fn come_up(&mut self) -> Result<(), String> {
        let snapshot = read(self.ground.store.readers.snapshot())?;
        let recovered =
            recovery::recover(&*snapshot, &self.definitions, self.settings, 1, self.now)
                .map_err(|e| e.to_string())?;
        self.server = recovered.partitions.into_iter().next();
        self.forgotten = self.swarm.bug == Some(Bug::LostTimer) && self.life > 0;
        Ok(())
    }

    fn push_all(&mut self) -> Result<(), String> {
        let snapshot = read(self.ground.store.readers.snapshot())?;
        self.past
            .push(Past::from_now(&*snapshot, self.ground.outbox)?);
        drop(snapshot);
        for text in &self.swarm.definitions {
            let request: WorkflowCreateRequest =
                parse(text.as_bytes()).map_err(|e| e.to_string())?;
            let workflow = request.workflow;
            let plan =
                Plan::compile(workflow.clone(), 1, Arc::default()).map_err(|e| e.to_string())?;
            self.plans.push((workflow.id.clone(), Arc::new(plan)));
            let push = Push {
                definition: to_text(&*workflow).into(),
                workflow: workflow.clone(),
                properties: request.properties,
                activate: true,
                author: User::Name("sim".into()),
                git_info: None,
                extra_info: request.extra_info,
            };
            let event = Event::Command {
                token: None,
                command: Command::Push(Box::new(push)),
            };
            let Some(server) = &mut self.server else {
                return Err("no server".to_owned());
            };
            server.handle(
                Input::Event {
                    workflow: workflow.id.clone(),
                    event,
                    answer: None,
                },
                self.now,
            );
        }
        // Faults wait until the definitions are there.
        self.faults = false;
        self.run(1_000)?;
        self.faults = true;
        Ok(())
    }

    fn act(&mut self) {
        let which = self.rng.usize(..self.plans.len());
        let plan = self.plans[which].1.clone();
        let known = self.acknowledged.get(&which).map_or(0, BTreeSet::len);
        let command = if known > 0 && self.chance(self.swarm.ends) {
            let instance = i64::try_from(self.rng.usize(1..=known)).unwrap_or(1);
            let action = if self.rng.bool() {
                ActionKind::Stop
            } else {
                ActionKind::Kill
            };
            if self.rng.u8(..5) == 0 {
                Command::EndAll {
                    action,
                    user: "sim".into(),
                }
            } else {
                Command::End {
                    instance,
                    run: None,
                    action,
                    user: "sim".into(),
                }
            }
        } else if known > 0 && self.chance(self.swarm.unblocks) {
            let user = "sim".into();
            match self.rng.u8(..3) {
                0 => Command::UnblockAll { user },
                _ => Command::Unblock {
                    instance: i64::try_from(self.rng.usize(1..=known)).unwrap_or(1),
                    run: None,
                    user,
                },
            }
        } else {
            let named = self.chance(self.swarm.named);
            let uuid = if named && !self.named.is_empty() && self.rng.bool() {
                self.named[self.rng.usize(..self.named.len())]
            } else {
                Uuid::from_u128(self.rng.u128(..))
            };
            if named {
                self.named.push(uuid);
            }
            Command::Start(Box::new(Start {
                results: plan.no_results(),
                timeout: match plan.timeout {
                    maestro_core::plan::Timeout::Millis(ms) => Some(ms),
                    _ => None,
                },
                plan,
                uuid,
                named,
                policy: RunPolicy::StartFreshNewRun,
                request_time: self.now,
                origin: Origin::default(),
                instance_step_concurrency: None,
                failed: None,
            }))
        };
        self.send(which, command);
    }

    /// Where a strictly sequential workflow is held up by what failed, it goes on when somebody unblocks that.
    fn unblock_all(&mut self) -> Result<(), String> {
        for _ in 0..self.swarm.actions {
            let snapshot = read(self.ground.store.readers.snapshot())?;
            if read(snapshot.queued_counts(maestro_store::ShardSet::ALL))?.is_empty() {
                break;
            }
            drop(snapshot);
            for which in 0..self.plans.len() {
                let user = "sim".into();
                self.send(which, Command::UnblockAll { user });
            }
            self.run(10_000_000)?;
        }
        Ok(())
    }

    /// A command of a client.
    fn send(&mut self, which: usize, command: Command) {
        let workflow = self.plans[which].0.clone();
        let Some(server) = &mut self.server else {
            return;
        };
        let answers = self.answers.clone();
        let answer = Box::new(move |result| {
            if let Ok(mut answers) = answers.lock() {
                answers.push((which, result));
            }
        });
        let event = Event::Command {
            token: None,
            command,
        };
        server.handle(
            Input::Event {
                workflow,
                event,
                answer: Some(answer),
            },
            self.now,
        );
    }

    fn take_answers(&mut self) {
        let answers = self
            .answers
            .lock()
            .map(|mut a| std::mem::take(&mut *a))
            .unwrap_or_default();
        for (which, result) in answers {
            if let Ok(Reply::Started {
                id,
                outcome: StartOutcome::Created | StartOutcome::Stopped,
                ..
            }) = result
            {
                self.acknowledged
                    .entry(which)
                    .or_default()
                    .insert(id.instance);
            }
        }
    }

    fn check_store(&mut self) -> Result<(), String> {
        let snapshot = read(self.ground.store.readers.snapshot())?;
        let Some(past) = self.past.first_mut() else {
            return Ok(());
        };
        for (workflow, plan) in &self.plans {
            past.check(workflow, plan, &*snapshot)?;
        }
        past.events(&*snapshot, &mut self.out.edges)
    }

    /// Faults have stopped: everything acknowledged is there and over, and nothing is left.
    fn finish(&mut self) -> Result<(), String> {
        self.check_store()?;
        let snapshot = read(self.ground.store.readers.snapshot())?;
        for (which, (workflow, _)) in self.plans.iter().enumerate() {
            let row = read(snapshot.workflow(workflow))?.ok_or("the workflow is gone")?;
            let all = maestro_store::RunRange {
                low: 1,
                high: row.last_instance.max(1),
            };
            let runs = read(snapshot.instances(row.key, all))?;
            let ids: Vec<i64> = runs.iter().map(|run| run.id.instance).collect();
            if let Some(id) = repeated(&ids) {
                return Err(format!("instance {id} is there twice"));
            }
            for run in &runs {
                if !run.head.status.is_terminal() {
                    return Err(format!("{:?} never ends: {:?}", run.id, run.head));
                }
            }
            for id in self.acknowledged.get(&which).into_iter().flatten() {
                if !ids.contains(id) {
                    return Err(format!("the acknowledged instance {id} is lost"));
                }
            }
        }
        if let Some((uuid, job)) = self.jobs.all.iter().find(|(_, job)| !job.over) {
            return Err(format!("job {uuid} of {:?} is left over", job.at));
        }
        if let Some(past) = self.past.first() {
            self.ground.outbox = past.outbox();
        }
        Ok(())
    }
}
