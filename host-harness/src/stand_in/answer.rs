//! An answer as it is sent, and the vendor's own: their statuses and words stand here once, for the model and for the
//! faults. What is known of an answer without its content is sent without content: nothing is invented.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::AnswerBody;
use super::rules::Refusal;

/// Status, header fields and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// In order, repeated ones too.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The content.
    pub body: String,
}

/// What the vendor puts where there is nothing more to say.
const INFO: &str = "Please check developers.pipedrive.com";

/// The wait that the vendor was seen to ask for when a day's budget was spent.
pub(super) const DAILY_WAIT_SECONDS: u64 = 3939;

impl Answer {
    /// One without header fields and content.
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let answer = Self { body: body.to_string(), ..Self::new(status) };
        answer.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// With one header field more.
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn success(status: StatusCode, data: &Value) -> Self {
        Self::json(status, &json!({"success": true, "data": data}))
    }

    /// 200, and yet none: what a caller must not take for success.
    pub(super) fn unsuccessful() -> Self {
        Self::json(StatusCode::OK, &json!({"success": false}))
    }

    pub(super) fn bad_request(error_info: &str) -> Self {
        let body = json!({"success": false, "data": null, "additional_data": null,
            "error": "provided dataset is not valid", "error_info": error_info});
        Self::json(StatusCode::BAD_REQUEST, &body)
    }

    pub(super) fn unauthorized() -> Self {
        let body = json!({"success": false, "error": "unauthorized access", "errorCode": 401, "error_info": INFO});
        Self::json(StatusCode::UNAUTHORIZED, &body)
    }

    pub(super) fn forbidden() -> Self {
        let body = json!({"success": false, "error": "You do not have permissions to do this.", "error_info": INFO,
            "data": null, "additional_data": null});
        Self::json(StatusCode::FORBIDDEN, &body)
    }

    /// The page of the proxy before the API, for who went on after many 429s.
    pub(super) fn forbidden_page() -> Self {
        let page = "<!DOCTYPE html><title>Access denied</title>".to_owned();
        Self { body: page, ..Self::new(StatusCode::FORBIDDEN) }
            .header(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"))
            .header(header::SERVER, HeaderValue::from_static("cloudflare"))
    }

    pub(super) fn not_found() -> Self {
        let body = json!({"success": false, "error": "requested lead not found", "error_info": "Object was not found.",
            "data": null, "additional_data": null});
        Self::json(StatusCode::NOT_FOUND, &body)
    }

    pub(super) fn daily_limit() -> Self {
        let body = json!({"success": false, "error": "daily request budget exceeded", "errorCode": 429});
        Self::json(StatusCode::TOO_MANY_REQUESTS, &body).header(header::RETRY_AFTER, DAILY_WAIT_SECONDS)
    }

    /// What the facts do not describe.
    pub(super) fn not_modelled(what: &str) -> Self {
        let body = json!({"success": false, "error": "not modelled by the stand-in",
            "error_info": format!("the stand-in does not model {what}")});
        Self::json(StatusCode::NOT_IMPLEMENTED, &body)
    }

    pub(super) fn into_response(self) -> Response<AnswerBody> {
        let mut response = Response::new(super::whole(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(words) => Self::bad_request(&words),
            Refusal::Unlinked { in_error_info: true } => Self::bad_request(super::rules::UNLINKED),
            Refusal::Unlinked { in_error_info: false } => {
                let body = json!({"success": false, "data": null, "additional_data": null,
                    "error": super::rules::UNLINKED});
                Self::json(StatusCode::BAD_REQUEST, &body)
            }
            Refusal::NotModelled(what) => Self::not_modelled(&what),
        }
    }
}
