//! A database for one test.

use std::path::Path;
use std::sync::Arc;

use confab_store::{Backend, Dialect, Probe};
use rand::Rng as _;
use tokio_postgres::NoTls;

const SELECTOR: &str = "CONFAB_TEST_DATABASE";

/// Where a test keeps its rows; gone when this is dropped.
#[derive(Debug)]
pub enum Database {
    /// A file in the data directory of the test.
    Sqlite,
    /// A database of its own on the server that `CONFAB_TEST_DATABASE` names.
    Postgres {
        /// URL of the new database.
        url: String,
        /// URL of the maintenance database.
        maintenance: String,
        /// Name of the new database.
        name: String,
    },
}

impl Database {
    /// A fresh database of the engine under test.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn create() -> Self {
        let Some(maintenance) = std::env::var(SELECTOR).ok().filter(|url| !url.is_empty()) else {
            return Self::Sqlite;
        };
        let name = format!("confab_test_{:016x}", rand::rng().random::<u64>());
        let mut url = reqwest::Url::parse(&maintenance).expect("CONFAB_TEST_DATABASE is a URL");
        url.set_path(&name);
        run(&maintenance, &format!("CREATE DATABASE {name}")).await;
        // The tables of a test are so small that reading them whole is the best plan; what is checked is the plan for
        // big ones.
        for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
            run(
                &maintenance,
                &format!("ALTER DATABASE {name} SET {setting} = off"),
            )
            .await;
        }
        Self::Postgres {
            url: url.to_string(),
            maintenance,
            name,
        }
    }

    /// The URL, when it has one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { url, .. } => Some(url),
        }
    }

    /// Refuses statements that read whole tables which grow.
    #[must_use]
    pub fn probe(&self) -> Probe {
        let dialect = match self {
            Self::Sqlite => Dialect::Sqlite,
            Self::Postgres { .. } => Dialect::Postgres,
        };
        let refuse = confab_domain::plan::probe(dialect);
        Arc::new(move |tx, sql, params| {
            // A server answers 500 without a word; who runs the test is to see why.
            refuse(tx, sql, params).inspect_err(|error| eprintln!("{error}"))
        })
    }

    /// How the store opens it. Few connections: many tests run at the same time.
    #[must_use]
    pub fn backend(&self, directory: &Path) -> Backend {
        match self {
            Self::Sqlite => Backend::Sqlite {
                path: directory.join("confab.db"),
                readers: 2,
            },
            Self::Postgres { url, .. } => Backend::Postgres {
                url: url.clone(),
                connections: 4,
            },
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self::Postgres {
            maintenance, name, ..
        } = self
        else {
            return;
        };
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let maintenance = maintenance.clone();
        // A runtime of its own on a thread of its own: the test's may be the one that is just ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(run(&maintenance, &sql));
        });
        if dropped.join().is_err() {
            eprintln!("the database {name} is left over");
        }
    }
}

async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    drop(client);
    let _ = connection.await;
}
