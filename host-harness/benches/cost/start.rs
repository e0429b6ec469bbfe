//! What is paid before the first task: compiling, loading what was compiled, an instance, the start of the program.

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http_task_host::COMPONENT;

use super::component::Loaded;
use super::figures::median;

const CALLS: u32 = 2000;
const LOADS: usize = 20;

/// The times, each the median of many but for compiling.
pub struct Start {
    pub component_bytes: usize,
    pub compile: Duration,
    pub load: Duration,
    pub smallest_call: Duration,
    pub program: Duration,
}

pub async fn measure(component: &Loaded) -> Result<Start, Box<dyn Error>> {
    let compile = component.load_again(false)?;
    let load = median((0..LOADS).map(|_| component.load_again(true)))?;
    let started = Instant::now();
    for _ in 0..CALLS {
        component.call_for_nothing().await?;
    }
    let smallest_call = started.elapsed() / CALLS;
    let folder = component.cache.path();
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/update-lead.json");
    let check = || -> Result<Duration, Box<dyn Error>> {
        let started = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_http-task"))
            .args(["check", definition])
            .env("XDG_CACHE_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(started.elapsed()) } else { Err("the program failed".into()) }
    };
    // The first one leaves the compiled component for the others.
    check()?;
    let program = median((0..LOADS).map(|_| check()))?;
    Ok(Start { component_bytes: COMPONENT.len(), compile, load, smallest_call, program })
}
