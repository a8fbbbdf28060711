//! Statuses of steps and runs with their flags (spec 05 sections 1.3 and 6, 06 section 2).

use minicbor::{Decode, Encode};

use crate::text_enum::{same_word, word_codec};

/// Status of a step attempt, in the canonical order (spec 06 section 2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
#[repr(u8)]
#[expect(
    missing_docs,
    reason = "the names are the specification's; their meaning is the table in spec 06 section 2"
)]
pub enum StepStatus {
    #[n(0)]
    NotCreated,
    #[n(1)]
    Created,
    #[n(2)]
    Initialized,
    #[n(3)]
    Paused,
    #[n(4)]
    WaitingForSignals,
    #[n(5)]
    EvaluatingParams,
    #[n(6)]
    WaitingForPermits,
    #[n(7)]
    Starting,
    #[n(8)]
    Running,
    #[n(9)]
    Finishing,
    #[n(10)]
    Disabled,
    #[n(11)]
    Unsatisfied,
    #[n(12)]
    Skipped,
    #[n(13)]
    Succeeded,
    #[n(14)]
    CompletedWithError,
    #[n(15)]
    UserFailed,
    #[n(16)]
    PlatformFailed,
    #[n(17)]
    FatallyFailed,
    #[n(18)]
    InternallyFailed,
    #[n(19)]
    Stopped,
    #[n(20)]
    TimeoutFailed,
    #[n(21)]
    TimedOut,
}

use StepStatus as S;

impl StepStatus {
    /// All statuses in canonical order.
    pub const ALL: [Self; 22] = [
        S::NotCreated,
        S::Created,
        S::Initialized,
        S::Paused,
        S::WaitingForSignals,
        S::EvaluatingParams,
        S::WaitingForPermits,
        S::Starting,
        S::Running,
        S::Finishing,
        S::Disabled,
        S::Unsatisfied,
        S::Skipped,
        S::Succeeded,
        S::CompletedWithError,
        S::UserFailed,
        S::PlatformFailed,
        S::FatallyFailed,
        S::InternallyFailed,
        S::Stopped,
        S::TimeoutFailed,
        S::TimedOut,
    ];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            S::NotCreated => "NOT_CREATED",
            S::Created => "CREATED",
            S::Initialized => "INITIALIZED",
            S::Paused => "PAUSED",
            S::WaitingForSignals => "WAITING_FOR_SIGNALS",
            S::EvaluatingParams => "EVALUATING_PARAMS",
            S::WaitingForPermits => "WAITING_FOR_PERMITS",
            S::Starting => "STARTING",
            S::Running => "RUNNING",
            S::Finishing => "FINISHING",
            S::Disabled => "DISABLED",
            S::Unsatisfied => "UNSATISFIED",
            S::Skipped => "SKIPPED",
            S::Succeeded => "SUCCEEDED",
            S::CompletedWithError => "COMPLETED_WITH_ERROR",
            S::UserFailed => "USER_FAILED",
            S::PlatformFailed => "PLATFORM_FAILED",
            S::FatallyFailed => "FATALLY_FAILED",
            S::InternallyFailed => "INTERNALLY_FAILED",
            S::Stopped => "STOPPED",
            S::TimeoutFailed => "TIMEOUT_FAILED",
            S::TimedOut => "TIMED_OUT",
        }
    }

    /// Reads a wire name in any case (spec 06 section 2).
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| same_word(status.as_str(), text))
    }

    /// The attempt is over.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self >= S::Disabled
    }

    /// Successors may proceed (ST-1).
    #[must_use]
    pub fn is_complete(self) -> bool {
        (S::Disabled..=S::CompletedWithError).contains(&self)
    }

    /// Another attempt follows by itself.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, S::UserFailed | S::PlatformFailed | S::TimeoutFailed)
    }

    /// A manual restart makes sense: terminal, not complete, not retryable.
    #[must_use]
    pub fn is_restartable(self) -> bool {
        self.is_terminal() && !self.is_complete() && !self.is_retryable()
    }

    /// Roll-ups keep a reference to such a step, not just a count.
    #[must_use]
    pub fn keeps_reference(self) -> bool {
        matches!(
            self,
            S::Paused
                | S::WaitingForSignals
                | S::EvaluatingParams
                | S::WaitingForPermits
                | S::Running
                | S::UserFailed
                | S::PlatformFailed
                | S::FatallyFailed
                | S::InternallyFailed
                | S::TimeoutFailed
        )
    }

    /// The class that the status counts as when runs are aggregated (spec 05 AG-7 table).
    #[must_use]
    pub fn class(self) -> InstanceStatus {
        match self {
            S::NotCreated => InstanceStatus::Created,
            S::Created
            | S::Initialized
            | S::Paused
            | S::WaitingForSignals
            | S::EvaluatingParams
            | S::WaitingForPermits
            | S::Starting
            | S::Running
            | S::Finishing => InstanceStatus::InProgress,
            S::Disabled | S::Unsatisfied | S::Skipped | S::Succeeded | S::CompletedWithError => {
                InstanceStatus::Succeeded
            }
            S::UserFailed
            | S::PlatformFailed
            | S::FatallyFailed
            | S::InternallyFailed
            | S::TimeoutFailed => InstanceStatus::Failed,
            S::Stopped => InstanceStatus::Stopped,
            S::TimedOut => InstanceStatus::TimedOut,
        }
    }
}

