//! Sections 11 and 12: manifests and sync records.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::{
    Case,
    Outcome::{self, Damaged, Prints, Says, Unknown},
    common::forge::{
        At, Fingerprint, Forge, Known, Manifest, Packed, SegmentKind, SegmentRef, Store, StoreKind,
        SyncEntry, SyncFile, encode, root,
    },
    records::Records,
    vectors::{self, Vectors},
    whole::{self, Verbatim},
};

const CASES_STORE: &str = super::STORE;

fn refer(kind: SegmentKind, bytes: &[u8]) -> SegmentRef {
    SegmentRef {
        kind,
        number: 1,
        length: bytes.len() as u64,
        root: root(bytes),
    }
}

fn vec() -> SegmentRef {
    refer(SegmentKind::Vectors, &Vectors::sound().bytes())
}

fn rec() -> SegmentRef {
    refer(SegmentKind::Records, &Records::sound().bytes())
}

fn raw() -> SegmentRef {
    refer(SegmentKind::Verbatim, &Verbatim::sound().bytes())
}

fn del() -> SegmentRef {
    refer(SegmentKind::Tombstones, &whole::dead(&[0]))
}

/// Section 12, for texts of up to 1 MiB.
fn fingerprint(text: &str) -> Fingerprint {
    let text = text.as_bytes();
    let sample = |i: usize| &text[text.len() * i / 16..text.len() * (i + 1) / 16];
    Fingerprint {
        length: text.len() as u64,
        hashes: std::array::from_fn(|i| xxh3_64(sample(i))),
        hash: xxh3_128(text).to_le_bytes(),
    }
}

fn sound() -> Manifest {
    Manifest {
        generation: 1,
        parent: 0,
        writer: "the forge".to_owned(),
        created_ms: 1_700_000_000_000,
        stores: vec![Store {
            packed: Some(Packed {
                generation: 1,
                text: fingerprint(vectors::TEXT),
                is_json: true,
            }),
            ..store(vec![vec()], None)
        }],
    }
}

fn store(segments: Vec<SegmentRef>, verbatim: Option<SegmentRef>) -> Store {
    Store {
        file: CASES_STORE.to_owned(),
        kind: StoreKind::VectorStore,
        changed: 1,
        packed: None,
        segments,
        verbatim,
    }
}

