//! Statuses of runs and steps (spec 04 section 4.1). The order of the values is that of all outputs.

use crate::text_enum::text_enum;

text_enum! {
    /// The status of a run as clients see it.
    pub enum InstanceStatus as "workflow instance status" {
        /// Waits for its turn.
        Created = "CREATED",
        /// At work.
        InProgress = "IN_PROGRESS",
        /// Never produced.
        Paused = "PAUSED",
        /// Took too long.
        TimedOut = "TIMED_OUT",
        /// Stopped by a user or a run strategy.
        Stopped = "STOPPED",
        /// Failed.
        Failed = "FAILED",
        /// Succeeded.
        Succeeded = "SUCCEEDED",
    }
}

impl InstanceStatus {
    /// Whether the run has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::TimedOut | Self::Stopped | Self::Failed | Self::Succeeded
        )
    }
}

text_enum! {
    /// The status of a step attempt.
    pub enum StepStatus as "step instance status" {
        /// Not reached yet.
        NotCreated = "NOT_CREATED",
        /// Created.
        Created = "CREATED",
        /// Initialised.
        Initialized = "INITIALIZED",
        /// Held by a breakpoint.
        Paused = "PAUSED",
        /// Waits for signals.
        WaitingForSignals = "WAITING_FOR_SIGNALS",
        /// Evaluates its params.
        EvaluatingParams = "EVALUATING_PARAMS",
        /// Waits for permits.
        WaitingForPermits = "WAITING_FOR_PERMITS",
        /// Starts its work.
        Starting = "STARTING",
        /// At work.
        Running = "RUNNING",
        /// Ends its work.
        Finishing = "FINISHING",
        /// Switched off.
        Disabled = "DISABLED",
        /// Its condition did not hold.
        Unsatisfied = "UNSATISFIED",
        /// Skipped by a user.
        Skipped = "SKIPPED",
        /// Succeeded.
        Succeeded = "SUCCEEDED",
        /// Failed, which is ignored.
        CompletedWithError = "COMPLETED_WITH_ERROR",
        /// The user's code failed; may be tried again.
        UserFailed = "USER_FAILED",
        /// The platform failed; may be tried again.
        PlatformFailed = "PLATFORM_FAILED",
        /// Failed for good.
        FatallyFailed = "FATALLY_FAILED",
        /// Failed inside of the engine.
        InternallyFailed = "INTERNALLY_FAILED",
        /// Stopped by a user.
        Stopped = "STOPPED",
        /// Took too long; may be tried again.
        TimeoutFailed = "TIMEOUT_FAILED",
        /// Took too long for good.
        TimedOut = "TIMED_OUT",
    }
}

impl StepStatus {
    /// Whether the attempt has ended.
    pub fn is_terminal(self) -> bool {
        self > Self::Finishing
    }

    /// Whether the step is done for its run: not restartable while the run is at work.
    pub const fn is_complete(self) -> bool {
        matches!(
            self,
            Self::Disabled
                | Self::Unsatisfied
                | Self::Skipped
                | Self::Succeeded
                | Self::CompletedWithError
        )
    }

    /// Whether the system tries again, within the retry policy.
    pub const fn is_retried(self) -> bool {
        matches!(
            self,
            Self::UserFailed | Self::PlatformFailed | Self::TimeoutFailed
        )
    }

    /// Whether only a user can have it tried again.
    pub const fn is_restartable(self) -> bool {
        matches!(
            self,
            Self::FatallyFailed | Self::InternallyFailed | Self::Stopped | Self::TimedOut
        )
    }

    /// Whether a stop, kill or skip may act on it.
    pub fn is_actionable(self) -> bool {
        !self.is_terminal() || self.is_retried()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_status_is_in_exactly_one_class() {
        for status in StepStatus::ALL {
            let classes = [
                !status.is_terminal(),
                status.is_complete(),
                status.is_retried(),
                status.is_restartable(),
            ];
            assert_eq!(
                classes.iter().filter(|class| **class).count(),
                1,
                "{status}"
            );
        }
        assert_eq!(
            StepStatus::ALL
                .iter()
                .filter(|status| !status.is_terminal())
                .count(),
            10
        );
        assert_eq!(
            InstanceStatus::ALL
                .iter()
                .filter(|status| status.is_terminal())
                .count(),
            4
        );
    }
}
