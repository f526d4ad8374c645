//! Into how many parts a text message is cut on its way (3GPP TS 23.038 for the alphabets, TS 23.040 for parts).

/// The characters of GSM 7-bit that take one septet. The other ones of that alphabet are in [`ESCAPED`].
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
                     ¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Those that take two septets, of which the first is the escape.
const ESCAPED: &str = "\u{c}^{}\\[~]|€";

/// Units of a message that is not cut, and of each part of one that is: seven octets go into the header of a part.
const GSM7: (usize, usize) = (160, 153);
const UCS2: (usize, usize) = (70, 67);

fn septets(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || BASIC.contains(c) {
        Some(1)
    } else if ESCAPED.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Parts of a text: 1 for what fits into one message, the empty text too. A text with one character outside GSM 7-bit
/// goes in UCS-2 as a whole. What takes two units is never cut in two, so a part may have one unit to spare.
#[must_use]
pub fn segments(text: &str) -> i64 {
    match text.chars().map(septets).collect::<Option<Vec<_>>>() {
        Some(widths) => parts(widths.into_iter(), GSM7),
        None => parts(text.chars().map(char::len_utf16), UCS2),
    }
}

fn parts(widths: impl Iterator<Item = usize> + Clone, (alone, part): (usize, usize)) -> i64 {
    if widths.clone().sum::<usize>() <= alone {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for width in widths {
        if used + width > part {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_phones_alphabet_has_160_characters_or_parts_of_153_b252() {
        for (length, wanted) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (1600, 11)] {
            assert_eq!(segments(&"a".repeat(length)), wanted, "{length}");
            assert_eq!(segments(&"é".repeat(length)), wanted, "{length}");
        }
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(segments(&BASIC.repeat(2)[..160]), 1);
    }

    #[test]
    fn escaped_characters_count_twice_and_are_not_cut_b252() {
        for (length, wanted) in [(80, 1), (81, 2), (152, 2), (153, 3)] {
            assert_eq!(segments(&"€".repeat(length)), wanted, "{length}");
        }
        // 152 + 2 do not fit into 153, so the second part begins with the escape.
        let cut = |tail: usize| format!("{}€{}", "a".repeat(152), "a".repeat(tail));
        assert_eq!((segments(&cut(151)), segments(&cut(152))), (2, 3));
    }

    #[test]
    fn one_other_character_makes_all_of_it_ucs2_b252() {
        for (text, length, wanted) in [
            ("ж", 70, 1),
            ("ж", 71, 2),
            ("ж", 134, 2),
            ("ж", 135, 3),
            ("👍", 35, 1),
            ("👍", 36, 2),
            // 33 pairs of surrogates a part.
            ("👍", 66, 2),
            ("👍", 67, 3),
        ] {
            assert_eq!(segments(&text.repeat(length)), wanted, "{length} of {text}");
        }
        assert_eq!(segments(&format!("{}’", "a".repeat(69))), 1);
        assert_eq!(segments(&format!("{}’", "a".repeat(70))), 2);
        assert_eq!(segments("`"), 1);
        assert_eq!(segments(&"`".repeat(71)), 2, "no backtick on phones");
    }
}
