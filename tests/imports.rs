//! What the component can reach, which is all that it can ever do: `wasi:http` and what that needs.

mod loaded;

use std::path::Path;
use std::process::Command;

use http_task_host::{Egress, HttpTask, Limits};

/// Interfaces, as they must be in every build of the component.
const IMPORTS: [&str; 6] = [
    "wasi:clocks/monotonic-clock@0.2.0",
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:http/types@0.2.0",
    "wasi:io/error@0.2.0",
    "wasi:io/poll@0.2.0",
    "wasi:io/streams@0.2.0",
];

/// The imported interfaces that are WASI's; the component's own types are no way out.
fn interfaces(component: &HttpTask) -> Vec<String> {
    let mut interfaces: Vec<_> = component
        .imports()
        .into_iter()
        .filter(|import| !import.contains('#') && !import.starts_with("workflow:http-task/types@"))
        .collect();
    interfaces.sort();
    interfaces
}

#[test]
fn the_component_imports_http_and_what_that_needs_and_nothing_else() {
    let component = loaded::load(Egress::offline(), Limits::default());
    assert_eq!(interfaces(&component), IMPORTS);
}

#[test]
fn of_the_clock_only_types_are_imported() {
    let component = loaded::load(Egress::offline(), Limits::default());
    let functions: Vec<_> = component.imports().into_iter().filter(|import| import.contains("clock")).collect();
    assert_eq!(functions, ["wasi:clocks/monotonic-clock@0.2.0"]);
}

/// Skipped, with a word, where `cargo component` is not installed; `HTTP_TASK_REQUIRE=all` makes that a failure.
#[test]
fn cargo_component_builds_a_component_with_the_same_imports() {
    let cargo = || Command::new(env!("CARGO"));
    if !cargo().args(["component", "--version"]).output().is_ok_and(|output| output.status.success()) {
        return loaded::skip("cargo component is not installed (cargo install cargo-component)");
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-component");
    let built = cargo()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["component", "build", "--release", "--target", "wasm32-unknown-unknown"])
        .arg("--target-dir")
        .arg(&target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let bytes = std::fs::read(target.join("wasm32-unknown-unknown/release/http_task.wasm")).unwrap();
    let component = HttpTask::load(&bytes, None, Egress::offline(), Limits::default()).unwrap();
    let ours = loaded::load(Egress::offline(), Limits::default());
    assert_eq!(without_patch_level(&component), without_patch_level(&ours));
}

/// Interfaces and functions by their compatible version. cargo-component joins in an adapter of its own, of which
/// nothing is left in the end but the patch level of the interfaces that both speak of.
fn without_patch_level(component: &HttpTask) -> Vec<String> {
    let compatible = |import: String| match import.split_once("@0.2.") {
        Some((interface, rest)) => {
            format!("{interface}@0.2{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit()))
        }
        None => import,
    };
    let mut imports: Vec<_> = component.imports().into_iter().map(compatible).collect();
    imports.sort();
    imports
}
