//! What a program may reach of the world: values of its host, the functions of `params`, time and chance.

use crate::value::Value;

/// Time, chance and interruption, which the evaluator itself knows nothing about.
pub trait Environment {
    /// Now, in milliseconds since 1970.
    fn now_millis(&mut self) -> i64;

    /// 64 random bits, for `Math.random()` and `UUID.randomUUID()`.
    fn random_bits(&mut self) -> u64;

    /// Asked every few thousand steps of an evaluation, thus well within a millisecond (spec 03 SM-7).
    ///
    /// # Errors
    /// The evaluation has to end now; it does so with the kind TIMEOUT or PENDING.
    fn poll(&mut self) -> Result<(), Interrupt> {
        Ok(())
    }
}

/// Why a host stops an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// The caller gave up waiting: TIMEOUT.
    Deadline,
    /// The evaluation should go on elsewhere, with more time: PENDING.
    Yield,
}

/// The inputs of an evaluation and the functions of `params` (spec 03 9.11, spec 02 sections 13 to 15).
pub trait Host: Environment {
    /// The value of an input, or `None` if there is no input of this name. Asked at most once for each bare name of the
    /// program, at its first use, and at every `params.get(name)`, `params['name']` and `params.name`. A bare name and
    /// `params` may see different scopes (spec 02 E-12), therefore `how` it was asked for.
    ///
    /// # Errors
    /// The value cannot be supplied.
    fn input(&mut self, name: &str, how: Access) -> Result<Option<Value>, HostError>;

    /// Whether `params.containsKey(name)` is true.
    ///
    /// # Errors
    /// As [`Host::input`].
    fn contains(&mut self, name: &str) -> Result<bool, HostError> {
        Ok(self.input(name, Access::Params)?.is_some())
    }

    /// Carries out an extension function `params.name(args...)`. Without extensions every call is UNSUPP.
    ///
    /// # Errors
    /// There is no such function, or it failed.
    fn call(&mut self, name: &str, args: Vec<Value>) -> Result<Value, HostError> {
        drop(args);
        Err(HostError::Unsupported(format!(
            "there is no extension function `params.{name}` here"
        )))
    }

    /// Whether there is an extension at all; if there is, its arguments have to be STRINGs, at most three.
    fn has_extension(&self) -> bool {
        false
    }
}

/// How a program asks for an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// By its bare name.
    Name,
    /// Through `params`.
    Params,
}

/// Why a host could not supply a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// There is no such function for these arguments: UNSUPP.
    #[error("{0}")]
    Unsupported(String),
    /// It failed: EXTENSION.
    #[error("{0}")]
    Failed(String),
    /// It is not at hand yet: PENDING; evaluate again when it is.
    #[error("the value is not at hand yet")]
    Pending,
    /// The caller gave up waiting: TIMEOUT.
    #[error("the evaluation was interrupted")]
    Interrupted,
}

/// A host of fixed inputs without extension functions.
#[derive(Debug)]
pub struct Inputs<'a, E> {
    values: &'a [(String, Value)],
    environment: E,
}

impl<'a, E: Environment> Inputs<'a, E> {
    /// A host of these names and values; the first entry of a name counts.
    pub fn new(values: &'a [(String, Value)], environment: E) -> Self {
        Self {
            values,
            environment,
        }
    }
}

impl<E: Environment> Environment for Inputs<'_, E> {
    fn now_millis(&mut self) -> i64 {
        self.environment.now_millis()
    }

    fn random_bits(&mut self) -> u64 {
        self.environment.random_bits()
    }

    fn poll(&mut self) -> Result<(), Interrupt> {
        self.environment.poll()
    }
}

impl<E: Environment> Host for Inputs<'_, E> {
    fn input(&mut self, name: &str, _how: Access) -> Result<Option<Value>, HostError> {
        Ok(self
            .values
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone()))
    }

    fn contains(&mut self, name: &str) -> Result<bool, HostError> {
        Ok(self.values.iter().any(|(key, _)| key == name))
    }
}

impl<E: Environment + ?Sized> Environment for &mut E {
    fn now_millis(&mut self) -> i64 {
        (**self).now_millis()
    }

    fn random_bits(&mut self) -> u64 {
        (**self).random_bits()
    }

    fn poll(&mut self) -> Result<(), Interrupt> {
        (**self).poll()
    }
}

/// An environment that stands still, for checks and tests: a fixed time and a fixed series of numbers.
#[derive(Debug, Clone)]
pub struct FixedEnvironment {
    now_millis: i64,
    state: u64,
}

impl FixedEnvironment {
    /// Time stands at `now_millis`; the random series is always the same.
    #[must_use]
    pub fn at(now_millis: i64) -> Self {
        Self {
            now_millis,
            state: 0,
        }
    }

    /// Time stands at `now_millis`; the random series follows from `seed`.
    #[must_use]
    pub fn seeded(now_millis: i64, seed: u64) -> Self {
        Self {
            now_millis,
            state: seed,
        }
    }
}

impl Environment for FixedEnvironment {
    fn now_millis(&mut self) -> i64 {
        self.now_millis
    }

    // SplitMix64: every start gives a good series, which is all that is asked here.
    fn random_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
