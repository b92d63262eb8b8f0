//! `com.acme.Shop`, made by `highway sdk generate` from what application `shop` published of it.
//!
//! What comes is an `Option` where Java may send null, which a definition does not say: take it away where it never does, and put
//! one around what a list or a map has in it where that may be null.

use highway_sdk::CallError;
use serde::{Deserialize, Serialize};

#[highway_sdk::service("com.acme.Shop")]
pub trait Shop {
    #[java("$")]
    async fn x(&self) -> Result<(), CallError>;

    #[java("Self")]
    async fn self_(&self) -> Result<(), CallError>;

    #[java("TYPE")]
    async fn type_(&self) -> Result<(), CallError>;

    #[java("Type")]
    async fn type_2(&self) -> Result<(), CallError>;

    #[java("_")]
    async fn x_2(&self) -> Result<(), CallError>;

    #[java("__")]
    async fn x_3(&self) -> Result<(), CallError>;

    async fn all(
        &self,
        a: &AcmeOrder,
        b: &Order,
        c: &ORDER,
        d: &Self_,
        e: &Some,
        f: &Send,
        g: &Debug,
        h: &Ok,
        i: &AcmeShop,
        j: &AcmeShopClient,
        k: &TypeInt,
    ) -> Result<Option<Future>, CallError>;

    #[java("builder")]
    async fn builder_2(&self) -> Result<(), CallError>;

    async fn clone(&self) -> Result<(), CallError>;

    #[java("from")]
    async fn from_2(&self) -> Result<(), CallError>;

    #[java("größe")]
    async fn größe(&self) -> Result<Option<Größe>, CallError>;

    async fn into(&self) -> Result<(), CallError>;

    async fn match_(&self) -> Result<Option<Type>, CallError>;

    async fn more(
        &self,
        a: &Clone,
        b: &Call,
        c: &Str,
        d: &Java,
        e: &Fn,
        f: &Default,
        g: &I32,
    ) -> Result<Option<Odd>, CallError>;

    #[java("self")]
    async fn self_2(&self) -> Result<(), CallError>;

    #[java("type")]
    async fn type_int(&self, a: i32) -> Result<(), CallError>;

    #[java("type")]
    async fn type_long(&self, a: i64) -> Result<(), CallError>;

    #[java("type__int")]
    async fn type_int_2(&self, a: i32) -> Result<(), CallError>;

    #[java("имя")]
    async fn имя(&self) -> Result<(), CallError>;

    #[java("ⓐ")]
    async fn x_4(&self, a: &X) -> Result<(), CallError>;

    #[java("名前")]
    async fn 名前(&self) -> Result<Option<名前>, CallError>;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.order", rename_all = "camelCase")]
pub struct AcmeOrder {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Shop", rename_all = "camelCase")]
pub struct AcmeShop {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.ShopClient", rename_all = "camelCase")]
pub struct AcmeShopClient {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Call", rename_all = "camelCase")]
pub struct Call {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Clone", rename_all = "camelCase")]
pub struct Clone {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Debug", rename_all = "camelCase")]
pub struct Debug {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Default", rename_all = "camelCase")]
pub struct Default {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Fn", rename_all = "camelCase")]
pub struct Fn {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Future", rename_all = "camelCase")]
pub struct Future {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Größe", rename_all = "camelCase")]
pub struct Größe {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.i32", rename_all = "camelCase")]
pub struct I32 {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.java", rename_all = "camelCase")]
pub struct Java {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.ORDER", rename_all = "camelCase")]
pub struct ORDER {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Odd", rename_all = "camelCase")]
pub struct Odd {
    #[serde(rename = "B")]
    pub b: Option<String>,
    #[serde(rename = "Self")]
    pub self_: Option<String>,
    #[serde(rename = "Type")]
    pub type_: Option<String>,
    #[serde(rename = "URL")]
    pub url: Option<String>,
    #[serde(rename = "__")]
    pub x: Option<String>,
    #[serde(rename = "_id")]
    pub _id: Option<String>,
    #[serde(rename = "b")]
    pub b_2: Option<String>,
    #[serde(rename = "größe")]
    pub größe: Option<String>,
    #[serde(rename = "self")]
    pub self_2: Option<String>,
    #[serde(rename = "type")]
    pub type_2: Option<String>,
    pub type_int: Option<String>,
    #[serde(rename = "type_")]
    pub type_3: Option<String>,
    #[serde(rename = "type__int")]
    pub type_int_2: Option<String>,
    #[serde(rename = "url")]
    pub url_2: Option<String>,
    pub x2_y: Option<String>,
    #[serde(rename = "ª")]
    pub x_2: Option<String>,
    #[serde(rename = "имя")]
    pub имя: Option<String>,
    #[serde(rename = "ⓐ")]
    pub x_3: Option<String>,
    #[serde(rename = "名")]
    pub 名: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Ok", rename_all = "camelCase")]
pub struct Ok {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Order", rename_all = "camelCase")]
pub struct Order {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Self", rename_all = "camelCase")]
pub struct Self_ {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Send", rename_all = "camelCase")]
pub struct Send {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Some", rename_all = "camelCase")]
pub struct Some {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.str", rename_all = "camelCase")]
pub struct Str {
    pub a: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "com.acme.type")]
pub enum Type {
    #[serde(rename = "ⓐ")]
    X,
    #[serde(rename = "self")]
    Self_,
    #[serde(rename = "SELF")]
    Self2,
    #[serde(rename = "OPEN")]
    Open,
    #[serde(rename = "Open")]
    Open2,
    #[serde(rename = "open")]
    Open3,
    #[serde(rename = "type__int")]
    TypeInt,
    #[serde(rename = "_")]
    X2,
    #[serde(rename = "Größe")]
    Größe,
    #[serde(rename = "名")]
    名,
    #[serde(rename = "2XL")]
    _2xl,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.type__int", rename_all = "camelCase")]
pub struct TypeInt {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.ⓐ", rename_all = "camelCase")]
pub struct X {
    pub a: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.名前", rename_all = "camelCase")]
pub struct 名前 {
    pub a: i32,
}
