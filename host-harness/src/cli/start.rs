//! Getting ready: nothing that the program logs or dies of shows a secret.

use std::io::{self, Write};

use http_task_host::redaction::Redactor;
use tracing_subscriber::EnvFilter;

/// From now on panics and logs pass the redactor.
pub(super) fn keep_secrets(redactor: &Redactor) {
    redact_panics(redactor);
    log(redactor);
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
            .args(["--exact", "cli::start::tests::a_panic_shows_no_secret", "--nocapture"])
            .env("HTTP_TASK_TEST_PANIC", "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&died.stderr);
        assert!(!died.status.success());
        assert!(told.contains("the token is [redacted]") && !told.contains(PLANTED), "{told}");
    }
}
