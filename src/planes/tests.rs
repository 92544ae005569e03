//! The plane as a whole: rows of all classes come back as text and as values.

use std::sync::Arc;

use proptest::prelude::*;

use super::{classify::Row, format::RANK_GROUP, *};
use crate::{
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Error, Fault},
    json::{Indent, JsonStyle, Newline, NumberLayout, parse_f64, print_f32_shortest, print_f64},
    testing::fault,
};

fn write(rows: &[String], mut style: JsonStyle) -> (tempfile::TempDir, Plane, JsonStyle) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    out.begin(SectionKind::PLANE).unwrap();
    let mut builder = PlaneBuilder::new(dir.path());
    for row in rows {
        let pushed = builder.push(row.as_bytes(), &mut style, &mut |bytes| out.write(bytes));
        let pushed = pushed.unwrap();
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
        check_row(&plane, n as u32, text, &style);
    }
    assert!(plane.row(rows.len() as u32).is_err());
    plane
}

fn check_row(plane: &Plane, n: u32, text: &str, style: &JsonStyle) {
    let row = plane.row(n).unwrap();
    let mut printed = Vec::new();
    row.print(style, 2, &mut printed);
    assert_eq!(String::from_utf8_lossy(&printed), *text);
    let expected = Row::parse(text.as_bytes()).unwrap().values;
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    assert!(row.values().iter().zip(&expected).all(same), "{text}");
    assert_eq!(row.nearest().count(), expected.len());
    let norm = super::format::norm(&expected);
    let stored = plane.norm(n).unwrap();
    assert!(stored == norm || stored.is_nan() && norm.is_nan());
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

/// Plane and row of an array, unless it stayed text.
type Place = Option<(u32, u32)>;

/// Rows of several lengths, written as those of records are.
fn write_all(
    rows: &[String],
    style: &mut JsonStyle,
) -> (tempfile::TempDir, Vec<PlaneMeta>, Vec<Place>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    let mut builder = PlanesBuilder::new(dir.path());
    let push = |row: &String| builder.push(row.as_bytes(), style).unwrap();
    let places = rows.iter().map(push).collect();
    let metas = builder.finish(&mut out).unwrap();
    out.metadata(&0_u8).unwrap();
    out.finish().unwrap();
    (dir, metas, places)
}

fn open_all(dir: &tempfile::TempDir, metas: &[PlaneMeta]) -> crate::Result<Vec<Plane>> {
    let path = dir.path().join("file");
    let options = OpenOptions::default();
    let file = Container::open(&path, FileKind::Vectors, Expected::Any, &options)?;
    Plane::open_all(&Arc::new(file), metas)
}

proptest! {
    #[test]
    fn arrays_of_any_lengths_come_back_from_their_planes(
        rows in prop::collection::vec((prop::sample::select(vec![1_usize, 15, 16, 17, 99, 100, 250]), 0..4_u8)
            .prop_flat_map(|(dim, kind)| {
                let number = (-1.0..1.0_f64).prop_map(move |x| print(x, kind, NumberLayout::Python));
                let odd = token(NumberLayout::Python);
                prop::collection::vec(prop_oneof![200 => number, u32::from(kind) => odd], dim)
            }), 0..30),
    ) {
        let text = |row: &Vec<String>| format!("[{}]", row.join(", "));
        let texts: Vec<String> = rows.iter().map(text).collect();
        let mut style = style(NumberLayout::Python);
        let (dir, metas, places) = write_all(&texts, &mut style);
        let planes = open_all(&dir, &metas).unwrap();
        let mut dims: Vec<u32> = Vec::new();
        let mut next = vec![0; metas.len()];
        for ((row, text), place) in rows.iter().zip(&texts).zip(places) {
            let mut parsed = Row::parse(text.as_bytes()).unwrap();
            parsed.classify(NumberLayout::Python);
            let taken = row.len() >= 16 && parsed.exceptions.len() * 100 <= row.len();
            prop_assert_eq!(place.is_some(), taken);
            let Some((plane, n)) = place else { continue };
            if plane as usize == dims.len() {
                dims.push(row.len() as u32);
            }
            prop_assert_eq!(dims[plane as usize], row.len() as u32);
            prop_assert_eq!(n, next[plane as usize]);
            next[plane as usize] += 1;
            check_row(&planes[plane as usize], n, text, &style);
        }
        prop_assert_eq!(dims.len(), planes.len());
        for ((plane, meta), rows) in planes.iter().zip(&metas).zip(next) {
            prop_assert_eq!(meta.rows, rows);
            prop_assert!(plane.row(rows).is_err());
            prop_assert_eq!(plane.irregular().unwrap().len() as u32, meta.irregular);
            prop_assert!(plane.irregular().unwrap().iter().all(|&row| row < rows));
        }
    }

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
    let mut builder = PlaneBuilder::new(dir.path());
    let mut push = |text: &str| {
        let mut style = JsonStyle::python();
        let pushed = builder.push(text.as_bytes(), &mut style, &mut |_| Ok(()));
        pushed.unwrap()
    };
    assert_eq!(push("[1.0, 2.0]"), Pushed::Row);
    assert_eq!(push("[1.0]"), Pushed::OtherDim);
    assert_eq!(push("[]"), Pushed::Refused(NotARow::Length));
    assert_eq!(push("null"), Pushed::Refused(NotARow::NotNumbers));
}

#[test]
fn there_are_as_many_planes_as_a_file_may_have_and_no_more() {
    let row = |dim: usize| format!("[{}]", vec!["0.5"; dim].join(", "));
    let rows: Vec<String> = (16..90).chain(16..90).map(row).collect();
    let (dir, metas, places) = write_all(&rows, &mut JsonStyle::python());
    assert_eq!(metas.len(), 64);
    for half in places.chunks(74) {
        assert!(half[..64].iter().all(Option::is_some));
        assert!(half[64..].iter().all(Option::is_none));
    }
    let planes = open_all(&dir, &metas).unwrap();
    check_row(&planes[63], 1, &rows[63], &JsonStyle::python());
    let many = vec![PlaneMeta::default(); 65];
    assert_eq!(
        fault(open_all(&dir, &many)),
        Fault::Value("number of planes")
    );
}

#[test]
fn a_row_that_would_print_too_long_is_not_printed() {
    let (_dir, plane, mut style) = write(&["[0.5, 1.5]".to_owned()], JsonStyle::python());
    style.indent = Some(Indent {
        newline: Newline::Lf,
        unit: vec![b' '; 8],
    });
    let mut out = Vec::new();
    let row = plane.row(0).unwrap();
    assert!(!row.print_within(&style, 99, 1000, &mut out));
    assert!(out.is_empty());
}

#[test]
fn an_array_that_stays_text_leaves_no_trace() {
    let open = JsonStyle {
        numbers: None,
        ..JsonStyle::python()
    };
    let mut style = open.clone();
    let odd = format!("[{}, 0.10, 1E2, 0.00001]", vec!["0.5"; 20].join(", "));
    let rows = ["null", "{}", "[]", "[1, [2]]", "[0.5, 0.25]", &odd].map(str::to_owned);
    let (dir, metas, places) = write_all(&rows, &mut style);
    assert!(places.iter().all(Option::is_none));
    assert!(metas.is_empty() && style == open);
    assert!(open_all(&dir, &metas).unwrap().is_empty());
}

#[test]
fn parts_that_do_not_fill_their_sections_are_refused() {
    let base = (1..=100).map(|n| format!("0.{n}234567890123"));
    let delta: Vec<String> = base.collect();
    let mut odd = delta.clone();
    odd[3] = "1e400".to_owned();
    let text = |row: &[String]| format!("[{}]", row.join(", "));
    let rows = [
        text(&delta),
        text(&odd),
        text(&delta[..30]),
        text(&odd[..99]),
    ];
    let rows = [&rows[..], &[format!("[{}]", vec!["0.5"; 16].join(", "))]].concat();
    let (dir, metas, places) = write_all(&rows, &mut JsonStyle::python());
    assert_eq!(
        places,
        [Some((0, 0)), Some((0, 1)), Some((1, 0)), None, Some((2, 0))]
    );
    assert!(open_all(&dir, &metas).is_ok());
    let refused = |change: &dyn Fn(&mut Vec<PlaneMeta>)| {
        let mut metas = metas.clone();
        change(&mut metas);
        match open_all(&dir, &metas).map(drop).unwrap_err() {
            Error::Damaged { fault, .. } => fault,
            other => panic!("{other}"),
        }
    };
    let length = Fault::Bounds("section length");
    assert_eq!(refused(&|m| m.truncate(2)), length);
    assert_eq!(refused(&|m| m.clear()), length);
    assert_eq!(refused(&|m| m.push(m[2].clone())), length);
    assert_eq!(refused(&|m| m[0].token_bytes += 1), length);
    assert_eq!(refused(&|m| m[0].token_bytes -= 1), length);
    assert_eq!(refused(&|m| m[0].token_bytes = u64::MAX), length);
    assert_eq!(refused(&|m| m[0].exceptions = 0), length);
    assert_eq!(refused(&|m| m[0].exceptions = u64::MAX), length);
    assert_eq!(refused(&|m| m[0].irregular = 2), length);
    assert_eq!(refused(&|m| m[1].irregular = u32::MAX), length);
    assert_eq!(refused(&|m| m[1].dim += 1), length);
    assert_eq!(refused(&|m| m[1].rows = u32::MAX), length);
    let value = Fault::Value("dimension or number of rows");
    assert_eq!(refused(&|m| m[0].delta -= 1), value);
    assert_eq!(refused(&|m| (m[1].exact, m[1].delta) = (1, 0)), length);
}
