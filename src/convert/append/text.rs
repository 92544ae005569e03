//! One record as text, by itself.

use crate::{
    error::{Error, Result},
    json::{JsonStyle, NormalTokens, Token},
    planes::StoredRow,
    segment::Printing,
    store::{CollectionPath, Parts},
};

/// Text gathered before it is handed on.
const PIECE: usize = 64 << 10;

/// Prints one record, piece by piece. `{}` stands for nested collections.
pub(super) struct OneText<'k> {
    printing: Printing,
    sink: &'k mut dyn FnMut(&[u8]) -> Result<()>,
    /// The token of its key, where it is not as the style would write it.
    pub(super) odd_key: Option<Vec<u8>>,
    /// Whether the record is kept as it was written.
    pub(super) is_verbatim: bool,
    /// The collections in it, in order.
    pub(super) maps: Vec<CollectionPath>,
}

impl<'k> OneText<'k> {
    /// For a record at `depth` of a text in `style`.
    pub(super) fn new(
        style: &JsonStyle,
        depth: usize,
        sink: &'k mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> OneText<'k> {
        OneText {
            printing: Printing::new(style, depth),
            sink,
            odd_key: None,
            is_verbatim: false,
            maps: Vec::new(),
        }
    }

    /// Hands on what is left.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.hand_on(0)
    }

    fn hand_on(&mut self, least: usize) -> Result<()> {
        let out = self.printing.outermost();
        if out.len() > least {
            (self.sink)(out)?;
            out.clear();
        }
        Ok(())
    }

    fn printed(&mut self, fits: bool) -> Result<()> {
        match fits {
            true => self.hand_on(PIECE),
            false => Err(too_large("length of a printed value")),
        }
    }
}

/// The error for what a segment cannot hold.
pub(super) fn too_large(what: &'static str) -> Error {
    Error::Limit {
        what,
        got: 0,
        limit: 0,
    }
}

impl Parts for OneText<'_> {
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()> {
        self.odd_key = odd_key.map(<[u8]>::to_vec);
        Ok(())
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        let fits = self.printing.normal(piece);
        self.printed(fits)
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.is_verbatim = true;
        self.printing.verbatim(text);
        self.printed(true)
    }

    fn numbers(&mut self, row: &StoredRow<'_>) -> Result<()> {
        let fits = self.printing.numbers(row);
        self.printed(fits)
    }

    fn json(&mut self, style: &JsonStyle) -> Result<()> {
        self.printing.json(style);
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        let ended = self.printing.end_json();
        self.printed(ended)
    }

    fn map(&mut self, path: &CollectionPath, _place: Option<(usize, u32)>) -> Result<()> {
        self.maps.push(path.clone());
        self.normal(b"{}")
    }
}

/// Where the parts of a record stand: how deep, in which style.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// Those of documents in strings come last.
    levels: Vec<(JsonStyle, usize)>,
}

impl Standing {
    /// For a record at `depth` of a text in `style`.
    pub(super) fn new(style: &JsonStyle, depth: usize) -> Standing {
        Standing {
            levels: vec![(style.clone(), depth)],
        }
    }

    pub(super) fn is_in_string(&self) -> bool {
        self.levels.len() > 1
    }

    pub(super) fn style(&self) -> Option<&JsonStyle> {
        self.levels.last().map(|(style, _)| style)
    }

    /// How deep the next value stands.
    pub(super) fn depth(&self) -> usize {
        self.levels.last().map_or(0, |(_, depth)| *depth)
    }

    pub(super) fn token(&mut self, token: &Token<'_>) {
        if let Some((_, depth)) = self.levels.last_mut() {
            match token {
                Token::Open(_) => *depth += 1,
                Token::Close(_) => *depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    pub(super) fn json(&mut self, style: &JsonStyle) {
        self.levels.push((style.clone(), 0));
    }

    pub(super) fn end_json(&mut self) {
        self.levels.pop();
    }
}

/// Looks for the place of a nested collection in a record.
pub(super) struct Locate<'p> {
    path: &'p CollectionPath,
    standing: Standing,
    found: Option<(JsonStyle, usize)>,
}

impl<'p> Locate<'p> {
    /// In a record at `depth` of a text in `style`.
    pub(super) fn new(path: &'p CollectionPath, style: &JsonStyle, depth: usize) -> Locate<'p> {
        Locate {
            path,
            standing: Standing::new(style, depth),
            found: None,
        }
    }

    /// The style around it, and how deep its own records stand.
    pub(super) fn found(self) -> Option<(JsonStyle, usize)> {
        self.found
    }
}

impl Parts for Locate<'_> {
    fn begin(&mut self, _odd_key: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        NormalTokens::new(piece).for_each(|token| self.standing.token(&token));
        Ok(())
    }

    fn verbatim(&mut self, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    fn numbers(&mut self, _row: &StoredRow<'_>) -> Result<()> {
        Ok(())
    }

    fn json(&mut self, style: &JsonStyle) -> Result<()> {
        self.standing.json(style);
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        self.standing.end_json();
        Ok(())
    }

    fn map(&mut self, path: &CollectionPath, _place: Option<(usize, u32)>) -> Result<()> {
        if path == self.path {
            let style = self.standing.style().cloned();
            self.found = style.map(|style| (style, self.standing.depth() + 1));
        }
        Ok(())
    }
}
