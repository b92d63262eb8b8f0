//! The arguments of a call: a tuple of values.
//!
//! It never looks into one: whoever wants something of each is handed them one after the other.

use serde::Serialize;

use crate::hessian2::EncodeError;

/// What is done with each argument.
#[doc(hidden)]
pub trait Each {
    /// Takes the next one.
    ///
    /// # Errors
    /// It has no form in Java.
    fn arg<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError>;
}

/// Arguments: `()`, `(name,)`, `(name, 7)` and so on to twelve, or a slice of [`Value`](crate::Value)s where their number is not known before.
///
/// Tuples of what serde can write are arguments; nothing else needs to be.
pub trait Args {
    /// Hands each over in its order.
    ///
    /// # Errors
    /// What `each` says.
    #[doc(hidden)]
    fn each(&self, each: &mut impl Each) -> Result<(), EncodeError>;
}

impl Args for () {
    fn each(&self, _: &mut impl Each) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl Args for [crate::Value] {
    fn each(&self, each: &mut impl Each) -> Result<(), EncodeError> {
        self.iter().try_for_each(|value| each.arg(value))
    }
}

impl Args for Vec<crate::Value> {
    fn each(&self, each: &mut impl Each) -> Result<(), EncodeError> {
        self.as_slice().each(each)
    }
}

impl<A: Args + ?Sized> Args for &A {
    fn each(&self, each: &mut impl Each) -> Result<(), EncodeError> {
        (**self).each(each)
    }
}

macro_rules! tuples {
    ($($($name:ident $at:tt),+;)+) => {
        $(impl<$($name: Serialize),+> Args for ($($name,)+) {
            fn each(&self, each: &mut impl Each) -> Result<(), EncodeError> {
                $(each.arg(&self.$at)?;)+
                Ok(())
            }
        })+
    };
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}
