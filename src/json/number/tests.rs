mod reference;

use super::*;
use proptest::prelude::*;

const ALL: [NumberLayout; 3] = [
    NumberLayout::Python,
    NumberLayout::Ryu,
    NumberLayout::JavaScript,
];

fn f64_text(value: f64, layout: NumberLayout) -> String {
    let mut out = Vec::new();
    print_f64(value, layout, &mut out);
    String::from_utf8(out).unwrap()
}

fn f32_text(value: f32, layout: NumberLayout) -> String {
    let mut out = Vec::new();
    print_f32_shortest(value, layout, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn prints_what_the_writers_print() {
    for &(bits, python, ryu, javascript) in reference::TABLE {
        let value = f64::from_bits(bits);
        assert_eq!(f64_text(value, NumberLayout::Python), python);
        assert_eq!(f64_text(value, NumberLayout::Ryu), ryu);
        assert_eq!(f64_text(value, NumberLayout::JavaScript), javascript);
        assert_eq!(parse_f64(python.as_bytes()).unwrap().to_bits(), bits);
    }
}

#[test]
fn exact_ties_break_to_the_even_digit_unlike_the_standard_library() {
    let tie = 2f64.powi(-25);
    assert_eq!(
        f64_text(tie, NumberLayout::Python),
        "2.9802322387695312e-08"
    );
}

#[test]
fn not_finite_values_are_spelled_as_each_writer_does() {
    for (value, python) in [
        (f64::NAN, "NaN"),
        (-f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(f64_text(value, NumberLayout::Python), python);
        assert_eq!(f64_text(value, NumberLayout::Ryu), "null");
        assert_eq!(f64_text(value, NumberLayout::JavaScript), "null");
        assert_eq!(f32_text(value as f32, NumberLayout::Python), python);
    }
}

#[test]
fn the_f32_nearest_to_a_layout_bound_is_laid_out_by_its_digits() {
    // 1e-4f32 is 9.999999747378752e-05, but its own shortest digits are 1e-4.
    assert_eq!(f32_text(1e-4, NumberLayout::Python), "0.0001");
    assert_eq!(f32_text(1e-5, NumberLayout::Python), "1e-05");
    assert_eq!(f32_text(1e-5, NumberLayout::Ryu), "0.00001");
    assert_eq!(f32_text(1e-6, NumberLayout::JavaScript), "0.000001");
    assert_eq!(f32_text(1e16, NumberLayout::Ryu), "1e+16");
    assert_eq!(
        f32_text(1e16, NumberLayout::JavaScript),
        "10000000000000000"
    );
    assert_eq!(f32_text(-0.0, NumberLayout::Python), "-0.0");
    assert_eq!(f32_text(1e-45, NumberLayout::Python), "1e-45");
    assert_eq!(f32_text(3.4028235e38, NumberLayout::Ryu), "3.4028235e+38");
    assert_eq!(f32_text(33554432.0, NumberLayout::Python), "33554432.0");
}

#[test]
fn only_number_tokens_have_a_value() {
    for (token, value) in [
        ("0", 0.0),
        ("-12", -12.0),
        ("1E2", 100.0),
        ("1.0e+2", 100.0),
        ("0.10", 0.1),
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
        ("1e-400", 0.0),
        ("Infinity", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("9007199254740993", 9007199254740992.0),
        ("1180591620717411303424", 1180591620717411303424.0),
    ] {
        assert_eq!(parse_f64(token.as_bytes()), Some(value), "{token}");
    }
    assert!(parse_f64(b"NaN").unwrap().is_nan());
    assert_eq!(parse_f64(b"-0").unwrap().to_bits(), (-0.0f64).to_bits());
    for token in [
        "", "-", "+1", ".5", "5.", "01", "1e", "1e+", "inf", "nan", "-NaN", "infinity", "Infinit",
        "1_0", " 1", "1 ", "0x1", "1.e5", "--1", "\"1\"", "null", "1\u{e9}",
    ] {
        assert_eq!(parse_f64(token.as_bytes()), None, "{token}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_float_reads_back_to_its_bits(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        for layout in ALL {
            let text = f64_text(value, layout);
            prop_assert_eq!(parse_f64(text.as_bytes()).unwrap().to_bits(), bits, "{}", text);
        }
    }

    #[test]
    fn ordinary_floats_read_back_to_their_bits(value in -2.0f64..2.0, shift in -40i32..60) {
        let value = value * 2f64.powi(shift);
        for layout in ALL {
            let text = f64_text(value, layout);
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(value), "{}", text);
        }
    }

    #[test]
    fn short_tokens_read_as_the_standard_parser_reads_them(
        token in "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,12})?",
    ) {
        let wanted: f64 = token.parse().unwrap();
        prop_assert_eq!(parse_f64(token.as_bytes()).unwrap().to_bits(), wanted.to_bits());
    }

    #[test]
    fn the_text_of_an_f32_is_the_text_of_the_double_that_it_reads_to(bits: u32) {
        let value = f32::from_bits(bits);
        prop_assume!(value.is_normal());
        for layout in ALL {
            let text = f32_text(value, layout);
            let wide = parse_f64(text.as_bytes()).unwrap();
            prop_assert_eq!(wide as f32, value);
            prop_assert_eq!(f64_text(wide, layout), text);
        }
    }

    #[test]
    fn no_token_panics(token in prop::collection::vec(prop_oneof![
        Just(b'-'), Just(b'.'), Just(b'e'), Just(b'0'), Just(b'9'), Just(b'I'), any::<u8>(),
    ], 0..12)) {
        if let Some(value) = parse_f64(&token) {
            // What it accepts, the standard parser reads to the same value.
            let text = std::str::from_utf8(&token).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
