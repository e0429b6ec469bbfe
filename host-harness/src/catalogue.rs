//! The catalogue: API documents → operations that can be found, read about, and made into HTTP Tasks.
//!
//! ```text
//! syntax      text → JSON
//! document    JSON → operations ◀─ reference, schema
//! search      words → operations
//! docs        an operation → what people read ◀─ fields, shape
//! prepared    an operation → a task ◀─ example, shape, pin
//! conformity  a request or an answer against its operation ◀─ call
//! store       the documents of one user; changes, what an update brings
//! ```

mod call;
mod changes;
mod conformity;
mod docs;
mod document;
mod example;
mod fields;
mod operation;
mod pin;
mod prepared;
mod reference;
mod schema;
mod search;
mod shape;
mod store;
mod syntax;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

pub use self::call::Call;
pub use self::changes::{Changed, Changes, compare};
pub use self::conformity::{Conformity, Difference, compare_answer, compare_request};
pub use self::docs::{AnswerDocs, ContentDocs, OperationDocs, ParameterDocs};
pub use self::document::{Document, DocumentError};
pub use self::fields::Field;
pub use self::operation::{
    Answer, Content, Entry, Location, Omission, Operation, OperationKey, Parameter, Scheme, Security, Style,
};
pub use self::pin::Pin;
pub use self::prepared::{Prepared, Unsupported, Wishes, prepare};
pub use self::search::{Hit, SearchError, SearchIndex};
use self::store::Store;
pub use self::store::{Listed, StoreError, digest};
pub use self::syntax::{MOST_DOCUMENT_BYTES, SyntaxError};

/// What the built-in API is called.
pub const BUILT_IN: &str = "pipedrive";

/// The operations of Pipedrive's leads, described in our own words.
static PIPEDRIVE: LazyLock<(Arc<Document>, Listed)> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a test reads it")]
    let document = Document::read(include_bytes!("catalogue/pipedrive.yaml")).expect("the built-in document is one");
    let listed = Listed {
        source: "built in".to_owned(),
        digest: digest(document.value()),
        title: document.title.clone(),
        version: document.version.clone(),
        operations: document.entries.len(),
        server: None,
        before: Vec::new(),
    };
    (Arc::new(document), listed)
});

/// All documents that there are: the built-in one, and those that a user has added.
#[derive(Debug, Clone)]
pub struct Catalogue {
    store: Option<Store>,
}

/// A pinned operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Pinned {
    /// As it was when the task was made.
    Same(Box<Operation>),
    /// The document has been replaced since by one that is not known here; this is the operation in the present one.
    Newer(Box<Operation>),
    /// The catalogue has no such document or operation.
    Unknown,
}

impl Catalogue {
    /// The built-in document alone.
    pub fn built_in() -> Self {
        Self { store: None }
    }

    /// The built-in document and what is in a folder.
    pub fn open(folder: PathBuf) -> Result<Self, StoreError> {
        Ok(Self { store: Some(Store::open(folder)?) })
    }

    /// What there is, by name.
    pub fn listed(&self) -> Vec<(&str, &Listed)> {
        let added = self.store.iter().flat_map(|store| store.listed());
        std::iter::once((BUILT_IN, &PIPEDRIVE.1)).chain(added.map(|(name, listed)| (name.as_str(), listed))).collect()
    }

    /// What is listed under a name.
    pub fn find(&self, name: &str) -> Option<&Listed> {
        self.listed().into_iter().find(|(known, _)| *known == name).map(|(_, listed)| listed)
    }

    /// A document by its name.
    pub fn document(&self, name: &str) -> Result<Option<Arc<Document>>, StoreError> {
        if name == BUILT_IN {
            return Ok(Some(Arc::clone(&PIPEDRIVE.0)));
        }
        match (&self.store, self.find(name)) {
            (Some(store), Some(listed)) => store.read(&listed.digest),
            _ => Ok(None),
        }
    }

    /// The operation that a task was made from.
    pub fn pinned(&self, pin: &Pin) -> Result<Pinned, StoreError> {
        let of = |document: Option<Arc<Document>>| {
            document.and_then(|document| document.operation(&pin.key())).map(Box::new)
        };
        if pin.digest == PIPEDRIVE.1.digest {
            return Ok(of(Some(Arc::clone(&PIPEDRIVE.0))).map_or(Pinned::Unknown, Pinned::Same));
        }
        let same = match &self.store {
            Some(store) => of(store.read(&pin.digest)?),
            None => None,
        };
        if let Some(operation) = same {
            return Ok(Pinned::Same(operation));
        }
        Ok(of(self.document(&pin.api)?).map_or(Pinned::Unknown, Pinned::Newer))
    }

    /// Keeps a document under a name, in place of the one that had it. Whoever calls this has looked whether that is wanted.
    pub fn put(
        &mut self,
        name: &str,
        source: &str,
        server: Option<&str>,
        document: &Document,
    ) -> Result<(), StoreError> {
        let listed = Listed {
            source: source.to_owned(),
            digest: digest(document.value()),
            title: document.title.clone(),
            version: document.version.clone(),
            operations: document.entries.len(),
            server: server.map(str::to_owned),
            before: Vec::new(),
        };
        match &mut self.store {
            Some(store) => store.put(name, listed, document),
            None => Ok(()),
        }
    }

    /// Forgets a document. Whether it was here.
    pub fn remove(&mut self, name: &str) -> Result<bool, StoreError> {
        self.store.as_mut().map_or(Ok(false), |store| store.remove(name))
    }

    /// What finds operations. `cache` is a folder where the index is kept from one program to the next.
    pub fn search_index(&self, cache: Option<&Path>) -> Result<SearchIndex, SearchError> {
        let wanted = self.listed().into_iter().map(|(name, listed)| (name.to_owned(), listed.digest.clone())).collect();
        // One that is broken keeps nobody from finding the others; whoever asks for it is told.
        SearchIndex::open(cache, &wanted, &mut |name| self.document(name).ok().flatten())
    }
}
