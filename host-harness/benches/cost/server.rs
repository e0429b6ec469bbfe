//! The loopback server, in a process of its own so that its time is not counted: a lead's answer for whatever is asked,
//! but nothing ever for what asks to wait.

use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What makes this program the server.
pub const ARGUMENT: &str = "--be-the-server";

/// A path that is never answered, and one that tells how many wait there.
pub const WAIT: &str = "/wait";
pub const WAITING: &str = "/waiting";

/// A lead as Pipedrive answers it.
pub const ANSWER: &str = include_str!("answer.json");

/// The server's process; dropping this ends it.
pub struct Server {
    pub origin: String,
    child: Child,
    /// The server ends when this closes.
    _stdin: ChildStdin,
}

impl Server {
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("no stdin")?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut address)?;
        Ok(Self { origin: format!("http://{}", address.trim()), child, _stdin: stdin })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program as the server, until its stdin closes.
pub fn serve() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let waiting = Arc::new(AtomicUsize::new(0));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let waiting = Arc::clone(&waiting);
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(request, Arc::clone(&waiting)));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>, waiting: Arc<AtomicUsize>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let _ = body.collect().await;
    let content = match head.uri.path() {
        WAIT => {
            waiting.fetch_add(1, Ordering::Relaxed);
            std::future::pending().await
        }
        WAITING => Bytes::from(waiting.load(Ordering::Relaxed).to_string()),
        _ => Bytes::from_static(ANSWER.as_bytes()),
    };
    let mut response = Response::new(Full::new(content));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}
