//! Any bytes as a document of the catalogue: reading it ends, every operation that it has can be read whole, compiled, told and
//! prepared, and nothing panics.
#![no_main]

use http_task_host::catalogue::{Document, OperationDocs, Pin, Wishes, prepare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::read(bytes) else { return };
    for entry in document.entries.iter().take(20) {
        let Some(operation) = document.operation(&entry.key) else { continue };
        let _ = OperationDocs::of(&operation, "x", None);
        let (method, path) = (entry.key.method.clone(), entry.key.path.clone());
        let pin = Pin { api: "x".into(), method, path, digest: String::new() };
        let _ = prepare(&operation, &pin, Wishes { server: Some("https://a.example"), ..Wishes::default() });
    }
});
