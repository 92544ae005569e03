//! A vector store as LlamaIndex has it: three dicts.

use crate::{
    json::{Escapes, NumberLayout, encode, print_f64},
    search::{
        FilterOperator, MetadataFilter, MetadataFilters,
        tests::{Random, llama_index},
    },
    segment::Metadata,
    store::{NewVector, VectorStore},
};

/// A Python dict.
type Dict<V> = Vec<(String, V)>;

fn put<V>(dict: &mut Dict<V>, key: &str, value: V) {
    match dict.iter_mut().find(|(known, _)| known == key) {
        Some((_, known)) => *known = value,
        None => dict.push((key.to_owned(), value)),
    }
}

fn pop<V>(dict: &mut Dict<V>, key: &str) {
    dict.retain(|(known, _)| known != key);
}

/// `SimpleVectorStoreData`. Metadata are text, with the value of `page`.
#[derive(Debug, Default)]
pub(super) struct Model {
    vectors: Dict<Vec<f64>>,
    ref_docs: Dict<String>,
    metadata: Dict<(String, i64)>,
}

pub(super) fn document(random: &mut Random) -> String {
    ["d1", "d2", "größe \u{1f5fc}", "None", "d\"5", "unknown"][random.below(6)].to_owned()
}

/// An id of those that are used.
pub(super) fn some_id(random: &mut Random) -> Vec<u8> {
    id(random).into_bytes()
}

/// Whether the number at the end of an id is odd.
pub(super) fn is_odd(id: &[u8]) -> bool {
    id.last().is_some_and(|digit| digit % 2 == 1)
}

fn id(random: &mut Random) -> String {
    let prefix = [
        "",
        "ä",
        "\u{7f}",
        "n\n",
        "7c1e0a5d-42b9-4310-8c1e-0a5d42b9f3",
    ][random.below(5)];
    format!("{prefix}{:02}", random.below(12))
}

fn component(random: &mut Random, odd: bool) -> f64 {
    let value = random.unit() - 0.5;
    match random.below(if odd { 7 } else { 3 }) {
        0 => f64::from(value as f32),
        1 => (value * 1000.0).round() / 1000.0,
        2 => value,
        3 => [0.0, -0.0, 1.0, -3.0][random.below(4)],
        4 => [1e-45, 1e300, -1e-320, 1e22][random.below(4)],
        5 if random.below(4) == 0 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][random.below(3)],
        _ => value * 1e-5,
    }
}

/// Some vector. Its metadata are spelled without blanks, or as Python does.
pub(super) fn vector(random: &mut Random, dim: usize) -> NewVector {
    let odd = random.below(4) == 0;
    let ref_doc_id = match random.below(6) {
        0 => None,
        1 => Some(Vec::new()),
        _ => Some(document(random).into_bytes()),
    };
    let page = random.below(4);
    let more = match random.below(5) {
        0 => "",
        1 => r#", "größe": [1, 2.50, {"x": null}]"#,
        2 => r#", "größe": "a\/b \ud83d""#,
        3 => r#", "k": 1, "k": 2"#,
        _ => r#", "flag": true, "nan": NaN"#,
    };
    let metadata = format!("{{\"page\": {page}{more}}}");
    NewVector {
        id: id(random).into_bytes(),
        embedding: (0..dim).map(|_| component(random, odd)).collect(),
        ref_doc_id,
        metadata: match random.below(2) {
            0 => metadata.replace(", ", ",").replace(": ", ":"),
            _ => metadata,
        }
        .into_bytes(),
    }
}

/// The same text as Python writes it.
fn python(metadata: &str) -> (String, i64) {
    let page = metadata["{\"page\":".len()..].trim_start();
    let page = page[..1].parse().unwrap();
    let spaced = metadata.replace(", ", ",").replace(": ", ":");
    let spaced = spaced.replace(',', ", ").replace(':', ": ");
    let ascii = spaced.replace("größe", "gr\\u00f6\\u00dfe");
    (ascii.replace("\\/", "/"), page)
}

fn token(text: &str) -> String {
    let mut token = Vec::new();
    encode(text.as_bytes(), Escapes::Ascii, &mut token);
    String::from_utf8(token).unwrap()
}

fn array(values: &[f64]) -> String {
    let tokens = values.iter().map(|value| {
        let mut token = Vec::new();
        print_f64(*value, NumberLayout::Python, &mut token);
        String::from_utf8(token).unwrap()
    });
    format!("[{}]", tokens.collect::<Vec<_>>().join(", "))
}

