//! What a client may ask inside the websocket, as one table: requests are answered by it and by nothing else, and tests
//! go through it, so that no route is without them.

macro_rules! routes {
    ($($action:ident = $method:literal $path:literal);* $(;)?) => {
        /// What a request wants done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Action { $($action),* }

        const ROUTES: &[(&str, &str, Action)] = &[$(($method, $path, Action::$action)),*];
    };
}

// In the order of realtime.md §3.4 and §4.7.
routes! {
    FetchConfiguration = "GET" "/Client/v2/Configuration";
    ListMyConversations = "GET" "/Client/v2/Services/{service}/Users/{user}/Conversations";
    FetchMyConversation = "GET" "/Client/v2/Services/{service}/Users/{user}/Conversations/{conversation}";
    UpdateMyConversation = "POST" "/Client/v2/Services/{service}/Users/{user}/Conversations/{conversation}";
    CreateConversation = "POST" "/Client/v2/Services/{service}/Conversations";
    FetchConversation = "GET" "/Client/v2/Services/{service}/Conversations/{conversation}";
    UpdateConversation = "POST" "/Client/v2/Services/{service}/Conversations/{conversation}";
    DeleteConversation = "DELETE" "/Client/v2/Services/{service}/Conversations/{conversation}";
    AddParticipant = "POST" "/Client/v2/Services/{service}/Conversations/{conversation}/Participants";
    UpdateParticipant = "POST" "/Client/v2/Services/{service}/Conversations/{conversation}/Participants/{participant}";
    RemoveParticipant = "DELETE" "/Client/v2/Services/{service}/Conversations/{conversation}/Participants/{participant}";
    CreateMessage = "POST" "/Client/v2/Services/{service}/Conversations/{conversation}/Messages";
    UpdateMessage = "POST" "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}";
    DeleteMessage = "DELETE" "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}";
    ListReceipts = "GET" "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}/Receipts";
    ListMessageRecipients = "GET" "/Client/v2/Services/{service}/Conversations/{conversation}/MessageRecipients";
    FetchChannelMetadata = "GET" "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}/ChannelMetadata";
    FetchUser = "GET" "/Client/v2/Services/{service}/Users/{user}";
    UpdateUser = "POST" "/Client/v2/Services/{service}/Users/{user}";
    SignalTyping = "POST" "/Client/v2/Services/{service}/Typing";
    ListContentTemplates = "GET" "/Client/v2/ContentTemplates";
    RegisterDevice = "POST" "/v1/registrations";
    DeregisterDevice = "DELETE" "/v1/registrations";
    EndRegistration = "DELETE" "/v1/registrations/{id}";
    FetchDocument = "GET" "/v3/Documents/{entity}";
    FetchList = "GET" "/v3/Lists/{entity}";
    ListListItems = "GET" "/v3/Lists/{entity}/Items";
    FetchMap = "GET" "/v3/Maps/{entity}";
    ListMapItems = "GET" "/v3/Maps/{entity}/Items";
    ChangeSubscriptions = "POST" "/v4/Subscriptions";
}

/// Method and path of each request that is answered, with `{names}` for what varies.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|(method, path, _)| (*method, *path))
}

/// What a path and a method lead to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A route, and what the path says in the places that vary but the service.
    Route(Action, Vec<&'a str>),
    /// The path has other methods.
    OtherMethod,
    /// There is no such path.
    Nothing,
}

/// Finds the route of a request by its decoded path.
pub(crate) fn find<'a>(method: &str, path: &[&'a str]) -> Found<'a> {
    let mut found = Found::Nothing;
    for (known, pattern, action) in ROUTES {
        if let Some(parts) = parts(pattern, path) {
            if *known == method {
                return Found::Route(*action, parts);
            }
            found = Found::OtherMethod;
        }
    }
    found
}

fn parts<'a>(pattern: &str, path: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut parts = Vec::new();
    let mut path = path.iter();
    for expected in pattern.split('/').skip(1) {
        let part = *path.next()?;
        match expected {
            // Compared with the token's before anything is looked for.
            "{service}" => {}
            _ if expected.starts_with('{') => parts.push(part),
            _ if expected == part => {}
            _ => return None,
        }
    }
    path.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_by_method_and_whole_path() {
        let path = [
            "Client",
            "v2",
            "Services",
            "IS1",
            "Conversations",
            "CH1",
            "Messages",
            "IM1",
        ];
        let expected = Found::Route(Action::UpdateMessage, vec!["CH1", "IM1"]);
        assert_eq!(find("POST", &path), expected);
        assert_eq!(find("PUT", &path), Found::OtherMethod);
        assert_eq!(find("POST", &path[..4]), Found::Nothing);
        assert_eq!(find("GET", &["v3", "Documents", "ET1", "Items"]), Found::Nothing);
    }

    #[test]
    fn no_request_has_two_routes() {
        for (method, path, action) in ROUTES {
            let segments: Vec<&str> = path.split('/').skip(1).collect();
            assert!(
                matches!(find(method, &segments), Found::Route(found, _) if found == *action),
                "{path}"
            );
        }
    }
}
