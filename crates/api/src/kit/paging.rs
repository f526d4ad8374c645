//! Pages of a list (rest.md §1.6, B-021…B-027).

use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use confab_domain::{Page, Transaction, Window};
use confab_types::{ApiError, Cursor, Form};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::app::App;
use super::caller::Caller;
use super::failure::{Failure, Result};
use super::input::Parameters;
use super::openapi::{Components, Describe, Operation};
use super::params::Params;
use super::render;

/// What stays as it is in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Size of a page that the caller does not name.
const DEFAULT_SIZE: usize = 50;

/// A view that is an element of a list.
pub(crate) trait InList {
    /// Name of the list's array.
    const KEY: &'static str;
}

/// The request for a page of a list with filters `F` and at most `MAX` rows a page.
pub(crate) struct Paged<F, const MAX: usize> {
    /// The list's own parameters.
    pub(crate) filters: F,
    /// Which page.
    pub(crate) paging: Paging,
}

impl<F: Parameters, const MAX: usize> FromRequest<App> for Paged<F, MAX> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let base = request
            .extensions()
            .get::<std::sync::Arc<super::exchange::Exchange>>()
            .map(|exchange| exchange.base.clone())
            .unwrap_or_default();
        let Params(form) = Params::from_request(request, app).await?;
        Ok(Self {
            paging: Paging::read(&form, MAX, F::NAMES, base)?,
            filters: F::read(&form)?,
        })
    }
}

impl<F: Parameters, const MAX: usize> Describe for Paged<F, MAX> {
    fn describe(operation: &mut Operation, _: &mut Components) {
        F::each(&mut |name, required, schema| operation.query(name, required, schema));
        operation.query(
            "PageSize",
            false,
            json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": DEFAULT_SIZE.min(MAX) }),
        );
        operation.query("Page", false, json!({ "type": "integer", "minimum": 0 }));
        operation.query("PageToken", false, json!({ "type": "string" }));
    }
}

/// Which page was asked for.
#[derive(Clone)]
pub(crate) struct Paging {
    size: usize,
    /// The caller's count of pages; echoed, and moves nothing (B-027).
    page: i64,
    token: Option<String>,
    /// Filters in the form of a query, kept in all page URLs (B-023).
    filters: String,
    /// What stands before the path in the URLs of the answer.
    base: String,
}

/// Where the rows of a page are and what they are: the URL of the list without query, and the page.
pub(crate) type Rows<R> = (String, Page<R>);

