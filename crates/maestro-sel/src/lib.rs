//! The SEL expression language: parse, check, evaluate within limits.
