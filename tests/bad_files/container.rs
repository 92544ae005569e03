//! Section 4: header, tables, trailer. Most of these are verbatim segments,
//! the simplest kind.

use super::{
    Case,
    Outcome::{self, Damaged, Prints, ReadOnly, Unknown},
    common::forge::{At, Forge},
    whole::{self, Verbatim},
};

const TEXT: &str = whole::TEXT;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sound = || Verbatim::sound().forge();
    let mut forged = |name, outcome, change: &dyn Fn(&mut Forge)| {
        let mut file = sound();
        change(&mut file);
        let bytes = file.bytes();
        cases.push(Case {
            name,
            bytes,
            outcome,
        });
    };

    // Flags and versions
    forged(
        "raw-container-incompat-flag",
        Unknown(
            "header at byte 16: the file needs features this build does not have (flags 0x80000004)",
        ),
        &|f| {
            f.patch(At::Header, 16, [4, 0, 0, 0x80]);
        },
    );
    forged("raw-container-ro-compat-flag", ReadOnly(TEXT), &|f| {
        f.patch(At::Header, 20, [1]);
    });
    forged("raw-container-compat-flag", Prints(TEXT), &|f| {
        f.patch(At::Header, 24, [0xff; 4]);
    });
    forged(
        "raw-container-newer-minor",
        Unknown("header at byte 8: format version 1.1 is not known to this build"),
        &|f| {
            f.patch(At::Header, 10, [1]);
        },
    );
    forged(
        "raw-container-draft",
        Damaged("header at byte 8: format version 0.2 was a draft, which this build does not read"),
        &|f| {
            f.patch(At::Header, 8, [0, 0, 2, 0]);
        },
    );
    forged(
        "raw-container-other-major",
        Unknown("header at byte 8: format version 2.0 is not known to this build"),
        &|f| {
            f.patch(At::Header, 8, [2, 0, 0, 0]);
        },
    );
    forged(
        "raw-container-version-before-flags",
        Unknown("header at byte 8: format version 9.9 is not known to this build"),
        &|f| {
            f.patch(At::Header, 8, [9, 0, 9, 0])
                .patch(At::Header, 16, [1]);
        },
    );
    forged(
        "raw-container-checksum-algorithm",
        Unknown("header at byte 12: checksum algorithm 3 is not known to this build"),
        &|f| {
            f.patch(At::Header, 12, [3]);
        },
    );
    forged(
        "raw-container-block-length",
        Damaged("header at byte 13: block size has a value that the format does not allow"),
        &|f| {
            f.patch(At::Header, 13, [12]);
        },
    );
    forged(
        "raw-container-header-reserved",
        Damaged("header at byte 14: reserved or padding bytes are not zero"),
        &|f| {
            f.patch(At::Header, 14, [1]);
        },
    );
    forged(
        "raw-container-header-reserved-end",
        Damaged("header at byte 14: reserved or padding bytes are not zero"),
        &|f| {
            f.patch(At::Header, 59, [1]);
        },
    );

    // Section table
    forged(
        "raw-section-unknown-required",
        Unknown(
            "section table at byte 544: required section 0x5357454e is not known to this build",
        ),
        &|f| {
            f.section(b"NEWS", b"from the future".to_vec());
        },
    );
    forged("raw-section-unknown-not-required", Prints(TEXT), &|f| {
        f.sections.push((*b"NEWS", 0, b"from the future".to_vec()));
    });
    forged(
        "raw-section-of-another-kind",
        Damaged("PLANE at byte 256: sections are not laid out end to end"),
        &|f| {
            f.section(b"PLAN", vec![0; 64]);
        },
    );
    forged(
        "raw-section-of-another-kind-not-required",
        Prints(TEXT),
        &|f| {
            f.sections.push((*b"PLAN", 0, vec![0; 64]));
        },
    );
    forged(
        "raw-section-flags",
        Damaged("section table at byte 416: reserved or padding bytes are not zero"),
        &|f| {
            f.sections[1].1 = 3;
        },
    );
    forged(
        "raw-section-reserved",
        Damaged("section table at byte 384: reserved or padding bytes are not zero"),
        &|f| {
            f.patch(At::Toc, 28, [1]);
        },
    );
    forged(
        "raw-section-twice",
        Damaged("section table at byte 544: sections are not laid out end to end"),
        &|f| {
            let again = f.sections[2].clone();
            f.sections.push(again);
        },
    );
    forged(
        "raw-section-overlaps",
        Damaged("section table at byte 416: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Toc, 32 + 8, [64]);
        },
    );
    forged(
        "raw-section-beyond-the-data",
        Damaged("section table at byte 448: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Toc, 64 + 16, [0xff, 1]);
        },
    );
    forged(
        "raw-section-length-overflows",
        Damaged("section table at byte 384: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Toc, 16, [0xff; 8]);
        },
    );
    forged(
        "raw-section-hole",
        Damaged("section table at byte 448: sections are not laid out end to end"),
        &|f| {
            f.hole = 64;
        },
    );
    forged(
        "raw-section-too-many",
        Damaged("trailer at byte 2464: sections are not laid out end to end"),
        &|f| {
            f.sections
                .extend((0..62_u8).map(|n| ([b'X', b'X', b'0', n], 0, Vec::new())));
        },
    );
    forged(
        "raw-section-padding",
        Damaged("BLOCKS at byte 104: reserved or padding bytes are not zero"),
        &|f| {
            f.patch(At::Data, 127, [1]);
        },
    );
    forged(
        "raw-section-missing-meta",
        Damaged("META at byte 320: the section is missing"),
        &|f| {
            f.sections.retain(|(kind, ..)| kind != b"META");
        },
    );
    forged(
        "raw-section-missing-blocks",
        Damaged("BLOCKS at byte 320: the section is missing"),
        &|f| {
            f.sections.retain(|(kind, ..)| kind != b"BLKS");
        },
    );
    forged(
        "raw-section-missing-block-index",
        Damaged("BLOCK_INDEX at byte 320: the section is missing"),
        &|f| {
            f.sections.retain(|(kind, ..)| kind != b"BIDX");
        },
    );
    forged(
        "raw-container-without-sections",
        Damaged("META at byte 192: the section is missing"),
        &|f| {
            f.sections.clear();
        },
    );

    // Checksums of the data, and the tables they stand in
    forged(
        "raw-container-block-checksum",
        Damaged("header at byte 0: checksum mismatch"),
        &|f| {
            f.patch(At::Table, 0, [1, 2, 3, 4]);
        },
    );
    forged(
        "raw-container-page-checksum",
        Damaged("block checksums at byte 256: checksum mismatch"),
        &|f| {
            f.patch(At::Pages, 0, [1, 2, 3, 4]);
        },
    );
    forged(
        "raw-container-page-checksums-padding",
        Damaged("section table at byte 320: reserved or padding bytes are not zero"),
        &|f| {
            f.patch(At::Pages, 4, [1]);
        },
    );

    // Trailer
    forged(
        "raw-trailer-layout",
        Damaged("trailer at byte 480: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Trailer, 0, [64]);
        },
    );
    forged(
        "raw-trailer-table-of-pages",
        Damaged("trailer at byte 480: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Trailer, 8, [0; 8]);
        },
    );
    forged(
        "raw-trailer-section-table",
        Damaged("trailer at byte 480: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Trailer, 24, [95]);
        },
    );
    forged(
        "raw-trailer-offsets-overflow",
        Damaged("trailer at byte 480: sections are not laid out end to end"),
        &|f| {
            f.patch(At::Trailer, 0, [0xff; 24]);
        },
    );
    forged(
        "raw-trailer-root",
        Damaged("trailer at byte 512: checksum mismatch"),
        &|f| {
            f.patch(At::Trailer, 32, [0; 16]);
        },
    );
    forged(
        "raw-trailer-length",
        Damaged("trailer at byte 528: the file is 544 bytes long, but must be 1"),
        &|f| {
            f.patch(At::Trailer, 48, [1, 0]);
        },
    );

    // Bytes changed without their checksum
    let mut raw = |name, outcome: Outcome, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sound().bytes();
        change(&mut bytes);
        cases.push(Case {
            name,
            bytes,
            outcome,
        });
    };
    raw(
        "raw-file-empty",
        Damaged("file at byte 0: the file is 0 bytes long, shorter than any twin file"),
        &|b| b.clear(),
    );
    raw(
        "raw-file-shorter-than-any",
        Damaged("file at byte 0: the file is 127 bytes long, shorter than any twin file"),
        &|b| b.truncate(127),
    );
    raw(
        "raw-file-cut",
        Damaged(
            "trailer at byte 476: the end mark is missing: the file is cut, extended or not ours",
        ),
        &|b| b.truncate(b.len() - 64),
    );
    raw(
        "raw-file-extended",
        Damaged(
            "trailer at byte 604: the end mark is missing: the file is cut, extended or not ours",
        ),
        &|b| b.extend([0; 64]),
    );
    raw(
        "raw-file-end-mark",
        Damaged(
            "trailer at byte 540: the end mark is missing: the file is cut, extended or not ours",
        ),
        &|b| *b.last_mut().unwrap() ^= 1,
    );
    raw(
        "raw-file-magic",
        Damaged(
            "header at byte 0: this is not a twinstore file of the expected kind (wrong magic)",
        ),
        &|b| b[0] = 0x88,
    );
    raw(
        "raw-file-in-text-mode",
        Damaged(
            "header at byte 0: this is not a twinstore file of the expected kind (wrong magic)",
        ),
        &|b| {
            b.remove(4);
            b.push(0);
        },
    );
    raw(
        "raw-file-header-checksum",
        Damaged("header at byte 0: checksum mismatch"),
        &|b| b[10] ^= 1,
    );
    raw(
        "raw-file-trailer-checksum",
        Damaged("trailer at byte 480: checksum mismatch"),
        &|b| {
            let at = b.len() - 64;
            b[at] ^= 1;
        },
    );
    raw(
        "raw-file-section-table-checksum",
        Damaged("section table at byte 320: checksum mismatch"),
        &|b| {
            let at = b.len() - 65;
            b[at] ^= 1;
        },
    );
    raw(
        "raw-file-data-checksum",
        Damaged("BLOCKS at byte 64: checksum mismatch"),
        &|b| b[64] ^= 1,
    );
    raw(
        "raw-file-of-another-kind",
        Damaged(
            "header at byte 0: this is not a twinstore file of the expected kind (wrong magic)",
        ),
        &|b| {
            *b = super::whole::dead(&[0]);
        },
    );
    cases
}