impl Paging {
    /// Reads a page and shows its rows as `{"meta":{…},"<key>":[…]}`. `read` finds the list, takes the window of its
    /// URL, and gives URL and rows.
    pub(crate) async fn list<R, V, F>(
        self,
        caller: &Caller,
        mut read: F,
        view: impl FnMut(R) -> V,
    ) -> Result<Listed<V>>
    where
        R: Send + 'static,
        V: Serialize + InList,
        F: FnMut(&mut Transaction<'_>, &Self) -> confab_domain::Result<Rows<R>> + Send + 'static,
    {
        let (paging, (url, page)) = self.rows(caller, move |tx, paging| read(tx, paging)).await?;
        let around = paging.around(&url, &page);
        let full = |query: &String| [&url, query.as_str()].concat();
        let meta = Meta {
            page: paging.page,
            page_size: paging.size,
            first_page_url: full(&around.first),
            previous_page_url: around.previous.as_ref().map(full),
            url: full(&around.present),
            next_page_url: around.next.as_ref().map(full),
            key: V::KEY,
        };
        let response = render::json(StatusCode::OK, |out| {
            out.extend(b"{\"meta\":");
            render::write(out, &meta);
            out.push(b',');
            items(page.items, view, out);
            out.push(b'}');
        });
        Ok(Listed(response, PhantomData))
    }

    /// As [`Paging::list`] in the form of 2010-04-01, where the URL of a list is a path.
    pub(crate) async fn list_uris<R, V, F>(
        self,
        caller: &Caller,
        mut read: F,
        view: impl FnMut(R) -> V,
    ) -> Result<ListedUris<V>>
    where
        R: Send + 'static,
        V: Serialize + InList,
        F: FnMut(&mut Transaction<'_>, &Self) -> confab_domain::Result<Rows<R>> + Send + 'static,
    {
        let (paging, (url, page)) = self.rows(caller, move |tx, paging| read(tx, paging)).await?;
        let around = paging.around(&url, &page);
        let full = |query: &String| [&url, query.as_str()].concat();
        let size = i64::try_from(paging.size).unwrap_or(i64::MAX);
        let start = paging.page.saturating_mul(size);
        let rows = i64::try_from(page.items.len()).unwrap_or(i64::MAX);
        let head = Uris {
            first_page_uri: full(&around.first),
            end: start.saturating_add((rows - 1).max(0)),
            next_page_uri: around.next.as_ref().map(full),
            page: paging.page,
            page_size: paging.size,
            previous_page_uri: around.previous.as_ref().map(full),
            start,
            uri: full(&around.present),
        };
        let response = render::json(StatusCode::OK, |out| {
            render::write(out, &head);
            // The array follows in the same object.
            out.pop();
            out.push(b',');
            items(page.items, view, out);
            out.push(b'}');
        });
        Ok(ListedUris(response, PhantomData))
    }

    async fn rows<R, F>(self, caller: &Caller, mut read: F) -> Result<(Self, Rows<R>)>
    where
        R: Send + 'static,
        F: FnMut(&mut Transaction<'_>, &Self) -> confab_domain::Result<Rows<R>> + Send + 'static,
    {
        let paging = self.clone();
        let rows = caller.read(move |tx| read(tx, &paging)).await?;
        Ok((self, rows))
    }

    /// Reads the parameters of a page; `filters` are the names of the list's own parameters.
    fn read(form: &Form, max: usize, filters: &[&str], base: String) -> Result<Self, ApiError> {
        let size = match form.integer("PageSize")? {
            None => DEFAULT_SIZE.min(max),
            Some(size) if size > 1000 => return Err(ApiError::new(20007)),
            Some(size) => match usize::try_from(size) {
                Ok(size @ 1..) => size.min(max),
                _ => return Err(ApiError::invalid("PageSize")),
            },
        };
        let page = form.integer("Page")?.unwrap_or(0);
        if page < 0 {
            return Err(ApiError::invalid("Page"));
        }
        let mut kept = String::new();
        for name in filters {
            for value in form.all(name) {
                kept.extend(utf8_percent_encode(name, QUERY));
                kept.push('=');
                kept.extend(utf8_percent_encode(value, QUERY));
                kept.push('&');
            }
        }
        let token = form.string("PageToken").filter(|t| !t.is_empty());
        Ok(Self {
            size,
            page,
            token,
            filters: kept,
            base,
        })
    }

    /// The rows that are wanted of the list with a URL.
    pub(crate) fn window(&self, url: &str) -> Result<Window, ApiError> {
        let cursor = match &self.token {
            None => None,
            Some(token) => {
                Some(Cursor::decode(token, &self.name(url)).ok_or_else(|| ApiError::invalid("PageToken"))?)
            }
        };
        Ok(Window {
            cursor,
            size: self.size,
        })
    }

    /// What a list is called in page tokens, so that a token of one list is none of another (B-026): its path, by
    /// whatever host the server was called, and all that its order depends on.
    fn name(&self, url: &str) -> String {
        let path = url.strip_prefix(&self.base).unwrap_or(url);
        [path, "?", &self.filters].concat()
    }

    fn query(&self, page: i64, token: Option<&str>) -> String {
        let mut query = format!("?{}PageSize={}&Page={page}", self.filters, self.size);
        if let Some(token) = token {
            query.extend(["&PageToken=", token]);
        }
        query
    }

    /// The queries of the URLs around a page.
    fn around<T>(&self, url: &str, page: &Page<T>) -> Around {
        let list = &self.name(url);
        let next = page
            .next
            .as_ref()
            .map(|cursor| self.query(self.page.saturating_add(1), Some(&cursor.encode(list))));
        let previous = page.previous.as_ref().filter(|_| self.page > 0);
        Around {
            first: self.query(0, None),
            previous: previous.map(|cursor| self.query(self.page - 1, Some(&cursor.encode(list)))),
            present: self.query(self.page, self.token.as_deref()),
            next,
        }
    }
}

struct Around {
    first: String,
    previous: Option<String>,
    present: String,
    next: Option<String>,
}

fn items<R, V: Serialize + InList>(rows: Vec<R>, mut view: impl FnMut(R) -> V, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend(V::KEY.as_bytes());
    out.extend(b"\":[");
    for (i, row) in rows.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        render::write(out, &view(row));
    }
    out.push(b']');
}

/// A page of a list.
pub(crate) struct Listed<V>(Response, PhantomData<fn() -> V>);

/// A page of a list of 2010-04-01.
pub(crate) struct ListedUris<V>(Response, PhantomData<fn() -> V>);

impl<V> IntoResponse for Listed<V> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<V> IntoResponse for ListedUris<V> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<V: JsonSchema + InList> Describe for Listed<V> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let head = json!({ "meta": components.reference::<Meta>() });
        operation.response(200, Some(array_below::<V>(head, components)));
    }
}

impl<V: JsonSchema + InList> Describe for ListedUris<V> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let number = || json!({ "type": "integer" });
        let uri = || json!({ "type": ["string", "null"] });
        let head = json!({
            "first_page_uri": uri(), "end": number(), "next_page_uri": uri(), "page": number(),
            "page_size": number(), "previous_page_uri": uri(), "start": number(), "uri": uri(),
        });
        operation.response(200, Some(array_below::<V>(head, components)));
    }
}

/// The schema of an object with a head and the array of a list.
fn array_below<V: JsonSchema + InList>(mut properties: Value, components: &mut Components) -> Value {
    properties[V::KEY] = json!({ "type": "array", "items": components.reference::<V>() });
    json!({ "type": "object", "properties": properties })
}

#[derive(Serialize, JsonSchema)]
struct Meta {
    page: i64,
    page_size: usize,
    first_page_url: String,
    previous_page_url: Option<String>,
    url: String,
    next_page_url: Option<String>,
    key: &'static str,
}

#[derive(Serialize)]
struct Uris {
    first_page_uri: String,
    end: i64,
    next_page_uri: Option<String>,
    page: i64,
    page_size: usize,
    previous_page_uri: Option<String>,
    start: i64,
    uri: String,
}
