//! The HTTP Task in a program of your own: load once, call many times.

use http_task_host::component::Context;
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::report::outcome_name;
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let grants = Grants::for_origins(["https://api.example.com".parse()?]);
    let egress = Egress::new(grants, Credentials::default(), Redactor::default())?;
    let http_task = HttpTask::load(COMPONENT, None, egress, Limits::default())?;

    let definition =
        r#"{ "type": "Http", "httpRequest": { "method": "GET", "url": "https://elsewhere.example/${id}" } }"#;
    let context = Context { idempotency_key: Some("run-1/task-1".into()) };
    let run = http_task.run(definition, r#"{ "id": 7 }"#, &context).await;

    println!("{}", outcome_name(&run.outcome));
    Ok(())
}
