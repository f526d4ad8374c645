//! Licence expressions: is a package usable under the allowed licences?

use anyhow::{Result, bail};

/// Whether the SPDX expression `text` can be satisfied by the licences in `allowed`.
///
/// `/` between licences is the old spelling of `OR` that many packages still use.
pub(crate) fn is_allowed(text: &str, allowed: &[String]) -> Result<bool> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser {
        tokens: &tokens,
        allowed,
    };
    let answer = parser.any_of()?;
    match parser.tokens {
        [] => Ok(answer),
        [extra, ..] => bail!("`{extra}` is not expected in the licence expression `{text}`"),
    }
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    allowed: &'a [String],
}

impl Parser<'_> {
    fn accept(&mut self, word: &str) -> bool {
        match self.tokens {
            [first, rest @ ..] if *first == word => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any_of(&mut self) -> Result<bool> {
        let mut answer = self.all_of()?;
        while self.accept("OR") {
            answer |= self.all_of()?;
        }
        Ok(answer)
    }

    // AND binds tighter than OR.
    fn all_of(&mut self) -> Result<bool> {
        let mut answer = self.single()?;
        while self.accept("AND") {
            answer &= self.single()?;
        }
        Ok(answer)
    }

    fn single(&mut self) -> Result<bool> {
        if self.accept("(") {
            let answer = self.any_of()?;
            if !self.accept(")") {
                bail!("a closing parenthesis is missing in a licence expression");
            }
            return Ok(answer);
        }
        let [licence, rest @ ..] = self.tokens else {
            bail!("a licence expression ends too early");
        };
        if matches!(*licence, "AND" | "OR" | "WITH" | ")") {
            bail!("a licence is expected in place of `{licence}`");
        }
        self.tokens = rest;
        let mut name = (*licence).to_owned();
        if self.accept("WITH") {
            let [exception, rest @ ..] = self.tokens else {
                bail!("an exception is expected after WITH in a licence expression");
            };
            self.tokens = rest;
            name = format!("{name} WITH {exception}");
        }
        Ok(self.allowed.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> bool {
        let list = [
            "MIT",
            "Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "Unicode-3.0",
        ]
        .map(str::to_owned);
        is_allowed(text, &list).unwrap()
    }

    #[test]
    fn one_of_several_is_enough() {
        assert!(allowed("MIT"));
        assert!(allowed("MIT OR GPL-3.0-only"));
        assert!(allowed("GPL-3.0-only/MIT"));
        assert!(!allowed("GPL-3.0-only OR LGPL-2.1"));
    }

    #[test]
    fn all_of_several_are_needed() {
        assert!(allowed("(MIT OR GPL-3.0-only) AND Unicode-3.0"));
        assert!(!allowed("MIT AND GPL-3.0-only"));
        assert!(
            allowed("GPL-3.0-only AND ISC OR MIT"),
            "AND binds tighter than OR"
        );
        assert!(!allowed("GPL-3.0-only AND (ISC OR MIT)"));
    }

    #[test]
    fn an_exception_is_part_of_the_name() {
        assert!(allowed("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
        assert!(!allowed("MIT WITH Something-exception"));
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in ["", "MIT OR", "MIT Apache-2.0", "(MIT", "OR MIT", "MIT WITH"] {
            assert!(is_allowed(text, &[]).is_err(), "{text}");
        }
    }
}
