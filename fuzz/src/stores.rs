//! Texts of vector stores, made from choices: a few bytes reach the row classes,
//! columns, orders and oddments that random text never would.

use twinstore::json::{NumberLayout, print_f32_shortest, print_f64};

use super::{
    choices::Choices,
    spelled::{Json, Style},
};

/// Makes the parts of a store.
struct Maker<'c, 'a>(&'c mut Choices<'a>);

/// The text of a vector store.
pub fn text(choices: &mut Choices<'_>) -> Vec<u8> {
    Maker(choices).store()
}

impl Maker<'_, '_> {
    /// The text of a vector store.
    fn store(&mut self) -> Vec<u8> {
        let style = Style::chosen(self.0);
        let mut ids: Vec<String> = Vec::new();
        let rows = self.0.of(12);
        for row in 0..rows {
            let id = self.id(row, &ids);
            ids.push(id);
        }
        let dim = [4, 1, 8, 3, 130][self.0.of(5)];
        let layout = [
            NumberLayout::Python,
            NumberLayout::Ryu,
            NumberLayout::JavaScript,
        ][self.0.of(3)];
        let class = self.0.of(5);
        let vectors: Vec<_> = ids
            .iter()
            .map(|id| (id.clone(), self.vector(dim, class, layout)))
            .collect();
        let refs: Vec<_> = self
            .some_of(&ids)
            .into_iter()
            .map(|id| (id, self.ref_doc()))
            .collect();
        let metadata: Vec<_> = self
            .some_of(&ids)
            .into_iter()
            .map(|id| (id, self.metadata()))
            .collect();
        let names = [
            ["embedding_dict", "text_id_to_ref_doc_id", "metadata_dict"],
            ["embeddingDict", "textIdToRefDocId", "metadataDict"],
            ["embedding_dict", "text_id_to_doc_id", "metadata_dict"],
        ][self.0.of(3)];
        let mut members: Vec<(String, Json)> = names
            .iter()
            .zip([vectors, refs, metadata])
            .map(|(name, map)| (format!("\"{name}\""), Json::Object(map)))
            .collect();
        if self.0.once_in(4) {
            members.swap(0, 2);
        }
        if self.0.once_in(6) {
            members.truncate(self.0.of(3));
        }
        if self.0.once_in(4) {
            let at = self.0.of(members.len() + 1);
            let other = ("\"class_name\"".to_owned(), self.json(2));
            members.insert(at, other);
        }
        if self.0.once_in(32) {
            let again = members.first().cloned();
            members.extend(again);
        }
        let mut out = Vec::new();
        style.file(&Json::Object(members), &mut out);
        if self.0.once_in(24) {
            let at = self.0.of(out.len() + 1);
            out.truncate(at);
        }
        out
    }

    /// A token for an id; now and then one that was there.
    fn id(&mut self, row: usize, before: &[String]) -> String {
        match self.0.of(16) {
            0..=7 => {
                let tail = u64::from_le_bytes(self.0.word()) >> 16;
                format!("\"{row:08x}-0000-4000-8000-{tail:012x}\"")
            }
            8 => format!("\"node {row}\""),
            9 => format!("\"{row}\\u00fc\\ud83d\\ude00\""),
            10 => format!("\"{row}ü😀\u{7f}\""),
            11 => format!("\"{row}\\ud800\\/\\u0000\""),
            12 if !before.is_empty() => before[self.0.of(before.len())].clone(),
            13 => "\"\"".to_owned(),
            _ => format!("\"{row:x}\""),
        }
    }

    /// The ids in this or another order, all or some, and foreign ones.
    fn some_of(&mut self, ids: &[String]) -> Vec<String> {
        let mut chosen = ids.to_vec();
        if self.0.once_in(3) {
            chosen.reverse();
        }
        if self.0.once_in(3) && !chosen.is_empty() {
            let at = self.0.of(chosen.len());
            chosen.remove(at);
        }
        if self.0.once_in(4) {
            let at = self.0.of(chosen.len() + 1);
            chosen.insert(at, "\"foreign\"".to_owned());
        }
        chosen
    }

