//! Words → queries. A word counts most in an operation's name, less in its path, summary and tags, least in its description; a
//! word with a typing error in it counts less than the right one, and the beginning of a word less than the whole.

use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::{Language, Stemmer, TextAnalyzer, TokenStream as _, WhitespaceTokenizer};
use tantivy::{Score, Searcher, TantivyError, Term};

use super::index::Fields;
use super::words;

/// Shorter words are other words with one letter changed.
const LEAST_FUZZY_CHARACTERS: usize = 4;

/// More words than anybody looks for.
const MOST_WORDS: usize = 12;

/// What a typing error leaves of a word's weight; and what the beginning of a word has.
const FUZZY: Score = 0.4;
const BEGINNING: Score = 0.5;

/// The queries for some words, in turn: what has all of them, then what has any.
pub(super) fn of(
    words: &str,
    api: Option<&str>,
    fields: &Fields,
    searcher: &Searcher,
) -> Result<Vec<Box<dyn Query>>, TantivyError> {
    let mut asked = words::asked(words);
    asked.truncate(MOST_WORDS);
    let count = asked.len();
    let of_words: Vec<Box<dyn Query>> = asked
        .iter()
        .enumerate()
        .map(|(at, word)| of_word(word, at + 1 == count && !words.ends_with(' '), fields, searcher))
        .collect::<Result<_, _>>()?;
    let path = of_path(words, fields);
    let names = of_name(&asked, words, fields);
    let narrowed = |query: BooleanQuery| -> Box<dyn Query> {
        match api {
            None => Box::new(query),
            Some(api) => {
                let term = Term::from_field_text(fields.api, api);
                let only = BoostQuery::new(Box::new(TermQuery::new(term, IndexRecordOption::Basic)), 0.0);
                Box::new(BooleanQuery::new(vec![(Occur::Must, Box::new(query)), (Occur::Must, Box::new(only))]))
            }
        }
    };
    if of_words.is_empty() {
        return Ok(Vec::new());
    }
    let mut queries = Vec::new();
    for occur in [Occur::Must, Occur::Should] {
        let mut parts: Vec<_> = of_words.iter().map(|query| (occur, query.box_clone())).collect();
        parts.extend(path.iter().chain(&names).map(|query| (Occur::Should, query.box_clone())));
        queries.push(narrowed(BooleanQuery::new(parts)));
        if count == 1 {
            break;
        }
    }
    Ok(queries)
}

/// What is called exactly so.
pub(super) fn named(name: &str, api: Option<&str>, fields: &Fields) -> BooleanQuery {
    let mut terms = vec![Term::from_field_text(fields.exact, &name.trim().to_lowercase())];
    terms.extend(api.map(|api| Term::from_field_text(fields.api, api)));
    let part = |term| (Occur::Must, Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>);
    BooleanQuery::new(terms.into_iter().map(part).collect())
}

/// Each field with what a word counts in it, and whether typing errors are looked for there.
fn weights(fields: &Fields) -> [(Field, Score, bool); 8] {
    [
        (fields.name, 4.0, true),
        (fields.method, 3.0, true),
        (fields.path, 3.0, true),
        (fields.summary, 2.5, true),
        (fields.tags, 2.0, true),
        (fields.title, 2.0, true),
        (fields.members, 0.6, false),
        (fields.description, 0.4, false),
    ]
}

/// One word, wherever it stands.
fn of_word(word: &str, is_last: bool, fields: &Fields, searcher: &Searcher) -> Result<Box<dyn Query>, TantivyError> {
    let stem = stem(word);
    let mut disjuncts: Vec<Box<dyn Query>> = Vec::new();
    let mut is_known = false;
    for (field, weight, _) in weights(fields) {
        let term = Term::from_field_text(field, &stem);
        if searcher.doc_freq(&term)? > 0 {
            is_known = true;
            disjuncts.push(boosted(TermQuery::new(term, IndexRecordOption::WithFreqs), weight));
        }
    }
    for (field, weight, is_fuzzy) in weights(fields) {
        if is_last && word.chars().count() > 1 && is_fuzzy {
            let term = Term::from_field_text(field, word);
            disjuncts.push(boosted(FuzzyTermQuery::new_prefix(term, 0, true), weight * BEGINNING));
        }
        // What is written right needs no guess.
        if !is_known && is_fuzzy && word.chars().count() >= LEAST_FUZZY_CHARACTERS {
            let term = Term::from_field_text(field, &stem);
            disjuncts.push(boosted(FuzzyTermQuery::new(term, 1, true), weight * FUZZY * 2.0));
            let whole = Term::from_field_text(field, word);
            disjuncts.push(boosted(FuzzyTermQuery::new(whole, 2, true), weight * FUZZY));
            // The index has stems: what is written wrong behind them is still the word.
            if let Some(beginning) = beginning(word) {
                let beginning = Term::from_field_text(field, &beginning);
                disjuncts.push(boosted(FuzzyTermQuery::new_prefix(beginning, 1, true), weight * FUZZY * 0.5));
            }
        }
    }
    Ok(Box::new(DisjunctionMaxQuery::with_tie_breaker(disjuncts, 0.2)))
}

/// A long word without the end that a stem has not got.
fn beginning(word: &str) -> Option<String> {
    const LONG_CHARACTERS: usize = 7;
    const END_CHARACTERS: usize = 3;
    let count = word.chars().count();
    (count >= LONG_CHARACTERS).then(|| word.chars().take(count - END_CHARACTERS).collect())
}

/// `leads/{id}`: paths that are, or end, so.
fn of_path(words: &str, fields: &Fields) -> Option<Box<dyn Query>> {
    let path = words.split_whitespace().find(|word| word.contains('/'))?;
    let term = Term::from_field_text(fields.shape, &words::shape(path));
    Some(boosted(TermQuery::new(term, IndexRecordOption::Basic), 8.0))
}

/// The words as one name.
fn of_name(asked: &[String], written: &str, fields: &Fields) -> Option<Box<dyn Query>> {
    let names = [asked.concat(), written.trim().to_lowercase()];
    let one = |name: &String| {
        (
            Occur::Should,
            boosted(TermQuery::new(Term::from_field_text(fields.exact, name), IndexRecordOption::Basic), 4.0),
        )
    };
    Some(Box::new(BooleanQuery::new(names.iter().map(one).collect())))
}

fn boosted(query: impl Query, boost: Score) -> Box<dyn Query> {
    Box::new(BoostQuery::new(Box::new(query), boost))
}

/// What the index keeps of a word.
fn stem(word: &str) -> String {
    let mut analyzer =
        TextAnalyzer::builder(WhitespaceTokenizer::default()).filter(Stemmer::new(Language::English)).build();
    let mut stream = analyzer.token_stream(word);
    stream.next().map_or_else(|| word.to_owned(), |token| token.text.clone())
}
