//! JSON text → a value whose numbers stay as they are written, and whose members are each there once.
//!
//! serde_json alone would write `1e2` as `1e+2`, keep the last of two members with one name, and take an object with
//! its private number key for a number. So each level is read as raw text, and a number keeps its own.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Error, Map, Number, Value};

/// How deep lists and objects may be nested: serde_json's own limit, which raw text does not apply.
const MOST_LEVELS: usize = 128;

/// Reads a whole JSON text.
pub fn parse(text: &str) -> Result<Value, Error> {
    read(serde_json::from_str(text)?, MOST_LEVELS)
}

fn read(raw: &RawValue, levels: usize) -> Result<Value, Error> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') if levels == 0 => Err(Error::custom(format!("nested more than {MOST_LEVELS} levels deep"))),
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            let mut object = Map::with_capacity(members.len());
            for (name, value) in members {
                let value = read(value, levels - 1)?;
                if object.contains_key(&name) {
                    return Err(Error::custom(format!("the member {name:?} is there twice")));
                }
                object.insert(name, value);
            }
            Ok(Value::Object(object))
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            elements.into_iter().map(|element| read(element, levels - 1)).collect()
        }
        // The text has just been read as JSON, so it is a number's; any other way to make one rewrites the exponent.
        Some(b'-' | b'0'..=b'9') => Ok(Value::Number(Number::from_string_unchecked(text.to_owned()))),
        _ => serde_json::from_str(text),
    }
}

/// The members of an object in the order written, repeated ones included.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_number_is_written_again_as_it_was() {
        let text = r#"{"a":[1e2,1E2,1e+2,-0,0.10,12345678901234567890,1e999],"$serde_json::private::Number":"1"}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_ambiguous_or_not_json_is_an_error() {
        for text in ["", "{", "01", "1.", "{\"a\":1,\"a\":2}", "[{\"a\":1,\"\\u0061\":2}]", "NaN", "[1] 2", "'a'"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&format!("{}{}", "[".repeat(1000), "]".repeat(1000))).is_err());
    }

    proptest! {
        #[test]
        fn reading_any_text_ends_and_agrees_with_serde_json(text in "[\\[\\]{}:,\"a0-9eE.+ -]{0,20}|\\PC{0,10}") {
            match (parse(&text), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(serde_json::from_str::<Value>(&ours.to_string()).unwrap(), theirs),
                (Ok(_), Err(_)) => prop_assert!(false, "accepted what is not JSON"),
                (Err(error), Ok(_)) => prop_assert!(error.to_string().contains("twice")),
                (Err(_), Err(_)) => {}
            }
        }
    }
}