    fn vector(&mut self, dim: usize, class: usize, layout: NumberLayout) -> Json {
        let dim = if self.0.once_in(48) {
            self.0.of(6)
        } else {
            dim
        };
        // One byte may move a row to another class than the store's.
        let class = if self.0.once_in(12) {
            self.0.of(5)
        } else {
            class
        };
        let mut seed = u64::from_le_bytes(self.0.word());
        let numbers = (0..dim).map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Json::Text(number(seed, class, layout))
        });
        let mut numbers: Vec<Json> = numbers.collect();
        for _ in 0..self.0.of(3) {
            let at = self.0.of(dim.max(1));
            let token = self.number_token();
            if let Some(number) = numbers.get_mut(at) {
                *number = Json::Text(token);
            }
        }
        Json::Array(numbers)
    }

    fn number_token(&mut self) -> String {
        const TOKENS: [&str; 24] = [
            "0.0",
            "-0.0",
            "0",
            "-0",
            "1",
            "-17",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e5",
            "1E5",
            "1e+16",
            "1e-05",
            "1e-5",
            "0.00001",
            "0.10",
            "5e-324",
            "1e-45",
            "1e39",
            "1e999",
            "123456789012345678901234567890",
            "0.1",
            "null",
            "\"0.5\"",
        ];
        if self.0.once_in(2) {
            let mut token = Vec::new();
            print_f64(
                f64::from_le_bytes(self.0.word()),
                NumberLayout::Python,
                &mut token,
            );
            return String::from_utf8(token).unwrap();
        }
        self.0.pick(&TOKENS).to_owned()
    }

    fn ref_doc(&mut self) -> Json {
        const TOKENS: [&str; 8] = [
            "\"document\"",
            "\"00000000-0000-4000-8000-000000000001\"",
            "null",
            "\"None\"",
            "\"\\u00FC\"",
            "[ 1 ]",
            "\"ü\"",
            "\"\\u00fc\"",
        ];
        Json::Text(self.0.pick(&TOKENS).to_owned())
    }

    fn metadata(&mut self) -> Json {
        const KEYS: [&str; 8] = [
            "\"file\"",
            "\"page\"",
            "\"document_id\"",
            "\"doc_id\"",
            "\"ref_doc_id\"",
            "\"\\u00fc\"",
            "\"\"",
            "\"F\\u0049LE\"",
        ];
        if self.0.once_in(16) {
            return self.json(2);
        }
        let count = self.0.of(5);
        let first = self.0.of(8);
        let members = (0..count).map(|n| {
            let key = if self.0.once_in(12) {
                self.0.of(8)
            } else {
                first + n
            };
            (KEYS[key % 8].to_owned(), self.json(2))
        });
        Json::Object(members.collect())
    }

    fn json(&mut self, depth: usize) -> Json {
        const SCALARS: [&str; 12] = [
            "\"a.txt\"",
            "1",
            "null",
            "true",
            "1.0",
            "-0",
            "1e-07",
            "\"\\ud83d\"",
            "\"ü\"",
            "\"\\u00e9\"",
            "\"\\n\\\"\"",
            "12345678901234567890",
        ];
        match self.0.of(8) {
            6 if depth > 0 => {
                let items = (0..self.0.of(4)).map(|_| self.json(depth - 1));
                Json::Array(items.collect())
            }
            7 if depth > 0 => {
                let items = (0..self.0.of(4)).map(|_| {
                    let key = format!("\"{}\"", self.0.of(3));
                    (key, self.json(depth - 1))
                });
                Json::Object(items.collect())
            }
            _ => Json::Text(self.0.pick(&SCALARS).to_owned()),
        }
    }
}

/// A number of the class: exact f32, shortest decimal, f64, few digits, any.
fn number(seed: u64, class: usize, layout: NumberLayout) -> String {
    let wide = ((seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) * 0.2;
    let mut token = Vec::new();
    match class {
        0 => print_f64(f64::from(wide as f32), layout, &mut token),
        1 => print_f32_shortest(wide as f32, layout, &mut token),
        2 => print_f64(wide, layout, &mut token),
        3 => print_f64((wide * 1000.0).round() / 100.0, layout, &mut token),
        _ => print_f64(f64::from_bits(seed), layout, &mut token),
    }
    String::from_utf8(token).unwrap()
}
