//! Logs of step attempts (spec 07 BX-7, BX-19): in pieces, or followed until the attempt ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use hyper::header::HeaderValue;
use maestro_engine::Engine;
use maestro_model::state::{InstanceRef, step_uuid};
use maestro_steps::local::{LogChunk, LogFollow};
use uuid::Uuid;

use super::steps::{attempt_number, missing};
use crate::answer::{Answer, Fault};
use crate::call::{Call, Moment};
use crate::dispatch;
use crate::route::Acting;
use crate::serve::State;

/// Logs are text, whatever the job wrote.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
/// Where the next piece begins: counts bytes as they are stored.
const NEXT_OFFSET: &str = "maestro-next-offset";
/// How large a piece is if the client does not say.
const DEFAULT_LIMIT: i64 = 65_536;
const MAX_LIMIT: i64 = 1 << 20;
/// How often an attempt is looked at that does not run: the engine announces no changes yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// `GET …/attempts/{a}/logs`
pub(crate) fn logs(call: Call) -> Acting {
    Box::pin(async move {
        let offset = call.query.number("offset")?.unwrap_or(0);
        let limit = call.query.number("limit")?.unwrap_or(DEFAULT_LIMIT);
        let is_followed = call.query.flag("follow", false)?;
        let offset = u64::try_from(offset).map_err(|_| {
            Fault::bad_request(format!("`offset` must not be negative, but is {offset}"))
        })?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Fault::bad_request(format!(
                "`limit` must be from 1 to {MAX_LIMIT}, but is {limit}"
            )));
        }
        let limit = usize::try_from(limit).unwrap_or(1);
        let attempt = attempt_number(call.text("a"))?;
        let missing = || missing(&call, call.number("r"), call.text("a"));
        let attempt = attempt.map(u32::try_from).transpose();
        let at = Address {
            workflow: call.workflow().to_owned(),
            id: InstanceRef {
                instance: call.number("i"),
                run: call.number("r"),
            },
            step: call.text("s").to_owned(),
            attempt: attempt.map_err(|_| missing())?,
        };
        let looked = at.clone();
        let found = dispatch::read(&call.state, move |moment| looked.look(moment)).await?;
        let found = found.ok_or_else(missing)?;
        if is_followed {
            let follower = Follower {
                state: call.state.clone(),
                at,
                offset,
                follow: None,
            };
            return Ok(Answer::pieces(
                TEXT,
                stream::unfold(follower, Follower::next),
            ));
        }
        let attempt = found.attempt.ok_or_else(missing)?;
        let state = call.state.clone();
        let piece = blocking(move || {
            let chunk = read(&state.engine, &attempt.uuid, offset, limit)?;
            Ok(chunk.map(|chunk| {
                let is_last = attempt.is_over && chunk.next_offset >= chunk.end;
                chunk.into_text(is_last)
            }))
        });
        let (text, next) = match piece.await? {
            Some(piece) => piece,
            // It may still get one.
            None if !attempt.is_over => (String::new(), offset),
            None => {
                return Err(Fault::not_found(
                    "this attempt has no log: it ran no local job",
                ));
            }
        };
        Ok(Answer::text(TEXT, text).with_header(NEXT_OFFSET, HeaderValue::from(next)))
    })
}

/// Which attempt is meant; none for the latest.
#[derive(Clone)]
struct Address {
    workflow: String,
    id: InstanceRef,
    step: String,
    attempt: Option<u32>,
}

/// What is known of an attempt whose run and step exist.
struct Looked {
    attempt: Option<Attempt>,
    /// No attempt comes any more.
    is_run_over: bool,
}

#[derive(Clone, Copy)]
struct Attempt {
    uuid: Uuid,
    is_over: bool,
}

impl Address {
    /// `None` if there is no such run, or no such step in it.
    fn look(&self, moment: &Moment<'_>) -> Result<Option<Looked>, Fault> {
        let Some(key) = moment.key(&self.workflow)? else {
            return Ok(None);
        };
        let row = moment.snapshot.run(key, self.id)?;
        let Some(run) = row.map(|row| moment.load(row)).transpose()?.flatten() else {
            return Ok(None);
        };
        let Some(ord) = run.plan.index.get(self.step.as_str()) else {
            return Ok(None);
        };
        let row = moment.snapshot.step(run.row.key, *ord, self.attempt)?;
        Ok(Some(Looked {
            attempt: row.map(|row| Attempt {
                uuid: step_uuid(&self.workflow, &run.row.body.uuid, &self.step, row.attempt),
                is_over: row.state.status.is_terminal(),
            }),
            is_run_over: run.row.head.status.is_terminal(),
        }))
    }
}

/// A piece of a log; `None` where there is none.
fn read(engine: &Engine, uuid: &Uuid, offset: u64, limit: usize) -> io::Result<Option<LogChunk>> {
    match engine.read_log(uuid, offset, limit) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            tracing::error!(%error, "a log cannot be read");
            Err(Fault::Unhandled)
        }
        Err(_) => Err(Fault::Unhandled),
    }
}

/// Reads a log as it grows. Dropped when the client goes away; then nothing is left of it.
struct Follower {
    state: Arc<State>,
    at: Address,
    offset: u64,
    follow: Option<LogFollow>,
}

/// What one look at the log found.
enum Seen {
    /// This, and perhaps more behind it.
    Text(String),
    /// Nothing yet.
    Nothing,
    /// Nothing, and nothing will come.
    End,
}

impl Follower {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            match self.see().await {
                Ok(Seen::Text(text)) => return Some((text.into(), self)),
                Ok(Seen::Nothing) => {}
                // The head of the answer is sent already: all that can be done is to end.
                Ok(Seen::End) | Err(_) => return None,
            }
            if let Some(follow) = &mut self.follow {
                if follow.changed().await {
                    continue;
                }
                self.follow = None;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn see(&mut self) -> Result<Seen, Fault> {
        let at = self.at.clone();
        let looked = dispatch::read(&self.state, move |moment| at.look(moment)).await?;
        // The workflow may have been deleted meanwhile.
        let Some(looked) = looked else {
            return Ok(Seen::End);
        };
        let Some(attempt) = looked.attempt else {
            return Ok(if looked.is_run_over {
                Seen::End
            } else {
                Seen::Nothing
            });
        };
        let (state, offset) = (self.state.clone(), self.offset);
        let follow = self.follow.take();
        let (follow, chunk) = blocking(move || {
            let engine = &state.engine;
            // Followed before it is read, so that no growth in between is missed.
            let follow = match follow {
                None if !attempt.is_over => engine.follow_log(&attempt.uuid)?,
                other => other,
            };
            let limit = usize::try_from(DEFAULT_LIMIT).unwrap_or(1);
            Ok((follow, read(engine, &attempt.uuid, offset, limit)?))
        })
        .await?;
        self.follow = follow;
        if let Some(chunk) = chunk {
            let is_last = attempt.is_over && chunk.next_offset >= chunk.end;
            let (text, next) = chunk.into_text(is_last);
            if next > self.offset {
                self.offset = next;
                return Ok(Seen::Text(text));
            }
        }
        Ok(if attempt.is_over {
            Seen::End
        } else {
            Seen::Nothing
        })
    }
}
