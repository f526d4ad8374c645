//! What happens to every request before its product sees it and after it is answered: the product is found, errors
//! get their body, every answer its headers (rest.md §1.4), and the log its line.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use axum::response::Response;
use confab_types::{RequestSid, Sid};
use tower::Service;
use tracing::Instrument;

use super::app::App;
use super::exchange::{Exchange, Product};
use super::failure::Failure;
use super::render::no_content;

/// The routes of all products; what a product cannot answer yet is in none of them.
#[derive(Clone)]
pub(crate) struct Products {
    pub(crate) conversations: Router,
    pub(crate) programmable: Router,
    pub(crate) chat: Router,
    pub(crate) content: Router,
    pub(crate) notify: Router,
    pub(crate) messaging: Router,
    pub(crate) monitor: Router,
    pub(crate) events: Router,
    pub(crate) events_schemas: Router,
    pub(crate) mcs: Router,
    pub(crate) media: Router,
    pub(crate) simulator: Router,
    pub(crate) own: Router,
    pub(crate) other: Router,
}

impl Products {
    fn of(&self, product: Product) -> &Router {
        match product {
            Product::Conversations => &self.conversations,
            Product::Api => &self.programmable,
            Product::Chat => &self.chat,
            Product::Content => &self.content,
            Product::Notify => &self.notify,
            Product::Messaging => &self.messaging,
            Product::Monitor => &self.monitor,
            Product::Events => &self.events,
            Product::EventsSchemas => &self.events_schemas,
            Product::Mcs => &self.mcs,
            Product::Media => &self.media,
            Product::Simulator => &self.simulator,
            Product::Own => &self.own,
            _ => &self.other,
        }
    }
}

/// The outermost service.
#[derive(Clone)]
pub(crate) struct Front {
    app: App,
    products: Arc<Products>,
}

impl Front {
    pub(crate) fn new(app: App, products: Products) -> Self {
        Self {
            app,
            products: Arc::new(products),
        }
    }
}

impl Service<Request<Body>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let started = Instant::now();
        let in_flight = self.app.enter();
        let app = self.app.clone();
        let (mut parts, body) = request.into_parts();
        let id = RequestSid::from_bits(rand::random());
        let exchange = Arc::new(Exchange::of(&parts, id, &app.options));
        parts.uri = within_product(&parts, &exchange);
        parts.extensions.insert(Arc::clone(&exchange));
        let method = parts.method.clone();
        let mut product = self.products.of(exchange.product).clone();
        Box::pin(async move {
            let mut response = if method == Method::OPTIONS {
                preflight()
            } else {
                let span = tracing::debug_span!("request", id = %exchange.id);
                product
                    .call(Request::from_parts(parts, body))
                    .instrument(span)
                    .await?
            };
            let failure = response.extensions_mut().remove::<Failure>();
            let cause = failure.as_ref().and_then(Failure::cause);
            if let Some(failure) = failure {
                failure.write(&exchange, &mut response);
            }
            let took = started.elapsed();
            put_headers(response.headers_mut(), &exchange, in_flight.concurrent, took);
            log(&exchange, &method, &response, took, cause.as_deref());
            (app.options.observe)(exchange.product.name(), &method, response.status(), took);
            drop(in_flight);
            Ok(response)
        })
    }
}

/// The answer to a browser that asks before it sends; it may remember the answer for a day.
fn preflight() -> Response {
    let mut response = no_content();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// The URI as the routes of the product have it: without the prefix that named the product.
fn within_product(parts: &Parts, exchange: &Exchange) -> Uri {
    if parts.uri.path().len() == exchange.path.len() {
        return parts.uri.clone();
    }
    let text = match parts.uri.query() {
        Some(query) => format!("{}?{query}", exchange.path),
        None => exchange.path.clone(),
    };
    // The rest of a valid path is one.
    PathAndQuery::try_from(text).map(Uri::from).unwrap_or_default()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("twilio-request-id");
const CONCURRENT: HeaderName = HeaderName::from_static("twilio-concurrent-requests");
const DURATION: HeaderName = HeaderName::from_static("twilio-request-duration");
const API_DOMAIN: HeaderName = HeaderName::from_static("x-api-domain");
const HOME_REGION: HeaderName = HeaderName::from_static("x-home-region");

const ALLOWED_HEADERS: &str = "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, \
                               If-Unmodified-Since, Idempotency-Key";
/// The browser's media client authenticates with a header of its own (realtime.md §1.3).
const ALLOWED_HEADERS_MCS: &str = "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, \
                                   If-Unmodified-Since, Idempotency-Key, X-Twilio-Token";

fn put_headers(headers: &mut HeaderMap, exchange: &Exchange, concurrent: usize, took: Duration) {
    headers.reserve(12);
    let text = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    headers.insert(REQUEST_ID, text(&exchange.id.to_string()));
    headers.insert(CONCURRENT, HeaderValue::from(concurrent));
    headers.insert(DURATION, text(&format!("{:.3}", took.as_secs_f64())));
    headers.insert(API_DOMAIN, text(&exchange.host));
    let allowed = if exchange.product == Product::Mcs {
        ALLOWED_HEADERS_MCS
    } else {
        ALLOWED_HEADERS
    };
    for (name, value) in [
        (HOME_REGION, "us1"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, allowed),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, OPTIONS"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// One line a request; never parameters, bodies or the raw path, which may hold names of people.
fn log(exchange: &Exchange, method: &Method, response: &Response, took: Duration, cause: Option<&str>) {
    let (id, product, route) = (exchange.id, exchange.product.name(), exchange.route());
    let (status, micros) = (response.status().as_u16(), took.as_micros());
    if let Some(cause) = cause {
        tracing::warn!(%id, product, %method, route, status, micros, cause, "request failed");
    } else if response.status().is_server_error() {
        tracing::warn!(%id, product, %method, route, status, micros, "request failed");
    } else {
        tracing::debug!(%id, product, %method, route, status, micros, "request");
    }
}
