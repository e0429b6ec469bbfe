//! A text, and the many ways in which it may be written: as it is, escaped as JSON has it, percent-encoded, as entities of
//! HTML, once or several times over, each character in another way than the one before. Given is where it may begin; found
//! is where it ends then.

/// What another spelling than the plain one begins with.
const ESCAPES: [u8; 4] = [b'\\', b'%', b'&', b'+'];

/// A text in a text in a text in a text: nobody was seen to go further.
const MOST_TIMES: usize = 4;

/// The longest number of a character, and what is around it, with room for zeros before it.
const MOST_DIGITS: usize = 12;

/// How many bytes, from the beginning of `text`, spell these characters; the most, where there are several ways.
pub(super) fn spelled(text: &[u8], characters: &[char]) -> Option<usize> {
    // What begins no escape is read in one way only: most texts are told apart here.
    let is_plain = |byte: &u8| byte.is_ascii() && !ESCAPES.contains(byte);
    let mut plain = 0;
    while let Some((byte, character)) = text.get(plain).zip(characters.get(plain)).filter(|(byte, _)| is_plain(byte)) {
        if char::from(*byte) != *character {
            return None;
        }
        plain += 1;
    }
    let Some((first, rest)) = characters[plain..].split_first() else { return Some(plain) };
    // Nothing is allocated for what spells not even this one.
    let mut ends = Vec::new();
    spellings(&text[plain..], *first, |bytes| ends.push(plain + bytes));
    let mut next = Vec::new();
    for character in rest {
        for end in ends.drain(..) {
            // By way of the set of ends, what can be read in several ways is read in all without a way for each.
            spellings(&text[end..], *character, |bytes| {
                if !next.contains(&(end + bytes)) {
                    next.push(end + bytes);
                }
            });
        }
        std::mem::swap(&mut ends, &mut next);
        if ends.is_empty() {
            break;
        }
    }
    ends.into_iter().max()
}

/// Tells the first byte, plainly written, of every character that the text may begin with.
pub(super) fn first_bytes(text: &[u8], mut tell: impl FnMut(u8)) {
    let Some(first) = text.first() else { return };
    tell(*first);
    match first {
        b'\\' => {
            let run = backslashes(text);
            match text.get(run) {
                Some(b'u') => code_unit(&text[run + 1..]).map(first_byte).into_iter().for_each(tell),
                Some(b'n') => tell(b'\n'),
                Some(b'r') => tell(b'\r'),
                Some(b't') => tell(b'\t'),
                Some(letter @ (b'"' | b'\'' | b'/')) => tell(*letter),
                _ => {}
            }
        }
        b'%' => (0..MOST_TIMES).filter_map(|depth| percent(text, depth)).for_each(tell),
        b'&' => entities(text, |code, _| tell(first_byte(code))),
        b'+' => tell(b' '),
        _ => {}
    }
}

/// Of what is written in UTF-8. The first of a pair of code units stands for what is beyond the first plane.
pub(super) fn first_byte(code: u32) -> u8 {
    let mut bytes = [0xf0; 4];
    if let Some(character) = char::from_u32(code) {
        character.encode_utf8(&mut bytes);
    }
    bytes[0]
}

/// Tells the length of every spelling of this character that the text begins with.
fn spellings(text: &[u8], character: char, mut tell: impl FnMut(usize)) {
    let Some(first) = text.first() else { return };
    let mut bytes = [0; 4];
    let plain = character.encode_utf8(&mut bytes).as_bytes();
    if text.starts_with(plain) {
        tell(plain.len());
    }
    match first {
        b'\\' => escaped(text, character, tell),
        b'%' => percent_encoded(text, plain, tell),
        b'&' => entities(text, |code, length| {
            if code == u32::from(character) {
                tell(length);
            }
        }),
        // A form's (WHATWG URL, section 5.1).
        b'+' if character == ' ' => tell(1),
        _ => {}
    }
}

