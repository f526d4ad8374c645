//! Lists by keyset: a page starts after the key of a row, never at an offset, so that inserts do not shift it and
//! the millionth page costs what the first does.

use confab_store::{Param, Row};
use confab_types::{ApiError, Cursor, Direction, KeyPart};

use crate::{Result, Transaction};

/// Order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Growing keys.
    Ascending,
    /// Falling keys.
    Descending,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug)]
pub struct Window {
    /// Where it starts; `None` for the beginning.
    pub cursor: Option<Cursor>,
    /// Rows on it.
    pub size: usize,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its rows in the order of the list.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Cursor>,
    /// Where the previous page ends; `None` on the first one.
    pub previous: Option<Cursor>,
}

impl<T> Default for Page<T> {
    /// A list of nothing.
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: None,
            previous: None,
        }
    }
}

impl<T> Page<T> {
    /// The same page with other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
            previous: self.previous,
        }
    }
}

impl<T> Page<T> {
    /// A page of what is at hand as a whole, in the growing order of its keys.
    pub fn of_all(all: Vec<T>, key: fn(&T) -> Vec<KeyPart>, window: &Window) -> Self {
        let (start, end) = match &window.cursor {
            None => (0, all.len().min(window.size)),
            Some(cursor) => {
                let before = |inclusive: bool| {
                    all.partition_point(|item| {
                        let key = key(item);
                        key < cursor.key || (inclusive && key == cursor.key)
                    })
                };
                match cursor.direction {
                    Direction::Next => {
                        let start = before(true);
                        (start, all.len().min(start.saturating_add(window.size)))
                    }
                    Direction::Previous => {
                        let end = before(false);
                        (end.saturating_sub(window.size), end)
                    }
                }
            }
        };
        let cursor = |direction, item: Option<&T>| {
            item.map(|item| Cursor {
                direction,
                key: key(item),
            })
        };
        let (next, previous) = (end < all.len(), start > 0);
        let items: Vec<T> = all.into_iter().skip(start).take(end - start).collect();
        Self {
            next: cursor(Direction::Next, items.last().filter(|_| next)),
            previous: cursor(Direction::Previous, items.first().filter(|_| previous)),
            items,
        }
    }
}

/// How a list is read: two statements that differ in direction only. Their last parameters are the key parts of the
/// bound (not on the page) and the number of rows.
pub(crate) struct Listing<'a, T> {
    pub(crate) ascending: &'static str,
    pub(crate) descending: &'static str,
    pub(crate) params: Vec<Param<'a>>,
    /// Smallest and greatest bound, one part a key column.
    pub(crate) bounds: &'a [Bound],
    /// Where a descending list without a token starts in its first column, instead of the greatest bound.
    pub(crate) edge: Option<KeyPart>,
    pub(crate) read: fn(Row) -> Result<T>,
    pub(crate) key: fn(&T) -> Vec<KeyPart>,
}

/// Type of a key column.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    Int,
    Text,
}

impl Bound {
    fn outermost(self, ascending: bool) -> KeyPart {
        match (self, ascending) {
            (Self::Int, true) => KeyPart::Int(i64::MIN),
            (Self::Int, false) => KeyPart::Int(i64::MAX),
            (Self::Text, true) => KeyPart::Text(String::new()),
            // Sorts after every SID and name: the greatest character there is.
            (Self::Text, false) => KeyPart::Text("\u{10ffff}".into()),
        }
    }

    fn fits(self, part: &KeyPart) -> bool {
        matches!(
            (self, part),
            (Self::Int, KeyPart::Int(_)) | (Self::Text, KeyPart::Text(_))
        )
    }
}

