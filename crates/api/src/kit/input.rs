//! Typed input: the parameters of an operation, declared once. The declaration reads the request and describes itself
//! in the OpenAPI document, so that the two cannot differ.

use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::Method;
use axum::http::request::Parts;
use confab_domain::Order;
use confab_types::{ApiError, Form, Sid, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::app::App;
use super::failure::{Failure, Result};
use super::openapi::{Components, Describe, Operation};
use super::params::{self, Params};

/// The parameters of an operation; made by [`input!`].
pub(crate) trait Parameters: Sized + Send {
    /// Their names.
    const NAMES: &'static [&'static str];
    /// Reads them, or says which one is wrong.
    fn read(form: &Form) -> Result<Self, ApiError>;
    /// Calls back with name, whether it is required, and schema of each.
    fn each(of: &mut dyn FnMut(&'static str, bool, Value));
}

/// Declares the parameters of an operation: a field, its [`Kind`], its name on the wire.
///
/// ```text
/// input! {
///     /// Values of a new user.
///     struct Create {
///         identity: Required = "Identity",
///         friendly_name: Text = "FriendlyName",
///     }
/// }
/// ```
macro_rules! input {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($field:ident: $kind:ty = $wire:literal,)* }) => {
        $(#[$meta])*
        $vis struct $name {
            $($field: <$kind as $crate::kit::input::Kind>::Value,)*
        }

        impl $crate::kit::input::Parameters for $name {
            const NAMES: &'static [&'static str] = &[$($wire),*];

            #[allow(unused_variables, reason = "a list may have no filters")]
            fn read(form: &confab_types::Form) -> Result<Self, confab_types::ApiError> {
                Ok(Self {
                    $($field: <$kind as $crate::kit::input::Kind>::read(form, $wire)?,)*
                })
            }

            #[allow(unused_variables, reason = "a list may have no filters")]
            fn each(of: &mut dyn FnMut(&'static str, bool, serde_json::Value)) {
                $(of(
                    $wire,
                    <$kind as $crate::kit::input::Kind>::REQUIRED,
                    <$kind as $crate::kit::input::Kind>::schema(),
                );)*
            }
        }
    };
}
pub(crate) use input;

/// No parameters.
impl Parameters for () {
    const NAMES: &'static [&'static str] = &[];

    fn read(_: &Form) -> Result<Self, ApiError> {
        Ok(())
    }

    fn each(_: &mut dyn FnMut(&'static str, bool, Value)) {}
}

/// The parameters of a request: body and query of a POST, query of others.
pub(crate) struct Input<T>(pub(crate) T);

impl<T: Parameters> FromRequest<App> for Input<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let Params(form) = Params::from_request(request, app).await?;
        Ok(Self(T::read(&form)?))
    }
}

impl<T: Parameters> Describe for Input<T> {
    fn describe(operation: &mut Operation, _: &mut Components) {
        if operation.method == Method::GET {
            T::each(&mut |name, required, schema| operation.query(name, required, schema));
        } else {
            T::each(&mut |name, required, schema| operation.form(name, required, schema));
        }
    }
}

/// A JSON body; only Content and the media set take one.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let body = params::bytes(request.into_body(), app.options.body_limit).await?;
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(ApiError::new(20001)
                .message(format!("The body is not the JSON that is expected: {error}"))
                .into()),
        }
    }
}

impl<T: schemars::JsonSchema> Describe for Json<T> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        operation.body = Some(("application/json", components.reference::<T>()));
    }
}

/// `X-Twilio-Webhook-Enabled` (B-033), on the operations that are documented with it. The value is with the
/// [`super::caller::Caller`]; this refuses a wrong one.
pub(crate) struct WebhookEnabled;

impl axum::extract::FromRequestParts<App> for WebhookEnabled {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        params::webhook_header(&parts.headers).map(|_| Self)
    }
}

impl Describe for WebhookEnabled {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.header(
            params::WEBHOOK_ENABLED,
            json!({ "type": "string", "enum": ["true", "false"] }),
        );
    }
}

