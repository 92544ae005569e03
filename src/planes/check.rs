//! Checks what a reader of single rows does not notice.

use super::{
    Plane,
    format::{RowClass, is_regular, norm},
};
use crate::error::{Fault, Result};

impl Plane {
    /// Decodes every row: classes, exceptions and norms must be what the rows
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
            let (stated, real) = (self.norm(number)?, norm(&row.values()));
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
