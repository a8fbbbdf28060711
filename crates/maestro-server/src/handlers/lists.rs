//! Lists over workflows (decision 16), in the envelope of spec 04 section 6. They go one way only, so that the start
//! index is not known and the total is that of the page, as in the views of loops (spec 04 section 15).

use maestro_core::view::{PageFault, Walk};
use maestro_model::codec::{read, to_text};
use maestro_model::definition::{TagList, Workflow};
use maestro_model::json::{ToJson, Writer};
use maestro_model::state::{InstanceStatus, RunKey, RunRow, WorkflowRow};
use maestro_store::InstanceFilter;
use uuid::Uuid;

use super::definitions::overview_of;
use super::paging::{self, JsonText};
use crate::answer::{Answer, Fault};
use crate::call::{Call, Moment};
use crate::number;

/// How many elements a page has if the client does not say.
const DEFAULT: i64 = 50;

fn limit(call: &Call) -> Result<usize, Fault> {
    let first = call.query.number("first")?.unwrap_or(DEFAULT);
    if !(1..=Walk::MAX).contains(&first) {
        let name = "first";
        return Err(paging::fault(PageFault::OutOfRange { name, value: first }));
    }
    Ok(usize::try_from(first).unwrap_or(1))
}

/// Workflows that one request looks at; a page may so be short, or empty, and yet not the last one.
const LOOKS: usize = 2_000;

/// `GET /api/v3/workflows`: overviews in the byte order of their ids.
pub(crate) fn workflows(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let limit = limit(call)?;
    let wanted = Wanted::of(call)?;
    let prefix = call.query.text("prefix").unwrap_or_default();
    let cursor = paging::cursor(call);
    let mut after = cursor.clone();
    let mut rows: Vec<WorkflowRow> = Vec::new();
    let mut looks = 0;
    let has_next = loop {
        // One more tells whether there is a next page.
        let count = if wanted.is_all() { limit + 1 } else { 200 };
        let chunk = moment.snapshot.workflows(
            &prefix,
            after.as_deref(),
            u32::try_from(count).unwrap_or(u32::MAX),
        )?;
        let is_last = chunk.len() < count;
        let mut is_full = false;
        for row in chunk {
            if rows.len() == limit {
                is_full = true;
                break;
            }
            looks += 1;
            after = Some(row.id.to_string());
            if wanted.takes(&row, moment)? {
                rows.push(row);
            }
        }
        if is_full || is_last || looks >= LOOKS {
            break is_full || !is_last;
        }
    };
    let mut elements = Vec::new();
    for row in &rows {
        elements.push(JsonText(to_text(&overview_of(moment, row)?)));
    }
    Ok(Answer::json(&ForwardPage {
        start: rows.first().map(|row| row.id.to_string()),
        end: if has_next {
            after
        } else {
            rows.last().map(|row| row.id.to_string())
        },
        has_previous: cursor.is_some(),
        has_next,
        elements,
    }))
}

/// Which workflows are wanted, apart from their ids.
struct Wanted {
    tag: Option<String>,
    owner: Option<String>,
    active: Option<bool>,
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Fault> {
        let text = |name| call.query.text(name).filter(|text| !text.is_empty());
        let active = match text("active") {
            None => None,
            Some(_) => Some(call.query.flag("active", true)?),
        };
        Ok(Self {
            tag: text("tag"),
            owner: text("owner"),
            active,
        })
    }

    fn is_all(&self) -> bool {
        self.tag.is_none() && self.owner.is_none() && self.active.is_none()
    }

    fn takes(&self, row: &WorkflowRow, moment: &Moment<'_>) -> Result<bool, Fault> {
        if self
            .active
            .is_some_and(|active| active != row.active_version.is_some())
        {
            return Ok(false);
        }
        if self.owner.is_none() && self.tag.is_none() {
            return Ok(true);
        }
        let (key, snapshot) = (row.key, &*moment.snapshot);
        let properties = moment.engine.properties(key, row.properties, snapshot)?;
        let has_owner = self.owner.as_ref().is_none_or(|owner| {
            let given = properties.owner.as_ref();
            given.is_some_and(|given| **given.name() == **owner)
        });
        let Some(tag) = self.tag.as_deref().filter(|_| has_owner) else {
            return Ok(has_owner);
        };
        let has = |tags: &Option<TagList>| tags.iter().flatten().any(|given| &*given.name == tag);
        if has(&properties.tags) {
            return Ok(true);
        }
        let version = row.active_version.unwrap_or(row.latest_version);
        let Some(version) = snapshot.version(key, version)? else {
            return Ok(false);
        };
        // Most definitions do not even hold the word.
        if !version.definition.contains(tag) && tag.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Ok(false);
        }
        let workflow: Result<Workflow, _> = read(version.definition.as_bytes());
        Ok(workflow.is_ok_and(|workflow| has(&workflow.tags)))
    }
}

