//! Documents: what the API keeps beside workflows. JSON texts found by kind, name and part.

/// What a document is. The numbers are in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum DocumentKind {
    /// A job template: name is the job type, part the version.
    JobTemplate = 1,
    /// A tag permit: name is the tag.
    TagPermit = 2,
    /// Outputs that a job handed in: name is the job type, part the job's id.
    OutputData = 3,
    /// An announced signal: name is the signal, part its number in 19 digits.
    Signal = 4,
    /// The number of an announced signal: name is the signal, part the instance id.
    SignalId = 5,
}

/// A change of the documents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DocumentChange {
    /// Stores one; it replaces the one of its name and part.
    Put {
        /// What it is.
        kind: DocumentKind,
        /// The name.
        name: Box<str>,
        /// The part; empty where a kind has none.
        part: Box<str>,
        /// The text.
        body: Box<str>,
    },
    /// Removes those of a name.
    Remove {
        /// What they are.
        kind: DocumentKind,
        /// The name.
        name: Box<str>,
        /// Only this part; `None` for all.
        part: Option<Box<str>>,
    },
}
