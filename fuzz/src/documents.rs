//! Texts of stores that keep records, made from choices: document stores, index stores
//! and graphs, as LlamaIndex writes them in Python and in TypeScript, and nearly so.

use super::{
    choices::Choices,
    spelled::{Json, Style},
};

/// Makes the parts of a store.
struct Maker<'c, 'a> {
    choices: &'c mut Choices<'a>,
    /// How strings in the store spell JSON.
    inside: Style,
    /// Whether strings hold nothing but ASCII, as Python's do.
    is_ascii: bool,
    ids: Vec<String>,
    /// Tokens of those there were.
    hashes: Vec<String>,
}

type Members = Vec<(String, Json)>;

/// What longer texts are made of.
const WORDS: [&str; 12] = [
    "storage",
    "the",
    "of segments",
    "ü",
    "\u{1f600}",
    "\n\n",
    "\\u0041",
    "\"quoted\"",
    "/",
    "\u{7f}",
    "a\u{2028}b",
    "0123456789abcdef",
];

/// Hashes as LlamaIndex.TS spells them, and one that says more than 32 bytes can.
const BASE64: [&str; 4] = [
    "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
    "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0=",
    "Ln0sA6lQeuJl7PW1NWiFpTOTogKdJBOUmXJloaJa78Y=",
    "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLt=",
];

/// The name and the text of a store.
pub fn file(choices: &mut Choices<'_>) -> (&'static str, Vec<u8>) {
    let style = Style::chosen(choices);
    let inside = Style::chosen(choices);
    let is_ascii = !choices.once_in(3);
    let mut maker = Maker {
        choices,
        inside,
        is_ascii,
        ids: Vec::new(),
        hashes: Vec::new(),
    };
    for n in 0..maker.choices.of(8) {
        let id = maker.id(n);
        maker.ids.push(id);
    }
    let (name, store) = match maker.choices.of(8) {
        0..=3 => ("docstore.json", maker.docstore()),
        4 | 5 => ("index_store.json", maker.index_store()),
        6 => ("graph_store.json", maker.graph()),
        _ => ("property_graph_store.json", maker.property_graph()),
    };
    let mut out = Vec::new();
    style.file(&Json::Object(store), &mut out);
    if choices.once_in(24) {
        out.truncate(choices.of_many(out.len() + 1));
    }
    (name, out)
}

impl Maker<'_, '_> {
    fn id(&mut self, n: usize) -> String {
        match self.choices.of(8) {
            0..=3 => format!("{n:08x}-0000-4000-8000-{:012x}", self.choices.byte()),
            4 => format!("./data/{n}.txt"),
            5 => format!("node ü {n}"),
            6 if n > 0 => self.ids[self.choices.of(n)].clone(),
            _ => format!("n{n}"),
        }
    }

