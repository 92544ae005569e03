//! Sketches of segments: what is written, when, and what is refused.

use std::{path::Path, sync::Arc};

use super::{
    Sketch, SketchPolicy,
    fit::{Mean, Row},
    write,
};
use crate::{
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Error, Fault, Result},
    json::JsonStyle,
    planes::{Plane, PlaneBuilder, norm},
};

/// A plane of a file, and its sketch.
struct Stored {
    plane: Plane,
    sketch: Option<Sketch>,
}

impl Stored {
    fn check(&self) -> Result<()> {
        self.sketch.as_ref().unwrap().check_rows(&self.plane)
    }
}

/// Writes a plane of such rows, and opens it.
fn stored(rows: &[Vec<f64>], policy: SketchPolicy) -> Stored {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plane");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    let mut plane = PlaneBuilder::new(dir.path());
    let mut style = JsonStyle::python();
    out.begin(SectionKind::PLANE).unwrap();
    for row in rows {
        let text: Vec<String> = row.iter().map(|x| format!("{x:?}")).collect();
        let text = format!("[{}]", text.join(", "));
        let nearest = &mut |bytes: &[u8]| out.write(bytes);
        plane.push(text.as_bytes(), &mut style, nearest).unwrap();
    }
    let meta = plane.finish(&mut out).unwrap();
    // Whatever follows, so that the plane can be read back.
    out.whole(SectionKind::IDS, b"").unwrap();
    write(&mut out, (meta.rows, meta.dim), policy, dir.path().into()).unwrap();
    out.metadata(&0_u8).unwrap();
    out.finish().unwrap();
    let file = Arc::new(open(&path));
    Stored {
        plane: Plane::open(&file, &meta).unwrap(),
        sketch: Sketch::open(&file, meta.rows, meta.dim).unwrap(),
    }
}

fn open(path: &Path) -> Container {
    let (kind, expected) = (FileKind::Vectors, Expected::Any);
    Container::open(path, kind, expected, &OpenOptions::default()).unwrap()
}

/// Multiples of 1/8192 around those of 1/8.
fn rows(count: usize, dim: usize) -> Vec<Vec<f64>> {
    let mut state = 5_u64;
    let mut component = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (n % 7) as f64 / 8.0 + (state >> 51) as f64 / 8192.0 - 0.5
    };
    let rows = (0..count).map(|_| (0..dim).map(&mut component).collect());
    rows.collect()
}

#[test]
fn codes_and_numbers_are_those_of_the_rows() {
    let rows = rows(150, 20);
    let stored = stored(&rows, SketchPolicy::Always);
    let sketch = stored.sketch.as_ref().unwrap();
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
    stored.check().unwrap();
}

#[test]
fn there_is_one_where_it_pays() {
    let has = |rows: &[Vec<f64>], policy| stored(rows, policy).sketch.is_some();
    let (few, many) = (rows(100, 16), rows(4096, 16));
    assert!(!has(&few, SketchPolicy::Auto) && has(&few, SketchPolicy::Always));
    assert!(has(&many, SketchPolicy::Auto) && !has(&many, SketchPolicy::Never));
    // All rows alike, but for what no code holds.
    let alike = vec![vec![0.5, 0.25, 0.125, 1.0]; 4096];
    assert!(!has(&alike, SketchPolicy::Auto) && has(&alike, SketchPolicy::Always));
    assert!(!has(&[], SketchPolicy::Always));
    // Too few that could have one.
    let mut zeros = vec![vec![0.0; 16]; 4096];
    zeros[..5].clone_from_slice(&few[..5]);
    assert!(!has(&zeros, SketchPolicy::Auto));
}

#[test]
fn rows_that_are_always_scored_have_zeros() {
    let mut rows = rows(20, 8);
    rows[3] = vec![0.0; 8];
    rows[4] = vec![1e30; 8];
    let stored = stored(&rows, SketchPolicy::Always);
    let sketch = stored.sketch.as_ref().unwrap();
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
    stored.check().unwrap();
}

#[test]
fn bounds_that_do_not_hold_are_found() {
    let rows = rows(1, 32);
    let nearest: Vec<f32> = rows[0].iter().map(|&x| x as f32).collect();
    let row = Row {
        nearest: &nearest,
        norm: norm(&rows[0]),
    };
    let mean = Mean::new(vec![0.25; 32]);
    let mut codes = vec![0; 32];
    let [scale, share, error, length] = row.fit(&mean, &mut codes);
    assert!(row.may_have(&mean, &codes, [scale, share, error, length]));
    assert!(row.may_have(&mean, &codes, [scale, share, error * 2.0, length * 2.0]));
    for wrong in [
        [scale, share, error * 0.99, length],
        [scale, share, error, length * 0.99],
        [scale * 1.1, share, error, length * 2.0],
        [scale, share * 1.1, error, length],
        [scale, share, f32::NAN, length],
        [scale, share, error, f32::NAN],
        [f32::NAN, share, error, length],
        [scale, f32::INFINITY, error, length],
        [scale, share, f32::INFINITY, length],
    ] {
        assert!(!row.may_have(&mean, &codes, wrong), "{wrong:?}");
    }
    let mut least = codes.clone();
    least[3] = i8::MIN;
    assert!(!row.may_have(&mean, &least, [scale, share, 9.0, 9.0]));
    let mut other = codes.clone();
    other[7] = if other[7] > 0 { -50 } else { 50 };
    assert!(!row.may_have(&mean, &other, [scale, share, error, length * 2.0]));
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
        match Sketch::open(&Arc::new(open(&path)), rows, dim) {
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
