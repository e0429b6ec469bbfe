//! Any bytes as an answer: it is judged, and what it held is still there.
#![no_main]

use http_task::outcome::judge;
use http_task::response::{Answer, Body};
use http_task::step::SuccessCodes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: (u16, bool, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (status, repeatable, content_type, retry_after, content) = answer;
    let headers = vec![("content-type".to_owned(), content_type), ("retry-after".to_owned(), retry_after)];
    let length = content.len();
    let outcome = judge(Ok(Answer { status, headers, content, cut: None }), repeatable, &SuccessCodes::default());
    if let Ok(completed) = outcome {
        let kept = match completed.response.body {
            Body::None => 0,
            Body::Json(text) | Body::Text(text) => text.len(),
            Body::Binary(bytes) => bytes.len(),
        };
        assert_eq!(kept, length);
    }
});
