//! The reference page, from the table.

use std::fmt::Write;
use std::path::PathBuf;

use super::Config;
use super::table::table;

const HEAD: &str = "\
# Configuration

<!-- Generated from the table of settings in crates/maestro-server/src/config/table.rs; a test compares them. -->

Settings are read from these places; the later ones win:

1. the defaults below;
2. a TOML file, named by `--config FILE` or the variable `MAESTRO_CONFIG`;
3. environment variables: `MAESTRO_` and the name in capitals, where a dot is one underscore or two
   (`MAESTRO_STEPS_LOCAL_MAX_JOBS=8`, `MAESTRO_STEPS__LOCAL__MAX_JOBS=8`);
4. `--set NAME=VALUE`, as often as needed;
5. the flags `--listen`, `--data` and `--log`.

`maestro config` shows every setting with its value and where it comes from. A setting that does not exist is an error
that names the nearest one.

```toml
[server]
listen = \"127.0.0.1:8080\"

[steps.local]
max_jobs = 8
max_log_bytes = \"16MiB\"
```

Numbers of bytes take the units `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024) and `KB`, `MB`, `GB` (powers of 1000).
Times need a unit: `ms`, `s`, `min`, `h`, `d`.
";

/// The page as Markdown.
#[must_use]
pub fn markdown() -> String {
    let defaults = Config::new(PathBuf::new());
    let mut page = HEAD.to_owned();
    let mut section = "";
    for row in table() {
        let (own, _) = row.name.split_once('.').unwrap_or((row.name, ""));
        if own != section {
            section = own;
            // Writing to a text cannot fail.
            let _ = write!(page, "\n## {section}\n");
        }
        let default = row
            .default
            .map_or_else(|| format!("`{}`", row.get(&defaults)), str::to_owned);
        let _ = write!(
            page,
            "\n### `{}`\n\n{}\n\n- Kind: {}\n- Default: {default}\n- Variable: `{}`\n",
            row.name,
            row.meaning,
            row.kind,
            row.variable()
        );
        for alias in row.aliases {
            let _ = writeln!(page, "- Also: `{alias}`");
        }
    }
    page
}
