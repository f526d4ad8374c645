//! SIDs in paths, and pages of lists.

use confab_testkit::TestServer;
use http::Method;

use super::{Resources, refused};
use crate::support::{CONVERSATIONS, USERS, say, snapshot};

#[tokio::test]
async fn unknown_and_wrong_sids_are_404_and_change_nothing_b004_b005_b006() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let digits = "0123456789abcdef0123456789abcdef";
    let one = resources.conversation.as_str();
    let service = "/conversations/v1/Services";
    for (path, code) in [
        (format!("{CONVERSATIONS}/CH{digits}"), 20404),
        (format!("{CONVERSATIONS}/nonsense"), 20404),
        (format!("{CONVERSATIONS}/CHx"), 20404),
        (format!("{CONVERSATIONS}/IM{}", &resources.sid[2..]), 20404),
        (format!("{CONVERSATIONS}/{}", &resources.sid[..33]), 20404),
        (format!("{CONVERSATIONS}/{}0", resources.sid), 20404),
        (format!("{CONVERSATIONS}/%20{}", resources.sid), 20404),
        (format!("{CONVERSATIONS}/+{}", &resources.sid[1..]), 20404),
        (format!("{CONVERSATIONS}/CH{digits}/Messages/IM{digits}"), 50350),
        (
            format!("{CONVERSATIONS}/CH{digits}/Participants/MB{digits}"),
            50350,
        ),
        (format!("{one}/Messages/IM{digits}"), 50500),
        (format!("{one}/Messages/nonsense"), 20404),
        (format!("{one}/Messages/0"), 20404),
        (format!("{one}/Participants/MB{digits}"), 50432),
        (format!("{one}/Participants/nobody"), 50432),
        (format!("{one}/Nonsense/x"), 20404),
        (format!("{USERS}/US{digits}"), 20404),
        (format!("{USERS}/nobody"), 20404),
        (format!("{service}/IS{digits}"), 20404),
        (format!("{service}/{}", resources.sid), 20404),
        (
            format!("{service}/IS{digits}/Conversations/{}", resources.sid),
            20404,
        ),
        (format!("{service}/nonsense/Users/alice"), 20404),
        ("/conversations/v1/Nonsense".into(), 20404),
        ("/conversations/v9/Conversations".into(), 20404),
        ("/nonsense".into(), 20404),
    ] {
        let get = server.get(&path).await;
        let wanted = [code, 20404];
        let got = (get.status, get.code().unwrap_or(0));
        assert!(
            got.0 == 404 && wanted.contains(&got.1),
            "{path}: {} {}",
            get.status,
            get.text
        );
        refused(&get, 404, got.1, &path);
        let post = server
            .post(
                &path,
                &[("FriendlyName", "x"), ("Body", "x"), ("Attributes", "{}")],
            )
            .await;
        // A service has no update (B-052).
        let known = path.starts_with(&format!("{service}/")) && path.matches('/').count() == 4;
        if known {
            assert!(matches!(post.status, 404 | 405), "{path}: {}", post.text);
        } else {
            assert_eq!(post.status, 404, "{path}: {}", post.text);
        }
        assert_eq!(server.delete(&path).await.status, 404, "{path}");
    }
    let path = format!("{CONVERSATIONS}/CH{digits}");
    let message = server.get(&path).await.json["message"].clone();
    let wanted = format!("The requested resource /Conversations/CH{digits} was not found");
    assert_eq!(message, wanted.as_str(), "B-004");
    for (method, path) in [
        (Method::PUT, one),
        (Method::PATCH, one),
        (Method::DELETE, CONVERSATIONS),
        (Method::POST, "/conversations/v1/Configuration/x"),
        (Method::DELETE, USERS),
    ] {
        let request = server.rest.request(method.clone(), path);
        let response = server.rest.send(request).await.unwrap();
        if path.ends_with("/x") {
            refused(&response, 404, 20404, path);
        } else {
            refused(&response, 405, 20004, &format!("{method} {path}"));
        }
    }
    // B-029, B-031: of another service.
    let made = server
        .post(service, &[("FriendlyName", "other")])
        .await
        .expect(201);
    let other = format!("{service}/{}", made.text_of("sid"));
    for path in [
        format!("{other}/Conversations/{}", resources.sid),
        format!("{other}/Conversations/{}/Messages", resources.sid),
        format!("{other}/Users/alice"),
        resources
            .user
            .replace("/v1/", &format!("/v1/Services/{}/", made.text_of("sid"))),
    ] {
        assert_eq!(server.get(&path).await.status, 404, "{path}");
        let form = [("FriendlyName", "x"), ("Body", "x")];
        assert_eq!(server.post(&path, &form).await.status, 404, "{path}");
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
}

