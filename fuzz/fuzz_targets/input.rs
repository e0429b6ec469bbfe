//! Any text as an input: whatever it says, the request goes to the same server, to the same depth of path.
#![no_main]

use http_task::request::Request;
use http_task::step::Step;
use libfuzzer_sys::fuzz_target;

const DEFINITION: &str = r#"{"httpRequest": {"method": "POST", "url": "https://a.example/x/${a}/y${b}?q=${c}",
    "headers": {"X-A": "${a}"}, "query": {"d": "${?d}"}, "body": {"all": "${$}", "some": "${$..*}"}}}"#;

fuzz_target!(|input: &str| {
    let step = Step::read(DEFINITION).expect("a good definition");
    if let Ok(request) = Request::prepare(&step, input, None) {
        let path = request.url.strip_prefix("https://a.example/x/").expect("the same server");
        let (path, _) = path.split_once("?q=").expect("one query");
        assert_eq!(path.matches('/').count(), 1);
        assert!(request.url.is_ascii());
        assert!(request.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
    }
});
