//! One task through the component.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_task_host::component::{Context, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::report::{outcome_name, reason_of};
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};

use super::server::{self, Server};

/// The values that both sides fill in.
pub const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";
pub const TITLE: &str = "40 office chairs";

const NO_CONTEXT: Context = Context { idempotency_key: None };

/// The component, loaded as a host would load it.
pub struct Loaded {
    pub http_task: Arc<HttpTask>,
    /// Where compiled components are kept during this run.
    pub cache: tempfile::TempDir,
    grants: Grants,
    definition: Arc<str>,
    input: Arc<str>,
    waiting: Arc<str>,
}

impl Loaded {
    pub fn new(server: &Server) -> Result<Self, Box<dyn Error>> {
        let cache = tempfile::tempdir()?;
        let origin = &server.origin;
        let grants = Grants::for_origins([origin.parse()?]);
        let egress = Egress::new(grants.clone(), Credentials::default(), Redactor::default())?;
        let compiled = cache.path().join("compiled");
        let mut limits = Limits::default();
        // All of them ask the one server.
        limits.calls_per_origin = limits.concurrent_calls;
        let http_task = Arc::new(HttpTask::load(COMPONENT, Some(&compiled), egress, limits)?);
        let definition = format!(
            r#"{{"type": "Http", "httpRequest": {{"method": "PATCH", "url": "{origin}/v1/leads/${{leadId}}", "body":
                {{"title": "${{title}}", "value": {{"amount": "${{amount}}", "currency": "EUR"}}, "expected_close_date": null,
                "person_id": "${{?personId}}", "9dc1a1b7c2f04e1f8a55c0d3e7b64f20a1c3d5e7": "via ${{title}}"}}}}, "end": true}}"#
        );
        let waiting = format!(
            r#"{{"type": "Http", "readTimeoutSeconds": 60, "httpRequest": {{"method": "GET", "url": "{origin}{}"}}}}"#,
            server::WAIT
        );
        let input = format!(r#"{{"leadId": "{LEAD}", "title": "{TITLE}", "amount": 0}}"#);
        Ok(Self {
            http_task,
            cache,
            grants,
            definition: definition.into(),
            input: input.into(),
            waiting: waiting.into(),
        })
    }

    /// How long it takes to load it once more, from where its compiled form is kept or without that. What a host needs besides,
    /// such as the platform's roots, is not counted.
    pub fn load_again(&self, compiled: bool) -> Result<Duration, Box<dyn Error>> {
        let egress = Egress::new(self.grants.clone(), Credentials::default(), Redactor::default())?;
        let cache = self.cache.path().join("compiled");
        let started = Instant::now();
        let loaded = HttpTask::load(COMPONENT, compiled.then_some(cache.as_path()), egress, Limits::default())?;
        let took = started.elapsed();
        drop(loaded);
        Ok(took)
    }

    /// The measured task, to its end.
    pub fn run(&self) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let (http_task, definition, input) =
            (Arc::clone(&self.http_task), Arc::clone(&self.definition), Arc::clone(&self.input));
        async move { completed(http_task.run(&definition, &input, &NO_CONTEXT).await) }
    }

    /// A task that waits for its answer.
    pub fn wait(&self) -> impl Future<Output = Run> + Send + use<> {
        let (http_task, definition) = (Arc::clone(&self.http_task), Arc::clone(&self.waiting));
        async move { http_task.run(&definition, "{}", &NO_CONTEXT).await }
    }

    /// The smallest call there is: an instance is made, does nearly nothing, and is dropped.
    pub async fn call_for_nothing(&self) -> Result<(), String> {
        let answer = self.http_task.resolve("null", "{}").await.map_err(|error| error.to_string())?;
        answer.map(|_| ()).map_err(|problems| format!("{problems:?}"))
    }
}

fn completed(run: Run) -> Result<(), String> {
    match &run.outcome {
        Ok(_) => Ok(()),
        Err(failure) => Err(format!("{}: {} {:?}", outcome_name(&run.outcome), reason_of(failure), run.error)),
    }
}
