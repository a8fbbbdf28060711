//! The reference page of the commands, from their help.

use std::fmt::Write;

use clap::CommandFactory;

use crate::args::Args;

const HEAD: &str = "\
# Commands

<!-- Generated from the help texts in crates/maestro-cli/src/args.rs; a test compares them. -->
";

/// The page as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut root = Args::command().term_width(100);
    root.build();
    let mut page = HEAD.to_owned();
    section(&mut root, "maestro", &mut page);
    page
}

fn section(command: &mut clap::Command, name: &str, page: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a text cannot fail.
    let _ = write!(
        page,
        "\n## `{name}`\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    for inner in command.get_subcommands_mut() {
        if inner.get_name() != "help" {
            let name = format!("{name} {}", inner.get_name());
            section(inner, &name, page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_reference_page_is_what_the_help_says() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            page == markdown(),
            "docs/reference/cli.md is stale: run the tests with UPDATE_DOCS=1"
        );
    }
}
