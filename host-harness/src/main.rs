//! The program `http-task`. What it does is in `cli`; here it only gets ready: nothing that it prints, logs or dies of
//! shows a secret.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use http_task_host::redaction::Redactor;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let redactor = Redactor::default();
    redact_panics(&redactor);
    log(&redactor);
    cli::main(&redactor)
}

fn redact_panics(redactor: &Redactor) {
    let redactor = redactor.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = writeln!(redactor.writer(io::stderr()), "{panic}");
    }));
}

/// `RUST_LOG` chooses what is logged, to stderr.
fn log(redactor: &Redactor) {
    let redactor = redactor.clone();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_ansi(false)
        .with_writer(move || redactor.writer(io::stderr()))
        .init();
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use http_task_host::redaction::{Redactor, Secret};

    const PLANTED: &str = "planted-in-a-panic";

    #[test]
    fn a_panic_shows_no_secret() {
        if std::env::var_os("HTTP_TASK_TEST_PANIC").is_some() {
            let redactor = Redactor::default();
            redactor.learn(&Secret::new(PLANTED.to_owned()));
            super::redact_panics(&redactor);
            panic!("the token is {PLANTED}");
        }
        // A panic hook belongs to the whole process, so this test runs again in one of its own.
        let died = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::a_panic_shows_no_secret", "--nocapture"])
            .env("HTTP_TASK_TEST_PANIC", "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&died.stderr);
        assert!(!died.status.success());
        assert!(told.contains("the token is [redacted]") && !told.contains(PLANTED), "{told}");
    }
}
