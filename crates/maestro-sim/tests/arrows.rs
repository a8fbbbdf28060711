//! The arrows between our crates point one way (docs/architecture.md).

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Who may know whom. A crate that is not here has no room yet.
const ALLOWED: &[(&str, &[&str])] = &[
    ("maestro-sel", &[]),
    ("maestro-model", &[]),
    ("maestro-core", &["maestro-model", "maestro-sel"]),
    ("maestro-store", &["maestro-model"]),
    ("maestro-steps", &["maestro-model", "maestro-sel"]),
    (
        "maestro-engine",
        &[
            "maestro-core",
            "maestro-model",
            "maestro-steps",
            "maestro-store",
        ],
    ),
    (
        "maestro-server",
        &[
            "maestro-core",
            "maestro-engine",
            "maestro-model",
            "maestro-steps",
            "maestro-store",
        ],
    ),
    (
        "maestro-cli",
        &[
            "maestro-core",
            "maestro-engine",
            "maestro-model",
            "maestro-sel",
            "maestro-server",
            "maestro-steps",
            "maestro-store",
        ],
    ),
    (
        "maestro-sim",
        &[
            "maestro-core",
            "maestro-engine",
            "maestro-model",
            "maestro-steps",
            "maestro-store",
        ],
    ),
    (
        "maestro-bench",
        &[
            "maestro-engine",
            "maestro-model",
            "maestro-steps",
            "maestro-store",
        ],
    ),
];

#[test]
fn crates_depend_only_on_those_below_them() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(name, deps)| (*name, deps.iter().copied().collect()))
        .collect();
    let packages = metadata["packages"].as_array().expect("packages");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let may = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no line in this test"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let other = dependency["name"].as_str().expect("a name");
            let normal = dependency["kind"].is_null();
            if normal && other.starts_with("maestro-") {
                assert!(may.contains(other), "{name} may not depend on {other}");
            }
            if matches!(name, "maestro-core" | "maestro-model" | "maestro-sel") && normal {
                let outside = [
                    "tokio",
                    "rusqlite",
                    "axum",
                    "reqwest",
                    "ureq",
                    "rand",
                    "parking_lot",
                ];
                assert!(
                    !outside.contains(&other),
                    "{name} is pure and may not depend on {other}"
                );
            }
        }
    }
    assert_eq!(
        packages.len(),
        allowed.len(),
        "a crate is missing from the workspace"
    );
}
