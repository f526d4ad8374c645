//! The probe that keeps statements from reading whole tables.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use confab_store::{Error, Store, Tx, params};
use confab_testkit::Database;

async fn store() -> (Store, Database, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::create().await;
    let store = Store::open(database.backend(directory.path()), MIGRATIONS)
        .await
        .unwrap()
        .probed(database.probe());
    (store, database, directory)
}

const MIGRATIONS: &[confab_store::Migration] = &[confab_store::Migration {
    version: 1,
    name: "plans",
    sql: "CREATE TABLE growing (id BIGINT PRIMARY KEY, name TEXT NOT NULL, place BIGINT NOT NULL);
          CREATE INDEX growing_place ON growing (place, id);
          CREATE TABLE account (id BIGINT PRIMARY KEY, name TEXT NOT NULL);",
}];

async fn run(store: &Store, sql: &'static str) -> Result<u64, Error> {
    let query = sql.starts_with("SELECT");
    store
        .write(
            move |tx: &mut dyn Tx| {
                if query {
                    tx.query(sql, params![1i64]).map(|rows| rows.len() as u64)
                } else {
                    tx.exec(sql, params![1i64])
                }
            },
            |_| {},
        )
        .await
}

#[tokio::test]
async fn what_an_index_serves_passes() {
    let (store, _database, _directory) = store().await;
    for sql in [
        "SELECT name FROM growing WHERE id = $1",
        "SELECT id FROM growing WHERE place = $1 AND id > 5 ORDER BY id LIMIT 10",
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM growing WHERE place = $1 LIMIT 9) AS few",
        "UPDATE growing SET name = 'x' WHERE id = $1",
        "DELETE FROM growing WHERE place = $1",
        "SELECT name FROM account WHERE CAST($1 AS BIGINT) > 0",
    ] {
        run(&store, sql).await.unwrap();
    }
}

#[tokio::test]
async fn what_reads_a_whole_table_is_refused() {
    let (store, _database, _directory) = store().await;
    for sql in [
        "SELECT name FROM growing WHERE CAST($1 AS BIGINT) > 0",
        "SELECT id FROM growing WHERE id + 0 = $1",
        "SELECT id FROM growing WHERE name <> 'x' AND CAST($1 AS BIGINT) > 0 ORDER BY id LIMIT 10",
        "UPDATE growing SET place = $1 WHERE name = 'x'",
        "DELETE FROM growing WHERE name = 'x' AND place + 0 = $1",
    ] {
        let error = run(&store, sql).await.unwrap_err();
        assert!(error.to_string().contains("reads too much"), "{sql}: {error}");
    }
}
