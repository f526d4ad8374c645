//! Webhooks that are asked before something happens (B-396…B-407), and the memory of who listens at all.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use confab_domain::event::Event;
use confab_domain::hook::{self, Answer, Asks, Hooks, Memory, Question, Rehearsal};
use confab_domain::{Command, Cx, Error, Origin, Result, Transaction, service};
use confab_store::UnitError;
use confab_types::ServiceSid;

use crate::remembered::Remembered;
use crate::{Engine, RandomIds};

/// Asks webhooks. What goes wrong with one is not the caller's fault and lets the change happen (B-404).
#[async_trait]
pub trait Ask: Send + Sync + 'static {
    /// Asks, for as long as an answer may take.
    async fn ask(&self, question: Question) -> Answer;
}

/// How a rehearsal ends: never with something that is kept.
#[derive(Debug)]
enum End {
    Rehearsed,
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<confab_store::Error> for End {
    fn from(error: confab_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl UnitError for End {
    fn store(&self) -> Option<&confab_store::Error> {
        match self {
            Self::Failed(error) => error.store(),
            Self::Rehearsed => None,
        }
    }
}

/// Who listens to which service.
pub(crate) type Cache = Remembered<ServiceSid, Hooks>;

/// The memory of one transaction, which begins after this was made.
pub(crate) struct Glance<'a> {
    cache: &'a Cache,
    generation: u64,
}

impl<'a> Glance<'a> {
    pub(crate) fn at(cache: &'a Cache) -> Self {
        Self {
            cache,
            generation: cache.generation(),
        }
    }
}

impl Memory for Glance<'_> {
    fn recall(&self, service: ServiceSid) -> Option<Arc<Hooks>> {
        self.cache.get(&service)
    }

    fn keep(&self, service: ServiceSid, hooks: &Arc<Hooks>) {
        self.cache.keep(service, hooks, self.generation);
    }
}

impl Engine {
    /// Asks the webhook that wants to be asked before a command, and gives its answer; an empty one where there is
    /// none.
    ///
    /// # Errors
    /// That of the command, if it cannot be run anyway; 403/50056 when the webhook refuses it (B-403).
    pub(crate) async fn consult<C: Command>(&self, origin: &Origin, command: &Arc<C>) -> Result<Answer> {
        let Some(asker) = self.inner.asker.get() else {
            return Ok(Answer::default());
        };
        let Some((service, event, hooks)) = self.listener(command).await? else {
            return Ok(Answer::default());
        };
        let Some(url) = hooks.asked(event).map(str::to_owned) else {
            return Ok(Answer::default());
        };
        let Some(parameters) = self.rehearse(origin, command).await?.about(event) else {
            return Ok(Answer::default());
        };
        let question = Question {
            account: hooks.account,
            service,
            event,
            url,
            method: hooks.urls.method,
            parameters,
        };
        let answer = asker.ask(question).await;
        if answer.refused && !command.outlives_refusal() {
            return Err(Error::code(50056));
        }
        Ok(answer)
    }

    /// Who would have to be asked about what, if anybody listens to the service at all.
    async fn listener<C: Command>(
        &self,
        command: &Arc<C>,
    ) -> Result<Option<(ServiceSid, Event, Arc<Hooks>)>> {
        let about = match command.asks() {
            Asks::Nothing => return Ok(None),
            Asks::About(service, event) => match self.inner.hooks.get(&service) {
                Some(hooks) => return Ok(Some((service, event, hooks))),
                None => Some((service, event)),
            },
            Asks::Look => None,
        };
        let (inner, command) = (Arc::clone(&self.inner), Arc::clone(command));
        self.read(move |tx| {
            let memory = Glance::at(&inner.hooks);
            let found = match about {
                Some(found) => Some(found),
                None => command.look(tx)?,
            };
            let Some((service, event)) = found else {
                return Ok(None);
            };
            let Some(row) = service::find(tx, service)? else {
                return Ok(None);
            };
            let hooks = hook::of(tx, &memory, row.account, service)?;
            Ok(Some((service, event, hooks)))
        })
        .await
    }

    /// Runs a command in a transaction of which nothing is kept.
    async fn rehearse<C: Command>(&self, origin: &Origin, command: &Arc<C>) -> Result<Rehearsal> {
        let noted: Arc<Mutex<Rehearsal>> = Arc::default();
        let (inner, command) = (Arc::clone(&self.inner), Arc::clone(command));
        let (origin, notes) = (origin.clone(), Arc::clone(&noted));
        let unit = move |tx: &mut Transaction<'_>| -> std::result::Result<(), End> {
            let mut ids = RandomIds;
            let mut cx = Cx::new(inner.clock.now(), origin.clone(), &inner.limits, &mut ids).rehearsing();
            command.apply(tx, &mut cx)?;
            *notes.lock().unwrap_or_else(PoisonError::into_inner) = cx.into_rehearsal();
            Err(End::Rehearsed)
        };
        match self.inner.store.write(unit, |(): &mut ()| {}).await {
            Ok(()) | Err(End::Rehearsed) => {}
            Err(End::Failed(error)) => return Err(error),
        }
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *noted))
    }
}
