//! A host of another make that knows the private header: it answers for the API, and says that it has just refreshed the
//! credentials. Nothing of http-task-host is in it but the component.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use http_task_host::COMPONENT;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};
use wasmtime_wasi_io::IoView;

use self::bindings::HttpTask;
use self::bindings::workflow::http_task::types::{Context, Effect, Failure};

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package workflow:host;
            world http-task {
                export workflow:http-task/task@0.1.0;
            }
        ",
        world: "workflow:host/http-task",
        exports: { default: async },
    });
}

#[derive(Default)]
struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
}

/// The references that requests carried.
#[derive(Default)]
struct Hooks(Vec<String>);

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

type Sending<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Sending<()>,
    ) -> Sending<(Response<WasiBody>, Sending<()>)> {
        let reference = request.headers().get("x-http-task-credentials");
        self.0.extend(reference.map(|reference| reference.to_str().unwrap().to_owned()));
        Box::new(async {
            let answer = Response::builder().status(401).header("x-http-task-credentials", "refreshed");
            let answer = answer.body(Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync()).unwrap();
            Ok((answer, Box::new(std::future::ready(Ok(()))) as Sending<()>))
        })
    }
}

#[tokio::test]
async fn credentials_that_were_just_refreshed_make_a_401_temporary_at_once_for_every_method() {
    let engine = Engine::default();
    let component = Component::new(&engine, COMPONENT).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST"] {
        let mut store = Store::new(&engine, State::default());
        let task = HttpTask::instantiate_async(&mut store, &component, &linker).await.unwrap();
        let definition = format!(
            r#"{{"credentials": "pipedrive", "httpRequest": {{"method": "{method}", "url": "https://api.pipedrive.com/v1/leads"}}}}"#
        );
        let context = Context { idempotency_key: None };
        let task = task.workflow_http_task_task();
        let outcome = task.call_run(&mut store, &definition, &"{}".to_owned(), &context).await.unwrap();
        let Err(Failure::Temporary(temporary)) = outcome else { panic!("{method}: {outcome:?}") };
        assert_eq!((temporary.retry_after_seconds, temporary.effect), (Some(0), Effect::None), "{method}");
        assert!(temporary.response.unwrap().headers.is_empty(), "the word of the host is not the API's");
        assert_eq!(store.data().hooks.0, ["pipedrive"]);
    }
}
