//! The program `http-task`. What it does is in `cli`.

#[cfg(not(target_family = "wasm"))]
mod cli;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    cli::main()
}

/// Nothing, for the component's target: a build of the whole workspace for it makes the component alone.
#[cfg(target_family = "wasm")]
fn main() {}