/// Status of an instance as clients see it (spec 05 SM-1), in declaration order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum InstanceStatus {
    Created,
    InProgress,
    Paused,
    TimedOut,
    Stopped,
    Failed,
    Succeeded,
}

impl InstanceStatus {
    /// All statuses in declaration order.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::InProgress,
        Self::Paused,
        Self::TimedOut,
        Self::Stopped,
        Self::Failed,
        Self::Succeeded,
    ];

    /// Reads a wire name in any case (spec 05 SM-2).
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| same_word(status.as_str(), text))
    }

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::InProgress => "IN_PROGRESS",
            Self::Paused => "PAUSED",
            Self::TimedOut => "TIMED_OUT",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Succeeded => "SUCCEEDED",
        }
    }

    /// The instance is over.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self >= Self::TimedOut
    }
}

word_codec!(StepStatus as "step instance status");
word_codec!(InstanceStatus as "workflow instance status");

/// Status of a run as stored (spec 05 SM-3, SM-4). The numbers are in the store: live runs are those below
/// [`RunStatus::TERMINAL_FROM`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
#[repr(u8)]
pub enum RunStatus {
    /// CREATED without execution id: waits for its turn.
    #[n(0)]
    Queued = 0,
    /// CREATED with execution id: picked up, not yet begun.
    #[n(1)]
    PickedUp = 1,
    /// Its steps run.
    #[n(2)]
    InProgress = 2,
    /// Over: a step or the run timed out and nothing failed.
    #[n(10)]
    TimedOut = 10,
    /// Over: stopped and nothing failed.
    #[n(11)]
    Stopped = 11,
    /// Over: failed, and blocks STRICT_SEQUENTIAL.
    #[n(12)]
    Failed = 12,
    /// Failed, then unblocked by a user (`FAILED_1`).
    #[n(13)]
    FailedUnblocked = 13,
    /// Failed, then superseded by a later run (`FAILED_2`).
    #[n(14)]
    FailedSuperseded = 14,
    /// Over: everything completed.
    #[n(15)]
    Succeeded = 15,
}

impl RunStatus {
    /// The lowest number of a terminal status.
    pub const TERMINAL_FROM: u8 = 10;

    /// The status that clients see.
    #[must_use]
    pub fn public(self) -> InstanceStatus {
        match self {
            Self::Queued | Self::PickedUp => InstanceStatus::Created,
            Self::InProgress => InstanceStatus::InProgress,
            Self::TimedOut => InstanceStatus::TimedOut,
            Self::Stopped => InstanceStatus::Stopped,
            Self::Failed | Self::FailedUnblocked | Self::FailedSuperseded => InstanceStatus::Failed,
            Self::Succeeded => InstanceStatus::Succeeded,
        }
    }

    /// The run is over.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self as u8 >= Self::TERMINAL_FROM
    }

    /// Reads the stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Queued,
            1 => Self::PickedUp,
            2 => Self::InProgress,
            10 => Self::TimedOut,
            11 => Self::Stopped,
            12 => Self::Failed,
            13 => Self::FailedUnblocked,
            14 => Self::FailedSuperseded,
            15 => Self::Succeeded,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_names_are_read_in_any_case() {
        // [06:8]
        assert_eq!(
            StepStatus::from_text("succeeded"),
            Some(StepStatus::Succeeded)
        );
        assert_eq!(
            StepStatus::from_text("Waiting_For_Permits"),
            Some(StepStatus::WaitingForPermits)
        );
        assert_eq!(StepStatus::from_text("done"), None);
    }

    #[test]
    fn flags_follow_the_table() {
        for status in StepStatus::ALL {
            let kinds = [
                status.is_complete(),
                status.is_retryable(),
                status.is_restartable(),
            ];
            let set = kinds.into_iter().filter(|k| *k).count();
            assert_eq!(
                set,
                usize::from(status.is_terminal()),
                "{}",
                status.as_str()
            );
        }
        assert!(!StepStatus::Stopped.keeps_reference());
        assert!(StepStatus::TimeoutFailed.keeps_reference());
    }
}