    /// A token for a text.
    fn quoted(&mut self, text: &str) -> String {
        let mut token = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => token.push_str("\\\""),
                '\\' => token.push_str("\\\\"),
                '\n' => token.push_str("\\n"),
                '\r' => token.push_str("\\r"),
                '\t' => token.push_str("\\t"),
                '\u{0}'..'\u{20}' => token.push_str(&format!("\\u{:04x}", u32::from(c))),
                '\u{7f}'.. if self.is_ascii => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        token.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => token.push(c),
            }
        }
        // One letter spelled otherwise, as no writer does it.
        if self.choices.once_in(64)
            && let Some(at) = token.find('a')
        {
            token.replace_range(at..=at, "\\u0061");
        }
        token.push('"');
        token
    }

    fn string(&mut self, text: &str) -> Json {
        Json::Text(self.quoted(text))
    }

    /// A token for one of the ids, or for one that is none of them.
    fn some_id(&mut self) -> Json {
        let n = self.choices.of(self.ids.len() + 1);
        let id = self.ids.get(n).cloned();
        self.string(id.as_deref().unwrap_or("foreign"))
    }

    fn some_ids(&mut self) -> Json {
        let count = self.choices.of(5);
        Json::Array((0..count).map(|_| self.some_id()).collect())
    }

    fn words(&mut self) -> String {
        let count = self.choices.of(8);
        let copies = match self.choices.of(128) {
            127 => 400,
            120..127 => 20,
            _ => 1,
        };
        let words: Vec<_> = (0..count).map(|_| self.choices.pick(&WORDS)).collect();
        // Numbered, so that it does not all pack to nothing.
        let copies = (0..copies).map(|n| format!("{} {n} ", words.join(" ")));
        copies.collect::<String>().trim_end().to_owned()
    }

    /// A hash as one of the two LlamaIndexes spells it, or nearly so. Often one that
    /// was there before, as nodes and the store's metadata have the same.
    fn hash(&mut self) -> Json {
        let n = self.choices.of(16);
        if let Some(hash) = self.hashes.get(n) {
            return Json::token(hash);
        }
        let mut word = u64::from(self.choices.byte());
        let bytes: [u8; 32] = std::array::from_fn(|_| {
            word = word.wrapping_mul(6_364_136_223_846_793_005) + 1;
            (word >> 56) as u8
        });
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = match self.choices.of(8) {
            0..=3 => hex,
            4 | 5 => self.choices.pick(&BASE64).to_owned(),
            6 => hex.to_uppercase(),
            _ => hex[..self.choices.of(64)].to_owned(),
        };
        let hash = self.quoted(&hash);
        self.hashes.push(hash.clone());
        Json::Text(hash)
    }

    fn metadata(&mut self) -> Json {
        const KEYS: [&str; 6] = ["file_name", "page_label", "file_size", "ü", "", "file_name"];
        const VALUES: [&str; 10] = [
            "\"a.txt\"",
            "1",
            "null",
            "true",
            "1.0",
            "[1, 2]",
            "{}",
            "1e5",
            "-0.0",
            "12345678901234567890",
        ];
        let first = self.choices.of(6);
        let members = (0..self.choices.of(4)).map(|n| {
            let key = self.quoted(KEYS[(first + n) % 6]);
            (key, Json::token(self.choices.pick(&VALUES)))
        });
        Json::Object(members.collect())
    }

    fn numbers(&mut self) -> Json {
        const NUMBERS: [&str; 8] = ["0.1", "-0.25", "1e-05", "0", "null", "NaN", "0.10", "1e999"];
        let count = [0, 3, 1, 40][self.choices.of(4)];
        let usual = self.choices.of(256);
        let numbers = (0..count).map(|n| match self.choices.once_in(16) {
            true => Json::token(self.choices.pick(&NUMBERS)),
            false => Json::Text(format!("{:?}", (n * 37 + usual) as f32 / 256.0 - 0.5)),
        });
        Json::Array(numbers.collect())
    }

    fn relation(&mut self) -> Json {
        Json::Object(vec![
            ("\"node_id\"".to_owned(), self.some_id()),
            ("\"node_type\"".to_owned(), Json::token("\"4\"")),
            ("\"metadata\"".to_owned(), self.metadata()),
            ("\"hash\"".to_owned(), self.hash()),
        ])
    }

    fn node(&mut self, id: &str) -> Json {
        let mut members = vec![("\"id_\"".to_owned(), self.string(id))];
        let embedding = match self.choices.once_in(4) {
            true => self.numbers(),
            false => Json::token("null"),
        };
        members.push(("\"embedding\"".to_owned(), embedding));
        members.push(("\"metadata\"".to_owned(), self.metadata()));
        let relations = (1..=self.choices.of(4)).map(|n| (format!("\"{n}\""), self.relation()));
        let relations = Json::Object(relations.collect());
        members.push(("\"relationships\"".to_owned(), relations));
        let words = self.words();
        members.push(("\"text\"".to_owned(), self.string(&words)));
        members.push(("\"hash\"".to_owned(), self.hash()));
        members.push(("\"class_name\"".to_owned(), Json::token("\"TextNode\"")));
        self.disturb(&mut members);
        Json::Object(members)
    }

    /// Members in another order, gone, doubled or strange, now and then.
    fn disturb(&mut self, members: &mut Members) {
        if members.is_empty() || !self.choices.once_in(6) {
            return;
        }
        let at = self.choices.of(members.len());
        match self.choices.of(6) {
            0 => members.rotate_left(at),
            1 => drop(members.remove(at)),
            2 => members.push(members[at].clone()),
            3 => members[at].1 = Json::token("null"),
            4 => members[at].1 = self.numbers(),
            _ => members[at].1 = self.metadata(),
        }
    }

    /// A struct with its type: itself, or as JSON in a string.
    fn typed(&mut self, kind: &str, content: Json) -> Json {
        let data = match self.choices.of(3) {
            0 => content,
            // LlamaIndex.TS has no wrapping.
            1 if self.choices.once_in(4) => return content,
            _ => {
                let text = self.inside.text(&content);
                self.string(&text)
            }
        };
        let mut members = vec![
            ("\"__data__\"".to_owned(), data),
            ("\"__type__\"".to_owned(), self.string(kind)),
        ];
        if self.choices.once_in(2) {
            members.swap(0, 1);
        }
        self.disturb(&mut members);
        Json::Object(members)
    }

    /// An entry for each id.
    fn each_id(&mut self, mut make: impl FnMut(&mut Self, &str) -> Json) -> Json {
        let ids = self.ids.clone();
        let members = ids.iter().map(|id| (self.quoted(id), make(self, id)));
        let mut members = members.collect();
        self.disturb(&mut members);
        Json::Object(members)
    }

    fn docstore(&mut self) -> Members {
        let data = self.each_id(|maker, id| {
            let node = maker.node(id);
            maker.typed("1", node)
        });
        let [hash, parent] = self.choices.pick(&[
            ["\"doc_hash\"", "\"ref_doc_id\""],
            ["\"docHash\"", "\"refDocId\""],
        ]);
        let hashes = self.each_id(|maker, _| {
            let mut members = vec![(hash.to_owned(), maker.hash())];
            if maker.choices.once_in(2) {
                members.push((parent.to_owned(), maker.some_id()));
            }
            maker.disturb(&mut members);
            Json::Object(members)
        });
        let documents = self.each_id(|maker, _| {
            let mut members = vec![
                ("\"node_ids\"".to_owned(), maker.some_ids()),
                ("\"metadata\"".to_owned(), maker.metadata()),
            ];
            maker.disturb(&mut members);
            Json::Object(members)
        });
        let mut members = vec![
            ("\"docstore/data\"".to_owned(), data),
            ("\"docstore/metadata\"".to_owned(), hashes),
            ("\"docstore/ref_doc_info\"".to_owned(), documents),
        ];
        self.disturb(&mut members);
        members
    }

    fn index_store(&mut self) -> Members {
        const KINDS: [&str; 5] = ["vector_store", "keyword_table", "tree", "list", "kg"];
        let data = self.each_id(|maker, id| {
            let kind = maker.choices.pick(&KINDS);
            let mut members = vec![
                ("\"index_id\"".to_owned(), maker.string(id)),
                ("\"summary\"".to_owned(), Json::token("null")),
            ];
            let maps: &[&str] = match kind {
                "vector_store" => &["nodes_dict", "doc_id_dict", "embeddings_dict"],
                "tree" => &["all_nodes", "root_nodes", "node_id_to_children_ids"],
                "list" => &[],
                _ => &["table"],
            };
            for map in maps {
                let map = format!("\"{map}\"");
                let ids = maker.each_id(|maker, _| match kind {
                    "vector_store" | "tree" => maker.some_id(),
                    _ => maker.some_ids(),
                });
                members.push((map, ids));
            }
            if kind == "list" {
                members.push(("\"nodes\"".to_owned(), maker.some_ids()));
            }
            maker.disturb(&mut members);
            maker.typed(kind, Json::Object(members))
        });
        let mut members = vec![("\"index_store/data\"".to_owned(), data)];
        self.disturb(&mut members);
        members
    }

    fn graph(&mut self) -> Members {
        let graph = self.each_id(|maker, _| {
            let pairs = (0..maker.choices.of(4)).map(|_| maker.some_ids());
            Json::Array(pairs.collect())
        });
        vec![("\"graph_dict\"".to_owned(), graph)]
    }

    fn property_graph(&mut self) -> Members {
        let nodes = self.each_id(|maker, id| {
            let embedding = maker.numbers();
            let mut properties = vec![("\"file\"".to_owned(), maker.some_id())];
            if maker.choices.once_in(2) {
                let node = maker.node(id);
                let node = maker.inside.text(&node);
                properties.push(("\"_node_content\"".to_owned(), maker.string(&node)));
            }
            let mut members = vec![
                ("\"label\"".to_owned(), Json::token("\"text_chunk\"")),
                ("\"embedding\"".to_owned(), embedding),
                ("\"properties\"".to_owned(), Json::Object(properties)),
            ];
            maker.disturb(&mut members);
            Json::Object(members)
        });
        let relations = self.each_id(|maker, _| maker.relation());
        let triplets = (0..self.choices.of(4)).map(|_| self.some_ids());
        let triplets = Json::Array(triplets.collect());
        let mut members = vec![
            ("\"nodes\"".to_owned(), nodes),
            ("\"relations\"".to_owned(), relations),
            ("\"triplets\"".to_owned(), triplets),
        ];
        self.disturb(&mut members);
        members
    }
}
