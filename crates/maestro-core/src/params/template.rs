//! Texts with params in them (spec 02 section 16).

use maestro_model::Str;

/// A text that was read once, to be filled in many times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    parts: Vec<Part>,
    names: Vec<Str>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(Str),
    /// A position among the names.
    Name(usize),
}

impl Template {
    /// Reads a text; `None` if there is nothing to do in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.contains('$') {
            return None;
        }
        let mut template = Self {
            parts: Vec::new(),
            names: Vec::new(),
        };
        let mut open = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            open.push_str(&rest[..start]);
            let run = &rest[start..];
            let after = run.trim_start_matches('$');
            let dollars = run.len() - after.len();
            let Some((name, length)) = name_at(after) else {
                // Pairs collapse, a single one stays.
                open.extend(std::iter::repeat_n('$', dollars.div_ceil(2)));
                rest = after;
                continue;
            };
            open.extend(std::iter::repeat_n('$', dollars / 2));
            if dollars % 2 == 1 {
                let index = template.refer(name);
                if !open.is_empty() {
                    template
                        .parts
                        .push(Part::Text(std::mem::take(&mut open).into()));
                }
                template.parts.push(Part::Name(index));
            } else {
                // Escaped, but behind four dollars or more it must be there all the same (spec 02 I-7).
                if dollars > 2 {
                    template.refer(name);
                }
                open.push_str(&after[..length]);
            }
            rest = &after[length..];
        }
        open.push_str(rest);
        if !open.is_empty() {
            template.parts.push(Part::Text(open.into()));
        }
        Some(template)
    }

    fn refer(&mut self, name: &str) -> usize {
        match self.names.iter().position(|known| **known == *name) {
            Some(index) => index,
            None => {
                self.names.push(name.into());
                self.names.len() - 1
            }
        }
    }

    /// The names that must be there, in the order of their first appearance.
    #[must_use]
    pub fn names(&self) -> &[Str] {
        &self.names
    }

    /// Bytes of what [`Template::fill`] makes of these texts.
    #[must_use]
    pub fn length(&self, texts: &[String]) -> usize {
        let length = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Name(index) => texts.get(*index).map_or(0, String::len),
        };
        self.parts.iter().map(length).fold(0, usize::saturating_add)
    }

    /// Puts texts in: one for each of [`Template::names`].
    #[must_use]
    pub fn fill(&self, texts: &[String]) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Name(index) => filled.push_str(texts.get(*index).map_or("", |t| t)),
            }
        }
        filled
    }
}

/// A name right behind a dollar, `{name}` or `name`, and the length of the whole in bytes (spec 02 I-2).
fn name_at(text: &str) -> Option<(&str, usize)> {
    let (body, braces) = match text.strip_prefix('{') {
        Some(body) => (body, true),
        None => (text, false),
    };
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let inside =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || (braces && matches!(c, '-' | '.' | '/'));
    let end = body.find(|c| !inside(c)).unwrap_or(body.len());
    match braces {
        true => body[end..]
            .starts_with('}')
            .then_some((&body[..end], end + 2)),
        false => Some((&body[..end], end)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> String {
        match Template::parse(text) {
            None => text.to_owned(),
            Some(template) => {
                let texts: Vec<String> =
                    template.names().iter().map(|n| format!("<{n}>")).collect();
                template.fill(&texts)
            }
        }
    }

    /// [02:8] [02:9]
    #[test]
    fn dollars_escape_each_other() {
        for (text, want) in [
            ("a$x-${s}.", "a<x>-<s>."),
            ("$$x", "$x"),
            ("$$$x", "$<x>"),
            ("$$$$x", "$$x"),
            ("$${s}", "${s}"),
            ("cost $5, $$, ${}, ${1a}, $", "cost $5, $, ${}, ${1a}, $"),
            (
                "$a.b $a-b ${a.b} ${a-b} ${a/b}",
                "<a>.b <a>-b <a.b> <a-b> <a/b>",
            ),
            ("$$$", "$$"),
            ("${a", "${a"),
            ("$_x ${_x}", "$_x ${_x}"),
            ("$x$s", "<x><s>"),
            ("${x}$$$s", "<x>$<s>"),
        ] {
            assert_eq!(filled(text), want, "{text}");
        }
    }

    /// [02:67]: a name behind an even run of four dollars or more has to be there.
    #[test]
    fn a_name_behind_four_dollars_is_needed() {
        let names = |text| Template::parse(text).unwrap().names().to_vec();
        assert!(names("$$nope").is_empty());
        assert_eq!(names("$$$$nope"), [Str::from("nope")]);
        assert_eq!(filled("$$$$nope"), "$$nope");
    }

    proptest! {
        #[test]
        fn any_text_can_be_read_and_filled(text in "[$a-z{}_ .é-]{0,40}") {
            let filled = filled(&text);
            prop_assert!(filled.is_char_boundary(0));
            if !text.contains('$') {
                prop_assert_eq!(filled, text);
            }
        }

        #[test]
        fn an_escaped_text_comes_out_as_it_was(text in "[a-zA-Z{} $._-]{0,40}") {
            let escaped = text.replace('$', "$$");
            prop_assert_eq!(filled(&escaped), text);
        }
    }
}
