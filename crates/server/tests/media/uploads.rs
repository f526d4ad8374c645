//! Uploads: the forms they come in, and their bounds.

use confab_testkit::{TestServer, soon};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{PNG, bytes, collection, download, send, temporary, upload, uploaded};

/// What stands around the file of a form is not gathered without end; the file itself may be long.
#[tokio::test]
async fn a_form_is_read_piece_by_piece() {
    let server = TestServer::start().await;
    let kind = "multipart/form-data; boundary=B";
    let long = "x".repeat(8 << 20);
    for junk in [
        long.clone(),
        format!("--B\r\nX-Long: {long}"),
        format!("--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{long}"),
    ] {
        let (status, _, body) = bytes(upload(&server, "", Some(kind)).body(junk)).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{body}");
    }
    let form = format!(
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\n{long}\r\n--B--\r\n"
    );
    let record = uploaded(&server, "", kind, form).await;
    assert_eq!(record["size"], 8 << 20);
}

#[tokio::test]
async fn a_form_with_one_file_is_an_upload_of_the_file_b271() {
    let server = TestServer::start().await;
    let form = "--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nnothing\r\n\
        --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nabc\r\n--B--\r\n";
    let record = uploaded(
        &server,
        "?Filename=other",
        "multipart/form-data; boundary=B",
        form,
    )
    .await;
    assert_eq!(
        (&record["size"], &record["content_type"], &record["filename"]),
        (&json!(3), &json!("text/plain"), &json!("f.txt"))
    );
    assert_eq!(download(&temporary(&record)).await.2, b"abc");

    let untyped = form
        .replace("Content-Type: text/plain\r\n", "")
        .replace("abc", "%PDF-1.7");
    let record = uploaded(&server, "", "multipart/form-data; boundary=B", untyped).await;
    assert_eq!(record["content_type"], "application/pdf");

    for (broken, boundary) in [
        (form.replace("; filename=\"f.txt\"", ""), "B"),
        (form.replace("--B--", ""), "B"),
        (form.replace("abc", ""), "B"),
        (form.to_owned(), "C"),
        (String::new(), "B"),
    ] {
        let kind = format!("multipart/form-data; boundary={boundary}");
        let refused = send(&server, upload(&server, "", Some(&kind)).body(broken.clone())).await;
        assert_eq!((refused.status, refused.code()), (400, Some(20001)), "{broken}");
    }
}

#[tokio::test]
async fn the_type_is_kept_as_given_and_told_by_the_bytes_otherwise() {
    let server = TestServer::start().await;
    for given in [None, Some("application/octet-stream")] {
        let record = send(&server, upload(&server, "", given).body(PNG))
            .await
            .expect(201);
        assert_eq!(record.json["content_type"], "image/png", "{given:?}");
    }
    let record = uploaded(&server, "", "text/x-own; a=b", PNG).await;
    assert_eq!(record["content_type"], "text/x-own; a=b");
}

#[tokio::test]
async fn bad_uploads_are_refused_and_leave_nothing() {
    let server = TestServer::start().await;
    let refused = |request: RequestBuilder| async {
        let refused = send(&server, request).await;
        (refused.status, refused.code().unwrap())
    };
    let text = Some("text/plain");
    assert_eq!(refused(upload(&server, "", text).body("")).await, (400, 20001));
    assert_eq!(
        refused(upload(&server, "?Category=x", text).body("x")).await,
        (400, 20001)
    );
    let long = format!("?Filename={}", "a".repeat(257));
    assert_eq!(
        refused(upload(&server, &long, text).body("x")).await,
        (400, 20001)
    );
    let kind = "a/".to_owned() + &"b".repeat(255);
    assert_eq!(
        refused(upload(&server, "", Some(&kind)).body("x")).await,
        (400, 20001)
    );

    let elsewhere = collection(&server).replace(&server.service_sid, "IS00000000000000000000000000000001");
    assert_eq!(server.post(&elsewhere, &[]).await.expect(404).code(), Some(20404));
    let anonymous = server.rest.anonymous();
    assert_eq!(anonymous.get(&collection(&server)).await.status, 405);
    assert_eq!(
        anonymous
            .post(&collection(&server), &[("a", "b")])
            .await
            .expect(401)
            .code(),
        Some(20003)
    );
    for unknown in [
        "ME00000000000000000000000000000001",
        "ME1",
        "CH00000000000000000000000000000001",
    ] {
        let path = format!("{}/{unknown}", collection(&server));
        assert_eq!(server.get(&path).await.expect(404).code(), Some(20404));
        assert_eq!(server.get(&format!("{path}/Content")).await.status, 404);
    }
    assert_eq!(server.get("/media/").await.status, 404);
}

#[tokio::test]
async fn the_limit_of_the_owner_is_exact_b281() {
    let server = TestServer::start_with(|config| config.media.max_bytes = 2000).await;
    let of = |size: usize| upload(&server, "", Some("text/plain")).body(vec![b'a'; size]);
    assert_eq!(send(&server, of(2000)).await.expect(201).json["size"], 2000);
    assert_eq!(send(&server, of(2001)).await.expect(413).code(), Some(20413));
    // Well past it, and without a length that would tell.
    assert_eq!(send(&server, of(300_000)).await.expect(413).code(), Some(20413));
    let form = |size: usize| {
        let form = format!(
            "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n{}\r\n--B--\r\n",
            "a".repeat(size)
        );
        upload(&server, "", Some("multipart/form-data; boundary=B")).body(form)
    };
    assert_eq!(send(&server, form(2000)).await.expect(201).json["size"], 2000);
    assert_eq!(send(&server, form(2001)).await.expect(413).code(), Some(20413));
    let chunked = |size: usize| {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n",
            collection(&server),
            basic(&server)
        );
        [head.into_bytes(), vec![b'a'; size], b"\r\n0\r\n\r\n".to_vec()].concat()
    };
    assert!(raw(&server, &chunked(2000)).await.starts_with("HTTP/1.1 201"));
    assert!(raw(&server, &chunked(2001)).await.starts_with("HTTP/1.1 413"));
}

fn basic(server: &TestServer) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", server.account_sid, server.auth_token))
}

/// Sends bytes as they stand; gives all that comes back.
async fn raw(server: &TestServer, request: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon("the answer", connection.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_no_medium() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = TestServer::start().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {}\r\nContent-Length: 1000\r\n\r\nonly this",
        collection(&server),
        basic(&server)
    );
    let mut connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the end", connection.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    uploaded(&server, "", "text/plain", "the server still works").await;
}
