//! Text → words, as documents and people write them: `updateLead`, `update_lead` and `update lead` are the same two.

/// The words of a text, each once as it is written and once for each part of it.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for whole in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let parts = parts(whole);
        if parts.len() > 1 {
            words.extend(parts.iter().map(|part| part.to_lowercase()));
        }
        words.push(whole.to_lowercase());
    }
    words
}

/// The words that somebody looks for: the parts alone, so that each can be found for itself.
pub(super) fn asked(text: &str) -> Vec<String> {
    let wholes = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    wholes.flat_map(parts).map(|part| part.to_lowercase()).collect()
}

/// `getHTTPAnswer` → `get`, `HTTP`, `Answer`.
fn parts(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut parts = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && !letters[at - 1].is_uppercase();
        let before_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let ends_capitals = at > 0 && letters[at - 1].is_uppercase() && before_lower;
        if letter.is_uppercase() && (after_lower || ends_capitals) && at > 0 {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(*letter);
        }
    }
    parts
}

/// A path in which all parameters are called the same: `leads/{}`.
pub(super) fn shape(path: &str) -> String {
    let mut shape = String::new();
    let mut in_name = false;
    for letter in path.trim_matches('/').chars() {
        match letter {
            '{' => {
                in_name = true;
                shape.push(letter);
            }
            '}' => {
                in_name = false;
                shape.push(letter);
            }
            _ if in_name => {}
            letter => shape.extend(letter.to_lowercase()),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_however_they_are_joined() {
        assert_eq!(asked("getHTTPAnswer_by-Id v2"), ["get", "http", "answer", "by", "id", "v2"]);
        assert_eq!(split("updateLead"), ["update", "lead", "updatelead"]);
        assert_eq!(split("chat.postMessage"), ["chat", "post", "message", "postmessage"]);
        assert_eq!(shape("/v1/Leads/{lead_id}"), "v1/leads/{}");
    }
}
