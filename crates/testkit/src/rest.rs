//! A client of the REST API.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; null when it is no JSON.
    pub json: Value,
    /// The body as it came.
    pub text: String,
}

impl Response {
    /// The same answer, when it has this status.
    ///
    /// # Panics
    /// When it has another.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// A text of the body.
    ///
    /// # Panics
    /// When there is none of this name.
    #[must_use]
    pub fn text_of(&self, name: &str) -> String {
        self.json[name]
            .as_str()
            .unwrap_or_else(|| panic!("no text {name} in {}", self.text))
            .to_owned()
    }

    /// The code of an error.
    #[must_use]
    pub fn code(&self) -> Option<u64> {
        self.json["code"].as_u64()
    }
}

/// Speaks to a server as an account, an API key, or anybody.
#[derive(Clone, Debug)]
pub struct Rest {
    http: Client,
    origin: String,
    user: Option<(String, String)>,
}

impl Rest {
    /// A client with Basic authentication; `origin` is scheme, host and port.
    ///
    /// # Panics
    /// When the HTTP client cannot be made.
    #[must_use]
    pub fn new(origin: &str, user: &str, password: &str) -> Self {
        let http = Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .expect("an HTTP client");
        Self {
            http,
            origin: origin.to_owned(),
            user: Some((user.to_owned(), password.to_owned())),
        }
    }

    /// The same connections with other credentials.
    #[must_use]
    pub fn with(&self, user: &str, password: &str) -> Self {
        Self {
            user: Some((user.to_owned(), password.to_owned())),
            ..self.clone()
        }
    }

    /// The same connections without credentials.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            user: None,
            ..self.clone()
        }
    }

    /// A request to be added to; `path` may be a whole URL, as lists name their next page.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.origin)
        };
        let request = self.http.request(method, url);
        match &self.user {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Response {
            status,
            headers,
            json,
            text,
        })
    }

    /// Posts a form.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.try_post(path, form)
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Posts a form to a server that may die over it.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn try_post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        self.send(self.request(Method::POST, path).form(form)).await
    }

    /// Fetches.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path))
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// Deletes.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn delete(&self, path: &str) -> Response {
        let request = self.request(Method::DELETE, path);
        self.send(request)
            .await
            .unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }

    /// All items of a list, page by page.
    ///
    /// # Panics
    /// When a page is not answered with 200.
    pub async fn list(&self, path: &str, items: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(page) = next {
            let page = self.get(&page).await.expect(200);
            all.extend(
                page.json[items]
                    .as_array()
                    .unwrap_or_else(|| panic!("no {items}: {}", page.text))
                    .clone(),
            );
            next = page.json["meta"]["next_page_url"].as_str().map(str::to_owned);
        }
        all
    }
}
