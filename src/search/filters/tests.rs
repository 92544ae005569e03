//! Filters answer as Python does, and are made as LlamaIndex makes them.

use proptest::prelude::*;

use super::*;
use crate::{
    error::{Error, QueryError, Result},
    json::normalise,
};

/// What LlamaIndex itself says of all operators, filter values and metadata
/// values; `outcomes.py` says how it was made.
const OUTCOMES: &str = include_str!("tests/outcomes.txt");

fn normal(json: &str) -> Vec<u8> {
    let mut normal = Vec::new();
    normalise(json.as_bytes(), &mut normal).unwrap();
    normal
}

/// Whether a row that has `metadata` under the key `k`, and nothing else,
/// passes.
fn matches(filters: &MetadataFilters, metadata: Option<&str>) -> Result<bool> {
    let prepared = filters.prepare();
    let passes = prepared.matches(&mut |key| {
        assert_eq!(key, b"k");
        Ok(Ok(metadata.map(normal)))
    })?;
    passes.map_err(|unfit| prepared.error(unfit, b"a"))
}

/// As LlamaIndex would be asked: `value` is JSON with `NaN` and `Infinity`.
fn filter(operator: FilterOperator, value: &str) -> MetadataFilter {
    let value = match value {
        "NaN" => FilterValue::Float(f64::NAN),
        "Infinity" => FilterValue::Float(f64::INFINITY),
        "[NaN]" => FilterValue::Floats(vec![f64::NAN]),
        json => {
            format!("k == {json}")
                .parse::<MetadataFilter>()
                .unwrap()
                .value
        }
    };
    MetadataFilter::new("k", operator, value)
}

