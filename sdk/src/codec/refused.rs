//! The methods of a serializer that only asks for names: whatever else a value is, it is refused by the same word.
//!
//! What such a serializer takes it says itself. Nothing here looks into a value.

/// Methods that refuse, each with what it would have given.
macro_rules! refuse {
    ($refusal:expr; $($method:ident($($of:ty),*) -> $given:ident)*) => {
        $(fn $method(self, $(_: $of),*) -> Result<Self::$given, Self::Error> {
            Err($refusal)
        })*
    };
}

/// All methods but those for text, options and structs.
macro_rules! refuse_values {
    ($refusal:expr) => {
        type SerializeSeq = serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeTuple = Self::SerializeSeq;
        type SerializeTupleStruct = Self::SerializeSeq;
        type SerializeTupleVariant = Self::SerializeSeq;
        type SerializeMap = Self::SerializeSeq;

        crate::codec::refused::refuse! {
            $refusal;
            serialize_bool(bool) -> Ok
            serialize_i8(i8) -> Ok
            serialize_i16(i16) -> Ok
            serialize_i32(i32) -> Ok
            serialize_i64(i64) -> Ok
            serialize_u8(u8) -> Ok
            serialize_u16(u16) -> Ok
            serialize_u32(u32) -> Ok
            serialize_u64(u64) -> Ok
            serialize_f32(f32) -> Ok
            serialize_f64(f64) -> Ok
            serialize_char(char) -> Ok
            serialize_bytes(&[u8]) -> Ok
            serialize_unit() -> Ok
            serialize_unit_struct(&'static str) -> Ok
            serialize_unit_variant(&'static str, u32, &'static str) -> Ok
            serialize_seq(Option<usize>) -> SerializeSeq
            serialize_tuple(usize) -> SerializeTuple
            serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct
            serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant
            serialize_map(Option<usize>) -> SerializeMap
        }

        fn serialize_newtype_struct<T: serde::Serialize + ?Sized>(
            self,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err($refusal)
        }

        fn serialize_newtype_variant<T: serde::Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err($refusal)
        }
    };
}

pub(super) use {refuse, refuse_values};
