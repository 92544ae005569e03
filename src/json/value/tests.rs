use proptest::prelude::*;
use serde_json::{Map, Number};

use super::*;

/// JSON values that serde_json holds without loss.
fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-2..3_i64).prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-4..5_i32).prop_map(|n| (f64::from(n) / 2.0).into()),
        "[a\"\\\\\u{e9}\u{1F600}\n]{0,3}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec(("[ab\\\\]{0,1}", inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Python's `==`, on trees.
fn equal(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    match (one, other) {
        (Null, Null) => true,
        (String(one), String(other)) => one == other,
        (Array(one), Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| equal(a, b))
        }
        (Object(one), Object(other)) => {
            let has = |(key, value)| other.get(key).is_some_and(|o| equal(value, o));
            one.len() == other.len() && one.iter().all(has)
        }
        (Bool(_) | Number(_), Bool(_) | Number(_)) => match (integer(one), integer(other)) {
            (Some(one), Some(other)) => one == other,
            (None, None) => one.as_f64() == other.as_f64(),
            _ => false,
        },
        _ => false,
    }
}

/// The whole number that Python compares it as.
fn integer(value: &serde_json::Value) -> Option<i128> {
    match value {
        serde_json::Value::Bool(is) => Some(i128::from(*is)),
        serde_json::Value::Number(n) if n.is_f64() => {
            let n = n.as_f64().unwrap();
            (n.fract() == 0.0 && n.abs() < 1e30).then_some(n as i128)
        }
        serde_json::Value::Number(n) => n.as_i64().map(i128::from),
        _ => None,
    }
}

proptest! {
    #[test]
    fn says_what_a_tree_of_it_says(tree in tree()) {
        let text = serde_json::to_string_pretty(&tree).unwrap();
        let spaced = format!(" {text}\n");
        let value = Value::checked(spaced.as_bytes()).unwrap();
        prop_assert_eq!(value.text(), text.as_bytes());
        prop_assert_eq!(value.is_null(), tree.is_null());
        prop_assert_eq!(value.as_bool(), tree.as_bool());
        prop_assert_eq!(value.as_f64(), tree.as_f64());
        let string = value.as_str();
        prop_assert_eq!(string.as_deref(), tree.as_str().map(str::as_bytes));
        let parse = |value: Value<'_>| -> serde_json::Value {
            serde_json::from_slice(value.text()).unwrap()
        };
        let elements: Vec<_> = value.elements().map(parse).collect();
        prop_assert_eq!(elements, tree.as_array().cloned().unwrap_or_default());
        let members: Map<_, _> = value
            .members()
            .into_iter()
            .map(|(key, value)| (String::from_utf8(key.into_owned()).unwrap(), parse(value)))
            .collect();
        let expected = tree.as_object().cloned().unwrap_or_default();
        prop_assert!(members.iter().eq(expected.iter()), "{:?}", members);
        for (key, member) in &expected {
            prop_assert_eq!(parse(value.get(key.as_bytes()).unwrap()), member.clone());
        }
        prop_assert_eq!(value.get(b"no such key"), None);
    }

    #[test]
    fn equals_what_python_calls_equal(one in tree(), other in tree()) {
        let [text, other_text] = [&one, &other].map(|tree| serde_json::to_string(tree).unwrap());
        let [value, other_value] = [&text, &other_text].map(|text| Value::of(text.as_bytes()));
        prop_assert!(value.equals(&value));
        prop_assert_eq!(value.equals(&other_value), equal(&one, &other));
        prop_assert_eq!(other_value.equals(&value), equal(&one, &other));
    }

    #[test]
    fn whole_numbers_are_what_they_are(n: i64) {
        let number = serde_json::Value::Number(Number::from(n)).to_string();
        prop_assert_eq!(Value::of(number.as_bytes()).as_i64(), Some(n));
    }

    #[test]
    fn of_text_that_was_never_scanned_says_something(bytes: Vec<u8>, text in "[\\[\\]{}:, \"\\\\a1-]{0,20}") {
        for text in [&bytes[..], text.as_bytes()] {
            let value = Value::of(text);
            let _ = (value.as_i64(), value.as_str(), value.members(), value.is_truthy());
            let _ = (value.as_numbers(), value.as_strings(), value.equals(&value));
        }
    }
}

