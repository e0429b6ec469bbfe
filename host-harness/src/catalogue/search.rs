//! Finding operations by words: ranked, whatever the case, in camelCase or apart, and with typing errors in them.

mod index;
mod query;
mod words;

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tantivy::collector::TopDocs;
use tantivy::schema::Value as _;
use tantivy::{DocId, Score, Searcher, SegmentReader, TantivyDocument, TantivyError};

use self::index::Fields;
use super::document::Document;
use super::operation::OperationKey;

/// An index of operations.
pub struct SearchIndex {
    index: tantivy::Index,
    fields: Fields,
}

/// An operation that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What the catalogue calls the API.
    pub api: String,
    /// `operationId`
    pub id: Option<String>,
    /// Method and path.
    #[serde(flatten)]
    pub key: OperationKey,
    /// In a few words.
    pub summary: String,
    /// Whether it will go away.
    pub deprecated: bool,
    /// What names it on the command line: `pipedrive/updateLead`, or by method and path where a document repeats itself.
    pub operation: String,
}

/// The index cannot be made or read.
#[derive(Debug)]
pub struct SearchError(TantivyError);

impl Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operations cannot be searched: {}", self.0)
    }
}

impl std::error::Error for SearchError {}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        Self(error)
    }
}

/// Reads a document by its name; none for one that cannot be read, which is looked for again the next time.
pub type ReadDocument<'r> = dyn FnMut(&str) -> Option<Arc<Document>> + 'r;

/// Documents that an index must have, each with its name and digest, and no others.
pub type Wanted = Vec<(String, String)>;

impl SearchIndex {
    /// The index in a folder, brought to what is wanted; `read` is asked for documents that it has not. Where the folder cannot
    /// be used, the index is made in memory.
    pub fn open(folder: Option<&Path>, wanted: &Wanted, read: &mut ReadDocument<'_>) -> Result<Self, SearchError> {
        let fields = Fields::new();
        if let Some(folder) = folder
            && let Ok(index) = index::in_folder(folder, &fields)
        {
            let opened = Self { index, fields: fields.clone() };
            // Another program may be writing it, or nobody can: that is no reason not to search.
            if opened.bring_to(wanted, read).is_ok() {
                return Ok(opened);
            }
        }
        let opened = Self { index: index::in_memory(&fields), fields };
        opened.bring_to(wanted, read)?;
        Ok(opened)
    }

    /// The best hits for some words: what has all of them, or where nothing has, what has any.
    pub fn search(&self, words: &str, api: Option<&str>, limit: usize) -> Result<Vec<Hit>, SearchError> {
        let searcher = self.index.reader()?.searcher();
        self.search_with(&searcher, words, api, limit)
    }

    fn search_with(
        &self,
        searcher: &Searcher,
        words: &str,
        api: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Hit>, SearchError> {
        let mut hits = Vec::new();
        for query in query::of(words, api, &self.fields, searcher)? {
            // Where something has all of the words, what has only some of them is noise.
            if !hits.is_empty() {
                break;
            }
            // Among equals comes first what a task is made of most: what changes something.
            let collector = TopDocs::with_limit(limit).tweak_score(|segment: &SegmentReader| {
                let ranks = segment.fast_fields().u64(index::RANK).ok();
                move |doc: DocId, score: Score| {
                    let rank = ranks.as_ref().and_then(|ranks| ranks.first(doc)).unwrap_or_default();
                    score * (1.0 + 0.001 * rank as Score)
                }
            });
            for (_, address) in searcher.search(&query, &collector)? {
                let document: TantivyDocument = searcher.doc(address)?;
                let stored = document.get_first(self.fields.stored).and_then(|stored| stored.as_str());
                hits.extend(stored.and_then(|stored| serde_json::from_str::<Hit>(stored).ok()));
            }
        }
        Ok(hits)
    }

    /// Operations that are called so: by their `operationId`, or by method and path.
    pub fn named(&self, name: &str, api: Option<&str>) -> Result<Vec<Hit>, SearchError> {
        const MOST_OF_ONE_NAME: usize = 50;
        let searcher = self.index.reader()?.searcher();
        let query = query::named(name, api, &self.fields);
        let mut hits = Vec::new();
        for (_, address) in searcher.search(&query, &TopDocs::with_limit(MOST_OF_ONE_NAME).order_by_score())? {
            let document: TantivyDocument = searcher.doc(address)?;
            let stored = document.get_first(self.fields.stored).and_then(|stored| stored.as_str());
            hits.extend(stored.and_then(|stored| serde_json::from_str::<Hit>(stored).ok()));
        }
        // Names that differ in their case alone are told apart by it.
        let is_exact = |hit: &Hit| hit.id.as_deref() == Some(name) || hit.key.text() == name;
        if hits.iter().any(is_exact) {
            hits.retain(is_exact);
        }
        Ok(hits)
    }
}