fn dict<V>(dict: &Dict<V>, value: impl Fn(&V) -> String) -> String {
    let entries = dict
        .iter()
        .map(|(key, v)| format!("{}: {}", token(key), value(v)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

impl Model {
    pub(super) fn len(&self) -> usize {
        self.vectors.len()
    }

    pub(super) fn dim(&self) -> Option<usize> {
        self.vectors.first().map(|(_, vector)| vector.len())
    }

    pub(super) fn add(&mut self, vectors: &[NewVector]) {
        for vector in vectors {
            let id = std::str::from_utf8(&vector.id).unwrap();
            put(&mut self.vectors, id, vector.embedding.clone());
            let document = vector.ref_doc_id.clone().unwrap_or_default();
            let document = String::from_utf8(document).unwrap();
            let document = match document.as_str() {
                "" => "None".to_owned(),
                _ => document,
            };
            put(&mut self.ref_docs, id, document);
            let metadata = python(std::str::from_utf8(&vector.metadata).unwrap());
            put(&mut self.metadata, id, metadata);
        }
    }

    fn remove(&mut self, ids: &[String]) -> u64 {
        for id in ids {
            pop(&mut self.vectors, id);
            pop(&mut self.ref_docs, id);
            pop(&mut self.metadata, id);
        }
        ids.len() as u64
    }

    pub(super) fn delete(&mut self, document: &str) -> u64 {
        let of_document = self.ref_docs.iter().filter(|(_, other)| other == document);
        let ids: Vec<String> = of_document.map(|(id, _)| id.clone()).collect();
        self.remove(&ids)
    }

    /// What `delete_nodes` may be asked for: ids, filters, and the page that
    /// they want.
    #[allow(clippy::type_complexity)]
    pub(super) fn choice(
        &self,
        random: &mut Random,
    ) -> (Option<Vec<Vec<u8>>>, Option<MetadataFilters>, Option<i64>) {
        let some_ids = random.below(4) > 0;
        let ids = some_ids.then(|| {
            (0..random.below(5))
                .map(|_| id(random).into_bytes())
                .collect()
        });
        let page = (!some_ids || random.below(2) == 0).then(|| random.below(4) as i64);
        let filters = page.map(|page| {
            MetadataFilters::all([MetadataFilter::new("page", FilterOperator::Eq, page)])
        });
        (ids, filters, page)
    }

    pub(super) fn delete_nodes(&mut self, ids: Option<&[Vec<u8>]>, page: Option<i64>) -> u64 {
        let chosen = self.vectors.iter().filter(|(id, _)| {
            let metadata = self.metadata.iter().find(|(other, _)| other == id);
            ids.is_none_or(|ids| ids.contains(&id.clone().into_bytes()))
                && page.is_none_or(|page| metadata.unwrap().1.1 == page)
        });
        let chosen: Vec<String> = chosen.map(|(id, _)| id.clone()).collect();
        self.remove(&chosen)
    }

    pub(super) fn clear(&mut self) {
        *self = Model::default();
    }

    /// What `persist` writes.
    pub(super) fn text(&self) -> String {
        format!(
            "{{\"embedding_dict\": {}, \"text_id_to_ref_doc_id\": {}, \"metadata_dict\": {}}}",
            dict(&self.vectors, |values| array(values)),
            dict(&self.ref_docs, |document| token(document)),
            dict(&self.metadata, |(metadata, _)| metadata.clone()),
        )
    }

    /// Compares what is read by id.
    pub(super) fn check_reads(&self, store: &VectorStore) {
        let mut ids = Vec::new();
        let mut each = |id: &[u8]| {
            ids.push(String::from_utf8(id.to_vec()).unwrap());
            Ok(())
        };
        store.each_id(&mut each).unwrap();
        let expected: Vec<&String> = self.vectors.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected);
        for (id, vector) in &self.vectors {
            let found = store.get(id.as_bytes()).unwrap().unwrap();
            assert_eq!(format!("{found:?}"), format!("{vector:?}"));
        }
        for (id, document) in &self.ref_docs {
            let found = store.ref_doc_id(id.as_bytes()).unwrap().unwrap();
            assert_eq!(found, document.as_bytes());
        }
        for (id, (text, page)) in &self.metadata {
            let found = match store.metadata(id.as_bytes()).unwrap().unwrap() {
                Metadata::Object(members) => {
                    let page = members.iter().find(|(key, _)| key == b"page");
                    String::from_utf8(page.unwrap().1.clone()).unwrap()
                }
                Metadata::Text(raw) => {
                    assert_eq!(&String::from_utf8(raw).unwrap(), text);
                    page.to_string()
                }
            };
            assert_eq!(found, page.to_string());
        }
        assert_eq!(store.get(b"unknown").unwrap(), None);
        assert_eq!(store.ref_doc_id(b"unknown").unwrap(), None);
        assert_eq!(store.metadata(b"unknown").unwrap(), None);
    }

    /// What a search answers, as text.
    pub(super) fn top_k(&self, embedding: &[f64], limit: usize) -> String {
        format!("{:?}", llama_index::top_k(&self.vectors, embedding, limit))
    }
}
