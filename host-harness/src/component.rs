//! The component: loaded once, called many times. Every call has a fresh instance, limits on memory and time, and a
//! way out of its own. With `egress.rs` the only file that knows wasmtime.

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Instant, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::Instrument as _;
use wasmtime::component::{Component, Linker, Resource, types::ComponentItem};
use wasmtime::{Engine, Store, StoreContextMut, UpdateDeadline};

use self::bindings::HttpTaskPre;
pub use self::bindings::exports::workflow::http_task::leads::{Change, CustomField, LeadUpdate, Money};
pub use self::bindings::workflow::http_task::types::{
    Body, Completed, Context, Denial, Effect, Failure, Header, Prepared, Problem, Rejection, Request, Response,
    Temporary, Unknown,
};
use crate::egress::{self, CallEgress, Egress, Record};
use crate::exchange::Exchange;
use crate::grants::Refusal;
use crate::limits::Limits;
use crate::report::host_of;
use crate::trace::{self, CallUse, Trace};

mod compiled;
mod engine;
mod state;

use self::state::CallState;

#[expect(missing_docs, reason = "generated from wit/")]
mod bindings {
    // The exports alone: what the component may import is decided where the linker is filled.
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package workflow:host;
            world http-task {
                export workflow:http-task/task@0.1.0;
                export workflow:http-task/leads@0.1.0;
            }
        ",
        world: "workflow:host/http-task",
        exports: { default: async },
        additional_derives: [PartialEq],
    });
}

/// The component, ready to be called.
pub struct HttpTask {
    engine: Engine,
    instance: HttpTaskPre<CallState>,
    component: Component,
    egress: Arc<Egress>,
    limits: Limits,
    places: Semaphore,
    on_trace: Option<OnTrace>,
}

type OnTrace = Box<dyn Fn(&Trace) + Send + Sync>;

/// A component that cannot be loaded.
#[derive(Debug)]
pub struct LoadError(wasmtime::Error);

impl Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the component cannot be loaded: {:#}", self.0)
    }
}

impl std::error::Error for LoadError {}

/// A call that ended without the component's answer: it trapped, or exceeded a limit. The text says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError(pub String);

impl Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the component gave no answer: {}", self.0)
    }
}

impl std::error::Error for CallError {}

/// A task that was run: its outcome, and what passed over the wire for it.
#[derive(Debug)]
pub struct Run {
    /// The outcome; a denial is in the host's own words, with the line to add.
    pub outcome: Result<Completed, Failure>,
    /// What was sent and received; `None` when it was not tried.
    pub exchange: Option<Exchange>,
    /// Why the execution failed, when it did.
    pub error: Option<CallError>,
}

impl Run {
    /// Whether the request may have left.
    pub fn was_sent(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.left)
    }
}

/// The guest has used up its time.
#[derive(Debug)]
struct ComputedTooLong;

impl Display for ComputedTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it computed for too long")
    }
}

impl std::error::Error for ComputedTooLong {}

type Answered<T, E> = Result<Result<T, E>, CallError>;

