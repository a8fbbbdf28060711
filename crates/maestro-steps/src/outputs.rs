//! What a job puts out.

/// What comes before an output in the log.
pub const START: &str = "MAESTRO_OUTPUT_START_TOKEN";
/// What comes after it.
pub const END: &str = "MAESTRO_OUTPUT_END_TOKEN";

/// The params that the job's output can set.
#[derive(Clone, Debug, Default)]
pub struct Declared;

/// Outputs.
#[derive(Clone, Debug, Default)]
pub struct Outputs;

/// Wrong output.
#[derive(Debug, thiserror::Error)]
#[error("malformed")]
pub struct OutputError;

pub(crate) fn collect(
    _log: &std::path::Path,
    _file: &std::path::Path,
    _declared: &Declared,
) -> Result<Outputs, OutputError> {
    Ok(Outputs)
}
