//! A library with its jobs over a fresh engine whose clock the test moves.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use confab_domain::media::{Category, Media, Owner};
use confab_domain::message::Message;
use confab_domain::{Actor, Client, Error, Limits, Result, conversation, media, message, participant, user};
use confab_jobs::Worker;
use confab_media::{Fetcher, Library, Links, MediaJobs, Objects, Upload};
use confab_outgoing::Guard;
use confab_testkit::{TestClock, TestEngine, engine_with_at, soon};
use confab_types::{ConversationSid, MediaSid, ServiceSid};
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc, oneshot};

pub const PHONE: &str = "+15558675310";
pub const NUMBER: &str = "+15017122661";

pub struct World {
    pub engine: TestEngine,
    pub clock: TestClock,
    pub library: Library,
    directory: TempDir,
    done: Mutex<mpsc::UnboundedReceiver<String>>,
    // The worker ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl World {
    pub async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let clock = TestClock::new();
        let engine = engine_with_at(limits, clock.clone()).await;
        let directory = tempfile::tempdir().unwrap();
        let objects = Objects::open(directory.path().join("media")).await.unwrap();
        let library = Library::new((*engine).clone(), objects, Links::new(b"test"));
        let jobs = MediaJobs::new((*engine).clone(), library.clone(), Fetcher::new(Guard::Open));
        let (stop, stops) = oneshot::channel::<()>();
        let handler = Arc::new(OnlyMedia { jobs });
        let (tell, done) = mpsc::unbounded_channel();
        let observer = move |kind: &str, ok: bool| {
            if ok {
                let _ = tell.send(kind.to_owned());
            }
        };
        let worker = Worker::new((*engine).clone(), handler, Arc::new(observer));
        tokio::spawn(worker.run(async move {
            let _ = stops.await;
        }));
        Self {
            engine,
            clock,
            library,
            directory,
            done: Mutex::new(done),
            _stop: stop,
        }
    }

    pub fn service(&self) -> ServiceSid {
        self.engine.account.default_service
    }

    pub fn upload(&self) -> Upload {
        Upload {
            owner: Owner::Service(self.service()),
            category: Category::Media,
            filename: None,
            content_type: Some("text/plain".into()),
            max_bytes: 1 << 20,
        }
    }

    /// Uploads a text.
    pub async fn store(&self, actor: Actor, text: &'static str) -> Media {
        self.library
            .store(actor, self.upload(), pieces(&[text]))
            .await
            .unwrap()
    }

    /// A chat user.
    pub async fn client(&self, identity: &str) -> Actor {
        let (account, service) = (self.engine.account.sid, self.service());
        let connect = user::Connect {
            account,
            service,
            identity: identity.to_owned(),
            role: None,
        };
        let user = self.engine.execute(Actor::System, connect).await.unwrap().sid;
        Actor::Client(Arc::new(Client {
            account,
            service,
            user,
            identity: identity.to_owned(),
        }))
    }

    pub async fn conversation(&self) -> ConversationSid {
        let create = conversation::Create {
            account: self.engine.account.sid,
            service: self.service(),
            fields: conversation::Fields::default(),
        };
        self.engine.execute(Actor::Rest, create).await.unwrap().sid
    }

    pub async fn add(&self, conversation: ConversationSid, fields: participant::Fields) {
        let add = participant::Add {
            service: self.service(),
            conversation: conversation.to_string(),
            fields,
        };
        self.engine.execute(Actor::Rest, add).await.unwrap();
    }

    pub async fn add_user(&self, conversation: ConversationSid, identity: &str) {
        let fields = participant::Fields {
            identity: Some(identity.to_owned()),
            ..participant::Fields::default()
        };
        self.add(conversation, fields).await;
    }

    pub async fn add_phone(&self, conversation: ConversationSid, address: &str, proxy: &str) {
        let fields = participant::Fields {
            address: Some(address.to_owned()),
            proxy_address: Some(proxy.to_owned()),
            ..participant::Fields::default()
        };
        self.add(conversation, fields).await;
    }

    pub fn message(&self, conversation: ConversationSid, media: &[MediaSid]) -> message::Create {
        message::Create {
            service: self.service(),
            conversation: conversation.to_string(),
            author: None,
            body: None,
            subject: None,
            attributes: None,
            content: confab_domain::content::Reference::default(),
            created_at: None,
            updated_at: None,
            media: media.iter().map(MediaSid::to_string).collect(),
        }
    }

    pub async fn send(
        &self,
        actor: &Actor,
        conversation: ConversationSid,
        media: &[MediaSid],
    ) -> Result<Message> {
        let create = self.message(conversation, media);
        self.engine.execute(actor.clone(), create).await
    }

    pub async fn fetch(&self, actor: &Actor, media: MediaSid) -> Result<Media> {
        let (actor, service, now) = (actor.clone(), self.service(), self.engine.now());
        self.engine
            .read(move |tx| media::fetch(tx, &actor, service, &media.to_string(), now))
            .await
    }

    /// Names of the stored objects.
    pub fn files(&self) -> BTreeSet<String> {
        let shards = std::fs::read_dir(self.directory.path().join("media")).unwrap();
        let paths: Vec<PathBuf> = shards.map(|shard| shard.unwrap().path()).collect();
        paths
            .iter()
            .flat_map(|shard| std::fs::read_dir(shard).unwrap())
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Waits until a job of a kind has run well.
    pub async fn job(&self, kind: &str) {
        let mut done = self.done.lock().await;
        let ran = async { while done.recv().await.unwrap() != kind {} };
        soon(kind, ran).await;
    }
}

/// Other jobs wait for a carrier that is not there.
struct OnlyMedia {
    jobs: MediaJobs,
}

#[async_trait::async_trait]
impl confab_jobs::Handler for OnlyMedia {
    async fn run(&self, job: &confab_domain::job::Job) -> confab_jobs::Outcome {
        if MediaJobs::does(job) {
            self.jobs.run(job).await
        } else {
            confab_jobs::Outcome::Done
        }
    }
}

/// A body in pieces.
pub fn pieces(
    texts: &[&'static str],
) -> impl futures_util::Stream<Item = std::result::Result<Bytes, Infallible>> + use<> {
    let pieces: Vec<_> = texts
        .iter()
        .map(|text| Ok(Bytes::from_static(text.as_bytes())))
        .collect();
    futures_util::stream::iter(pieces)
}

/// Code of an error for the caller.
pub fn code<T: std::fmt::Debug>(result: Result<T>) -> u32 {
    match result {
        Err(Error::Api(error)) => error.code,
        other => panic!("not refused: {other:?}"),
    }
}
