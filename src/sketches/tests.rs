//! Sketches of segments: what is written, when, and what is refused.

use std::{path::Path, sync::Arc};

use super::{
    SketchPolicy,
    fit::{Mean, Row},
};
use crate::{
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Error, Fault},
    json::JsonStyle,
    planes::norm,
    search::tests::Random,
    segment::{Map, VectorSegment, VectorWriter},
};

/// Writes a segment of such rows, and opens it.
fn segment(dir: &Path, rows: &[Vec<f64>], policy: SketchPolicy) -> Arc<VectorSegment> {
    let number = std::fs::read_dir(dir).unwrap().count();
    let path = dir.join(format!("{number}.seg"));
    let mut writer = VectorWriter::create(&path, dir, JsonStyle::python()).unwrap();
    writer.sketch(policy);
    for (n, row) in rows.iter().enumerate() {
        let text: Vec<String> = row.iter().map(|x| format!("{x:?}")).collect();
        let (key, text) = (format!("\"{n}\""), format!("[{}]", text.join(", ")));
        let pushed = writer.push(Map::Embeddings, key.as_bytes(), text.as_bytes());
        pushed.unwrap().unwrap();
    }
    writer.finish().unwrap().unwrap();
    Arc::new(VectorSegment::open(Arc::new(open(&path))).unwrap())
}

fn open(path: &Path) -> Container {
    let (kind, expected) = (FileKind::Vectors, Expected::Any);
    Container::open(path, kind, expected, &OpenOptions::default()).unwrap()
}

/// Of 1/4096 and 1/8, so that f32 holds them.
fn rows(count: usize, dim: usize, spread: f64) -> Vec<Vec<f64>> {
    let mut random = Random(5);
    let component = |random: &mut Random, n: usize| {
        let small = random.below(4096) as f64 / 4096.0 - 0.5;
        (n % 7) as f64 / 8.0 + f64::from((small * spread) as f32)
    };
    (0..count)
        .map(|_| (0..dim).map(|n| component(&mut random, n)).collect())
        .collect()
}

#[test]
fn codes_and_numbers_are_those_of_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let rows = rows(150, 20, 1.0);
    let segment = segment(dir.path(), &rows, SketchPolicy::Always);
    let sketch = segment.sketch().unwrap();
    let mean = Mean::new(sketch.mean().unwrap().to_vec());
    for (n, row) in (0..).zip(&rows) {
        let nearest: Vec<f32> = row.iter().map(|&x| x as f32).collect();
        let row = Row {
            nearest: &nearest,
            norm: norm(row),
        };
        let mut codes = vec![0; 20];
        let numbers = row.fit(&mean, &mut codes);
        assert_eq!(
            bytemuck::cast_slice::<u8, i8>(&sketch.codes(n..n + 1).unwrap()),
            codes
        );
        assert_eq!(sketch.numbers(n..n + 1).unwrap()[..], [numbers]);
        assert!(codes.contains(&127) || codes.contains(&-127));
        // No more is lost than half a step of each component, and a little.
        let [scale, _, error, _] = numbers.map(f64::from);
        assert!(error < 0.5 * scale * 20_f64.sqrt() + 1e-6);
    }
    segment.check_rows().unwrap();
}

#[test]
fn there_is_one_where_it_pays() {
    let dir = tempfile::tempdir().unwrap();
    let has = |rows: &[Vec<f64>], policy| segment(dir.path(), rows, policy).has_sketch();
    let (few, many) = (rows(100, 16, 1.0), rows(4096, 16, 1.0));
    assert!(!has(&few, SketchPolicy::Auto) && has(&few, SketchPolicy::Always));
    assert!(has(&many, SketchPolicy::Auto) && !has(&many, SketchPolicy::Never));
    // All rows alike, but for what no code holds.
    let alike = vec![vec![0.5, 0.25, 0.125, 1.0]; 4096];
    assert!(!has(&alike, SketchPolicy::Auto) && has(&alike, SketchPolicy::Always));
    assert!(!has(&[], SketchPolicy::Always));
}

