//! What tasks cost that wait for their answers: memory, with a thousand of them.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use super::component::Loaded;
use super::process;
use super::server::{Server, WAITING};

/// As many as the default limit allows at once.
pub const TASKS: usize = 1000;

/// Memory before and with the tasks waiting, where the system tells.
pub struct Waiting {
    pub before: Option<u64>,
    pub with: Option<u64>,
}

/// Starts the tasks, and measures when every request has arrived.
pub async fn measure(server: &Server, component: &Loaded) -> Result<Waiting, Box<dyn Error>> {
    let before = process::resident_bytes();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(component.wait());
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let asked = async {
        loop {
            let request = Request::get(format!("{}{WAITING}", server.origin)).body(Full::default())?;
            let answer = client.request(request).await?.into_body().collect().await?.to_bytes();
            if answer == TASKS.to_string() {
                return Ok::<_, Box<dyn Error>>(());
            }
            if let Some(ended) = tasks.try_join_next() {
                return Err(format!("a task that should wait has ended: {:?}", ended?.outcome).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(50), asked).await??;
    let with = process::resident_bytes();
    tasks.shutdown().await;
    Ok(Waiting { before, with })
}