/// How a parameter is read and described.
pub(crate) trait Kind {
    /// What a handler gets.
    type Value: Send;
    /// Whether the request is refused without it.
    const REQUIRED: bool = false;
    /// Reads it from the form.
    fn read(form: &Form, name: &str) -> Result<Self::Value, ApiError>;
    /// Its JSON schema.
    fn schema() -> Value;
}

/// Any text; absent is `None`, empty stays empty.
pub(crate) struct Text;

impl Kind for Text {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        Ok(form.string(name))
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

/// A parameter that must be there and not be empty (B-008).
pub(crate) struct Required<K = Text>(PhantomData<K>);

impl Kind for Required<Text> {
    type Value = String;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<String, ApiError> {
        form.required(name).map(str::to_owned)
    }

    fn schema() -> Value {
        Text::schema()
    }
}

impl Kind for Required<List> {
    type Value = Vec<String>;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<Vec<String>, ApiError> {
        form.array(name)
            .filter(|values| !values.is_empty())
            .ok_or_else(|| ApiError::missing(name))
    }

    fn schema() -> Value {
        List::schema()
    }
}

impl Kind for Required<JsonText> {
    type Value = String;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<String, ApiError> {
        form.required(name).map(str::to_owned)
    }

    fn schema() -> Value {
        JsonText::schema()
    }
}

impl<W: Words> Kind for Required<OneOf<W>> {
    type Value = String;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<String, ApiError> {
        form.required(name)?;
        OneOf::<W>::read(form, name)?.ok_or_else(|| ApiError::missing(name))
    }

    fn schema() -> Value {
        W::schema()
    }
}

impl<W: Words> Kind for Required<AnyCase<W>> {
    type Value = String;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<String, ApiError> {
        form.required(name)?;
        AnyCase::<W>::read(form, name)?.ok_or_else(|| ApiError::missing(name))
    }

    fn schema() -> Value {
        W::schema()
    }
}

impl<W: Words> Kind for Required<Word<W>> {
    type Value = String;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<String, ApiError> {
        form.required(name).map(str::to_owned)
    }

    fn schema() -> Value {
        W::schema()
    }
}

impl<S: Sid> Kind for Required<SidText<S>> {
    type Value = String;
    const REQUIRED: bool = true;

    fn read(form: &Form, name: &str) -> Result<String, ApiError> {
        form.required(name).map(str::to_owned)
    }

    fn schema() -> Value {
        SidText::<S>::schema()
    }
}

/// A point in time; text that is none is refused with the code (B-017).
pub(crate) struct Date<const CODE: u32 = 20001>;

impl<const CODE: u32> Kind for Date<CODE> {
    type Value = Option<Timestamp>;

    fn read(form: &Form, name: &str) -> Result<Option<Timestamp>, ApiError> {
        form.datetime(name, CODE).map_err(|error| match CODE {
            20001 => ApiError::invalid(name),
            _ => error,
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "date-time" })
    }
}

/// `true` or `false` in any letter case.
pub(crate) struct Bool;

impl Kind for Bool {
    type Value = Option<bool>;

    fn read(form: &Form, name: &str) -> Result<Option<bool>, ApiError> {
        form.boolean(name)
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// A decimal integer; other text is refused with the code.
pub(crate) struct Int<const CODE: u32 = 20001>;

impl<const CODE: u32> Kind for Int<CODE> {
    type Value = Option<i64>;

    fn read(form: &Form, name: &str) -> Result<Option<i64>, ApiError> {
        form.integer(name).map_err(|error| match CODE {
            20001 => error,
            code => ApiError::new(code),
        })
    }

    fn schema() -> Value {
        json!({ "type": "integer" })
    }
}

/// An integer or the text `null`; its text, since the resource has its own code and meaning for each (B-573).
pub(crate) struct IntOrNull;

impl Kind for IntOrNull {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        Ok(form.string(name))
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "integer" }, { "const": "null" }] })
    }
}

/// A repeated parameter (B-011).
pub(crate) struct List;

impl Kind for List {
    type Value = Option<Vec<String>>;

