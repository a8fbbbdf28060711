//! The SEL expression language: parse, check, evaluate within limits.
//!
//! Owns the whole of SEL: its syntax, its library, its dates and zones, its limits, and its error messages. Absent on
//! purpose: files, clocks, randomness, threads, and any knowledge of workflows; what a program may reach comes in through a
//! [`Host`]. The rules are those of `docs/spec/03-sel.md`, cited by number; the language for its users is described in
//! `docs/reference/sel.md`. Start reading at [`Program`], then `eval`.
//!
//! ```
//! use maestro_sel::{FixedEnvironment, Inputs, Limits, Output, Program, Value};
//!
//! let program = Program::parse("a + b").unwrap();
//! assert_eq!(program.required_names().into_iter().collect::<Vec<_>>(), ["a", "b"]);
//!
//! let inputs = [("a".to_owned(), Value::Long(40)), ("b".to_owned(), Value::Long(2))];
//! let mut host = Inputs::new(&inputs, FixedEnvironment::at(0));
//! assert_eq!(program.eval(&mut host, &Limits::default()), Ok(Output::Long(42)));
//! ```

mod arena;
mod ast;
mod compile;
mod error;
mod eval;
mod excerpt;
mod host;
mod java_format;
pub mod jsonl;
mod lexer;
mod library;
mod limits;
mod names;
mod parser;
mod print;
mod program;
mod regex;
mod required;
mod text;
mod time;
mod value;

pub use error::{Diagnostic, ErrorKind, EvalError, Position, Span};
pub use excerpt::excerpt;
pub use host::{Access, Environment, FixedEnvironment, Host, HostError, Inputs, Interrupt};
pub use lexer::is_identifier;
pub use limits::{Budget, Limits};
pub use program::{Program, check, is_incomplete};
pub use time::{UnknownZone, Zone};
pub use value::{Output, TypeName, Unconvertible, Value};
