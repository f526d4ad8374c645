//! Routes: which handler answers a method on a path, under which operation id.

use std::future::Future;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::app::App;
use super::exchange::Product;
use super::failure::Result;
use super::openapi::{Components, Describe, Entry, Operation};

/// The routes of one product.
pub(crate) struct Routes {
    product: Product,
    pub(crate) router: Router<App>,
    pub(crate) entries: Vec<Entry>,
}

impl Routes {
    pub(crate) fn new(product: Product) -> Self {
        Self {
            product,
            router: Router::new(),
            entries: Vec::new(),
        }
    }

    /// Registers what answers on a path. A last segment `{Sid}.json` is routed as `{Sid}`, since the router has no
    /// items with an ending.
    pub(crate) fn at<const N: usize>(&mut self, path: &str, endpoints: [Endpoint; N]) {
        let mut methods: MethodRouter<App> = MethodRouter::new();
        for endpoint in endpoints {
            methods = methods.merge(endpoint.handler);
            self.entries.push(Entry {
                product: self.product,
                id: endpoint.id,
                method: endpoint.method,
                path: path.to_owned(),
                describe: endpoint.describe,
            });
        }
        let routed = path.strip_suffix("}.json").map(|start| format!("{start}}}"));
        let router = std::mem::take(&mut self.router);
        self.router = router.route(routed.as_deref().unwrap_or(path), methods);
    }
}

/// A handler under its operation id.
#[derive(Clone)]
pub(crate) struct Endpoint {
    id: String,
    method: Method,
    handler: MethodRouter<App>,
    describe: fn(&mut Operation, &mut Components),
}

impl Endpoint {
    fn new<H, T, D>(method: Method, filter: MethodFilter, id: &str, handler: H) -> Self
    where
        H: Handler<T, App> + Described<D>,
        T: 'static,
    {
        Self {
            id: id.to_owned(),
            method,
            handler: on(filter, handler),
            describe: H::describe_to,
        }
    }

    /// The same endpoint under another operation id.
    pub(crate) fn renamed(mut self, id: impl FnOnce(&str) -> String) -> Self {
        self.id = id(&self.id);
        self
    }
}

/// Answers GET.
pub(crate) fn get<H: Handler<T, App> + Described<D>, T: 'static, D>(id: &str, handler: H) -> Endpoint {
    Endpoint::new(Method::GET, MethodFilter::GET, id, handler)
}

/// Answers POST.
pub(crate) fn post<H: Handler<T, App> + Described<D>, T: 'static, D>(id: &str, handler: H) -> Endpoint {
    Endpoint::new(Method::POST, MethodFilter::POST, id, handler)
}

/// Answers PUT; only Content has it.
pub(crate) fn put<H: Handler<T, App> + Described<D>, T: 'static, D>(id: &str, handler: H) -> Endpoint {
    Endpoint::new(Method::PUT, MethodFilter::PUT, id, handler)
}

/// Answers DELETE.
pub(crate) fn delete<H: Handler<T, App> + Described<D>, T: 'static, D>(id: &str, handler: H) -> Endpoint {
    Endpoint::new(Method::DELETE, MethodFilter::DELETE, id, handler)
}

/// A handler all of whose parts describe themselves; `D` only tells the implementations apart.
pub(crate) trait Described<D> {
    fn describe_to(operation: &mut Operation, components: &mut Components);
}

macro_rules! described {
    ($($part:ident),*) => {
        impl<F, Fut, Out, $($part),*> Described<(Out, $($part),*)> for F
        where
            F: Fn($($part),*) -> Fut,
            Fut: Future<Output = Result<Out>>,
            Out: Describe,
            $($part: Describe),*
        {
            fn describe_to(operation: &mut Operation, components: &mut Components) {
                $($part::describe(operation, components);)*
                Out::describe(operation, components);
            }
        }
    };
}
described!(A);
described!(A, B);
described!(A, B, C);
