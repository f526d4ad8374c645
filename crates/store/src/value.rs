//! Values that go into statements and come out of rows.

use std::borrow::Cow;

use crate::{Error, Result};

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Param<'a> {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Float(f64),
    /// TEXT.
    Text(Cow<'a, str>),
    /// BLOB or BYTEA.
    Blob(Cow<'a, [u8]>),
}

impl Param<'_> {
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Param::Text(text) if text.as_bytes().contains(&0) => Err(Error::Nul),
            _ => Ok(()),
        }
    }

    pub(crate) fn into_owned(self) -> Param<'static> {
        match self {
            Param::Null => Param::Null,
            Param::Int(i) => Param::Int(i),
            Param::Float(f) => Param::Float(f),
            Param::Text(t) => Param::Text(Cow::Owned(t.into_owned())),
            Param::Blob(b) => Param::Blob(Cow::Owned(b.into_owned())),
        }
    }
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Param<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Param<'a> {
    fn from(value: &'a Option<String>) -> Self {
        value.as_deref().into()
    }
}

/// Makes the parameter list of a statement.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::Param::from($value)),*] };
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Float(f64),
    /// TEXT.
    Text(String),
    /// BLOB or BYTEA.
    Blob(Vec<u8>),
}

/// A row, read column by column from the left.
#[derive(Debug)]
pub struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self {
            values: values.into_iter(),
        }
    }

    fn next(&mut self) -> Result<Value> {
        self.values
            .next()
            .ok_or_else(|| Error::Decode("the row has too few columns".into()))
    }

    /// The next column, an integer.
    ///
    /// # Errors
    /// When it is none.
    pub fn int(&mut self) -> Result<i64> {
        match self.next()? {
            Value::Int(i) => Ok(i),
            other => Err(Error::Decode(format!("{other:?} is no integer"))),
        }
    }

    /// The next column, an integer or NULL.
    ///
    /// # Errors
    /// When it is neither.
    pub fn opt_int(&mut self) -> Result<Option<i64>> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Int(i) => Ok(Some(i)),
            other => Err(Error::Decode(format!("{other:?} is no integer"))),
        }
    }

    /// The next column, 0 or 1.
    ///
    /// # Errors
    /// When it is no integer.
    pub fn boolean(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    /// The next column, a text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&mut self) -> Result<String> {
        self.opt_text()?
            .ok_or_else(|| Error::Decode("NULL is no text".into()))
    }

    /// The next column, a text or NULL.
    ///
    /// # Errors
    /// When it is neither.
    pub fn opt_text(&mut self) -> Result<Option<String>> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            other => Err(Error::Decode(format!("{other:?} is no text"))),
        }
    }

    /// The next column, bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn blob(&mut self) -> Result<Vec<u8>> {
        match self.next()? {
            Value::Blob(bytes) => Ok(bytes),
            other => Err(Error::Decode(format!("{other:?} is no blob"))),
        }
    }
}
