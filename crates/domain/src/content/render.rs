//! From a template and a message's variables to the text of the message (B-782…B-787).

use std::collections::BTreeMap;

use confab_types::{AccountSid, ContentSid, Sid};

use super::types;
use crate::error::Error;
use crate::{Limits, Result, Transaction};

/// Characters of a message's variables as JSON text.
const VARIABLES_CHARS: usize = 27_801;
/// Number of them.
pub(super) const VARIABLES: usize = 100;
const KEY_CHARS: usize = 16;
const VALUE_CHARS: usize = 256;

type Values = BTreeMap<String, String>;

/// What a message says of its template; an empty text is as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// SID of the template.
    pub sid: Option<String>,
    /// JSON object of variables.
    pub variables: Option<String>,
}

/// A reference whose shape was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) sid: ContentSid,
    values: Values,
}

impl Reference {
    /// Checks what needs no rows; `None` when the message has no template.
    ///
    /// # Errors
    /// 50526 for what is no SID of a template; 50527…50529, 50540, 50541 for wrong variables (B-785, B-786).
    pub(crate) fn check(&self) -> Result<Option<Chosen>> {
        let given = |text: &'_ Option<String>| text.clone().filter(|t| !t.is_empty());
        let (sid, variables) = (given(&self.sid), given(&self.variables));
        let Some(sid) = sid else {
            return match variables {
                None => Ok(None),
                Some(_) => Err(Error::code(50528)),
            };
        };
        let sid = ContentSid::parse(&sid).ok_or_else(|| Error::code(50526))?;
        let values = variables.as_deref().map(read_values).transpose()?;
        Ok(Some(Chosen {
            sid,
            values: values.unwrap_or_default(),
        }))
    }
}

fn read_values(text: &str) -> Result<Values> {
    if text.chars().count() > VARIABLES_CHARS {
        return Err(Error::code(50529));
    }
    let values: Values = serde_json::from_str(text).map_err(|_| Error::code(50527))?;
    if values.len() > VARIABLES {
        return Err(Error::code(50529));
    }
    if values.keys().any(|key| key.chars().count() > KEY_CHARS) {
        return Err(Error::code(50540));
    }
    if values.values().any(|value| value.chars().count() > VALUE_CHARS) {
        return Err(Error::code(50541));
    }
    Ok(values)
}

impl Chosen {
    /// The text of the message; `None` for a template without words. All recipients get this form: no carrier of this
    /// server draws buttons, so each is one that the richer types cannot serve (B-787).
    ///
    /// # Errors
    /// 50526 when the account has no such template (B-786), 50542 when no conversation can carry it, 50504 for a text
    /// that became too long.
    pub(crate) fn text(
        &self,
        tx: &mut Transaction<'_>,
        account: AccountSid,
        limits: &Limits,
    ) -> Result<Option<String>> {
        let template = super::find(tx, account, self.sid)?.ok_or_else(|| Error::code(50526))?;
        let defaults: Values = serde_json::from_str(&template.variables).unwrap_or_default();
        let text = types::plain_text(&template.types)?;
        let text = text.map(|text| fill(&text, &self.values, &defaults));
        match text {
            Some(text) if text.len() > limits.message_body_bytes => Err(Error::code(50504)),
            text => Ok(text),
        }
    }
}

/// Replaces `{{name}}` and `{{ name }}` by the message's value, else by the template's default (B-783). A placeholder
/// that neither knows stays as it is; what was filled in is not looked at again.
fn fill(text: &str, values: &Values, defaults: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let value = end_of_name(&from[2..]).and_then(|end| {
            let name = from[2..2 + end].trim();
            let value = values.get(name).or_else(|| defaults.get(name))?;
            Some((value, &from[2 + end + 2..]))
        });
        if let Some((value, after)) = value {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled.push_str(rest);
    filled
}

/// Bytes of a name with its spaces: a text full of braces must not cost the square of its length.
const NAME_BYTES: usize = 256;

fn end_of_name(text: &str) -> Option<usize> {
    text.as_bytes()
        .windows(2)
        .take(NAME_BYTES)
        .position(|pair| pair == b"}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    #[test]
    fn the_messages_value_goes_before_the_default_b783() {
        let defaults = values(&[("1", "you"), ("2", "today")]);
        let given = values(&[("1", "Ann")]);
        assert_eq!(fill("Hi {{1}}, {{ 2 }}!", &given, &defaults), "Hi Ann, today!");
        assert_eq!(fill("{{ name }}", &given, &defaults), "{{ name }}");
    }

    #[test]
    fn odd_braces_stay_and_values_are_not_templates_b783() {
        let given = values(&[("1", "{{2}}"), ("2", "no")]);
        for (text, expected) in [
            ("{{{1}}}", "{{{2}}}"),
            ("{{1", "{{1"),
            ("{{}} {{1}}", "{{}} {{2}}"),
            ("{{ {{1}}", "{{ {{2}}"),
            ("1}} ä{{1}}ö", "1}} ä{{2}}ö"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &given, &Values::new()), expected);
        }
    }

    fn refused(variables: &str) -> u32 {
        let reference = Reference {
            sid: Some("HX00000000000000000000000000000001".into()),
            variables: Some(variables.into()),
        };
        match reference.check() {
            Err(Error::Api(error)) => error.code,
            Ok(_) => 0,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn variables_at_their_limits_b785() {
        let one = |key: usize, value: usize| format!(r#"{{"{}":"{}"}}"#, "k".repeat(key), "ä".repeat(value));
        assert_eq!(refused(&one(16, 256)), 0);
        assert_eq!(refused(&one(17, 256)), 50540);
        assert_eq!(refused(&one(16, 257)), 50541);
        for text in ["{", "[]", "5", r#"{"1":2}"#, r#"{"1":null}"#] {
            assert_eq!(refused(text), 50527, "{text}");
        }
        let many = |n: usize| {
            let pairs: Vec<String> = (0..n).map(|i| format!(r#""{i}":"""#)).collect();
            format!("{{{}}}", pairs.join(","))
        };
        assert_eq!((refused(&many(100)), refused(&many(101))), (0, 50529));
        let spaced = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
        assert_eq!((refused(&spaced(27_801)), refused(&spaced(27_802))), (0, 50529));
    }

    #[test]
    fn variables_belong_to_a_template_b785_b786() {
        let code = |sid: Option<&str>, variables: Option<&str>| {
            let reference = Reference {
                sid: sid.map(str::to_owned),
                variables: variables.map(str::to_owned),
            };
            reference.check().map_err(|error| error.to_string())
        };
        assert_eq!(code(None, None), Ok(None));
        assert_eq!(code(Some(""), Some("")), Ok(None));
        assert!(code(None, Some("{}")).is_err_and(|e| e.contains("50528")));
        assert!(code(Some("HX1"), None).is_err_and(|e| e.contains("50526")));
    }
}