#[test]
fn rows_that_are_always_scored_have_zeros() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = rows(20, 8, 1.0);
    rows[3] = vec![0.0; 8];
    rows[4] = vec![1e30; 8];
    let segment = segment(dir.path(), &rows, SketchPolicy::Always);
    let sketch = segment.sketch().unwrap();
    for row in [3, 4] {
        assert_eq!(sketch.numbers(row..row + 1).unwrap()[..], [[0.0; 4]]);
        assert!(
            sketch
                .codes(row..row + 1)
                .unwrap()
                .iter()
                .all(|&code| code == 0)
        );
    }
    let mean = sketch.mean().unwrap();
    assert!(mean.iter().all(|x| (0.0..2.0).contains(&x.abs())));
    segment.check_rows().unwrap();
}

#[test]
fn bounds_that_do_not_hold_are_found() {
    let rows = rows(1, 32, 1.0);
    let nearest: Vec<f32> = rows[0].iter().map(|&x| x as f32).collect();
    let row = Row {
        nearest: &nearest,
        norm: norm(&rows[0]),
    };
    let mean = Mean::new(vec![0.25; 32]);
    let mut codes = vec![0; 32];
    let [scale, share, error, length] = row.fit(&mean, &mut codes);
    assert!(row.is_bounded(&mean, &codes, [scale, share, error, length]));
    assert!(row.is_bounded(&mean, &codes, [scale, share, error * 2.0, length * 2.0]));
    for wrong in [
        [scale, share, error * 0.99, length],
        [scale, share, error, length * 0.99],
        [scale * 1.1, share, error, length * 2.0],
        [scale, share * 1.1, error, length],
        [scale, share, f32::NAN, length],
        [scale, share, error, f32::NAN],
        [f32::NAN, share, error, length],
        [scale, f32::INFINITY, error, length],
    ] {
        assert!(!row.is_bounded(&mean, &codes, wrong), "{wrong:?}");
    }
    let mut other = codes.clone();
    other[7] = other[7].wrapping_add(40);
    assert!(!row.is_bounded(&mean, &other, [scale, share, error, length * 2.0]));
}

#[test]
fn sections_of_another_length_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.seg");
    let kinds = [
        SectionKind::SKETCH_MEAN,
        SectionKind::SKETCH_CODES,
        SectionKind::SKETCH_NUMBERS,
    ];
    let refused = |lengths: [Option<usize>; 3], rows, dim| {
        let _ = std::fs::remove_file(&path);
        let kind = FileKind::Vectors;
        let mut out = ContainerWriter::create(&path, kind).unwrap();
        for (kind, length) in kinds.into_iter().zip(lengths) {
            if let Some(length) = length {
                out.whole(kind, &vec![0; length]).unwrap();
            }
        }
        out.metadata(&0_u8).unwrap();
        out.finish().unwrap();
        match super::Sketch::open(&Arc::new(open(&path)), rows, dim) {
            Ok(sketch) => {
                assert!(sketch.is_some() || lengths == [None; 3]);
                None
            }
            Err(Error::Damaged { fault, .. }) => Some(fault),
            Err(e) => panic!("{e}"),
        }
    };
    assert_eq!(refused([Some(12), Some(15), Some(80)], 5, 3), None);
    assert_eq!(refused([None; 3], 5, 3), None);
    let length = Some(Fault::Bounds("section length"));
    assert_eq!(refused([Some(12), Some(14), Some(80)], 5, 3), length);
    assert_eq!(refused([Some(8), Some(15), Some(80)], 5, 3), length);
    assert_eq!(refused([Some(12), Some(15), Some(96)], 5, 3), length);
    assert_eq!(refused([Some(0), Some(0), Some(0)], 0, 0), length);
    assert!(refused([Some(12), None, Some(80)], 5, 3).is_some());
}
