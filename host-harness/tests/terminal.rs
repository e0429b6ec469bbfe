//! The program on a terminal, where somebody types.

mod program;

use program::{Program, Said, skip};

/// What is shown to somebody who types these keys, each after the text that is waited for. None where nothing can be typed.
fn typed(program: &Program, arguments: &[&str], steps: &[(&str, &str)]) -> Option<Said> {
    if !program.shell("python3 -c 'import pty'").status.success() {
        skip("python3 is absent, and nobody types on a terminal");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/type.py");
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let mut words = vec!["python3".to_owned(), quoted(script), quoted(env!("CARGO_BIN_EXE_http-task"))];
    words.extend(arguments.iter().map(|word| quoted(word)));
    words.push("--".to_owned());
    words.extend(steps.iter().flat_map(|(waited, keys)| [quoted(waited), quoted(keys)]));
    let output = program.shell(&words.join(" "));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

fn program() -> Program {
    Program::new().env("TERM", "xterm-256color").env("PAGER", "cat")
}

const DOWN: &str = r"\x1b[B";
const ENTER: &str = r"\r";

#[test]
fn what_is_typed_is_looked_for_and_what_is_chosen_is_shown() {
    let program = program();
    let keys = format!("{DOWN}{DOWN}{ENTER}{ENTER}");
    let steps = [("Search operations", "lead patc"), ("updateLeadLabel", keys.as_str())];
    let Some(said) = typed(&program, &["search"], &steps) else { return };
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("api.pipedrive.com/v1/leadLabels/{id}"), "{said:?}");
}

#[test]
fn enter_shows_the_best_hit_and_escape_nothing() {
    let program = program();
    let Some(said) = typed(&program, &["search", "updte", "lead"], &[("updateLead", ENTER)]) else { return };
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("api.pipedrive.com/v1/leads/{id}"), "{said:?}");
    let said = typed(&program, &["search"], &[("Search operations", r"\x1b")]).unwrap();
    assert_eq!(said.code, Some(130), "{said:?}");
}

#[test]
fn a_list_is_printed_where_it_is_asked_for() {
    let Some(said) = typed(&program(), &["search", "update", "lead", "--list"], &[]) else { return };
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("pipedrive/updateLeadLabel  PATCH"), "{said:?}");
}
