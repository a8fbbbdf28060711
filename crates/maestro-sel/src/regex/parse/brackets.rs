//! Classes in brackets, with their unions and intersections.

use regex_syntax::hir::ClassUnicode;

use super::{Escape, Parser, Result, syntax};
use crate::regex::class;

impl Parser<'_> {
    /// A class behind its `[`.
    pub(super) fn class(&mut self) -> Result<ClassUnicode> {
        let negative = self.eat('^');
        // `[&&a]` is `[a]`.
        let mut nothing_left = self.at_intersection();
        let mut set = self.class_operand(true)?;
        while self.at_intersection() {
            while self.raw() == Some('&') {
                self.at += 1;
            }
            self.skip_comments();
            // `[a&&]` is `[a]`.
            if self.raw() != Some(']') {
                let right = self.class_operand(false)?;
                if nothing_left {
                    set = right;
                } else {
                    set.intersect(&right);
                }
            } else if nothing_left {
                return syntax("a `&&` with nothing on both sides");
            }
            nothing_left = false;
        }
        if !self.eat(']') {
            return syntax("a `[` is not closed");
        }
        if negative {
            set.negate();
        }
        Ok(set)
    }

    fn at_intersection(&self) -> bool {
        self.raw() == Some('&') && self.raw_at(1) == Some('&')
    }

    /// The union of what stands up to `&&` or the end of the class.
    fn class_operand(&mut self, mut first: bool) -> Result<ClassUnicode> {
        let mut set = ClassUnicode::empty();
        loop {
            self.skip_comments();
            if self.at >= self.chars.len() {
                return syntax("a `[` is not closed");
            }
            if self.at_intersection() {
                return Ok(set);
            }
            match self.raw() {
                Some(']') if !first => return Ok(set),
                Some('[') => {
                    self.at += 1;
                    let inner = self.deeper(Self::class)?;
                    set.union(&inner);
                }
                _ => match self.class_item()? {
                    Escape::Set(inner) => set.union(&inner),
                    Escape::Char(start) => {
                        let range = self.class_range(start)?;
                        set.union(&range);
                    }
                    Escape::Node(_) => return syntax("an anchor in a class"),
                },
            }
            first = false;
        }
    }

    fn class_item(&mut self) -> Result<Escape> {
        let c = self.raw();
        let unit = self.chars[self.at];
        self.at += 1;
        if c == Some('\\') {
            self.escape(true)
        } else {
            Ok(Escape::Char(unit.c))
        }
    }

    fn class_range(&mut self, start: char) -> Result<ClassUnicode> {
        self.skip_comments();
        let literal = self.raw() != Some('-')
            || matches!(self.raw_at(1), Some(']' | '['))
            || self.at + 1 >= self.chars.len();
        if literal {
            return Ok(class::folded(class::range(start, start), self.flags));
        }
        self.at += 1;
        self.skip_comments();
        if self.at >= self.chars.len() {
            return syntax("a `[` is not closed");
        }
        match self.class_item()? {
            Escape::Char(end) if end >= start => {
                Ok(class::folded(class::range(start, end), self.flags))
            }
            _ => syntax("illegal character range"),
        }
    }
}
