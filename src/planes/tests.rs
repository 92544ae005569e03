//! The plane as a whole: rows of all classes come back as text and as values.

use std::sync::Arc;

use proptest::prelude::*;

use super::{classify::Row, format::RANK_GROUP, *};
use crate::{
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions},
    json::{JsonStyle, NumberLayout, parse_f64, print_f32_shortest, print_f64},
};

fn write(rows: &[String], mut style: JsonStyle) -> (tempfile::TempDir, Plane, JsonStyle) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    let mut builder = PlaneBuilder::begin(&mut out, dir.path()).unwrap();
    for row in rows {
        let pushed = builder.push(row.as_bytes(), &mut style, &mut out).unwrap();
        assert_eq!(pushed, Pushed::Row);
    }
    let meta = builder.finish(&mut out).unwrap();
    out.finish().unwrap();
    let options = OpenOptions::default();
    let file = Container::open(&path, FileKind::Vectors, Expected::Any, &options).unwrap();
    (dir, Plane::open(&Arc::new(file), &meta).unwrap(), style)
}

fn check(rows: &[String], style: JsonStyle) -> Plane {
    let (_dir, plane, style) = write(rows, style);
    for (n, text) in rows.iter().enumerate() {
        let row = plane.row(n as u32).unwrap();
        let mut printed = Vec::new();
        row.print(&style, 2, &mut printed);
        assert_eq!(String::from_utf8_lossy(&printed), *text);
        let expected = Row::parse(text.as_bytes()).unwrap().values;
        let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        assert!(row.values().iter().zip(&expected).all(same), "{text}");
        let norm = super::format::norm(&expected);
        let stored = plane.norm(n as u32).unwrap();
        assert!(stored == norm || stored.is_nan() && norm.is_nan());
    }
    assert!(plane.row(rows.len() as u32).is_err());
    plane
}

fn print(value: f64, class: u8, layout: NumberLayout) -> String {
    let mut out = Vec::new();
    match class {
        0 => print_f64(f64::from(value as f32), layout, &mut out),
        1 => print_f32_shortest(value as f32, layout, &mut out),
        _ => print_f64(value, layout, &mut out),
    }
    String::from_utf8(out).unwrap()
}

fn token(layout: NumberLayout) -> impl Strategy<Value = String> {
    let number =
        prop_oneof![4 => -1.0..1.0_f64, 1 => any::<f64>().prop_filter("finite", |x| x.is_finite())];
    prop_oneof![
        30 => (number, 0..3_u8).prop_map(move |(x, class)| {
            // what is finite as f64 may not be as f32
            let class = if (x as f32).is_finite() { class } else { 2 };
            print(x, class, layout)
        }),
        1 => prop::sample::select(vec!["0", "-0", "1", "1E2", "1.0e+2", "0.10", "NaN", "-Infinity", "1e400", "1180591620717411303424"])
            .prop_map(str::to_owned),
    ]
}

fn style(layout: NumberLayout) -> JsonStyle {
    JsonStyle {
        numbers: Some(layout),
        ..JsonStyle::python()
    }
}

proptest! {
    #[test]
    fn any_tokens_come_back_in_any_layout(
        (layout, rows) in prop::sample::select(vec![NumberLayout::Python, NumberLayout::Ryu, NumberLayout::JavaScript])
            .prop_flat_map(|layout| (Just(layout), (1..40_usize).prop_flat_map(move |dim|
                prop::collection::vec(prop::collection::vec(token(layout), dim), 1..6))))
    ) {
        let rows: Vec<String> = rows.iter().map(|row| format!("[{}]", row.join(", "))).collect();
        check(&rows, style(layout));
    }

    #[test]
    fn rows_of_one_class_need_no_exceptions(
        values in prop::collection::vec(prop::collection::vec(0.001..1.0_f64, 8), 1..20),
        class in 0..3_u8,
    ) {
        let row = |row: &Vec<f64>| {
            let tokens: Vec<String> = row.iter().map(|&x| print(x, class, NumberLayout::Python)).collect();
            format!("[{}]", tokens.join(", "))
        };
        let rows: Vec<String> = values.iter().map(row).collect();
        let (_dir, plane, _) = write(&rows, JsonStyle::python());
        check(&rows, JsonStyle::python());
        prop_assert!(plane.irregular().unwrap().is_empty());
    }
}

#[test]
fn a_low_row_is_found_among_thousands() {
    // Delta rows at irregular distances, over several groups of the ranks.
    let rows: Vec<String> = (0..RANK_GROUP * 4 + 77)
        .map(|n| match n * n % 7 {
            0 | 1 => format!("[0.12345678901{n:05}, 0.98765432109{n:05}]"),
            2 => format!("[0.{}, 0.5]", n % 1000 + 1),
            _ => format!("[{}.0, 0.5]", n + 1),
        })
        .collect();
    check(&rows, JsonStyle::python());
}

#[test]
fn the_first_row_that_shows_a_layout_settles_it() {
    let rows = ["[0.5, 0.25]", "[0.00001, 0.5]", "[0.00002, 3.5]"].map(str::to_owned);
    let open = JsonStyle {
        numbers: None,
        ..JsonStyle::python()
    };
    let (_dir, plane, style) = write(&rows, open);
    assert_eq!(style.numbers, Some(NumberLayout::Ryu));
    assert!(plane.irregular().unwrap().is_empty());
}

#[test]
fn rows_that_no_bound_holds_for_are_listed() {
    let rows = [
        "[0.5, 0.25]",
        "[NaN, 1.0]",
        "[0.5, 1]",
        "[0.0, 0.0]",
        "[1e+30, 1.0]",
        "[1e-30, 0.0]",
        "[1.0, 2.0]",
    ]
    .map(str::to_owned);
    let plane = check(&rows, JsonStyle::python());
    assert_eq!(plane.irregular().unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn the_plane_holds_the_nearest_f32() {
    let text = "[0.1, 0.12345678901234567, 0.25]";
    let (_dir, plane, _) = write(&[text.to_owned()], JsonStyle::python());
    let row = plane.row(0).unwrap();
    let nearest: Vec<f32> = row.nearest().collect();
    let expected = [0.1, 0.12345678901234567, 0.25].map(|x: f64| x as f32);
    assert_eq!(nearest, expected);
    assert_eq!(row.values()[1], parse_f64(b"0.12345678901234567").unwrap());
}

#[test]
fn rows_of_another_length_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut out = ContainerWriter::create(&dir.path().join("file"), FileKind::Vectors).unwrap();
    let mut builder = PlaneBuilder::begin(&mut out, dir.path()).unwrap();
    let mut push = |text: &str| {
        let mut style = JsonStyle::python();
        builder.push(text.as_bytes(), &mut style, &mut out).unwrap()
    };
    assert_eq!(push("[1.0, 2.0]"), Pushed::Row);
    assert_eq!(push("[1.0]"), Pushed::OtherDim);
    assert_eq!(push("[]"), Pushed::Refused(NotARow::Length));
    assert_eq!(push("null"), Pushed::Refused(NotARow::NotNumbers));
}
