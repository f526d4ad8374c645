//! The lists of v2: sorted and filtered.

use confab_domain::Page;
use confab_domain::content::{self, ApprovalStatus, Filter, Pattern, Sort};
use confab_types::ApiError;

use super::{template, with_approval};
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Direction, List, Text, input};
use crate::kit::paging::{Listed, Paged, Paging};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    // Operation ids are told apart from those of v1.
    routes.at("/v2/Content", [get("ListContentV2", list)]);
    routes.at(
        "/v2/ContentAndApprovals",
        [get("ListContentAndApprovalsV2", list_with_approval)],
    );
}

input! {
    /// Which templates, and in which order.
    struct Wanted {
        by_date: Direction = "SortByDate",
        by_name: Direction = "SortByContentName",
        from: Date = "DateCreatedAfter",
        to: Date = "DateCreatedBefore",
        name: Text = "ContentName",
        text: Text = "Content",
        languages: List = "Language",
        types: List = "ContentType",
        eligibilities: List = "ChannelEligibility",
    }
}

impl Wanted {
    /// The date goes before the name where both are given.
    fn sort(&self) -> Sort {
        match (self.by_date, self.by_name) {
            (Some(order), _) => Sort::Updated(order),
            (None, Some(order)) => Sort::Name(order),
            (None, None) => Sort::Newest,
        }
    }

    fn filter(self) -> Result<Filter, ApiError> {
        let pattern = |name, text: Option<String>| {
            text.filter(|t| !t.is_empty())
                .map(|text| Pattern::parse(name, &text))
                .transpose()
        };
        Ok(Filter {
            from: self.from,
            to: self.to,
            name: pattern("ContentName", self.name)?,
            text: pattern("Content", self.text)?,
            languages: self.languages.unwrap_or_default(),
            types: self.types.unwrap_or_default(),
            statuses: statuses(&self.eligibilities.unwrap_or_default())?,
        })
    }
}

/// `whatsapp:approved`. No other channel asks for approval, so none has a status to be filtered by.
fn statuses(words: &[String]) -> Result<Vec<ApprovalStatus>, ApiError> {
    words
        .iter()
        .map(|word| {
            word.strip_prefix("whatsapp:")
                .and_then(ApprovalStatus::parse)
                .ok_or_else(|| ApiError::invalid("ChannelEligibility"))
        })
        .collect()
}

type Reader = Box<dyn FnMut(&mut confab_domain::Transaction<'_>, &Paging) -> Read + Send>;
type Read = confab_domain::Result<(String, Page<content::Content>)>;

fn reader(caller: &Caller, wanted: Wanted, url: String) -> Result<Reader> {
    let (account, sort) = (caller.account(), wanted.sort());
    let filter = wanted.filter()?;
    Ok(Box::new(move |tx, paging| {
        let page = content::list(tx, account, sort, &filter, &paging.window(&url)?)?;
        Ok((url.clone(), page))
    }))
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<template::View>> {
    let url = format!("{}/v2/Content", caller.exchange.base);
    let read = reader(&caller, query.filters, url)?;
    query
        .paging
        .list(&caller, read, |row| template::view(&caller, row))
        .await
}

async fn list_with_approval(
    caller: Caller,
    query: Paged<Wanted, 1000>,
) -> Result<Listed<with_approval::View>> {
    let url = format!("{}/v2/ContentAndApprovals", caller.exchange.base);
    let read = reader(&caller, query.filters, url)?;
    query.paging.list(&caller, read, with_approval::view).await
}