/// Behind backslashes, of which there are more with every text in a text: `\"`, `\\\"`, `\u0022`, `\\u0022`, `\u{22}`.
fn escaped(text: &[u8], character: char, mut tell: impl FnMut(usize)) {
    let run = backslashes(text);
    if character == '\\' {
        // Doubled, and doubled again.
        (1..MOST_TIMES).map(|times| 1 << times).filter(|length| *length <= run).for_each(&mut tell);
    }
    let Some((letter, rest)) = text[run..].split_first() else { return };
    let short = match character {
        '"' | '\'' | '/' => u8::try_from(character).ok(),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    };
    if short == Some(*letter) {
        tell(run + 1);
    }
    if *letter == b'u' {
        number(rest, character).into_iter().for_each(|length| tell(run + 1 + length));
    }
}

/// How many there are, as far as they are of one escape: an answer may be full of them.
fn backslashes(text: &[u8]) -> usize {
    text.iter().take(1 << MOST_TIMES).take_while(|byte| **byte == b'\\').count()
}

/// `{e9}`, as Rust and ECMAScript have it, or `00e9`.
fn code_unit(text: &[u8]) -> Option<u32> {
    match text.strip_prefix(b"{") {
        Some(rest) => hexadecimal(&rest[..rest.iter().take(MOST_DIGITS).position(|byte| *byte == b'}')?]),
        None => hexadecimal(text.get(..4)?),
    }
}

/// How long the number is, when it says this character: one in braces, or code units of four digits, of which what is beyond the
/// first plane has two with another `\u` in between (RFC 8259, section 7).
fn number(text: &[u8], character: char) -> Option<usize> {
    if text.starts_with(b"{") {
        return (code_unit(text)? == u32::from(character))
            .then(|| text.iter().position(|byte| *byte == b'}'))?
            .map(|at| at + 1);
    }
    let mut units = [0; 2];
    let mut at = 0;
    for (index, unit) in character.encode_utf16(&mut units).iter().enumerate() {
        if index > 0 {
            at += backslashes(&text[at..]);
            at += usize::from(*text.get(at)? == b'u');
        }
        if hexadecimal(text.get(at..at + 4)?)? != u32::from(*unit) {
            return None;
        }
        at += 4;
    }
    Some(at)
}

/// `%22`, and `%2522` when it was encoded once more (RFC 3986, section 2.1), for each byte.
fn percent_encoded(text: &[u8], plain: &[u8], mut tell: impl FnMut(usize)) {
    for depth in 0..MOST_TIMES {
        let length = percent_length(depth);
        let mut pieces = text.chunks_exact(length).zip(plain);
        if text.len() >= length * plain.len() && pieces.all(|(piece, byte)| percent(piece, depth) == Some(*byte)) {
            tell(length * plain.len());
        }
    }
}

fn percent_length(depth: usize) -> usize {
    1 + 2 * depth + 2
}

/// The byte that is encoded so many times more than once.
fn percent(text: &[u8], depth: usize) -> Option<u8> {
    let (signs, digits) = text.get(..percent_length(depth))?.split_at(1 + 2 * depth);
    let is_sign = signs[0] == b'%' && signs[1..].chunks(2).all(|sign| sign == b"25");
    is_sign.then(|| hexadecimal(digits))?.and_then(|byte| u8::try_from(byte).ok())
}

/// `&amp;`, `&#38;`, `&#x26;`, and `&amp;#38;` when it was escaped once more (WHATWG HTML, section 13.1.4): tells the code
/// point and the length.
fn entities(text: &[u8], mut tell: impl FnMut(u32, usize)) {
    let mut at = 1;
    for _ in 0..MOST_TIMES {
        if let Some((name, code)) = entity_name(&text[at..]).and_then(|name| Some((name, meant(name)?))) {
            tell(code, at + name.len() + 1);
        }
        match text[at..].starts_with(b"amp;") {
            true => at += 4,
            false => break,
        }
    }
}

/// What is before the `;`.
fn entity_name(text: &[u8]) -> Option<&str> {
    let end = text.iter().take(MOST_DIGITS).position(|byte| *byte == b';')?;
    std::str::from_utf8(&text[..end]).ok()
}

