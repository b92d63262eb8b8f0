//! Puts the pieces of a long body together under the process's budget. It never reserves memory for bytes that have not
//! arrived, and never more than was announced.

use shard::{Budget, Permit};
use thiserror::Error;

/// A body that is not complete yet.
#[derive(Debug)]
pub struct Assembly {
    bytes: Vec<u8>,
    body_len: usize,
    _permit: Permit,
}

/// Why a body cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AssemblyError {
    /// The budget has no room for it.
    #[error("body of {body_len} bytes does not fit: {held} of {limit} bytes are held")]
    NoBudget {
        /// The whole body.
        body_len: usize,
        /// Bytes held by others.
        held: usize,
        /// What of the budget is for bodies in pieces.
        limit: usize,
    },
    /// More or fewer bytes than announced.
    #[error("body of {found} bytes, announced were {announced}")]
    WrongLength {
        /// Bytes that came.
        found: usize,
        /// Bytes that were announced.
        announced: usize,
    },
}

impl Assembly {
    /// Begins with the first piece; the whole of `body_len` is charged at once.
    ///
    /// # Errors
    /// The budget is full, or the piece is longer than the whole.
    pub fn begin(body_len: u32, first: &[u8], budget: &Budget) -> Result<Assembly, AssemblyError> {
        let body_len = body_len as usize;
        let permit = budget.take_unfinished(body_len).ok_or(AssemblyError::NoBudget {
            body_len,
            held: budget.held(),
            limit: budget.unfinished_limit(),
        })?;
        let mut assembly = Assembly { bytes: Vec::new(), body_len, _permit: permit };
        assembly.push(first)?;
        Ok(assembly)
    }

    /// Adds the next piece.
    ///
    /// # Errors
    /// More bytes than announced.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), AssemblyError> {
        let found = self.bytes.len() + piece.len();
        if found > self.body_len {
            return Err(AssemblyError::WrongLength { found, announced: self.body_len });
        }
        if self.bytes.capacity() < found {
            // Left alone it would double beyond what was charged.
            let wanted_len = (2 * self.bytes.capacity()).clamp(found, self.body_len);
            self.bytes.reserve_exact(wanted_len - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The whole body.
    ///
    /// # Errors
    /// Fewer bytes than announced.
    pub fn finish(&self) -> Result<&[u8], AssemblyError> {
        if self.bytes.len() != self.body_len {
            return Err(AssemblyError::WrongLength { found: self.bytes.len(), announced: self.body_len });
        }
        Ok(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_the_body_and_the_budget_comes_back() {
        let budget = Budget::new(10);
        let mut assembly = Assembly::begin(6, b"abc", &budget).unwrap();
        assert_eq!(budget.held(), 6);
        assert_eq!(assembly.finish(), Err(AssemblyError::WrongLength { found: 3, announced: 6 }));
        assembly.push(b"def").unwrap();
        assert_eq!(assembly.finish(), Ok(&b"abcdef"[..]));
        assert_eq!(assembly.push(b"g"), Err(AssemblyError::WrongLength { found: 7, announced: 6 }));
        drop(assembly);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn no_more_memory_is_reserved_than_was_charged() {
        let mut assembly = Assembly::begin(100_000, &[1; 60_000], &Budget::new(1 << 20)).unwrap();
        assembly.push(&[2; 10_000]).unwrap();
        assert!(assembly.bytes.capacity() <= 100_000, "{}", assembly.bytes.capacity());
    }

    #[test]
    fn a_full_budget_answers_at_once() {
        let budget = Budget::new(10);
        let _held = budget.take(5).unwrap();
        let error = Assembly::begin(6, b"", &budget).unwrap_err();
        assert_eq!(error, AssemblyError::NoBudget { body_len: 6, held: 5, limit: 8 });
    }
}
