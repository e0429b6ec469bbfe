//! The same request through the same hyper client without the component: what a program would do that was written for
//! this one request. The same bytes are sent, and of the answer the same is held: its size, its status, that it is JSON.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use http_task_host::Limits;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::IgnoredAny;

use super::component::{LEAD, TITLE};
use super::server::Server;

/// The natively used client.
pub struct Native {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: Arc<str>,
    limits: Limits,
}

#[derive(Serialize)]
struct Change<'a> {
    title: &'a str,
    value: Money<'a>,
    expected_close_date: Option<&'a str>,
    #[serde(rename = "9dc1a1b7c2f04e1f8a55c0d3e7b64f20a1c3d5e7")]
    via: String,
}

#[derive(Serialize)]
struct Money<'a> {
    amount: u32,
    currency: &'a str,
}

fn content() -> Vec<u8> {
    let money = Money { amount: 0, currency: "EUR" };
    let change = Change { title: TITLE, value: money, expected_close_date: None, via: format!("via {TITLE}") };
    serde_json::to_vec(&change).unwrap_or_default()
}

impl Native {
    pub fn new(server: &Server) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_timer(TokioTimer::new())
            .build(tcp);
        Self { client, origin: server.origin.as_str().into(), limits: Limits::default() }
    }

    /// Bytes of content that each request carries.
    pub fn request_bytes(&self) -> usize {
        content().len()
    }

    /// The measured request, to the end of its answer.
    pub fn send(&self) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let (client, origin, limits) = (self.client.clone(), Arc::clone(&self.origin), self.limits.clone());
        async move {
            let content = content();
            let request = Request::patch(format!("{origin}/v1/leads/{LEAD}"))
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::USER_AGENT, "http-task/0.1.0")
                .header(header::CONTENT_LENGTH, content.len())
                .body(Full::new(Bytes::from(content)))
                .map_err(|error| error.to_string())?;
            let exchange = async {
                let response = client.request(request).await.map_err(|error| error.to_string())?;
                let success = response.status().is_success();
                let body = Limited::new(response.into_body(), limits.answer_bytes).collect().await;
                let body = body.map_err(|error| error.to_string())?.to_bytes();
                serde_json::from_slice::<IgnoredAny>(&body).map_err(|error| error.to_string())?;
                if success { Ok(()) } else { Err("not a success".to_owned()) }
            };
            tokio::time::timeout(limits.deadline, exchange).await.map_err(|error| error.to_string())?
        }
    }
}
