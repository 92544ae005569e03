//! Ids that somebody chose so that they collide, and slots that somebody filled so that
//! all of them do.

use super::*;
use crate::ids::format::{MAX_PROBE, Probe, SEEDS, slot_count};

/// So many ids that start to be looked for in the first slots pile up beyond what a lookup
/// goes through.
const PILE: usize = MAX_PROBE as usize + 108;
const FIRST: u64 = 64;

/// Ids that pile up with each of the first `seeds` seeds.
fn colliding(seeds: u64) -> Vec<Vec<u8>> {
    let rows = seeds as u32 * PILE as u32;
    let slots = slot_count(rows);
    let mut ids = Vec::new();
    for seed in 0..seeds {
        let numbered = (0_u32..).map(|n| format!("{seed}-{n}").into_bytes());
        let collide = numbered.filter(|id| Probe::new(id, seed, slots, rows).slot < FIRST);
        ids.extend(collide.take(PILE));
    }
    ids
}

fn column(ids: &[Vec<u8>]) -> IdColumn {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = IdBuilder::new(Spill::new(dir.path()));
    for id in ids {
        builder.intern(id, u32::MAX).unwrap();
    }
    let path = dir.path().join("ids");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    let meta = builder.finish(&mut out).unwrap();
    out.finish().unwrap();
    open(&path, &meta).unwrap()
}

fn open(path: &Path, meta: &IdsMeta) -> crate::Result<IdColumn> {
    let options = OpenOptions::default();
    let file = Container::open(path, FileKind::Vectors, Expected::Any, &options)?;
    IdColumn::open(&Arc::new(file), meta)
}

#[test]
fn ids_that_collide_get_another_seed_and_at_last_are_sorted() {
    for attacked in [1, 3, SEEDS] {
        let ids = colliding(attacked);
        let column = column(&ids);
        match column.meta.lookup {
            Lookup::Slots {
                seed, max_probe, ..
            } => {
                assert_eq!(seed, attacked);
                assert!(max_probe < MAX_PROBE);
            }
            Lookup::Sorted => assert_eq!(attacked, SEEDS),
        }
        for (row, id) in ids.iter().enumerate() {
            assert_eq!(column.find(id).unwrap(), Some(row as u32));
        }
        for n in 0..100 {
            assert_eq!(column.find(format!("other-{n}").as_bytes()).unwrap(), None);
        }
        column.check_lookups().unwrap();
    }
}

/// Where no slot is free, and each looks like the one that is asked for, a lookup would go
/// round for ever, or through all of the file.
#[test]
fn slots_that_all_collide_end_a_lookup_and_are_refused() {
    const ROWS: u32 = 1000;
    let asked = b"asked for";
    let slots = slot_count(ROWS);
    let probe = Probe::new(asked, 0, slots, ROWS);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ids");
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    let texts: Vec<_> = (0..ROWS).map(|row| format!("{row:04}")).collect();
    out.whole(SectionKind::IDS, texts.concat().as_bytes())
        .unwrap();
    let ends: Vec<u8> = (1..=ROWS).flat_map(|n| (4 * n).to_le_bytes()).collect();
    out.whole(SectionKind::ID_ENDS, &ends).unwrap();
    let slot = (probe.fingerprint | 1).to_le_bytes();
    out.whole(SectionKind::ID_SLOTS, &slot.repeat(slots as usize))
        .unwrap();
    out.finish().unwrap();
    let meta = |max_probe| IdsMeta {
        rows: ROWS,
        form: IdForm::Text,
        lookup: Lookup::Slots {
            seed: 0,
            slots,
            max_probe,
        },
    };
    let column = open(&path, &meta(MAX_PROBE - 1)).unwrap();
    assert_eq!(column.find(asked).unwrap(), None);
    assert_eq!(
        fault(column.check_lookups()),
        Fault::Value("an id that is not found")
    );
    for more in [MAX_PROBE, u32::MAX] {
        assert_eq!(
            fault(open(&path, &meta(more))),
            Fault::Value("number of slots")
        );
    }
}
