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

/// To the quote that closes it, its escapes undone (POSIX 2024, section 2.2.4).
fn ansi_quoted(letters: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    let mut letters = letters.peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return Some(text),
            '\\' => {
                let digits = |letters: &mut std::iter::Peekable<_>, most: usize| number(letters, most);
                match letters.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'x' => text.extend(digits(&mut letters, 2)),
                    'u' => text.extend(digits(&mut letters, 4)),
                    'U' => text.extend(digits(&mut letters, 8)),
                    other => text.push(other),
                }
            }
            letter => text.push(letter),
        }
    }
    None
}

/// A character by its number in hexadecimal digits.
fn number(letters: &mut std::iter::Peekable<impl Iterator<Item = char>>, most: usize) -> Option<char> {
    let mut number = 0;
    for _ in 0..most {
        let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(16)) else { break };
        number = number * 16 + digit;
        letters.next();
    }
    char::from_u32(number)
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
        ] {
            assert_eq!(split(command).unwrap(), words, "{command}");
        }
        for command in ["'", "$'x", "\"a", "$'\\"] {
            assert_eq!(split(command), None, "{command}");
        }
    }
}
