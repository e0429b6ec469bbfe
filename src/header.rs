//! What may stand in a header field that a definition writes.

/// The private field that carries the credentials reference to a host that knows it; the host removes it.
pub const CREDENTIALS: &str = "x-http-task-credentials";

/// Fields that frame the message or choose the server: they belong to this component and to the host. The list is what
/// wasi:http hosts forbid, with `content-length` (which this component sets) and `te` and `trailer` (which describe
/// framing, RFC 9110, section 6.5.1).
const RESERVED: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    CREDENTIALS,
];

/// Whether a lower-case name may be set (RFC 9110, sections 5.1 and 5.6.2).
pub fn check_name(name: &str) -> Result<(), String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("{name:?} is not the name of a header"));
    }
    if RESERVED.contains(&name) || name.starts_with("proxy-") {
        return Err(format!("`{name}` is set by the task or by its host"));
    }
    Ok(())
}

/// Whether a value can be sent as it is: visible ASCII and inner spaces (RFC 9110, section 5.5). A line break could
/// begin another header.
pub fn check_value(value: &str) -> Result<(), String> {
    if let Some(wrong) = value.chars().find(|character| !matches!(character, ' '..='~' | '\t')) {
        return Err(format!("a header's value cannot hold {wrong:?}"));
    }
    if value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']) {
        return Err("a header's value cannot begin or end with a space".into());
    }
    Ok(())
}

/// Whether a text can name credentials: letters, digits, `.`, `_` and `-`, so that it can be pasted anywhere.
pub fn check_reference(reference: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if reference.is_empty() || !reference.bytes().all(plain) {
        return Err("`credentials` is the name of saved credentials, never a secret or an expression".into());
    }
    Ok(())
}

/// The media type of a `content-type`, lower case, without parameters (RFC 9110, section 8.3.1).
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON: `application/json`, or any with the `+json` suffix (RFC 6839, section 3.1).
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// The `charset` of a `content-type`, lower case.
pub fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_begin_another_header() {
        for value in ["a\r\nb: c", "a\nb", "a\0", "é", " a", "a ", "\u{7f}"] {
            assert!(check_value(value).is_err(), "{value:?}");
        }
        assert!(check_value("a b\tc").is_ok());
        assert!(check_value("").is_ok());
    }

    #[test]
    fn framing_the_host_and_the_private_header_are_reserved() {
        for name in ["host", "content-length", "proxy-authorization", "x-http-task-credentials", "a b", "", "a:"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name("x-request-id").is_ok());
    }

    #[test]
    fn a_content_type_is_read_past_case_and_parameters() {
        assert!(is_json(&media_type("Application/JSON; charset=utf-8")));
        assert!(is_json(&media_type("application/problem+json")));
        assert!(!is_json(&media_type("text/json-ish")));
        assert_eq!(charset("text/html; a=b; Charset=\"UTF-8\"").as_deref(), Some("utf-8"));
    }
}
