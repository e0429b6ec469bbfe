//! The part of a URL that chooses the server. It is written out in the definition, down to the last character, so that no
//! input can choose another.

use crate::expression::Part;

/// Takes the scheme off.
pub(super) fn split_scheme(mut parts: Vec<Part>) -> Result<(&'static str, Vec<Part>), &'static str> {
    let Some(Part::Literal(first)) = parts.first_mut() else {
        return Err("the server must be written out, not come from the input");
    };
    for (scheme, prefix) in [("https", "https://"), ("http", "http://")] {
        if first.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            first.drain(..prefix.len());
            return Ok((scheme, parts));
        }
    }
    Err("the URL must begin with `https://` or `http://`")
}

/// Splits off all up to the first `/`, `?` or `#`; an expression before that stays, to be refused.
pub(super) fn split_authority(parts: Vec<Part>) -> (Vec<Part>, Vec<Part>) {
    let mut authority = Vec::new();
    let mut parts = parts.into_iter();
    for part in parts.by_ref() {
        if let Part::Literal(literal) = &part
            && let Some(at) = literal.find(['/', '?', '#'])
        {
            authority.push(Part::Literal(literal[..at].to_owned()));
            let rest = std::iter::once(Part::Literal(literal[at..].to_owned())).chain(parts).collect();
            return (authority, rest);
        }
        authority.push(part);
    }
    (authority, Vec::new())
}

/// Host and port, lower case, when they are all written out.
pub(super) fn read_authority(authority: &[Part]) -> Result<String, String> {
    let mut written = String::new();
    for part in authority {
        match part {
            Part::Literal(literal) => written.push_str(literal),
            Part::Expression(expression) => {
                return Err(format!("`{}` would let the input choose the server", expression.written()));
            }
        }
    }
    if written.contains('@') {
        return Err("a user or a password in the URL; credentials are named by `credentials`".into());
    }
    let (host, port) = match written.rfind(':') {
        Some(colon) if !written.ends_with(']') => (&written[..colon], Some(&written[colon + 1..])),
        _ => (written.as_str(), None),
    };
    if let Some(port) = port
        && (port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err())
    {
        return Err(format!("`{port}` is not a port"));
    }
    let literal_v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let valid = match literal_v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    };
    if !valid {
        return Err(format!("`{host}` is not a host; write an international name in its `xn--` form"));
    }
    Ok(written.to_ascii_lowercase())
}

/// The origin, without the default port.
pub(super) fn origin(scheme: &str, authority: &str) -> String {
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(default_port).unwrap_or(authority))
}
