//! The durable work of media: collection, removal of bytes, and the files of inbound messages.

use std::time::Duration;

use async_trait::async_trait;
use confab_domain::inbound::{Accept, Arrival, Leave, MediaRules, media_rules};
use confab_domain::job::{Job, Kind};
use confab_domain::media::{Category, Collect, Collected, Media, Owner};
use confab_domain::{Actor, outbound};
use confab_engine::Engine;
use confab_jobs::{Handler, Outcome};
use confab_types::{Address, Channel, MediaSid};
use tokio::time::Instant;

use crate::fetch::{Failure, Fetcher};
use crate::library::{Error, Library, Upload};

/// Time for all files of one message, below the patience of the worker.
const FETCH_WITHIN: Duration = Duration::from_secs(20);
/// Tries after which a message comes without the files that could not be fetched: those behind it wait.
const TRIES: i64 = 5;

/// Does the jobs of media.
pub struct MediaJobs {
    engine: Engine,
    library: Library,
    fetcher: Fetcher,
}

impl MediaJobs {
    /// A handler for the kinds that [`MediaJobs::does`] names.
    #[must_use]
    pub fn new(engine: Engine, library: Library, fetcher: Fetcher) -> Self {
        Self {
            engine,
            library,
            fetcher,
        }
    }

    /// Whether a job is one of media.
    #[must_use]
    pub fn does(job: &Job) -> bool {
        matches!(
            job.kind,
            Kind::CollectMedia { .. } | Kind::RemoveMedia { .. } | Kind::Receive(_)
        )
    }

    async fn collect(&self, media: MediaSid) -> Outcome {
        match self.engine.execute(Actor::System, Collect { media }).await {
            Ok(Collected::Gone) => self.remove(&[media]).await,
            Ok(Collected::Kept) => Outcome::Done,
            Ok(Collected::Later(at)) => Outcome::Again { at },
            Err(error) => failed(error),
        }
    }

    async fn remove(&self, media: &[MediaSid]) -> Outcome {
        for one in media {
            if let Err(error) = self.library.objects().remove(*one).await {
                return failed(error);
            }
        }
        Outcome::Done
    }

    async fn receive(&self, job: &Job, arrival: &Arrival) -> Outcome {
        let last_try = job.attempts + 1 >= TRIES;
        let media = match self.fetch_all(arrival, last_try).await {
            Ok(media) => media,
            Err(error) => return failed(error),
        };
        let accept = Accept {
            job: job.id,
            arrival: arrival.clone(),
            media: media.clone(),
        };
        match self.engine.execute(Actor::Carrier, accept).await {
            Ok(()) => Outcome::Done,
            // The conversation does not take it, and will not: it must not stop those behind it.
            Err(confab_domain::Error::Api(error)) if last_try => {
                tracing::error!(message = arrival.sid, %error, "an inbound message was refused");
                let leave = Leave {
                    job: job.id,
                    sid: arrival.sid.clone(),
                    media,
                };
                match self.engine.execute(Actor::Carrier, leave).await {
                    Ok(()) => Outcome::Done,
                    Err(error) => failed(error),
                }
            }
            Err(error) => failed(error),
        }
    }

    /// The files of a message in their order. One that can never be had is left out; one that may be had later is
    /// an error unless this is the last try, and a fault of this server always is one.
    async fn fetch_all(&self, arrival: &Arrival, last_try: bool) -> Result<Vec<MediaSid>, String> {
        let channel = Address::parse(&arrival.from).map_or(Channel::Sms, |a| a.channel());
        let rules = media_rules(channel);
        let deadline = Instant::now() + FETCH_WITHIN;
        let (mut media, mut left) = (Vec::new(), rules.message_bytes);
        for url in arrival.media.iter().take(rules.files) {
            let fetch = self.fetch(arrival, url, &rules, left);
            let fetched = tokio::time::timeout_at(deadline, fetch)
                .await
                .unwrap_or_else(|_| Err(Failure::NotNow("no time is left".into())));
            match fetched {
                Ok(stored) => {
                    left -= stored.size;
                    media.push(stored.sid);
                }
                Err(Failure::NotHere(why)) => return Err(why),
                Err(Failure::NotNow(why)) if !last_try => return Err(why),
                Err(failure) => {
                    tracing::warn!(message = arrival.sid, %failure, "a file of an inbound message is left out");
                }
            }
        }
        Ok(media)
    }

    async fn fetch(
        &self,
        arrival: &Arrival,
        url: &str,
        rules: &MediaRules,
        left: i64,
    ) -> Result<Media, Failure> {
        let max_bytes = u64::try_from(rules.file_bytes.min(left)).unwrap_or(0);
        let found = self.fetcher.open(url, max_bytes).await?;
        let upload = Upload {
            owner: Owner::Phone {
                account: arrival.account,
                address: arrival.from.clone(),
            },
            category: Category::Media,
            filename: found.filename.clone(),
            content_type: found.content_type.clone(),
            max_bytes,
        };
        let stored = self.library.store(Actor::Carrier, upload, found.stream()).await;
        let stored = stored.map_err(|error| match error {
            Error::TooLarge | Error::Empty => Failure::Never(error.to_string()),
            Error::Broken(why) => Failure::NotNow(why),
            Error::Storage(_) | Error::Domain(_) => Failure::NotHere(error.to_string()),
        })?;
        if rules.known_types_only && !outbound::phones_take(&stored.content_type) {
            return Err(Failure::Never(format!("{} is not taken", stored.content_type)));
        }
        Ok(stored)
    }
}

fn failed(error: impl ToString) -> Outcome {
    Outcome::Failed {
        error: error.to_string(),
    }
}

#[async_trait]
impl Handler for MediaJobs {
    async fn run(&self, job: &Job) -> Outcome {
        match &job.kind {
            Kind::CollectMedia { media } => self.collect(*media).await,
            Kind::RemoveMedia { media } => self.remove(media).await,
            Kind::Receive(arrival) => self.receive(job, arrival).await,
            _ => failed("not a job of media"),
        }
    }
}
