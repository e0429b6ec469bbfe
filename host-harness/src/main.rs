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