#[tokio::test]
async fn pages_of_a_wrong_size_and_forged_tokens_are_refused_b024_b026() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let messages = format!("{}/Messages", resources.conversation);
    let members = format!("{}/Participants", resources.conversation);
    for n in 0..4 {
        say(&server, &resources.sid, &n.to_string()).await;
        crate::support::add(&server, &resources.sid, &n.to_string()).await;
        server.post(CONVERSATIONS, &[]).await.expect(201);
    }
    let lists = [
        (CONVERSATIONS, "conversations", 100),
        (messages.as_str(), "messages", 100),
        (members.as_str(), "participants", 100),
        (USERS, "users", 50),
    ];
    for (path, key, most) in lists {
        for (size, code) in [
            ("0", 20001),
            ("-1", 20001),
            ("x", 20001),
            ("1.5", 20001),
            ("", 20001),
            ("1001", 20007),
        ] {
            let what = format!("{path}?PageSize={size}");
            refused(&server.get(&what).await, 400, code, &what);
        }
        for size in [
            "9223372036854775807",
            "9223372036854775808",
            "99999999999999999999999",
        ] {
            let response = server.get(&format!("{path}?PageSize={size}")).await;
            assert_eq!(response.status, 400, "{path} {size}: {}", response.text);
        }
        for page in ["-1", "x", "9223372036854775808"] {
            let what = format!("{path}?Page={page}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
        let clamped = server.get(&format!("{path}?PageSize=1000")).await.expect(200);
        assert_eq!(clamped.json["meta"]["page_size"], most, "B-024: {path}");
        let page = server.get(&format!("{path}?PageSize=2")).await.expect(200);
        assert_eq!(page.json[key].as_array().map(Vec::len), Some(2), "{path}");
        let next = page.json["meta"]["next_page_url"]
            .as_str()
            .expect("another page")
            .to_owned();
        let token = next
            .split("PageToken=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .to_owned();
        let mut last = token.chars().last().unwrap();
        last = if last == 'A' { 'B' } else { 'A' };
        let cut = &token[..token.len() - 1];
        for forged in [
            "x".to_owned(),
            "PA".into(),
            "PT0".into(),
            "0".into(),
            token.to_lowercase(),
            format!("{cut}{last}"),
            cut.to_owned(),
            format!("{token}A"),
            format!("{token}%3D%3D"),
            token.replacen("PA", "PB", 1),
            "PA".to_owned() + &"A".repeat(5000),
        ] {
            let what = format!("{path}?PageSize=2&Page=1&PageToken={forged}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
        // A good token of another list.
        for (other, _, _) in lists.iter().filter(|(other, _, _)| *other != path) {
            let what = format!("{other}?PageToken={token}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
        server.get(&next).await.expect(200);
    }
    let order = server
        .get(&format!("{messages}?PageSize=2&Order=desc"))
        .await
        .expect(200);
    let next = order.json["meta"]["next_page_url"].as_str().unwrap();
    refused(
        &server.get(&next.replace("Order=desc", "Order=asc")).await,
        400,
        20001,
        "another order",
    );
    refused(
        &server.get(&format!("{messages}?Order=x")).await,
        400,
        20001,
        "no order",
    );
}
