//! The catalogue on real documents: all their operations are there, and each can be prepared as a task that passes the
//! component's check, or says why not.

use std::path::{Path, PathBuf};

use http_task_host::catalogue::{Catalogue, Document, Pin, SearchError, StoreError, Wishes, prepare};
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};

const DOCUMENTS: [(&str, usize); 4] = [
    ("swagger-petstore-openapi.yaml", 19),
    ("box-openapi.json", 296),
    ("openai-openapi.yaml", 288),
    ("slack_web_openapi_v2.json", 174),
];

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/openapi")
}

#[derive(Debug)]
enum Failed {
    Search(SearchError),
    Store(StoreError),
}
impl From<SearchError> for Failed {
    fn from(e: SearchError) -> Self {
        Self::Search(e)
    }
}
impl From<StoreError> for Failed {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

#[test]
fn update_lead_is_found_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = Catalogue::open(folder.path().join("catalogue")).unwrap();
    for (name, _) in DOCUMENTS {
        let document = Document::read(&std::fs::read(documents().join(name)).unwrap()).unwrap();
        catalogue.put(name.split('.').next().unwrap(), name, None, &document).unwrap();
    }
    let start = std::time::Instant::now();
    let index = catalogue.search_index::<Failed>(Some(folder.path())).unwrap();
    println!("{:?}", start.elapsed());
    for words in [
        "update lead",
        "lead patch",
        "updateLead",
        "updte lead",
        "leads/{id}",
        "updatelead",
        "chat post",
        "list fils",
        "label",
    ] {
        let start = std::time::Instant::now();
        let hits = index.search(words, None, 8).unwrap();
        println!("{words} {:?}", start.elapsed());
        for hit in &hits {
            println!("   {} {}", hit.operation, hit.key.text());
        }
    }
    for words in ["update lead", "lead patch", "updateLead", "updte lead", "leads/{id}"] {
        let hits = index.search(words, None, 20).unwrap();
        let hit = hits.iter().find(|hit| hit.api == "pipedrive").unwrap();
        assert_eq!(hit.operation, "pipedrive/updateLead", "{words}");
    }
    println!("{:?}", index.named("updatelead", None).unwrap());
}