fn told(result: Result<bool>) -> String {
    match result {
        Ok(true) => "T".to_owned(),
        Ok(false) => "F".to_owned(),
        Err(Error::Query(why)) => format!("{}: {why}", why.exception().as_str()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_outcome_is_that_of_llamaindex() {
    let all = |kind: &str| -> Vec<&str> {
        let lines = OUTCOMES.lines();
        lines.filter_map(|line| line.strip_prefix(kind)).collect()
    };
    let (metadata, values, errors) = (all("m "), all("v "), all("e "));
    let mut outcomes = 0;
    for operator in FilterOperator::ALL {
        for value in &values {
            let prefix = format!("{} {value} ", operator.as_str());
            let expected = all(&prefix);
            assert_eq!(expected.len(), 1, "{prefix}");
            let expected: Vec<_> = expected[0].split(' ').collect();
            assert_eq!(expected.len(), metadata.len());
            let filters = MetadataFilters::all([filter(operator, value)]);
            for (metadata, expected) in metadata.iter().zip(expected) {
                let expected = match expected.parse::<usize>() {
                    Ok(error) => errors[error],
                    Err(_) => expected,
                };
                let found = (*metadata != "missing").then_some(*metadata);
                let told = told(matches(&filters, found));
                assert_eq!(told, expected, "{metadata} {prefix}");
                outcomes += 1;
            }
        }
    }
    assert_eq!(outcomes, 14 * values.len() * metadata.len());
    assert!(values.len() > 30 && metadata.len() > 50);
}

#[test]
fn filters_go_together_as_the_condition_says() {
    let [yes, no] = ["1", "2"].map(|value| filter(FilterOperator::Eq, value));
    for (condition, filters, expected) in [
        (Some(FilterCondition::And), vec![&yes, &yes], true),
        (Some(FilterCondition::And), vec![&yes, &no], false),
        (None, vec![&yes, &no], false),
        (Some(FilterCondition::Or), vec![&no, &yes], true),
        (Some(FilterCondition::Or), vec![&no, &no], false),
        (Some(FilterCondition::Not), vec![&no, &no], true),
        (Some(FilterCondition::Not), vec![&no, &yes], false),
        // No filters at all are met under any condition.
        (Some(FilterCondition::And), vec![], true),
        (Some(FilterCondition::Or), vec![], true),
        (Some(FilterCondition::Not), vec![], true),
    ] {
        let filters = MetadataFilters {
            filters: filters.into_iter().cloned().collect(),
            condition,
            ..MetadataFilters::default()
        };
        assert_eq!(
            matches(&filters, Some("1")).unwrap(),
            expected,
            "{filters:?}"
        );
    }
}

/// LlamaIndex looks at every filter, so that one that does not fit is told of
/// even where another has decided; the first that does not fit is told of.
#[test]
fn all_filters_are_applied() {
    let no = filter(FilterOperator::Eq, "\"x\"");
    let [gt, lt] = [FilterOperator::Gt, FilterOperator::Lt].map(|o| filter(o, "\"x\""));
    for condition in [
        FilterCondition::And,
        FilterCondition::Or,
        FilterCondition::Not,
    ] {
        let filters = MetadataFilters {
            filters: vec![no.clone(), lt.clone(), gt.clone()],
            condition: Some(condition),
            ..MetadataFilters::default()
        };
        let message = "TypeError: '<' not supported between instances of 'int' and 'str'";
        assert_eq!(told(matches(&filters, Some("1"))), message);
    }
}

#[test]
fn an_error_of_the_row_is_handed_on() {
    let filters = MetadataFilters::all([filter(FilterOperator::Eq, "1")]);
    let error = || Error::Query(QueryError::NodeWithoutMetadata { id: b"a".to_vec() });
    let told = filters.prepare().matches(&mut |_| Err(error()));
    let told = told.map(|_| ()).unwrap_err();
    assert_eq!(told.to_string(), "'a'");
}

/// The tables of `str.lower()` and `to_lowercase` are of different years, but
/// agree on what both know.
#[test]
fn letters_become_small_as_in_python() {
    let met = |value: &str, metadata: &str| {
        let filter = MetadataFilter::new("k", FilterOperator::TextMatchInsensitive, value);
        matches(&MetadataFilters::all([filter]), Some(metadata)).unwrap()
    };
    // A final sigma is another letter than the one inside a word.
    assert!(met("ὀδυσσεύς", r#""ὈΔΥΣΣΕΎΣ""#));
    assert!(!met("ὀδυσσεύσ", r#""ὈΔΥΣΣΕΎΣ""#));
    assert!(met("ΣΑ", r#""ΣΑ""#));
    // One letter becomes two characters, and ß stays.
    assert!(met("i\u{307}", r#""İ""#));
    assert!(!met("ss", r#""STRAẞE""#));
    assert!(met("SSE", r#""Gasse""#));
    // A lone surrogate has no case and is no part of a word:
    // "A\ud83dΣ\ud83dA".lower() == "a\ud83dσ\ud83da".
    assert!(met("σ", r#""A\ud83dΣ\ud83dA""#));
}

#[test]
fn lone_surrogates_are_characters() {
    let lone = |escape: &str| filter(FilterOperator::Contains, escape);
    let met = |value, metadata| matches(&MetadataFilters::all([lone(value)]), Some(metadata));
    assert!(met(r#""\ud83d""#, r#""a\ud83d""#).unwrap());
    // It is no part of the character that a pair of them makes.
    assert!(!met(r#""\ud83d""#, r#""😀""#).unwrap());
    let all = filter(FilterOperator::All, r#""\ud83da""#);
    assert!(matches(&MetadataFilters::all([all]), Some(r#"["a", "\ud83d"]"#)).unwrap());
}

#[test]
fn json_of_llamaindex_is_read_with_the_rules_of_its_model() {
    let read = |json: &str| serde_json::from_str::<MetadataFilters>(json);
    let value = |json: &str| {
        let json = format!(r#"{{"filters": [{{"key": "k", "value": {json}}}]}}"#);
        read(&json).map(|filters| filters.filters[0].value.clone())
    };
    for (json, expected) in [
        ("null", FilterValue::None),
        ("1", 1.into()),
        ("-9223372036854775808", i64::MIN.into()),
        ("18446744073709551615", u64::MAX.into()),
        ("1.0", 1.0.into()),
        (r#""1""#, "1".into()),
        ("[]", Vec::<&str>::new().into()),
        ("[1, 2]", [1, 2].into()),
        ("[1, 2.5]", [1.0, 2.5].into()),
        (
            "[2.5, 9007199254740993]",
            [2.5, 9_007_199_254_740_992.0].into(),
        ),
        (r#"["a", "b"]"#, ["a", "b"].into()),
    ] {
        assert_eq!(value(json).unwrap(), expected, "{json}");
    }
    for json in [
        "true",
        "[true]",
        "[1, true]",
        r#"["a", 1]"#,
        "[null]",
        "[[1]]",
        "{}",
    ] {
        assert!(value(json).is_err(), "{json}");
    }
    let one = MetadataFilter::new("k", FilterOperator::Eq, 1);
    let whole = r#"{"filters": [{"value": 1, "key": "k", "score": [{}]}], "note": 1}"#;
    assert_eq!(read(whole).unwrap(), MetadataFilters::all([one]));
    for (condition, expected) in [
        ("null", None),
        (r#""and""#, Some(FilterCondition::And)),
        (r#""or""#, Some(FilterCondition::Or)),
        (r#""not""#, Some(FilterCondition::Not)),
    ] {
        let json = format!(r#"{{"filters": [], "condition": {condition}}}"#);
        assert_eq!(read(&json).unwrap().condition, expected);
    }
    for operator in FilterOperator::ALL {
        let operator_text = operator.as_str();
        let json = format!(
            r#"{{"filters": [{{"key": "k", "value": 1, "operator": "{operator_text}"}}]}}"#
        );
        assert_eq!(read(&json).unwrap().filters[0].operator, operator);
    }
    for (json, message) in [
        ("{}", "missing field `filters`"),
        (r#"{"filters": null}"#, "expected a sequence"),
        (r#"{"filters": [null]}"#, "expected a filter"),
        (r#"{"filters": [{"key": "k"}]}"#, "missing field `value`"),
        (r#"{"filters": [{"value": 1}]}"#, "missing field `key`"),
        (
            r#"{"filters": [{"key": 1, "value": 1}]}"#,
            "expected a string",
        ),
        (
            r#"{"filters": [{"key": "k", "value": 1, "operator": "EQ"}]}"#,
            "unknown variant `EQ`, expected one of `==`",
        ),
        (
            r#"{"filters": [], "condition": "AND"}"#,
            "unknown variant `AND`",
        ),
        (
            r#"{"filters": [{"filters": [{"key": "k", "value": 1}], "condition": "or"}]}"#,
            "Nested MetadataFilters are not supported.",
        ),
    ] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    // A filter with a member of that name is a filter.
    let odd = r#"{"filters": [{"filters": [], "key": "k", "value": 1}]}"#;
    assert_eq!(read(odd).unwrap().filters.len(), 1);
}

#[test]
fn a_line_of_text_is_a_filter() {
    use FilterOperator::*;
    let large: Int = "1180591620717411303424".parse().unwrap();
    for (line, expected) in [
        ("page >= 3", MetadataFilter::new("page", Gte, 3)),
        ("page>=3", MetadataFilter::new("page", Gte, 3)),
        ("  page\t<  -1.5 ", MetadataFilter::new("page", Lt, -1.5)),
        (
            r#"author == "Ann""#,
            MetadataFilter::new("author", Eq, "Ann"),
        ),
        (
            "author != Ann Lee",
            MetadataFilter::new("author", Ne, "Ann Lee"),
        ),
        (
            r#"lang in ["en","de"]"#,
            MetadataFilter::new("lang", In, ["en", "de"]),
        ),
        (
            r#"lang nin["en"]"#,
            MetadataFilter::new("lang", Nin, ["en"]),
        ),
        ("n any [1, 2.5]", MetadataFilter::new("n", Any, [1.0, 2.5])),
        (
            "n all []",
            MetadataFilter::new("n", All, Vec::<&str>::new()),
        ),
        (
            "title text_match foo",
            MetadataFilter::new("title", TextMatch, "foo"),
        ),
        (
            "title text_match_insensitive Foo bar",
            MetadataFilter::new("title", TextMatchInsensitive, "Foo bar"),
        ),
        ("tags contains 3", MetadataFilter::new("tags", Contains, 3)),
        ("note is_empty", MetadataFilter::new("note", IsEmpty, ())),
        ("note != null", MetadataFilter::new("note", Ne, ())),
        (
            "size > 1180591620717411303424",
            MetadataFilter::new("size", Gt, large),
        ),
        // What begins like a number may be a text.
        (
            "date >= 2024-01-31",
            MetadataFilter::new("date", Gte, "2024-01-31"),
        ),
        (
            "name == Infinity",
            MetadataFilter::new("name", Eq, "Infinity"),
        ),
        ("name == ==", MetadataFilter::new("name", Eq, "==")),
        (
            r#""page label" == 3"#,
            MetadataFilter::new("page label", Eq, 3),
        ),
        (r#""a\"b"=="3""#, MetadataFilter::new("a\"b", Eq, "3")),
        (r#""" == """#, MetadataFilter::new("", Eq, "")),
        ("größe > 3", MetadataFilter::new("größe", Gt, 3)),
    ] {
        assert_eq!(line.parse::<MetadataFilter>().unwrap(), expected, "{line}");
    }
}

#[test]
fn a_line_that_is_no_filter_is_refused() {
    use FilterSyntaxError::*;
    let found = |text: &str| text.to_owned();
    for (line, expected) in [
        ("", NoKey),
        (">= 3", NoKey),
        ("\"page", QuotedKey),
        (r#""\x" == 3"#, QuotedKey),
        ("page", Operator { found: found("") }),
        ("page = 3", Operator { found: found("=") }),
        ("page is 3", Operator { found: found("is") }),
        (
            "page label == 3",
            Operator {
                found: found("label"),
            },
        ),
        (
            "page (3)",
            Operator {
                found: found("(3)"),
            },
        ),
        (
            "page >=",
            NoValue {
                operator: FilterOperator::Gte,
            },
        ),
        ("note is_empty 3", Excess { found: found("3") }),
        (
            "note == true",
            Value {
                found: found("true"),
            },
        ),
        ("note == {}", Value { found: found("{}") }),
        (
            r#"note in ["a", 1]"#,
            Value {
                found: found(r#"["a", 1]"#),
            },
        ),
        (
            "note in [[1]]",
            Value {
                found: found("[[1]]"),
            },
        ),
    ] {
        assert_eq!(line.parse::<MetadataFilter>(), Err(expected), "{line}");
    }
    let told = "page = 3"
        .parse::<MetadataFilter>()
        .unwrap_err()
        .to_string();
    assert_eq!(
        told,
        "\"=\" is no operator; after the key comes one of == > < != >= <= in nin any all \
         text_match text_match_insensitive contains is_empty"
    );
}

fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|bit| bit.to_string()),
        any::<i64>().prop_map(|int| int.to_string()),
        (-3..3_i64).prop_map(|int| int.to_string()),
        (-3..3_i64).prop_map(|int| format!("{int}.0")),
        // Around the limits of whole numbers, and of floats that hold them.
        (50..70_u32, -2..3_i128, any::<bool>()).prop_map(|(bits, more, float)| {
            let int = (1_i128 << bits) + more;
            match float {
                true => format!("{:?}", int as f64),
                false => int.to_string(),
            }
        }),
        "[a-c\\u{e9}]{0,3}".prop_map(|text| format!("{text:?}")),
    ];
    let list = prop::collection::vec(scalar.clone(), 0..4);
    prop_oneof![
        scalar,
        list.prop_map(|items| format!("[{}]", items.join(",")))
    ]
}

/// A number as whole number and halves.
fn exact(json: &str) -> Option<(i128, i128)> {
    match json {
        "true" => Some((1, 0)),
        "false" => Some((0, 0)),
        _ => match json.parse::<i128>() {
            Ok(int) => Some((int, 0)),
            Err(_) => {
                let float: f64 = json.parse().ok()?;
                // Floats here are halves at most, and below 2^100.
                let floor = float.floor();
                Some((floor as i128, ((float - floor) * 2.0) as i128))
            }
        },
    }
}

proptest! {
    #[test]
    fn numbers_are_compared_exactly(a in json(), b in json()) {
        let whole_or_float = |text: &str| text.parse::<f64>().is_ok();
        if let (Some(a_exact), Some(b_exact)) = (exact(&a), exact(&b)) && whole_or_float(&b) {
            for (operator, expected) in [
                (FilterOperator::Eq, a_exact == b_exact),
                (FilterOperator::Lt, a_exact < b_exact),
                (FilterOperator::Gte, a_exact >= b_exact),
            ] {
                let filters = MetadataFilters::all([filter(operator, &b)]);
                prop_assert_eq!(matches(&filters, Some(&a)).unwrap(), expected);
            }
        }
    }

    /// What is compared as tokens for speed, and what is not, say the same.
    #[test]
    fn a_list_of_one_is_as_good_as_its_item(metadata in json(), text in "[a-c\\u{e9}]{0,3}") {
        let met = |operator, value: FilterValue| {
            let filter = MetadataFilter::new("k", operator, value);
            matches(&MetadataFilters::all([filter]), Some(&metadata)).unwrap()
        };
        let one = met(FilterOperator::Eq, text.as_str().into());
        prop_assert_eq!(one, met(FilterOperator::In, [text.as_str()].into()));
        prop_assert_eq!(one, !met(FilterOperator::Ne, text.as_str().into()) && metadata != "null");
        let in_list = match metadata.starts_with('[') {
            true => None,
            false => Some(format!("[{metadata}]")),
        };
        if let Some(list) = in_list {
            let contains = filter(FilterOperator::Contains, &format!("{text:?}"));
            let contains = MetadataFilters::all([contains]);
            prop_assert_eq!(one, matches(&contains, Some(&list)).unwrap());
        }
    }

    #[test]
    fn any_line_is_a_filter_or_refused(line in "[a-z\"\\[\\]{}=<>!,. 0-9\\\\]{0,20}", more: String) {
        for line in [line, more] {
            let _ = line.parse::<MetadataFilter>();
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes: Vec<u8>, value in json()) {
        for operator in FilterOperator::ALL {
            if let Ok(filter) = format!("k {} {value}", operator.as_str()).parse() {
                let filters = MetadataFilters::all([filter]);
                let told = filters.prepare().matches(&mut |_| Ok(Ok(Some(bytes.clone()))));
                prop_assert!(told.is_ok());
            }
        }
    }
}
