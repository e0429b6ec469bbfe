//! The README is true: its commands say what it shows, and its picture is what the program draws.

mod program;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use program::Program;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_command_of_the_readme_says_what_the_readme_shows() {
    let (configuration, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::env::set_current_dir(root()).unwrap();
    // The definition that its commands make.
    let made = root().join("leads.json");
    let _ = std::fs::remove_file(&made);
    trycmd::TestCases::new()
        .register_bin("cargo", Path::new(env!("CARGO")))
        .env("CARGO_TERM_QUIET", "true")
        .env("PIPEDRIVE_API_TOKEN", "")
        .env("XDG_CONFIG_HOME", configuration.path().to_string_lossy())
        .env("XDG_DATA_HOME", data.path().to_string_lossy())
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache").to_string_lossy())
        .case("README.md")
        // The cases run when they are dropped, and end the test where one fails.
        .run();
    std::fs::remove_file(made).unwrap();
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

#[test]
fn the_settings_files_of_the_readme_are_read() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks: Vec<_> = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let program = Program::new();
    for (number, block) in blocks.iter().enumerate() {
        program.write(&format!("{number}.toml"), block);
        let file = format!("{number}.toml");
        let said = match block.contains("[credentials.") {
            true => program.succeeds(&["credentials", "list", "--json", "--credentials", &file]).stdout,
            // Its certificates are not there, which is said of a file that could be read.
            false => program.run(&["credentials", "check", "--transport", &file]).stderr,
        };
        let read =
            if block.contains("[credentials.") { "oauth-refresh-token" } else { "corporate-ca.pem: No such file" };
        assert!(said.contains(read), "{block}{said}");
    }
    assert_eq!(blocks.len(), 2);
}

/// A server does not end by itself, so that it has no session: what it says is held against the text here.
#[test]
fn the_stand_in_says_what_the_readme_shows() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, shown) = readme.split_once("$ http-task stand-in\n").unwrap();
    let (shown, _) = shown.split_once("\n```").unwrap();
    let mut running = Program::new().spawn(&["stand-in"]);
    let mut stderr = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut stdout = BufReader::new(running.stdout.take().unwrap()).lines();
    let (talk, data) = shown.split_once("\n\n").unwrap();
    for (said, shown) in talk.lines().map(|shown| (stderr.next(), shown)) {
        assert_shown(&said.unwrap().unwrap(), shown);
    }
    for (said, shown) in data.lines().map(|shown| (stdout.next(), shown)) {
        assert_shown(&said.unwrap().unwrap(), shown);
    }
    running.kill().unwrap();
    running.wait().unwrap();
}

/// A line is the one that is shown, where `[..]` stands for anything.
fn assert_shown(said: &str, shown: &str) {
    let mut rest = said;
    for part in shown.split("[..]") {
        let (before, after) = rest.split_once(part).unwrap_or_else(|| panic!("{said}\n{shown}"));
        assert!(before.is_empty() || rest.len() < said.len(), "{said}\n{shown}");
        rest = after;
    }
    assert!(rest.is_empty() || shown.ends_with("[..]"), "{said}\n{shown}");
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

/// `path.rs`: `a_test`, `another_test`; …
#[test]
fn every_test_that_the_security_promises_name_is_there() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let mut tests = 0;
    for row in text.lines().filter(|line| line.starts_with("| ") && line.contains(".rs`: ")) {
        let (_, held_by) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        let mut source = String::new();
        for word in held_by.split('`').skip(1).step_by(2) {
            if word.ends_with(".rs") {
                source = std::fs::read_to_string(root().join(word)).unwrap_or_else(|error| panic!("{word}: {error}"));
            } else {
                assert!(source.contains(&format!("fn {word}(")), "{word} is not there: {row}");
                tests += 1;
            }
        }
    }
    assert!(tests > 40, "{tests}");
    let promises = text.lines().filter(|line| line.starts_with("| ") && !line.contains(".rs`: ")).count();
    assert_eq!(promises, 12, "a promise without a test");
}
