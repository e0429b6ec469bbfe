//! Getting ready: nothing that the program logs, exports or dies of shows a secret.

use std::io::{self, Write};

use http_task_host::redaction::Redactor;
use http_task_host::telemetry::Telemetry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// From now on panics pass the redactor.
pub(super) fn redact_panics(redactor: &Redactor) {
    let redactor = redactor.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = writeln!(redactor.writer(io::stderr()), "{panic}");
    }));
}

/// `RUST_LOG` chooses what is logged, to stderr and through the redactor; the spans of calls go to the collector, where the
/// environment names one.
pub(super) fn log(redactor: &Redactor, telemetry: Option<&Telemetry>) {
    let redactor = redactor.clone();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || redactor.writer(io::stderr()));
    tracing_subscriber::registry()
        .with(lines.with_filter(EnvFilter::from_default_env()))
        .with(telemetry.map(Telemetry::layer))
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