fn meant(name: &str) -> Option<u32> {
    Some(match name {
        "amp" => u32::from('&'),
        "lt" => u32::from('<'),
        "gt" => u32::from('>'),
        "quot" => u32::from('"'),
        "apos" => u32::from('\''),
        _ => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
            Some(digits) => hexadecimal(digits.as_bytes())?,
            None => name.strip_prefix('#')?.parse().ok()?,
        },
    })
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spells(text: &str, secret: &str) -> bool {
        let characters: Vec<_> = secret.chars().collect();
        spelled(text.as_bytes(), &characters) == Some(text.len()) && begins(text.as_bytes(), characters[0])
    }

    fn begins(text: &[u8], character: char) -> bool {
        let mut told = false;
        first_bytes(text, |byte| {
            told |= byte == first_byte(u32::from(character)) || (byte == 0xf0 && character > '\u{ffff}')
        });
        told
    }

    #[test]
    fn a_character_is_read_however_it_is_written() {
        for (secret, texts) in [
            (
                "\"",
                &[r#"\""#, r#"\\\""#, r"\u0022", r"\\u0022", r"\u{22}", "%22", "%2522", "%252522", "&quot;", "&#34;"][..],
            ),
            ("\\", &[r"\", r"\\", r"\\\\", r"\u005c", r"\u005C", "%5c", "%5C", "&#x5c;"]),
            ("/", &[r"\/", "%2F", "%2f", "&#x2F;"]),
            ("&", &["&", "&amp;", r"\u0026", "&#38;", "%26"]),
            ("<", &["&lt;", "&amp;lt;", r"\u003c"]),
            ("%", &["%", "%25", "%2525"]),
            (" ", &[" ", "+", "%20", r"\u0020"]),
            ("é", &["é", "%C3%A9", "%c3%a9", "%25C3%25A9", r"\u00e9", r"\u00E9", r"\u{e9}", "&#233;"]),
            ("🜁", &["🜁", r"\ud83d\udf01", r"\\ud83d\\udf01", "%F0%9F%9C%81", r"\u{1f701}"]),
            ("a", &["a", "%61", r"\u0061", "&#97;"]),
            ("\t", &[r"\t", "%09"]),
        ] {
            for text in texts {
                assert!(spells(text, secret), "{secret}: {text}");
            }
        }
    }

    #[test]
    fn what_says_something_else_is_not_taken_for_it() {
        for (secret, text) in
            [("ab", "a"), ("ab", "aB"), ("a", r"\u0062"), ("a", "%62"), ("a", "%6"), ("é", "%C3"), ("\"", "\\")]
        {
            assert!(!spells(text, secret), "{secret}: {text}");
        }
    }

    #[test]
    fn many_ways_take_no_longer_than_one() {
        let (secret, text) = ("\\".repeat(200), "\\".repeat(800));
        assert!(spells(&text, &secret));
        let (secret, text) = ("%".repeat(200), "%25".repeat(200));
        assert!(spells(&text, &secret));
    }

    /// Each character in a way of its own.
    fn mixed(secret: &str, ways: &[u8]) -> String {
        let mut mixed = String::new();
        for (character, way) in secret.chars().zip(ways.iter().cycle()) {
            let bytes =
                |prefix: &str| character.to_string().bytes().map(|byte| format!("{prefix}{byte:02X}")).collect();
            let written: String = match way % 5 {
                0 => character.into(),
                1 => bytes("%"),
                2 => bytes("%25"),
                3 => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
                _ => format!("&#{};", u32::from(character)),
            };
            mixed.push_str(&written);
        }
        mixed
    }

    proptest! {
        #[test]
        fn any_text_is_read_in_any_mixture_of_spellings(secret in "\\PC{1,12}", ways in prop::collection::vec(any::<u8>(), 1..12)) {
            let text = mixed(&secret, &ways);
            prop_assert!(spells(&text, &secret), "{text}");
        }

        #[test]
        fn no_text_is_too_odd_to_be_looked_at(text in prop::collection::vec(any::<u8>(), 0..40), secret in "\\PC{1,4}") {
            let characters: Vec<_> = secret.chars().collect();
            prop_assert!(spelled(&text, &characters).is_none_or(|length| length <= text.len()));
        }
    }
}
