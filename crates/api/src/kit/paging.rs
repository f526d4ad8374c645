//! Pages of a list (rest.md §1.6, B-021…B-027).

use confab_domain::{Page, Window};
use confab_types::{ApiError, Cursor, Form};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::render;

/// What stays as it is in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Size of a page that the caller does not name.
const DEFAULT_SIZE: usize = 50;

/// Which page was asked for.
#[derive(Clone)]
pub(crate) struct Paging {
    size: usize,
    /// The caller's count of pages; echoed, and moves nothing (B-027).
    page: i64,
    token: Option<String>,
    /// Filters in the form of a query, kept in all page URLs (B-023).
    filters: String,
}

impl Paging {
    /// Reads the parameters of a page; `filters` are the names of the list's own parameters.
    pub(crate) fn read(form: &Form, max: usize, filters: &[&str]) -> Result<Self, ApiError> {
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
            if let Some(value) = form.get(name) {
                kept.extend([name, "="]);
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
        })
    }

    /// The rows that are wanted. `list` names the list with what its order depends on, so that a token of one list is
    /// none of another (B-026).
    pub(crate) fn window(&self, list: &str) -> Result<Window, ApiError> {
        let cursor = match &self.token {
            None => None,
            Some(token) => Some(Cursor::decode(token, list).ok_or_else(|| ApiError::invalid("PageToken"))?),
        };
        Ok(Window {
            cursor,
            size: self.size,
        })
    }

    fn query(&self, page: i64, token: Option<&str>) -> String {
        let mut query = format!("?{}PageSize={}&Page={page}", self.filters, self.size);
        if let Some(token) = token {
            query.extend(["&PageToken=", token]);
        }
        query
    }

    /// The queries of the URLs around a page.
    fn around<T>(&self, list: &str, page: &Page<T>) -> Around {
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

/// A list under its name and URL.
pub(crate) struct Listed<'a, T> {
    /// Name of the array.
    pub(crate) key: &'static str,
    /// As given to [`Paging::window`].
    pub(crate) list: &'a str,
    /// URL of the list without query.
    pub(crate) url: &'a str,
    pub(crate) paging: &'a Paging,
    pub(crate) page: Page<T>,
}

impl<T> Listed<'_, T> {
    fn items(&self, out: &mut Vec<u8>, item: impl Fn(&T, &mut Vec<u8>)) {
        out.extend([b'"']);
        out.extend(self.key.as_bytes());
        out.extend(b"\":[");
        for (i, row) in self.page.items.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            item(row, out);
        }
        out.push(b']');
    }

    /// `{"meta":{…},"<key>":[…]}`
    pub(crate) fn write(&self, out: &mut Vec<u8>, item: impl Fn(&T, &mut Vec<u8>)) {
        let around = self.paging.around(self.list, &self.page);
        let url = |query: &String| [self.url, query].concat();
        out.extend(b"{\"meta\":");
        render::write(
            out,
            &Meta {
                page: self.paging.page,
                page_size: self.paging.size,
                first_page_url: url(&around.first),
                previous_page_url: around.previous.as_ref().map(url),
                url: url(&around.present),
                next_page_url: around.next.as_ref().map(url),
                key: self.key,
            },
        );
        out.push(b',');
        self.items(out, item);
        out.push(b'}');
    }

    /// The form of 2010-04-01; `url` is a path there.
    pub(crate) fn write_uris(&self, out: &mut Vec<u8>, item: impl Fn(&T, &mut Vec<u8>)) {
        let around = self.paging.around(self.list, &self.page);
        let uri = |query: &String| [self.url, query].concat();
        let size = i64::try_from(self.paging.size).unwrap_or(i64::MAX);
        let start = self.paging.page.saturating_mul(size);
        let rows = i64::try_from(self.page.items.len()).unwrap_or(i64::MAX);
        let head = Uris {
            first_page_uri: uri(&around.first),
            end: start.saturating_add((rows - 1).max(0)),
            next_page_uri: around.next.as_ref().map(uri),
            page: self.paging.page,
            page_size: self.paging.size,
            previous_page_uri: around.previous.as_ref().map(uri),
            start,
            uri: uri(&around.present),
        };
        render::write(out, &head);
        // The array follows in the same object.
        out.pop();
        out.push(b',');
        self.items(out, item);
        out.push(b'}');
    }
}

#[derive(Serialize)]
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
