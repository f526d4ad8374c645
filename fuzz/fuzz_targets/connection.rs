//! Any bytes as the headers of frames that a client sends after a good `init`, to a whole server with a database.
//! Headers are separated by line ends; a panic anywhere in the server ends the run.
#![no_main]

use std::sync::OnceLock;

use confab_testkit::{Frame, TestServer};
use serde_json::Value;
use tokio::runtime::Runtime;

struct World {
    runtime: Runtime,
    server: TestServer,
    token: String,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let (server, token) = runtime.block_on(async {
            let server = TestServer::start().await;
            let token = server.token("fuzz").await;
            (server, token)
        });
        World { runtime, server, token }
    })
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let World { runtime, server, token } = world();
    runtime.block_on(async {
        let mut socket = server.connect().await;
        assert_eq!(socket.init(token).await.status(), 200);
        for line in text.lines() {
            // What is no JSON object is the other target's.
            let Ok(Value::Object(header)) = serde_json::from_str(line) else {
                continue;
            };
            socket.send_unwelcome(Frame::build(header.into(), b"{}")).await;
        }
        socket.close().await;
    });
});