impl HttpTask {
    /// Loads a component: compiled now, or taken from what an earlier load of the same bytes left in `cache`. Native code
    /// is run from that folder: it must belong to this user and be closed to others, or it is not used.
    pub fn load(bytes: &[u8], cache: Option<&Path>, egress: Egress, limits: Limits) -> Result<Self, LoadError> {
        let load = || {
            let engine = engine::new(&limits)?;
            let component = match cache {
                Some(folder) => compiled::load(&engine, bytes, folder)?,
                None => Component::new(&engine, bytes)?,
            };
            let mut linker = Linker::<CallState>::new(&engine);
            // Nothing else is there to be imported: no clock, no randomness, no files, no environment.
            wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
            wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
            linker.allow_shadowing(true).instance(HTTP_TYPES)?.func_wrap(
                "http-error-code",
                |mut store: StoreContextMut<'_, CallState>, (error,): (Resource<wasmtime::Error>,)| {
                    Ok((egress::error_code(store.data_mut().table.get(&error)?),))
                },
            )?;
            let instance = HttpTaskPre::new(linker.instantiate_pre(&component)?)?;
            wasmtime::Result::Ok((engine, component, instance))
        };
        let (engine, component, instance) = load().map_err(LoadError)?;
        let places = Semaphore::new(limits.concurrent_calls as usize);
        Ok(Self { engine, instance, component, egress: Arc::new(egress), limits, places, on_trace: None })
    }

    /// Has somebody told what every call did that could send something.
    pub fn on_trace(self, tell: impl Fn(&Trace) + Send + Sync + 'static) -> Self {
        Self { on_trace: Some(Box::new(tell)), ..self }
    }

    /// What the component imports: `wasi:http/types@0.2.0`, and behind a `#` each function it uses of it.
    pub fn imports(&self) -> Vec<String> {
        let mut imports = Vec::new();
        for (name, import) in self.component.component_type().imports(&self.engine) {
            imports.push(name.to_owned());
            let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
            for (function, item) in instance.exports(&self.engine) {
                if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                    imports.push(format!("{name}#{function}"));
                }
            }
        }
        imports
    }

    /// All that is wrong with a task object, without any input; or else what is worth knowing about it.
    pub async fn check(&self, definition: &str) -> Answered<Vec<Problem>, Vec<Problem>> {
        self.pure(async |task, store| task.workflow_http_task_task().call_check(store, &definition.to_owned()).await)
            .await
    }

    /// Evaluates the expressions of a template over an input.
    pub async fn resolve(&self, template: &str, input: &str) -> Answered<String, Vec<Problem>> {
        self.pure(async |task, store| {
            task.workflow_http_task_task().call_resolve(store, &template.to_owned(), &input.to_owned()).await
        })
        .await
    }

    /// The request that [`run`](Self::run) would send. Nothing is sent.
    pub async fn prepare(&self, definition: &str, input: &str, context: &Context) -> Answered<Prepared, Vec<Problem>> {
        let prepared = self
            .pure(async |task, store| {
                let (definition, input) = (definition.to_owned(), input.to_owned());
                task.workflow_http_task_task().call_prepare(store, &definition, &input, context).await
            })
            .await?;
        Ok(prepared.and_then(|prepared| self.within_limits(prepared).map_err(|problem| vec![problem])))
    }

    /// Sends the request and judges what comes back.
    pub async fn run(&self, definition: &str, input: &str, context: &Context) -> Run {
        let call = async |task: &bindings::HttpTask, store: &mut Store<CallState>| {
            task.workflow_http_task_task().call_run(store, &definition.to_owned(), &input.to_owned(), context).await
        };
        let written = || {
            let definition: serde_json::Value = serde_json::from_str(definition).unwrap_or_default();
            definition["httpRequest"]["url"].as_str().map(str::to_owned).into_iter().collect()
        };
        self.sending(call, written).await
    }

    /// The request that [`update_lead`](Self::update_lead) would send. Nothing is sent.
    pub async fn prepare_lead(&self, step: &LeadUpdate, context: &Context) -> Answered<Prepared, Vec<Problem>> {
        self.pure(async |task, store| task.workflow_http_task_leads().call_prepare(store, step, context).await).await
    }

    /// Updates one lead of Pipedrive.
    pub async fn update_lead(&self, step: &LeadUpdate, context: &Context) -> Run {
        let call = async |task: &bindings::HttpTask, store: &mut Store<CallState>| {
            task.workflow_http_task_leads().call_update(store, step, context).await
        };
        let server = step.server.as_deref().unwrap_or("https://api.pipedrive.com/v1").trim_end_matches('/');
        let written = || ["", "/api/v1"].map(|base| format!("{server}{base}/leads/${{leadId}}")).into();
        self.sending(call, written).await
    }

    /// All that policy has against a task with this method, this URL and these credentials, as they are written in a
    /// definition, whatever its input. Nothing is sent.
    pub fn denials(&self, method: &str, url: &str, credentials: Option<&str>) -> Vec<Denial> {
        self.egress.refusals(method, url, credentials).into_iter().map(Denial::from).collect()
    }

    /// What `run` would be refused for is told here already.
    fn within_limits(&self, prepared: Prepared) -> Result<Prepared, Problem> {
        let Request { url, headers, body, .. } = &prepared.request;
        let too_large = |place: &str, message| Problem { place: place.to_owned(), message, hint: None, missing: None };
        let (bytes, most) = (body.bytes().len(), self.limits.request_bytes);
        if bytes > most {
            let message = format!("the content has {bytes} bytes, and this host allows {most}");
            return Err(too_large("/httpRequest/body", message));
        }
        let host = ("host", host_of(url));
        let fields = || headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).chain([host]);
        let (number, bytes) = (fields().count(), fields().map(|(name, value)| name.len() + value.len()).sum::<usize>());
        let (most, most_bytes) = (self.limits.header_fields, self.limits.header_bytes);
        if number > most || bytes > most_bytes {
            let message = format!(
                "the header has {number} fields and {bytes} bytes, and this host allows {most} and {most_bytes}"
            );
            return Err(too_large("/httpRequest/headers", message));
        }
        Ok(prepared)
    }

    async fn pure<T>(
        &self,
        call: impl AsyncFnOnce(&bindings::HttpTask, &mut Store<CallState>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        self.call(true, call).await.answer
    }

    /// `written` are the URLs, as they are written, that the request may have come from.
    async fn sending(
        &self,
        call: impl AsyncFnOnce(&bindings::HttpTask, &mut Store<CallState>) -> wasmtime::Result<Result<Completed, Failure>>,
        written: impl FnOnce() -> Vec<String>,
    ) -> Run {
        let span = trace::span();
        let Called { answer, mut record, used } = self.call(false, call).instrument(span.clone()).await;
        if let Some(refusal) = record.refusal.take() {
            record.refusal = Some(written().iter().fold(refusal, |refusal, url| refusal.for_task(url)));
        }
        let (outcome, error) = match answer {
            Ok(outcome) => (outcome, None),
            Err(error) => (Err(Failure::ExecutionFailed), Some(error)),
        };
        let used = CallUse {
            decisions: std::mem::take(&mut record.decisions),
            asked: record.asked.take(),
            credentials: record.credentials,
            scrubbed: record.scrubbed,
            ..used
        };
        let run = joined(outcome, error, record);
        if self.on_trace.is_some() || !span.is_disabled() {
            let trace = Trace::of(&run, used, &self.limits, self.egress.redactor());
            trace.tell(&span);
            self.on_trace.iter().for_each(|tell| tell(&trace));
        }
        run
    }

    /// One call on a fresh instance, and what happened on its way out. Dropping the future ends the call where it is.
    async fn call<T>(
        &self,
        pure: bool,
        call: impl AsyncFnOnce(&bindings::HttpTask, &mut Store<CallState>) -> wasmtime::Result<T>,
    ) -> Called<T> {
        let (began, waiting) = (SystemTime::now(), Instant::now());
        // Time runs from when there is a place: who waits for one has not begun.
        let place = self.places.acquire().await;
        let started = Instant::now();
        let egress = CallEgress::new(Arc::clone(&self.egress), &self.limits, pure);
        let record = egress.record();
        let mut store = Store::new(&self.engine, CallState::new(egress, &self.limits));
        store.limiter(|state| &mut state.memory);
        let most_computing = self.limits.computing;
        // A tick is only counted while the guest computes: who waits for an answer spends none.
        store.epoch_deadline_callback(move |mut store| {
            let state = store.data_mut();
            state.ticks += 1;
            if state.computed() > most_computing { Err(ComputedTooLong.into()) } else { Ok(UpdateDeadline::Yield(1)) }
        });
        store.set_epoch_deadline(1);
        let called = async {
            let task = self.instance.instantiate_async(&mut store).await?;
            call(&task, &mut store).await
        };
        let most = self.limits.deadline + self.limits.judgement;
        let answer = match timeout(most, called).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is::<ComputedTooLong>() => {
                Err(CallError(format!("it computed for more than {} s", most_computing.as_secs_f64())))
            }
            Ok(Err(error)) => Err(CallError(self.egress.redactor().redact(&format!("{error:#}")).into_owned())),
            Err(_) => Err(CallError(format!("stopped after {} s", most.as_secs_f64()))),
        };
        let used = CallUse {
            began,
            waiting: started - waiting,
            total: waiting.elapsed(),
            computing: store.data().computed(),
            memory_bytes: store.data().memory.used,
            decisions: Vec::new(),
            asked: None,
            credentials: None,
            scrubbed: false,
        };
        drop((store, place));
        let record = std::mem::take(&mut *record.lock().unwrap_or_else(PoisonError::into_inner));
        Called { answer, record, used }
    }
}