impl<T> Listing<'_, T> {
    pub(crate) fn page(self, tx: &mut Transaction<'_>, order: Order, window: &Window) -> Result<Page<T>> {
        let backwards = window
            .cursor
            .as_ref()
            .is_some_and(|c| c.direction == Direction::Previous);
        let ascending = (order == Order::Ascending) != backwards;
        let bound = match &window.cursor {
            None => {
                let mut bound: Vec<KeyPart> = self.bounds.iter().map(|b| b.outermost(ascending)).collect();
                if let (false, Some(edge), Some(first)) = (ascending, self.edge, bound.first_mut()) {
                    *first = edge;
                }
                bound
            }
            Some(cursor) => {
                let fits = cursor.key.len() == self.bounds.len()
                    && self.bounds.iter().zip(&cursor.key).all(|(b, part)| b.fits(part));
                if !fits {
                    return Err(ApiError::invalid("PageToken").into());
                }
                cursor.key.clone()
            }
        };
        let mut params = self.params;
        params.extend(bound.into_iter().map(|part| match part {
            KeyPart::Int(i) => Param::from(i),
            KeyPart::Text(text) => Param::from(text),
        }));
        // One more than wanted tells whether there is another page.
        params.push(Param::from(
            i64::try_from(window.size).unwrap_or(i64::MAX - 1) + 1,
        ));
        let sql = if ascending {
            self.ascending
        } else {
            self.descending
        };
        let mut items = tx
            .query(sql, &params)?
            .into_iter()
            .map(self.read)
            .collect::<Result<Vec<T>>>()?;
        let more = items.len() > window.size;
        items.truncate(window.size);
        if backwards {
            items.reverse();
        }
        let key = self.key;
        let cursor = |direction, item: Option<&T>| {
            item.map(|i| Cursor {
                direction,
                key: key(i),
            })
        };
        let (next, previous) = if backwards {
            (true, more)
        } else {
            (more, window.cursor.is_some())
        };
        Ok(Page {
            next: if next {
                cursor(Direction::Next, items.last())
            } else {
                None
            },
            previous: if previous {
                cursor(Direction::Previous, items.first())
            } else {
                None
            },
            items,
        })
    }
}

/// One page of several pages that start at the same place in an order: of a list that is asked for any of some values,
/// each of which an index gives in order.
pub(crate) fn merge<T>(
    pages: Vec<Page<T>>,
    key: fn(&T) -> Vec<KeyPart>,
    order: Order,
    window: &Window,
) -> Page<T> {
    let backwards = window
        .cursor
        .as_ref()
        .is_some_and(|c| c.direction == Direction::Previous);
    let (mut items, mut next, mut previous) = (Vec::new(), false, false);
    for page in pages {
        next |= page.next.is_some();
        previous |= page.previous.is_some();
        items.extend(page.items);
    }
    items.sort_by_cached_key(key);
    if order == Order::Descending {
        items.reverse();
    }
    let surplus = items.len().saturating_sub(window.size);
    if backwards {
        previous |= surplus > 0;
        items.drain(..surplus);
    } else {
        next |= surplus > 0;
        items.truncate(window.size);
    }
    let cursor = |direction, item: Option<&T>| {
        item.map(|i| Cursor {
            direction,
            key: key(i),
        })
    };
    Page {
        next: if next {
            cursor(Direction::Next, items.last())
        } else {
            None
        },
        previous: if previous {
            cursor(Direction::Previous, items.first())
        } else {
            None
        },
        items,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_hand_is_paged_there_and_back_b022() {
        let key = |n: &i64| vec![KeyPart::Int(*n)];
        let page = |cursor| Page::of_all((1..=7).collect(), key, &Window { cursor, size: 3 });
        let first = page(None);
        assert_eq!((first.items, first.previous), (vec![1, 2, 3], None));
        let second = page(first.next);
        let last = page(second.next);
        assert_eq!(
            (second.items, last.items, last.next),
            (vec![4, 5, 6], vec![7], None)
        );
        let back = page(last.previous);
        assert_eq!(back.items, [4, 5, 6]);
        let start = page(back.previous);
        assert_eq!((start.items, start.previous), (vec![1, 2, 3], None));
        assert_eq!(start.next, Some(Cursor::after(3)));
        let none = Page::of_all(
            Vec::new(),
            key,
            &Window {
                cursor: None,
                size: 3,
            },
        );
        assert_eq!((none.items.len(), none.next), (0, None));
    }
}
