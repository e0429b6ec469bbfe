//! The index itself: what is kept of each operation, and keeping it as the catalogue is. It is a cache: whatever is wrong with
//! it, it can be made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Language, Stemmer, TextAnalyzer, WhitespaceTokenizer};
use tantivy::{Index, IndexWriter, TantivyDocument, TantivyError, Term};

use super::{Hit, ReadDocument, SearchIndex, Wanted, words};
use crate::catalogue::document::Document;
use crate::catalogue::operation::Entry;

/// The field by which equals are ranked.
pub(super) const RANK: &str = "rank";

/// Another number makes indexes of older programs be made anew.
const FORMAT: u32 = 1;

/// What the writer may hold in memory; the least that the library takes is 15 MB.
const WRITER_BYTES: usize = 30_000_000;

/// How text becomes what is looked for.
pub(super) const ANALYZER: &str = "words";

/// The fields of the index.
#[derive(Clone)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    /// All that is shown of a hit.
    pub(super) stored: Field,
    /// Of the document that it is from.
    pub(super) digest: Field,
    pub(super) api: Field,
    /// The `operationId`, or method and path, in lower case.
    pub(super) exact: Field,
    /// The path and every end of it.
    pub(super) shape: Field,
    pub(super) rank: Field,
    pub(super) name: Field,
    pub(super) method: Field,
    pub(super) path: Field,
    pub(super) summary: Field,
    pub(super) tags: Field,
    pub(super) members: Field,
    pub(super) description: Field,
    pub(super) title: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut builder = SchemaBuilder::new();
        let indexing =
            TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
        let text = TextOptions::default().set_indexing_options(indexing);
        let mut words = |name: &str| builder.add_text_field(name, text.clone());
        let (name, method, path) = (words("name"), words("method"), words("path"));
        let (summary, tags, members) = (words("summary"), words("tags"), words("members"));
        let (description, title) = (words("description"), words("title"));
        Self {
            stored: builder.add_text_field("stored", STORED),
            digest: builder.add_text_field("digest", STRING),
            api: builder.add_text_field("api", STRING),
            exact: builder.add_text_field("exact", STRING),
            shape: builder.add_text_field("shape", STRING),
            rank: builder.add_u64_field(RANK, FAST),
            schema: builder.build(),
            name,
            method,
            path,
            summary,
            tags,
            members,
            description,
            title,
        }
    }

    /// One operation as a document of the index.
    fn document(&self, hit: &Hit, digest: &str, entry: &Entry, title: &str) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        let joined = |text: &str| words::split(text).join(" ");
        document.add_text(self.stored, serde_json::to_string(hit).unwrap_or_default());
        document.add_text(self.digest, digest);
        document.add_text(self.api, &hit.api);
        document.add_text(self.exact, entry.key.text().to_lowercase());
        document.add_text(self.name, joined(entry.id.as_deref().unwrap_or_default()));
        if let Some(id) = &entry.id {
            document.add_text(self.exact, id.to_lowercase());
        }
        let shape = words::shape(&entry.key.path);
        let ends = shape.match_indices('/').map(|(at, _)| at + 1).chain([0]);
        for end in ends.map(|start| &shape[start..]) {
            document.add_text(self.shape, end);
        }
        document.add_u64(self.rank, rank(&entry.key.method));
        document.add_text(self.method, entry.key.method.to_lowercase());
        document.add_text(self.path, joined(&entry.key.path));
        document.add_text(self.summary, joined(&entry.summary));
        document.add_text(self.tags, entry.tags.iter().map(|tag| joined(tag)).collect::<Vec<_>>().join(" "));
        document.add_text(self.members, joined(&entry.fields.join(" ")));
        document.add_text(self.description, joined(&entry.description));
        document.add_text(self.title, joined(&format!("{} {title}", hit.api)));
        document
    }
}

fn rank(method: &str) -> u64 {
    match method {
        "PATCH" => 5,
        "POST" => 4,
        "PUT" => 3,
        "GET" => 2,
        "DELETE" => 1,
        _ => 0,
    }
}

pub(super) fn in_folder(folder: &Path, fields: &Fields) -> Result<Index, TantivyError> {
    let folder = folder.join(format!("search-{FORMAT}"));
    fs::create_dir_all(&folder).map_err(|error| TantivyError::IoError(error.into()))?;
    let open = || -> Result<Index, TantivyError> {
        Index::open_or_create(tantivy::directory::MmapDirectory::open(&folder)?, fields.schema.clone())
    };
    // One that is broken is made anew.
    let index = open().or_else(|_| {
        fs::remove_dir_all(&folder)
            .and_then(|()| fs::create_dir_all(&folder))
            .map_err(|error| TantivyError::IoError(error.into()))?;
        open()
    })?;
    register(&index);
    Ok(index)
}

pub(super) fn in_memory(fields: &Fields) -> Index {
    let index = Index::create_in_ram(fields.schema.clone());
    register(&index);
    index
}

fn register(index: &Index) {
    let analyzer =
        TextAnalyzer::builder(WhitespaceTokenizer::default()).filter(Stemmer::new(Language::English)).build();
    index.tokenizers().register(ANALYZER, analyzer);
}

impl SearchIndex {
    /// Adds what is missing, and takes out what is not wanted. What the index has is said with its last commit.
    pub(super) fn bring_to(&self, wanted: &Wanted, read: &mut ReadDocument<'_>) -> Result<(), TantivyError> {
        let has: Wanted =
            self.index.load_metas()?.payload.and_then(|has| serde_json::from_str(&has).ok()).unwrap_or_default();
        let (has, mut wanted_set): (BTreeSet<_>, BTreeSet<_>) =
            (has.into_iter().collect(), wanted.iter().cloned().collect());
        if has == wanted_set {
            return Ok(());
        }
        let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES)?;
        for (name, _) in has.difference(&wanted_set) {
            writer.delete_term(Term::from_field_text(self.fields.api, name));
        }
        for (name, digest) in wanted.iter().filter(|wanted| !has.contains(*wanted)) {
            // What cannot be read is not said to be there.
            let Some(document) = read(name) else {
                wanted_set.retain(|(known, _)| known != name);
                continue;
            };
            self.add(&mut writer, name, digest, &document)?;
        }
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&serde_json::to_string(&wanted_set).unwrap_or_default());
        prepared.commit()?;
        writer.wait_merging_threads()?;
        Ok(())
    }

    fn add(&self, writer: &mut IndexWriter, api: &str, digest: &str, document: &Document) -> Result<(), TantivyError> {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for id in document.entries.iter().filter_map(|entry| entry.id.as_deref()) {
            *times.entry(id).or_default() += 1;
        }
        for entry in &document.entries {
            let unique = entry.id.as_deref().filter(|id| times.get(id) == Some(&1));
            let hit = Hit {
                api: api.to_owned(),
                id: entry.id.clone(),
                key: entry.key.clone(),
                summary: entry.summary.clone(),
                deprecated: entry.deprecated,
                operation: match unique {
                    Some(id) => format!("{api}/{id}"),
                    None => format!("{api} {}", entry.key.text()),
                },
            };
            writer.add_document(self.fields.document(&hit, digest, entry, &document.title))?;
        }
        Ok(())
    }
}
