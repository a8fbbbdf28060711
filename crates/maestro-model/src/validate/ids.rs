//! Ids and names (spec 01 section 2.1).

use super::Limits;

/// Length as Java counts it.
pub(super) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

const RESERVED_PREFIX: &str = "maestro_";
const RESERVED_SUFFIX: &str = "_maestro";

/// Whether a workflow id names the runs of a loop, which no one pushes (spec 01 section 10.5).
pub fn is_inline_workflow_id(id: &str) -> bool {
    id.starts_with("maestro_foreach") || id.starts_with("maestro_while")
}

/// What is wrong with a workflow id (spec 01 ID-1).
pub fn workflow_id_fault(id: &str, limits: &Limits) -> Option<String> {
    const TAG: &str = "[maestro id]";
    size_fault(TAG, id, limits.id_length)
        .or_else(|| {
            let first = |c: char| c == '_' || c.is_ascii_alphanumeric();
            (!follows(id, first)).then(|| {
                format!("{TAG} [{id}] must match [_a-zA-Z0-9][._\\-a-zA-Z0-9]*: a letter, digit or `_`, then also `.` and `-`")
            })
        })
        .or_else(|| affix_fault(TAG, id, true))
}

/// What is wrong with a reference id: a step id, a param name, a job type (spec 01 ID-2).
pub fn reference_fault(id: &str, limits: &Limits) -> Option<String> {
    const TAG: &str = "[maestro id or name reference]";
    let separator = &limits.step_param_separator;
    size_fault(TAG, id, limits.id_length)
        .or_else(|| {
            let first = |c: char| c == '_' || c.is_ascii_alphabetic();
            (!follows(id, first)).then(|| {
                format!("{TAG} [{id}] must match [_a-zA-Z][._\\-a-zA-Z0-9]*: a letter or `_`, then also digits, `.` and `-`")
            })
        })
        .or_else(|| {
            id.contains(separator.as_str())
                .then(|| format!("{TAG} [{id}] must not contain `{separator}`, which separates step and param"))
        })
        .or_else(|| affix_fault(TAG, id, false))
}

/// What is wrong with the name of a tag or a signal instance (spec 01 ID-3).
pub fn name_fault(name: &str, limits: &Limits) -> Option<String> {
    const TAG: &str = "[maestro name]";
    if name.chars().all(char::is_whitespace) {
        return Some(format!("{TAG} [{name}] must not be empty or blank"));
    }
    size_fault(TAG, name, limits.name_length)
        .or_else(|| {
            let odd = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_ .,:@&='(){}$+[]-/\\".contains(*c))?;
            Some(format!(
                "{TAG} [{name}] must not contain `{}`; allowed are letters, digits, blanks and _ . , : @ & = ' ( ) {{ }} $ + [ ] - / \\",
                odd.escape_debug()
            ))
        })
        .or_else(|| affix_fault(TAG, name, true))
}

fn size_fault(tag: &str, text: &str, limit: usize) -> Option<String> {
    if text.is_empty() {
        return Some(format!("{tag} must not be null or empty"));
    }
    let length = utf16_len(text);
    (length > limit)
        .then(|| format!("{tag} must have at most {limit} characters, it has {length}: [{text}]"))
}

/// Whether the first character is one of `first`, and all others are letters, digits, `.`, `_` or `-`.
fn follows(text: &str, first: impl Fn(char) -> bool) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(first)
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn affix_fault(tag: &str, text: &str, suffix_too: bool) -> Option<String> {
    let lower = text.to_lowercase();
    if lower.starts_with(RESERVED_PREFIX) {
        return Some(format!(
            "{tag} [{text}] must not start with the reserved `{RESERVED_PREFIX}`"
        ));
    }
    (suffix_too && lower.ends_with(RESERVED_SUFFIX))
        .then(|| format!("{tag} [{text}] must not end with the reserved `{RESERVED_SUFFIX}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow_ok(id: &str) -> bool {
        workflow_id_fault(id, &Limits::default()).is_none()
    }

    fn step_ok(id: &str) -> bool {
        reference_fault(id, &Limits::default()).is_none()
    }

    // [01:13,14]
    #[test]
    fn workflow_ids_may_start_with_a_digit_and_step_ids_may_end_in_maestro() {
        for (id, workflow, step) in [
            ("9lives__x", true, false),
            ("9lives", true, false),
            ("a__b", true, false),
            ("Maestro_x", false, false),
            ("x_MAESTRO", false, true),
            ("x_maestro", false, true),
            ("a.b-c_d9", true, true),
            ("", false, false),
            ("-a", false, false),
            (".a", false, false),
            ("a b", false, false),
            ("a\n", false, false),
            ("\u{e9}", false, false),
            ("maestro-x", true, true),
        ] {
            assert_eq!((workflow_ok(id), step_ok(id)), (workflow, step), "{id}");
        }
        assert!(workflow_ok(&"x".repeat(128)) && step_ok(&"x".repeat(128)));
        assert!(!workflow_ok(&"x".repeat(129)) && !step_ok(&"x".repeat(129)));
    }

    // [01:15]
    #[test]
    fn names_of_tags_have_a_closed_set_of_characters() {
        let ok = |name: &str| name_fault(name, &Limits::default()).is_none();
        assert!(ok("it's (a) {tag} $+[x]-/\\ @&=:,."));
        assert!(ok(&"x".repeat(256)));
        for name in ["~x", "   ", "", "maestro_q", "q_Maestro", "\u{fc}", "a\tb"] {
            assert!(!ok(name), "{name}");
        }
        assert!(!ok(&"x".repeat(257)));
    }

    #[test]
    fn the_first_fault_is_reported_with_its_value() {
        let limits = Limits {
            id_length: 3,
            step_param_separator: "..".to_owned(),
            ..Limits::default()
        };
        assert_eq!(
            reference_fault("abcd", &limits).as_deref(),
            Some("[maestro id or name reference] must have at most 3 characters, it has 4: [abcd]")
        );
        assert!(reference_fault("a__", &limits).is_none());
        assert!(reference_fault("a..", &limits).is_some_and(|text| text.contains("`..`")));
    }
}
