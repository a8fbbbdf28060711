//! What a client asks of a list (spec 04 section 6).

use maestro_core::view::{PageFault, PageRequest, Walk};
use maestro_model::json::{RawJson, ToJson, Writer};

use crate::answer::Fault;
use crate::call::Call;
use crate::number;

/// A page that was asked for; the cursor is read only where there is something to page through (P-3).
pub(super) struct Asked {
    walk: Walk,
    cursor: Option<String>,
}

impl Asked {
    /// Of instances or runs: limits of 64 bits.
    pub(super) fn of_instances(call: &Call) -> Result<Self, Fault> {
        Self::new(
            call,
            call.query.number("first")?,
            call.query.number("last")?,
        )
    }

    /// Of versions: limits of 32 bits.
    pub(super) fn of_versions(call: &Call) -> Result<Self, Fault> {
        Self::new(call, call.query.int("first")?, call.query.int("last")?)
    }

    fn new(call: &Call, first: Option<i64>, last: Option<i64>) -> Result<Self, Fault> {
        Ok(Self {
            walk: Walk::new(first, last).map_err(fault)?,
            cursor: cursor(call),
        })
    }

    /// With the cursor read.
    pub(super) fn request(&self) -> Result<PageRequest, Fault> {
        let read = |cursor: &String| {
            number::strict(cursor)
                .ok_or_else(|| Fault::bad_request(format!("the cursor [{cursor}] is not a number")))
        };
        Ok(PageRequest {
            walk: self.walk,
            cursor: self.cursor.as_ref().map(read).transpose()?,
        })
    }
}

/// The cursor; an empty one is none.
pub(super) fn cursor(call: &Call) -> Option<String> {
    call.query
        .text("cursor")
        .filter(|cursor| !cursor.is_empty())
}

/// A limit out of range is a violation (ER-4), another fault an illegal argument (ER-2).
pub(super) fn fault(fault: PageFault) -> Fault {
    Fault::bad_request(match fault {
        PageFault::NotOneOf => fault.to_string(),
        PageFault::OutOfRange { .. } => format!("400 BAD_REQUEST \"Validation failure\": {fault}"),
    })
}

/// An element that is JSON already.
pub(super) struct JsonText(pub(super) String);

impl ToJson for JsonText {
    fn write(&self, out: &mut Writer) {
        RawJson(&self.0).write(out);
    }
}
