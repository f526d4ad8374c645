//! Which fields each type has, and its limits (B-797).

/// What a field holds.
pub(super) enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// A number in a range, its ends included.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Word(&'static [&'static str]),
    /// At most so many texts.
    Texts(usize),
    /// One text or a list of texts.
    TextOrTexts,
    /// Between so many objects of these fields.
    Objects(usize, usize, &'static [Field]),
}

/// A field of a type.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) needed: bool,
    pub(super) kind: Kind,
}

const fn needed(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        needed: true,
        kind,
    }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        needed: false,
        kind,
    }
}

/// Where the documentation gives no limit, that of a request's body is the only one, but for what may become the text
/// of a message.
const ANY: Kind = Kind::Text(usize::MAX);
const SPOKEN: Kind = Kind::Text(1600);
const SOME: usize = usize::MAX;

const WEBVIEW: Kind = Kind::Word(&["TALL", "FULL", "HALF", "NONE"]);

const QUICK_REPLIES: &[Field] = &[
    may("type", Kind::Word(&["QUICK_REPLY"])),
    needed("title", Kind::Text(20)),
    may("id", ANY),
];

const CALLS: &[Field] = &[
    needed(
        "type",
        Kind::Word(&[
            "URL",
            "PHONE_NUMBER",
            "COPY_CODE",
            "VOICE_CALL",
            "VOICE_CALL_REQUEST",
        ]),
    ),
    needed("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("code", ANY),
    may("id", ANY),
];

const CARD_ACTIONS: &[Field] = &[
    needed(
        "type",
        Kind::Word(&["URL", "PHONE_NUMBER", "QUICK_REPLY", "COPY_CODE", "VOICE_CALL"]),
    ),
    needed("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("id", ANY),
    may("code", ANY),
    may("webview_size", WEBVIEW),
];

const CAROUSEL_ACTIONS: &[Field] = &[
    needed("type", Kind::Word(&["URL", "PHONE_NUMBER", "QUICK_REPLY"])),
    needed("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("id", ANY),
];

const CAROUSEL_CARDS: &[Field] = &[
    may("title", ANY),
    needed("body", ANY),
    needed("media", ANY),
    needed("actions", Kind::Objects(1, SOME, CAROUSEL_ACTIONS)),
];

const CATALOG_ITEMS: &[Field] = &[
    may("id", ANY),
    may("section_title", ANY),
    may("name", ANY),
    may("media_url", ANY),
    may("price", Kind::Number(0.0, f64::MAX)),
    may("description", ANY),
];

const LIST_ITEMS: &[Field] = &[needed("id", ANY), needed("item", ANY), may("description", ANY)];

const COPY_CODES: &[Field] = &[
    needed("type", Kind::Word(&["COPY_CODE"])),
    needed("copy_code_text", ANY),
];

const FLOW_PAGES: &[Field] = &[
    needed("id", ANY),
    may("next_page_id", ANY),
    needed("title", ANY),
    may("subtitle", ANY),
    needed("layout", Kind::Objects(1, SOME, FLOW_COMPONENTS)),
];

const FLOW_COMPONENTS: &[Field] = &[may("label", ANY), needed("type", ANY)];

/// A type: its key, its fields, and fields of which at least one must be there.
pub(super) type Type = (&'static str, &'static [Field], &'static [&'static str]);

/// All types.
pub(super) const TYPES: &[Type] = &[
    ("twilio/text", &[needed("body", Kind::Text(1600))], &[]),
    (
        "twilio/media",
        &[may("body", Kind::Text(1600)), may("media", Kind::Texts(10))],
        &["body", "media"],
    ),
    (
        "twilio/quick-reply",
        &[
            needed("body", Kind::Text(1024)),
            needed("actions", Kind::Objects(1, 10, QUICK_REPLIES)),
        ],
        &[],
    ),
    (
        "twilio/call-to-action",
        &[
            needed("body", Kind::Text(640)),
            needed("actions", Kind::Objects(1, 2, CALLS)),
        ],
        &[],
    ),
    (
        "twilio/list-picker",
        &[
            needed("body", Kind::Text(1024)),
            needed("button", ANY),
            needed("items", Kind::Objects(1, 10, LIST_ITEMS)),
        ],
        &[],
    ),
    (
        "twilio/card",
        &[
            needed("title", Kind::Text(1024)),
            may("subtitle", Kind::Text(60)),
            may("media", Kind::Texts(SOME)),
            may("actions", Kind::Objects(0, SOME, CARD_ACTIONS)),
        ],
        &["subtitle", "media", "actions"],
    ),
    (
        "twilio/location",
        &[
            needed("latitude", Kind::Number(-90.0, 90.0)),
            needed("longitude", Kind::Number(-180.0, 180.0)),
            may("label", SPOKEN),
            may("id", ANY),
            may("address", SPOKEN),
        ],
        &[],
    ),
    (
        "twilio/carousel",
        &[
            needed("body", ANY),
            needed("cards", Kind::Objects(1, 10, CAROUSEL_CARDS)),
        ],
        &[],
    ),
    (
        "twilio/catalog",
        &[
            needed("body", ANY),
            may("title", ANY),
            may("subtitle", ANY),
            may("id", ANY),
            may("items", Kind::Objects(0, SOME, CATALOG_ITEMS)),
            may("dynamic_items", ANY),
        ],
        &[],
    ),
    (
        "twilio/flows",
        &[
            needed("body", ANY),
            needed("button_text", ANY),
            may("subtitle", ANY),
            may("media_url", ANY),
            needed("pages", Kind::Objects(1, SOME, FLOW_PAGES)),
            needed("type", ANY),
        ],
        &[],
    ),
    (
        "twilio/schedule",
        &[
            needed("id", ANY),
            needed("title", ANY),
            needed("timeSlots", Kind::TextOrTexts),
        ],
        &[],
    ),
    (
        "whatsapp/card",
        &[
            needed("body", SPOKEN),
            may("footer", ANY),
            may("header_text", ANY),
            may("media", Kind::Texts(SOME)),
            may("actions", Kind::Objects(0, SOME, CARD_ACTIONS)),
        ],
        &["footer", "header_text", "media", "actions"],
    ),
    (
        "whatsapp/authentication",
        &[
            may("add_security_recommendation", Kind::Flag),
            may("code_expiration_minutes", Kind::Number(1.0, 90.0)),
            needed("actions", Kind::Objects(1, SOME, COPY_CODES)),
        ],
        &[],
    ),
    (
        "whatsapp/flows",
        &[
            needed("body", ANY),
            needed("button_text", ANY),
            needed("flow_id", ANY),
            may("subtitle", ANY),
            may("media_url", ANY),
            may("flow_token", ANY),
            may("flow_first_page_id", ANY),
            may("is_flow_first_page_endpoint", Kind::Flag),
        ],
        &[],
    ),
];
