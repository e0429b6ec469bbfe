//! The built component in a host of its own, and a server for it to talk to.

use std::io::Write;
use std::path::Path;

use http_task_host::component::Context;
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::stand_in::{Setup, StandIn};
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};

#[allow(dead_code, reason = "every test program takes what it needs")]
pub const NO_CONTEXT: Context = Context { idempotency_key: None };

/// A host that may send to this server.
#[allow(dead_code, reason = "every test program takes what it needs")]
pub fn host_for(server: &StandIn, limits: Limits) -> HttpTask {
    let origin = format!("http://{}", server.address()).parse().unwrap();
    let egress = Egress::new(Grants::for_origins([origin]), Credentials::default(), Redactor::default()).unwrap();
    load(egress, limits)
}

/// Loads the component; compiled once for all test programs.
pub fn load(egress: Egress, limits: Limits) -> HttpTask {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    HttpTask::load(COMPONENT, Some(&cache), egress, limits).unwrap()
}

/// A server that fails its test when a line of its script was not used.
pub struct Server(StandIn);

impl std::ops::Deref for Server {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        &self.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.unused(), [], "no request came for these lines of the script");
        }
    }
}

#[allow(dead_code, reason = "every test program takes what it needs")]
pub async fn server(setup: impl Into<Setup>) -> Server {
    Server(StandIn::start(setup).await.unwrap())
}

/// Says that a test is skipped, past the capture of its output; where nothing may be skipped, fails.
#[allow(dead_code, reason = "every test program takes what it needs")]
pub fn skip(why: &str) {
    assert_ne!(std::env::var("HTTP_TASK_REQUIRE").as_deref(), Ok("all"), "{why}");
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