#[test]
fn numbers_are_compared_as_python_compares_them() {
    for (one, other, same) in [
        ("1", "1.0", true),
        ("true", "1", true),
        ("false", "-0.0", true),
        ("-0", "0", true),
        ("1", "\"1\"", false),
        ("NaN", "NaN", false),
        ("Infinity", "1e400", true),
        ("9007199254740993", "9007199254740992.0", false),
        ("9007199254740992", "9007199254740992.0", true),
        ("1180591620717411303424", "1180591620717411303424.0", true),
        ("-1180591620717411303424", "1180591620717411303424.0", false),
        ("1180591620717411303424", "1180591620717411303425", false),
        ("0.1", "0.1000000000000000055", true),
        ("null", "false", false),
    ] {
        let [a, b] = [one, other].map(|text| Value::of(text.as_bytes()));
        assert_eq!(a.equals(&b), same, "{one} {other}");
        assert_eq!(b.equals(&a), same, "{other} {one}");
    }
}

#[test]
fn a_repeated_key_has_its_last_value_in_its_first_place() {
    let value = Value::of(br#"{"a": 1, "b": 2, "\u0061": 3}"#);
    let members: Vec<_> = value
        .members()
        .into_iter()
        .map(|(key, value)| (key.into_owned(), value.text()))
        .collect();
    assert_eq!(members, [(b"a".to_vec(), &b"3"[..]), (b"b".to_vec(), b"2")]);
    assert_eq!(value.get(b"a").map(|value| value.text()), Some(&b"3"[..]));
}

#[test]
fn what_python_takes_for_true_is_truthy() {
    for text in ["1", "-1", "0.5", "NaN", "true", "\" \"", "[0]", "{\"\": 0}"] {
        assert!(Value::of(text.as_bytes()).is_truthy(), "{text}");
    }
    for text in ["0", "-0", "0.0", "false", "null", "\"\"", "[ ]", "{ }"] {
        assert!(!Value::of(text.as_bytes()).is_truthy(), "{text}");
    }
}

#[test]
fn a_lone_surrogate_is_there_as_wtf8() {
    let value = Value::of(br#"{"\ud83d": "\ud83dx"}"#);
    let found = value.get(b"\xed\xa0\xbd").unwrap();
    assert_eq!(found.as_str().unwrap(), &b"\xed\xa0\xbdx"[..]);
}

#[test]
fn nesting_may_be_of_any_depth() {
    // Each level is walked over for each around it: not too deep for a test.
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    let value = Value::checked(&deep).unwrap();
    assert!(value.equals(&value));
}

#[test]
fn text_that_is_not_one_value_is_refused() {
    for (text, offset, fault) in [
        (&b""[..], 0, JsonFault::Cut),
        (b"[1", 2, JsonFault::Cut),
        (b"{} x", 3, JsonFault::Trailing),
        (b"[x]", 1, JsonFault::Unexpected(b'x')),
    ] {
        let error = Value::checked(text).unwrap_err();
        assert_eq!(
            (error.offset, error.fault_at_end()),
            (offset, fault),
            "{text:?}"
        );
    }
}

#[test]
fn whole_floats_are_whole_numbers() {
    for (text, whole) in [
        ("3.0", Some(3)),
        ("-0.0", Some(0)),
        ("1e3", Some(1000)),
        ("3.5", None),
        ("1e300", None),
        ("NaN", None),
    ] {
        assert_eq!(Value::of(text.as_bytes()).as_i64(), whole, "{text}");
    }
}
