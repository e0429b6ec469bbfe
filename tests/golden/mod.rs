//! Tables that are kept in `tests/tables/`, and compared with what is made now.

use std::path::PathBuf;

pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tables");

/// Compares a table with the one that is kept.
pub fn hold(name: &str, about: &str, head: &[String], rows: &[Vec<String>]) {
    let line =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(|cell| shown(cell)).collect::<Vec<_>>().join(" | "));
    let mut text = format!("<!-- made by a test -->\n\n{about}\n\n{}|{}\n", line(head), "---|".repeat(head.len()));
    text.extend(rows.iter().map(|row| line(row)));
    let path = PathBuf::from(FOLDER).join(name);
    if std::env::var_os("HTTP_TASK_ACCEPT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == text,
        "tests/tables/{name} differs, first here: {differing:#?}\nto accept it: HTTP_TASK_ACCEPT=1 cargo test -p http-task --test tables --test outcomes --test lead_tables --test hostile"
    );
}

/// Text in a cell.
fn shown(cell: &str) -> String {
    cell.replace('|', "\\|")
        .chars()
        .flat_map(|character| -> Vec<char> {
            if character.is_control() { character.escape_default().collect() } else { vec![character] }
        })
        .collect()
}

pub fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}
