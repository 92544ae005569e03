//! Checks what single lookups do not notice.

use super::{IdColumn, format::kinds_len, read::Form};
use crate::{
    container::Span,
    error::{Fault, Result},
};

impl IdColumn {
    /// Looks every id up: each must lead to its own row. Then looks for bytes
    /// that are no id's.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub(crate) fn check_lookups(&self) -> Result<()> {
        let mut id = Vec::new();
        for row in 0..self.meta.rows {
            id.clear();
            self.get(row, &mut id)?;
            if self.find(&id)? != Some(row) {
                let fault = Fault::Value("an id that is not found");
                return Err(self.file.damaged(self.lookup, 0, fault));
            }
        }
        match self.form {
            Form::Uuid => Ok(()),
            Form::Text { ends, width } => {
                let end = match u64::from(self.meta.rows).checked_sub(1) {
                    Some(last) => self.end(last, ends, width)?,
                    None => 0,
                };
                self.ends_at(self.ids, end)
            }
            Form::Mixed { kinds, texts } => self.check_mixed(kinds, texts),
        }
    }

    /// Texts follow each other, and no bit is set for a row that is not there.
    fn check_mixed(&self, kinds: Span, texts: Span) -> Result<()> {
        let rows = u64::from(self.meta.rows);
        let mut end = 0;
        for row in 0..rows {
            if self.is_text(row, kinds)? {
                let text = self.range_among(row, texts)?;
                if text.start != end {
                    let fault = Fault::Layout;
                    return Err(self.file.damaged(self.ids, row * 16, fault));
                }
                end = text.end;
            }
        }
        for row in rows..kinds_len(self.meta.rows) * 8 {
            if self.is_text(row, kinds)? {
                return Err(self.file.damaged(kinds, row / 8, Fault::Layout));
            }
        }
        self.ends_at(texts, end)
    }

    fn ends_at(&self, span: Span, end: u64) -> Result<()> {
        match span.len() == end {
            true => Ok(()),
            false => Err(self.file.damaged(span, end, Fault::Layout)),
        }
    }
}
