//! A line of shell → its words, as a POSIX shell has them, and with the `$'…'` that browsers copy.

/// The words; none when a quote is not closed.
pub(super) fn split(command: &str) -> Option<Vec<String>> {
    shlex::split(&without_ansi_quotes(command)?)
}

/// Each `$'…'` as plain quotes.
fn without_ansi_quotes(command: &str) -> Option<String> {
    let mut plain = String::with_capacity(command.len());
    let mut letters = command.chars().peekable();
    let mut quote = None;
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '$') if letters.peek() == Some(&'\'') => {
                letters.next();
                let text = ansi_quoted(&mut letters)?;
                plain.push_str(&shlex::try_quote(&text).ok()?);
                if text.is_empty() {
                    plain.push_str("''");
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '\\') => {
                // A line that goes on (POSIX 2024, section 2.2.1).
                match letters.next() {
                    Some('\n') => {}
                    Some('\r') if letters.next_if_eq(&'\n').is_some() => {}
                    next => plain.extend([letter].into_iter().chain(next)),
                }
                continue;
            }
            _ => {}
        }
        plain.push(letter);
    }
    Some(plain)
}

/// To the quote that closes it, its escapes undone (POSIX 2024, section 2.2.4); none for what is no text.
fn ansi_quoted(letters: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> Option<String> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut surrogate = None;
    while let Some(letter) = letters.next() {
        let mut put = |character: char| bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        match letter {
            '\'' => return String::from_utf8(bytes).ok().filter(|_| surrogate.is_none()),
            '\\' => match letters.next()? {
                'n' => put('\n'),
                't' => put('\t'),
                'r' => put('\r'),
                'x' => bytes.push(u8::try_from(number(letters, 2, 16)).ok()?),
                'u' => {
                    // Browsers write what is beyond 16 bits as two.
                    let unit = number(letters, 4, 16);
                    match (surrogate.take(), unit) {
                        (None, 0xd800..=0xdbff) => surrogate = Some(unit),
                        (None, unit) => put(char::from_u32(unit)?),
                        (Some(high), 0xdc00..=0xdfff) => {
                            put(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00))?)
                        }
                        (Some(_), _) => return None,
                    }
                }
                'U' => put(char::from_u32(number(letters, 8, 16))?),
                other @ ('\\' | '\'' | '"' | '?') => put(other),
                // What else a shell makes of it is no text, or not known here.
                _ => return None,
            },
            letter => put(letter),
        }
    }
    None
}

/// A number of so many digits at most.
fn number(letters: &mut std::iter::Peekable<impl Iterator<Item = char>>, most: usize, radix: u32) -> u32 {
    let mut number = 0;
    for _ in 0..most {
        let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(radix)) else { break };
        number = number * radix + digit;
        letters.next();
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (command, words) in [
            ("curl -H 'a: b'  \"c \\\" d\"", vec!["curl", "-H", "a: b", "c \" d"]),
            ("curl \\\n  x", vec!["curl", "x"]),
            (r"-d $'it\'s \u0021\n' '$'", vec!["-d", "it's !\n", "$"]),
            (r#""$'x'""#, vec!["$'x'"]),
            ("$''", vec![""]),
            (r"$'caf\xc3\xa9 \ud83d\ude00'", vec!["café 😀"]),
        ] {
            assert_eq!(split(command).unwrap(), words, "{command}");
        }
        for command in ["'", "$'x", "\"a", "$'\\", r"$'\xff'", r"$'\ud83d'", r"$'\q'"] {
            assert_eq!(split(command), None, "{command}");
        }
    }
}
