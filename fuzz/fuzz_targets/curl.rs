//! Any text as a cURL command: reading it ends, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|command: &str| {
    let _ = http_task_host::curl_command::import(command);
});
