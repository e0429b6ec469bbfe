//! Spans of calls to a collector, by OpenTelemetry's protocol (OTLP as JSON over HTTP). Where to, and all else, is said by the
//! standard variables `OTEL_…`; what a span holds has passed the redactor. A host that has a `tracing` subscriber of its own
//! needs nothing of this: the spans are there.

use std::env;
use std::fmt::{self, Display};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::client::{Client, ExchangeLimits};
use crate::limits::Limits;
use crate::network::Network;
use crate::origin::Origin;
use crate::report::host_of;
use crate::transport::{TlsError, Transport};

/// What says where traces go. Without it none leave.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// How long sending one batch may take, and how long a program that ends waits for its last one.
const SENDING: Duration = Duration::from_secs(5);

/// An answer of a collector is a few bytes.
const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// Sends spans.
pub struct Telemetry(SdkTracerProvider);

/// Traces cannot be sent.
#[derive(Debug)]
pub enum TelemetryError {
    /// There is no way to send anything.
    Transport(TlsError),
    /// What the variables say cannot be.
    Exporter(ExporterBuildError),
}

impl Display for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Exporter(error) => write!(f, "traces cannot be exported: {error}"),
        }
    }
}

impl std::error::Error for TelemetryError {}

impl Telemetry {
    /// Whether the environment names a collector.
    pub fn is_wanted() -> bool {
        ENDPOINTS.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
    }

    /// Spans for the collector that the environment names, which travel this way. Must be called in a runtime, which must
    /// live as long.
    pub fn new(transport: Transport) -> Result<Self, TelemetryError> {
        let client = Client::new(transport).map_err(TelemetryError::Transport)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_http_client(Sender { client, runtime: Handle::current() })
            .build();
        let exporter = exporter.map_err(TelemetryError::Exporter)?;
        let resource = Resource::builder();
        let resource = match env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource,
            None => resource.with_service_name("http-task"),
        };
        let provider = SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter);
        Ok(Self(provider.build()))
    }

    /// What listens to `tracing`: to the spans of calls, and to nothing else.
    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("http-task"));
        let layer = layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        // Activated, a span would have its name for good before its request is known.
        let layer = layer.with_context_activation(false);
        layer.with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == crate::trace::TARGET))
    }

    /// Sends what is left. It blocks.
    pub fn shut_down(self) -> Result<(), String> {
        self.0.shutdown_with_timeout(SENDING).map_err(|error| error.to_string())
    }
}

/// The client of this host, for the thread of the exporter, which is in no runtime.
struct Sender {
    client: Client,
    runtime: Handle,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { send(&client, request).await });
        sent.await?
    }
}

async fn send(client: &Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let url = request.uri().to_string();
    let origin = Origin::of(&url)?;
    let mut request = request.map(Full::new);
    request.headers_mut().insert(header::HOST, host_of(&url).parse()?);
    // Whoever starts this program says where its traces go: mostly into a network of their own.
    let open = Network::ALL.into();
    let limits = ExchangeLimits {
        answer_bytes: MOST_ANSWER_BYTES,
        calls_per_origin: 1,
        ..ExchangeLimits::within(SENDING, &Limits::default())
    };
    let (result, _) = client.exchange(request, &origin, &open, limits).await;
    let answer = result.map_err(|error| error.to_string())?;
    Ok(answer.head.map(|()| answer.content))
}
