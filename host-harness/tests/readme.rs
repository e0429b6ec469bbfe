//! The README is true: its commands say what it shows, and its picture is what the program draws.

mod program;

use std::path::{Path, PathBuf};

use program::Program;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_command_of_the_readme_says_what_the_readme_shows() {
    let configuration = tempfile::tempdir().unwrap();
    std::env::set_current_dir(root()).unwrap();
    trycmd::TestCases::new()
        .register_bin("cargo", Path::new(env!("CARGO")))
        .env("CARGO_TERM_QUIET", "true")
        .env("PIPEDRIVE_API_TOKEN", "")
        .env("XDG_CONFIG_HOME", configuration.path().to_string_lossy())
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache").to_string_lossy())
        .case("README.md");
}

#[test]
fn the_code_of_the_readme_is_the_example_that_is_compiled() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, code) = readme.split_once("```rust\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let example = include_str!("../examples/embed.rs");
    for line in code.lines() {
        assert!(example.contains(line), "{line}");
    }
}

/// `HTTP_TASK_ACCEPT=1 cargo test -p http-task-host --test readme` draws it anew.
#[test]
fn the_picture_of_test_request_is_what_the_program_draws() {
    let program = Program::new().env("CLICOLOR_FORCE", "1");
    program.write("update-lead.json", include_str!("../../examples/update-lead.json"));
    let arguments = ["test", "update-lead.json", "--stand-in"];
    let said = program.succeeds(&arguments).stdout;
    let text = format!("$ http-task {}\n{}", arguments.join(" "), with_fixed_time(&said));
    let drawn = anstyle_svg::Term::new().render_svg(&text);
    let path = root().join("docs/test-request.svg");
    if std::env::var_os("HTTP_TASK_ACCEPT").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "docs/test-request.svg differs: HTTP_TASK_ACCEPT=1 cargo test -p http-task-host --test readme"
    );
}

/// What differs from run to run, as it was on one of them.
fn with_fixed_time(said: &str) -> String {
    let line = |line: &str| {
        if let Some((before, _)) = line.split_once("200 OK") {
            let status = line.split(" · ").next().unwrap_or(before);
            return format!("{status} · 2 ms · 673 bytes · HTTP/1.1 · connected in 0 ms");
        }
        if let Some((before, _)) = line.split_once("\"update_time\": ") {
            return format!("{before}\"update_time\": \"2026-11-23T20:06:02.774Z\",");
        }
        match line.split_once("date: ") {
            Some((before, _)) if !line.contains("close_date") => {
                format!("{before}date: Mon, 23 Nov 2026 20:06:02 GMT{}", line.rsplit("GMT").next().unwrap_or_default())
            }
            _ => line.to_owned(),
        }
    };
    said.lines().map(line).collect::<Vec<_>>().join("\n")
}
