//! Checks what a reader of single rows does not notice.

use super::{
    Plane,
    classify::{nearest, stands_by_itself},
    format::{RowClass, is_regular, norm},
    read::StoredRow,
};
use crate::{
    error::{Fault, Result},
    json::parse_f64,
};

impl Plane {
    /// Decodes every row: classes, exceptions, f32 and norms must be what the rows
    /// make of them. `progress` is told of every row.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub(crate) fn check_rows(&self, progress: &dyn Fn(u32)) -> Result<()> {
        let refuse = |span, fault| Err(self.file.damaged(span, 0, fault));
        let (mut exact, mut decimal, mut delta) = (0_u32, 0_u32, 0_u32);
        let mut exceptions = 0;
        let mut irregular = self.irregular()?.into_iter();
        for number in 0..self.meta.rows {
            let row = self.row(number)?;
            match row.class {
                RowClass::Exact => exact += 1,
                RowClass::Decimal => decimal += 1,
                RowClass::Delta => delta += 1,
            }
            exceptions += row.exceptions.len() as u64;
            let columns = row.exceptions.iter().map(|(column, _)| column);
            if !columns.is_sorted_by(|a, b| a < b) {
                return refuse(self.plane, Fault::Value("the order of exceptions"));
            }
            let mut tokens = row.exceptions.iter().map(|(_, token)| token);
            if !tokens.all(|token| parse_f64(token).is_some()) {
                return refuse(self.plane, Fault::Value("a number kept as text"));
            }
            let values = row.values();
            if !row.has_nearest_of(&values) {
                return refuse(self.plane, Fault::Value("the f32 of a number"));
            }
            let (stated, real) = (self.norm(number)?, norm(&values));
            if stated.to_bits() != real.to_bits() && !(stated.is_nan() && real.is_nan()) {
                return refuse(self.norms, Fault::Value("the norm of a row"));
            }
            let is_irregular = !row.exceptions.is_empty() || !is_regular(real);
            if is_irregular && irregular.next() != Some(number) {
                return refuse(self.norms, Fault::Value("the list of irregular rows"));
            }
            progress(number);
        }
        if (exact, decimal, delta) != (self.meta.exact, self.meta.decimal, self.meta.delta) {
            return refuse(self.classes, Fault::Bounds("number of rows of a class"));
        }
        if exceptions != self.meta.exceptions {
            return refuse(self.classes, Fault::Bounds("number of exceptions"));
        }
        match irregular.next() {
            Some(_) => refuse(self.norms, Fault::Value("the list of irregular rows")),
            None => Ok(()),
        }
    }
}

impl StoredRow<'_> {
    /// Whether the f32 are those nearest to the row's values: the bounds of a search rely
    /// on that, and on exceptions where an f32 says little.
    fn has_nearest_of(&self, values: &[f64]) -> bool {
        let mut exceptions = self.exceptions.iter().peekable();
        (0_u32..)
            .zip(self.nearest().zip(values))
            .all(|(n, (f, &value))| {
                let is_exception = exceptions.next_if(|(column, _)| *column == n).is_some();
                f.to_bits() == nearest(value).to_bits() && (is_exception || stands_by_itself(f))
            })
    }
}