    fn read(form: &Form, name: &str) -> Result<Self::Value, ApiError> {
        Ok(form.array(name))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}

/// A SID; its text, since each resource has its own code for a wrong one.
pub(crate) struct SidText<S>(PhantomData<S>);

impl<S: Sid> Kind for SidText<S> {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        Ok(form.string(name))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": format!("^{}[0-9a-fA-F]{{32}}$", S::PREFIX) })
    }
}

/// A URL; its text.
pub(crate) struct Uri;

impl Kind for Uri {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        Ok(form.string(name))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "uri" })
    }
}

/// JSON text: an object or any other value, checked by its resource.
pub(crate) struct JsonText;

impl Kind for JsonText {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        Ok(form.string(name))
    }

    fn schema() -> Value {
        json!({})
    }
}

/// The words of an enumeration; made by [`words!`].
pub(crate) trait Words: Send + 'static {
    /// All of them.
    const ALL: &'static [&'static str];

    /// The enumeration's JSON schema.
    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::ALL })
    }
}

/// Declares the words of an enumeration, for parameters ([`Word`], [`OneOf`], [`AnyCase`]) and views.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis $name:ident: $($word:literal),* $(,)?) => {
        $(#[$meta])*
        #[derive(Clone, Copy, serde::Serialize)]
        $vis struct $name(pub(crate) &'static str);

        impl $crate::kit::input::Words for $name {
            const ALL: &'static [&'static str] = &[$($word),*];
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),*] })
            }
        }
    };
}
pub(crate) use words;

/// A word of an enumeration that the resource checks itself, with a code of its own.
pub(crate) struct Word<W>(PhantomData<W>);

impl<W: Words> Kind for Word<W> {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        Ok(form.string(name))
    }

    fn schema() -> Value {
        W::schema()
    }
}

/// A word of an enumeration; any other is refused with 20001.
pub(crate) struct OneOf<W>(PhantomData<W>);

impl<W: Words> Kind for OneOf<W> {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        match form.get(name) {
            Some(word) if !W::ALL.contains(&word) => Err(ApiError::invalid(name)),
            word => Ok(word.map(str::to_owned)),
        }
    }

    fn schema() -> Value {
        W::schema()
    }
}

/// As [`OneOf`], but in any letter case, for the parameters whose own examples in the published description are in mixed
/// case: `whAtsAPP`, `GcM`, and the direction of a list.
pub(crate) struct AnyCase<W>(PhantomData<W>);

impl<W: Words> Kind for AnyCase<W> {
    type Value = Option<String>;

    fn read(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
        let word = |text: &str| W::ALL.iter().find(|word| word.eq_ignore_ascii_case(text));
        match form.get(name).map(word) {
            Some(None) => Err(ApiError::invalid(name)),
            found => Ok(found.flatten().map(|&word| word.to_owned())),
        }
    }

    fn schema() -> Value {
        W::schema()
    }
}

/// The direction of a list: `asc` or `desc` in any letter case; any other word is refused with 20001.
pub(crate) struct Direction;

words! {
    /// The words of [`Direction`].
    Directions: "asc", "desc"
}

impl Kind for Direction {
    type Value = Option<Order>;

    fn read(form: &Form, name: &str) -> Result<Option<Order>, ApiError> {
        let word = AnyCase::<Directions>::read(form, name)?;
        Ok(word.map(|word| match word.as_str() {
            "asc" => Order::Ascending,
            _ => Order::Descending,
        }))
    }

    fn schema() -> Value {
        Directions::schema()
    }
}

/// Words of an enumeration, repeated; any other is refused with 20001.
pub(crate) struct ListOf<W>(PhantomData<W>);

impl<W: Words> Kind for ListOf<W> {
    type Value = Option<Vec<String>>;

    fn read(form: &Form, name: &str) -> Result<Self::Value, ApiError> {
        let words = form.array(name);
        if words.iter().flatten().all(|word| W::ALL.contains(&word.as_str())) {
            Ok(words)
        } else {
            Err(ApiError::invalid(name))
        }
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": W::schema() })
    }
}
