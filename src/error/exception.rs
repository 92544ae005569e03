//! Python's classes of exceptions.

use std::fmt;

/// The class of the exception that LlamaIndex, or Python itself, raises for an
/// error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PythonException {
    /// `AssertionError`
    Assertion,
    /// `AttributeError`
    Attribute,
    /// `IndexError`
    Index,
    /// `json.JSONDecodeError`, which is a `ValueError`.
    JsonDecode,
    /// `KeyError`
    Key,
    /// `NotImplementedError`
    NotImplemented,
    /// `TypeError`
    Type,
    /// `ValueError`
    Value,
}

impl PythonException {
    /// All of them.
    pub const ALL: [PythonException; 8] = [
        PythonException::Assertion,
        PythonException::Attribute,
        PythonException::Index,
        PythonException::JsonDecode,
        PythonException::Key,
        PythonException::NotImplemented,
        PythonException::Type,
        PythonException::Value,
    ];

    /// The name of the class.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PythonException::Assertion => "AssertionError",
            PythonException::Attribute => "AttributeError",
            PythonException::Index => "IndexError",
            PythonException::JsonDecode => "JSONDecodeError",
            PythonException::Key => "KeyError",
            PythonException::NotImplemented => "NotImplementedError",
            PythonException::Type => "TypeError",
            PythonException::Value => "ValueError",
        }
    }
}

impl fmt::Display for PythonException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