/// A call that has ended.
struct Called<T> {
    answer: Result<T, CallError>,
    record: Record,
    used: CallUse,
}

impl Body {
    /// What goes over the wire, or came over it.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Json(text) | Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self { hint: refusal.hint(), message: refusal.message }
    }
}

/// Joins what the guest judged with what the host knows: wasi:http has no place for the reason of a refusal, or of a delay.
fn joined(mut outcome: Result<Completed, Failure>, error: Option<CallError>, record: Record) -> Run {
    if let (Err(Failure::PermanentDenied(denial)), Some(refusal)) = (&mut outcome, record.refusal) {
        *denial = refusal.into();
    }
    if let (Err(Failure::Temporary(temporary)), Some(delay)) = (&mut outcome, record.delay) {
        (temporary.reason, temporary.retry_after_seconds) = (delay.reason, delay.retry_after_seconds);
    }
    let warnings = match &mut outcome {
        Ok(completed) => Some(&mut completed.warnings),
        Err(Failure::PermanentRejected(rejection)) => Some(&mut rejection.warnings),
        Err(_) => None,
    };
    if let Some(warnings) = warnings.filter(|_| record.scrubbed) {
        warnings.push(Problem {
            place: String::new(),
            message: "the answer held a secret of this host, which was taken out".into(),
            hint: None,
            missing: None,
        });
    }
    Run { outcome, exchange: record.exchange, error }
}

/// The interface under the version that the pinned wasmtime-wasi-http gives it.
const HTTP_TYPES: &str = "wasi:http/types@0.2.12";
