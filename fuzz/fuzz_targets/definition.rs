//! Any text as a definition: it is read, or refused with at least one problem.
#![no_main]

use http_task::request::Request;
use http_task::step::Step;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|definition: &str| {
    match Step::read(definition) {
        Ok(step) => drop(Request::prepare(&step, "{}", None)),
        Err(problems) => assert!(!problems.is_empty()),
    }
});