fn file(letters: &[u8; 3], meta: Vec<u8>) -> Forge {
    let mut file = Forge::new(letters);
    file.section(b"META", meta);
    file
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut man = |name, outcome: Outcome, change: &dyn Fn(&mut Manifest)| {
        let mut manifest = sound();
        change(&mut manifest);
        let bytes = file(b"MAN", encode(manifest)).bytes();
        cases.push(Case {
            name,
            bytes,
            outcome,
        });
    };
    man("man-sound", Prints(vectors::TEXT), &|_| {});
    man("man-file-form", Prints(whole::TEXT), &|m| {
        m.stores = vec![store(vec![], Some(raw()))]
    });
    man("man-file-form-with-structure", Prints(whole::TEXT), &|m| {
        m.stores = vec![store(vec![rec()], Some(raw()))];
    });
    man(
        "man-with-tombstones",
        Prints(vectors::TEXT_WITHOUT_ALPHA),
        &|m| {
            m.stores = vec![store(vec![vec(), del()], None)];
        },
    );
    man(
        "man-generation-zero",
        Damaged("META at byte 0: the generation has a value that the format does not allow"),
        &|m| m.generation = 0,
    );
    man(
        "man-generation-of-another-name",
        Damaged("META at byte 0: the generation has a value that the format does not allow"),
        &|m| m.generation = 2,
    );
    man(
        "man-parent-not-older",
        Damaged("META at byte 0: the parent generation has a value that the format does not allow"),
        &|m| m.parent = 1,
    );
    for (name, of) in [
        ("man-store-name-empty", ""),
        ("man-store-name-dots", ".."),
        ("man-store-name-path", "../a.json"),
        ("man-store-name-backslash", "a\\b.json"),
        ("man-store-name-nul", "a\0.json"),
        ("man-store-name-twin", "twin"),
    ] {
        man(
            name,
            Damaged(
                "META at byte 0: a store's file name has a value that the format does not allow",
            ),
            &|m| m.stores[0].file = of.to_owned(),
        );
    }
    man(
        "man-store-twice",
        Damaged("META at byte 0: a repeated store has a value that the format does not allow"),
        &|m| m.stores.push(store(vec![rec()], None)),
    );
    man(
        "man-store-changed-later",
        Damaged("META at byte 0: a store's generation has a value that the format does not allow"),
        &|m| m.stores[0].changed = 2,
    );
    man(
        "man-store-changed-never",
        Damaged("META at byte 0: a store's generation has a value that the format does not allow"),
        &|m| m.stores[0].changed = 0,
    );
    man(
        "man-store-packed-later",
        Damaged("META at byte 0: a store's generation has a value that the format does not allow"),
        &|m| {
            m.stores[0].packed.as_mut().unwrap().generation = 2;
        },
    );
    man(
        "man-store-without-segments",
        Damaged(
            "META at byte 0: a store without segments has a value that the format does not allow",
        ),
        &|m| m.stores[0].segments.clear(),
    );
    let form = |segments: &dyn Fn() -> Vec<SegmentRef>, verbatim| {
        let segments = segments();
        move |m: &mut Manifest| m.stores = vec![store(segments.clone(), verbatim)]
    };
    man(
        "man-store-of-two-kinds",
        Damaged("META at byte 0: a segment's kind has a value that the format does not allow"),
        &form(&|| vec![vec(), rec()], None),
    );
    man(
        "man-store-tombstones-only",
        Damaged("META at byte 0: a segment's kind has a value that the format does not allow"),
        &form(&|| vec![del()], None),
    );
    man(
        "man-store-tombstones-first",
        Damaged("META at byte 0: a segment's kind has a value that the format does not allow"),
        &form(&|| vec![del(), vec()], None),
    );
    man(
        "man-store-tombstones-twice",
        Damaged("META at byte 0: a segment's kind has a value that the format does not allow"),
        &form(
            &|| vec![vec(), del(), SegmentRef { number: 2, ..del() }],
            None,
        ),
    );
    man(
        "man-store-verbatim-among-segments",
        Damaged("META at byte 0: a segment's kind has a value that the format does not allow"),
        &form(&|| vec![raw()], None),
    );
    man(
        "man-store-text-in-another-kind",
        Damaged("META at byte 0: a segment's kind has a value that the format does not allow"),
        &form(&Vec::new, Some(rec())),
    );
    man(
        "man-segment-twice",
        Damaged("META at byte 0: a repeated segment has a value that the format does not allow"),
        &form(&|| vec![vec(), vec()], None),
    );
    man(
        "man-segment-of-two-stores",
        Damaged("META at byte 0: a repeated segment has a value that the format does not allow"),
        &|m| {
            let mut other = store(vec![vec()], None);
            other.file = "other.json".to_owned();
            m.stores.push(other);
        },
    );
    man(
        "man-packed-text",
        Says(
            "vec-0000000000000001.seg: file at byte 0: the text it holds is not the text that was packed (other hash); restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store",
        ),
        &|m| {
            m.stores[0].packed.as_mut().unwrap().text.hash[0] ^= 1;
        },
    );
    man(
        "man-segment-length",
        Says(
            "vec-0000000000000001.seg: file at byte 0: the file is 2336 bytes long, but must be 2400; restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store",
        ),
        &|m| m.stores[0].segments[0].length += 64,
    );
    man(
        "man-segment-root",
        Says(
            "vec-0000000000000001.seg: trailer at byte 2304: the file is not the one that the manifest names (other content root); restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store",
        ),
        &|m| m.stores[0].segments[0].root[0] ^= 1,
    );

    // The container and the encoding
    let mut bytes = |name, outcome, bytes| {
        cases.push(Case {
            name,
            bytes,
            outcome,
        })
    };
    let plain = || file(b"MAN", encode(sound()));
    let mut changed = encode(sound());
    let kind = changed
        .windows(CASES_STORE.len())
        .position(|w| w == CASES_STORE.as_bytes());
    changed[kind.unwrap() + CASES_STORE.len()] = 8;
    bytes(
        "man-encoding-store-kind",
        Damaged("META at byte 64: the metadata cannot be decoded"),
        file(b"MAN", changed).bytes(),
    );
    let mut changed = encode(sound());
    changed[3] = 0xff;
    bytes(
        "man-encoding-not-utf-8",
        Damaged("META at byte 64: the metadata cannot be decoded"),
        file(b"MAN", changed).bytes(),
    );
    let mut changed = encode(sound());
    changed.push(0);
    bytes(
        "man-encoding-left-over",
        Damaged("META at byte 64: the metadata cannot be decoded"),
        file(b"MAN", changed).bytes(),
    );
    bytes(
        "man-newer-minor",
        Unknown("header at byte 8: format version 1.1 is not known to this build"),
        plain().patch(At::Header, 10, [1]).bytes(),
    );
    bytes(
        "man-incompat-flag",
        Unknown("header at byte 16: the file needs features this build does not have (flags 0x1)"),
        plain().patch(At::Header, 16, [1]).bytes(),
    );
    bytes(
        "man-compat-flag",
        Prints(vectors::TEXT),
        plain().patch(At::Header, 24, [1]).bytes(),
    );
    bytes(
        "man-section-unknown-required",
        Unknown(
            "section table at byte 480: required section 0x5357454e is not known to this build",
        ),
        plain().section(b"NEWS", vec![]).bytes(),
    );
    bytes(
        "man-section-of-another-kind",
        Damaged("IDS at byte 320: sections are not laid out end to end"),
        plain().section(b"IDS ", vec![]).bytes(),
    );
    bytes(
        "man-padding",
        Damaged("META at byte 304: reserved or padding bytes are not zero"),
        {
            let mut file = plain();
            let end = 64 + file.sections[0].2.len();
            assert!(!end.is_multiple_of(64));
            file.patch(At::Data, end, [1]).bytes()
        },
    );
    bytes(
        "man-of-another-kind",
        Damaged(
            "header at byte 0: this is not a twinstore file of the expected kind (wrong magic)",
        ),
        file(b"SYN", encode(sound())).bytes(),
    );

    // Sync records
    let entry = |dropped| SyncEntry {
        known: Some(Known {
            length: 12,
            mtime_ns: -1,
            inode: 3,
            taken_ns: 1 << 70,
            text: Fingerprint::default(),
            changed: 1,
        }),
        pending: None,
        dropped,
    };
    let sync = |files: &[(&str, SyncEntry)]| {
        let files = files
            .iter()
            .map(|(name, entry)| ((*name).to_owned(), entry.clone()));
        encode(SyncFile {
            generation: 1,
            files: files.collect(),
        })
    };
    let of = |meta| file(b"SYN", meta).bytes();
    bytes(
        "syn-sound",
        Prints(whole::TEXT),
        of(sync(&[("a", entry(true)), ("b", entry(false))])),
    );
    bytes(
        "syn-file-name",
        Damaged("META at byte 0: a store's file name has a value that the format does not allow"),
        of(sync(&[("a/b", entry(true))])),
    );
    bytes(
        "syn-files-not-sorted",
        Damaged("META at byte 64: the metadata cannot be decoded"),
        of(sync(&[("b", entry(true)), ("a", entry(false))])),
    );
    bytes(
        "syn-file-twice",
        Damaged("META at byte 64: the metadata cannot be decoded"),
        of(sync(&[("a", entry(true)), ("a", entry(false))])),
    );
    let mut changed = sync(&[("a", entry(true))]);
    *changed.last_mut().unwrap() = 2;
    bytes(
        "syn-encoding-bool",
        Damaged("META at byte 64: the metadata cannot be decoded"),
        of(changed),
    );
    bytes(
        "syn-newer-minor",
        Unknown("header at byte 8: format version 1.1 is not known to this build"),
        file(b"SYN", sync(&[])).patch(At::Header, 10, [1]).bytes(),
    );
    cases
}