/// `GET /api/v3/instances`: latest runs, newest first.
pub(crate) fn instances(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let limit = limit(call)?;
    let statuses = statuses(call)?;
    let cursor = paging::cursor(call);
    let before = cursor.as_ref().map(|text| {
        number::strict(text)
            .map(RunKey)
            .ok_or_else(|| Fault::bad_request(format!("the cursor [{text}] is not a number")))
    });
    let before = before.transpose()?;
    let text = |name| call.query.text(name).filter(|text| !text.is_empty());
    let uuid = text("request_id").map(|text| {
        let read = Uuid::parse_str(&text).ok().filter(|_| text.len() == 36);
        read.ok_or_else(|| Fault::bad_request(format!("the request id [{text}] is not a UUID")))
    });
    let uuid = uuid.transpose()?;
    let created_from = call.query.number("from")?;
    let created_before = call.query.number("to")?;
    let workflow = match text("workflow") {
        None => None,
        Some(id) => match moment.snapshot.workflow(&id)? {
            Some(row) => Some(row.key),
            None => return Ok(Answer::json(&ForwardPage::default())),
        },
    };
    let filter = InstanceFilter {
        workflow,
        statuses,
        uuid,
        created_from,
        created_before,
    };
    let wanted = u32::try_from(limit).unwrap_or(u32::MAX);
    let list = moment
        .snapshot
        .instances_everywhere(&filter, before, wanted)?;
    let mut elements = Vec::new();
    for row in &list.rows {
        let workflow = moment.snapshot.workflow_by_key(row.workflow)?;
        if let Some(workflow) = workflow {
            let summary = Summary {
                workflow_id: &workflow.id,
                row,
            };
            elements.push(JsonText(to_text(&summary)));
        }
    }
    Ok(Answer::json(&ForwardPage {
        start: list.rows.first().map(|row| row.key.0.to_string()),
        end: list.next.map(|key| key.0.to_string()),
        has_previous: cursor.is_some(),
        has_next: list.next.is_some(),
        elements,
    }))
}

fn statuses(call: &Call) -> Result<Vec<InstanceStatus>, Fault> {
    let Some(text) = call.query.text("status") else {
        return Ok(Vec::new());
    };
    let status = |name: &str| {
        let found = InstanceStatus::ALL
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(name));
        found
            .ok_or_else(|| Fault::bad_request(format!("[{name}] is not the status of an instance")))
    };
    text.split(',')
        .filter(|name| !name.is_empty())
        .map(status)
        .collect()
}

/// A page of a list that goes one way.
#[derive(Default)]
struct ForwardPage {
    start: Option<String>,
    /// The cursor of the next page.
    end: Option<String>,
    has_previous: bool,
    has_next: bool,
    elements: Vec<JsonText>,
}

impl ToJson for ForwardPage {
    fn write(&self, out: &mut Writer) {
        out.object(|page| {
            page.always("page_info", &Info(self));
            let total = i64::try_from(self.elements.len()).unwrap_or(i64::MAX);
            page.always("total_count", &total);
            page.always("elements", &self.elements);
        });
    }
}

struct Info<'a>(&'a ForwardPage);

impl ToJson for Info<'_> {
    fn write(&self, out: &mut Writer) {
        let page = self.0;
        out.object(|info| {
            info.always("start_cursor", &page.start.as_deref());
            info.always("end_cursor", &page.end.as_deref());
            info.always("has_previous_page", &page.has_previous);
            info.always("has_next_page", &page.has_next);
            info.always("start_index", &None::<i64>);
        });
    }
}

/// A run in a list over workflows: without its definition, which would make the list heavy.
struct Summary<'a> {
    workflow_id: &'a str,
    row: &'a RunRow,
}

impl ToJson for Summary<'_> {
    fn write(&self, out: &mut Writer) {
        let (head, body) = (&self.row.head, &self.row.body);
        out.object(|o| {
            o.always("workflow_id", self.workflow_id);
            o.always("workflow_instance_id", &self.row.id.instance);
            o.always("workflow_run_id", &self.row.id.run);
            o.always("workflow_uuid", &body.uuid);
            o.always("workflow_version_id", &body.version);
            o.always("status", &head.status.public());
            o.always("request_time", &body.request_time);
            o.always("create_time", &body.create_time);
            o.member("start_time", &head.start_time);
            o.member("end_time", &head.end_time);
            o.always("modify_time", &head.modify_time);
        });
    }
}
