//! `$ref`: from one place of a document to another of the same. What leads out of the document, to nothing or in a circle is
//! a reason, never a panic.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A chain of references that is longer leads in a circle.
const MOST_STEPS: usize = 32;

/// A part of a document, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Part<'d> {
    pub(super) value: &'d Value,
    /// A JSON Pointer (RFC 6901).
    pub(super) place: String,
}

/// The place that a `$ref` names; why not, when it is none in this document.
pub(super) fn place_of(reference: &str) -> Result<String, String> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(format!("`{reference}` is in another document: bundle them into one"));
    };
    let pointer = percent_decode_str(fragment).decode_utf8_lossy().into_owned();
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(format!("`{reference}` is no place of this document"));
    }
    Ok(pointer)
}

/// What a `$ref` leads to in the end.
pub(super) fn find<'d>(root: &'d Value, reference: &str) -> Result<Part<'d>, String> {
    let mut reference = reference;
    for _ in 0..MOST_STEPS {
        let place = place_of(reference)?;
        let value = root.pointer(&place).ok_or_else(|| format!("`{reference}` leads to nothing"))?;
        match value.get("$ref").and_then(Value::as_str) {
            Some(next) => reference = next,
            None => return Ok(Part { value, place }),
        }
    }
    Err(format!("`{reference}` leads back to itself"))
}

/// A part that may be given by reference.
pub(super) fn follow<'d>(root: &'d Value, part: Part<'d>) -> Result<Part<'d>, String> {
    match part.value.get("$ref").and_then(Value::as_str) {
        Some(reference) => find(root, reference),
        None => Ok(part),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_followed_or_says_why_not() {
        let root = json!({
            "a/b": {"c d": {"x": 1}},
            "next": {"$ref": "#/a~1b/c%20d"},
            "circle": {"$ref": "#/circle"},
            "self": {"$ref": "#"},
        });
        assert_eq!(find(&root, "#/next").unwrap().place, "/a~1b/c d");
        for (reference, why) in [
            ("#/gone", "leads to nothing"),
            ("#/circle", "leads back to itself"),
            ("other.yaml#/a", "in another document"),
            ("https://a.example/x.json", "in another document"),
            ("#anchor", "no place of this document"),
        ] {
            assert!(find(&root, reference).unwrap_err().contains(why), "{reference}");
        }
    }
}
