//! JSON as *text*: found, checked, taken apart and printed without changing a
//! token.
//!
//! The persist dirs of LlamaIndex are written by Python's `json`, by pydantic
//! and by JavaScript, and must come back to the byte. A value model (a tree of
//! numbers, strings and maps) loses what they differ in, and some of what they
//! write: integers of any size, `NaN`, `-0`, `1.0` beside `1`, lone
//! surrogates, duplicate keys, nesting a million deep. So nothing here builds
//! values. In the order in which text goes through:
//!
//! * [`Window`] reads a file piece by piece and hands out the texts of whole
//!   values, each checked by [`value_end`], the scanner;
//! * [`Elements`] and [`Members`] walk over the children of a checked
//!   container;
//! * [`Value`] is one of them, looked into as far as is asked;
//! * [`JsonStyle`] is what a writer was free to choose; it is detected once
//!   for a text;
//! * [`normalise`] strips a value of the style for storing, [`print()`] puts
//!   it back on: `print(normalise(text), style) == text` for what writers
//!   write, and who needs certainty compares;
//! * [`decode`] and [`encode`] translate strings, [`parse_f64`],
//!   [`print_f64`] and [`print_f32_shortest`] numbers, for those values that
//!   are stored as what they mean.
//!
//! This layer knows nothing of LlamaIndex's stores or of binary files, and is
//! no general JSON library: it never builds a document, and most functions
//! take text that the scanner has accepted (on other text they still neither
//! panic nor run on).
//!
//! Nothing recurses; the only limits are those of [`Window`] and
//! [`print_within`].

mod content;
mod decimal;
mod detect;
pub mod normal;
pub mod number;
pub mod print;
mod runs;
pub mod scan;
pub mod string;
pub mod style;
mod tokens;
pub mod value;
pub mod walk;
pub mod window;

#[cfg(test)]
mod tests;

pub(crate) use decimal::Decimal;
pub use normal::normalise;
pub(crate) use number::print_all;
pub use number::{NumberLayout, parse_f64, print_f32_shortest, print_f64};
pub(crate) use print::Printer;
pub use print::{print, print_within};
pub(crate) use runs::{scalar, until_mark};
pub use scan::{ScanError, ScanFault, skip_white, string_end, value_end};
pub(crate) use string::encode_content;
pub use string::{Escapes, decode, encode};
pub use style::{Indent, JsonStyle, Newline};
pub(crate) use tokens::{NormalTokens, Token, Tokens};
pub use value::{Kind, Value};
pub(crate) use walk::string_len;
pub use walk::{Elements, Members};
pub use window::Window;

/// The UTF-8 byte order mark.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";
