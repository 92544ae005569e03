//! A file of records as Python would hold it: dicts in dicts, in order.

use crate::{
    json::{Escapes, JsonStyle, encode, normalise, print},
    store::CollectionPath,
};

/// The top-level object.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) style: JsonStyle,
    /// Of structs in strings.
    pub(super) inner: JsonStyle,
    pub(super) members: Vec<(String, Member)>,
    /// Collections that were asked for, in that order.
    touched: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Member {
    Keyed(Dict<Record>),
    List(Vec<String>),
    /// The text of anything else.
    Other(&'static str),
}

#[derive(Debug, Clone)]
pub(super) enum Record {
    /// Normal form.
    Plain(String),
    Struct(Struct),
}

/// An index struct, in a string or not.
#[derive(Debug, Clone, Default)]
pub(super) struct Struct {
    pub(super) in_string: bool,
    pub(super) version: u8,
    pub(super) maps: [Dict<String>; 2],
}

pub(super) const MAPS: [&str; 2] = ["nodes_dict", "table"];

/// A dict: `put` keeps the place of what is there.
#[derive(Debug, Clone)]
pub(super) struct Dict<V>(pub(super) Vec<(String, V)>);

impl<V> Default for Dict<V> {
    fn default() -> Dict<V> {
        Dict(Vec::new())
    }
}

impl<V> Dict<V> {
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    pub(super) fn put(&mut self, key: &str, value: V) {
        match self.get_mut(key) {
            Some(old) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    pub(super) fn delete(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(k, _)| k != key);
        self.0.len() < before
    }

    fn normal(&self, value: impl Fn(&V) -> String) -> String {
        let members = self.0.iter();
        let members = members.map(|(k, v)| format!("{}:{}", string(k), value(v)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// A string in normal form.
pub(super) fn string(content: &str) -> String {
    let mut out = Vec::new();
    encode(content.as_bytes(), Escapes::Utf8, &mut out);
    String::from_utf8(out).unwrap()
}

/// What `print` makes of a normal form.
pub(super) fn styled(normal: &str, style: &JsonStyle) -> String {
    let mut out = Vec::new();
    style.begin(&mut out);
    print(normal.as_bytes(), style, 0, &mut out);
    style.finish(&mut out);
    String::from_utf8(out).unwrap()
}

pub(super) fn normal(text: &[u8]) -> String {
    let mut out = Vec::new();
    normalise(text, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

impl Struct {
    /// Its record, with these maps.
    pub(super) fn record(&self, key: &str, inner: &JsonStyle, maps: [String; 2]) -> String {
        let [nodes, table] = maps;
        let (id, n) = (string(key), self.version);
        let data = format!(r#"{{"nodes_dict":{nodes},"id":{id},"é":{n}.50,"table":{table}}}"#);
        match self.in_string {
            true => format!(
                r#"{{"__type__":"x","__data__":{}}}"#,
                string(&styled(&data, inner))
            ),
            false => format!(r#"{{"__data__":{data},"__type__":"x"}}"#),
        }
    }

    pub(super) fn skeleton(&self, key: &str, inner: &JsonStyle) -> String {
        self.record(key, inner, ["{}".to_owned(), "{}".to_owned()])
    }

    pub(super) fn whole(&self, key: &str, inner: &JsonStyle) -> String {
        let maps = self.maps.each_ref();
        self.record(key, inner, maps.map(|map| map.normal(String::clone)))
    }
}

impl Record {
    pub(super) fn normal(&self, key: &str, inner: &JsonStyle) -> String {
        match self {
            Record::Plain(text) => text.clone(),
            Record::Struct(one) => one.whole(key, inner),
        }
    }
}

impl Model {
    pub(super) fn new(style: JsonStyle, inner: JsonStyle) -> Model {
        Model {
            style,
            inner,
            members: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn touch(&mut self, name: &str) {
        let known = self.members.iter().any(|(n, _)| n == name);
        if !known && !self.touched.iter().any(|n| n == name) {
            self.touched.push(name.to_owned());
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|(n, _)| n == name).map(|(_, m)| m)
    }

    /// The collection of that name, made where it is missing.
    pub(super) fn open(&mut self, name: &str) -> &mut Member {
        self.touch(name);
        if let Some(at) = self.members.iter().position(|(n, _)| n == name) {
            return &mut self.members[at].1;
        }
        let rank = self.touched.iter().position(|n| n == name).unwrap();
        let later = &self.touched[rank + 1..];
        let at = self.members.iter().position(|(n, _)| later.contains(n));
        let at = at.unwrap_or(self.members.len());
        let empty = (name.to_owned(), Member::Keyed(Dict::default()));
        self.members.insert(at, empty);
        &mut self.members[at].1
    }

    pub(super) fn dict(&mut self, name: &str) -> &mut Dict<Record> {
        match self.open(name) {
            Member::Keyed(dict) => dict,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Dict<Record>> {
        match self.member(name)? {
            Member::Keyed(dict) => Some(dict),
            _ => None,
        }
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let mut others = Vec::new();
        let members = self.members.iter().map(|(name, member)| {
            let value = match member {
                Member::Keyed(dict) => {
                    let mut all = Dict::default();
                    for (key, record) in &dict.0 {
                        all.put(key, record.normal(key, &self.inner));
                    }
                    all.normal(String::clone)
                }
                Member::List(list) => format!("[{}]", list.join(",")),
                Member::Other(text) => {
                    others.push(*text);
                    format!("\"other {}\"", others.len())
                }
            };
            format!("{}:{value}", string(name))
        });
        let normal = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        let mut text = styled(&normal, &self.style);
        // They are printed as they were written.
        for (n, other) in others.iter().enumerate() {
            text = text.replacen(&format!("\"other {}\"", n + 1), other, 1);
        }
        text
    }
}

pub(super) fn top(name: &str) -> CollectionPath {
    CollectionPath::top(name.as_bytes())
}
