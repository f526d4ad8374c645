//! Units that share a commit: each is kept or refused as if it were alone.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use confab_store::{Error, Store, Tx, params};
use confab_testkit::Database;
use futures_util::future::join_all;

const MIGRATIONS: &[confab_store::Migration] = &[confab_store::Migration {
    version: 1,
    name: "groups",
    sql: "CREATE TABLE kept (id BIGINT PRIMARY KEY, of_unit BIGINT NOT NULL);",
}];

/// What a unit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Writes,
    /// Is refused before it has changed anything.
    Refused,
    /// Is refused after it has.
    RefusedLate,
    /// Changes something and meets a unique key then.
    Collides,
    PanicsLate,
}

const KINDS: [Does; 5] = [
    Does::Writes,
    Does::Refused,
    Does::RefusedLate,
    Does::Collides,
    Does::PanicsLate,
];

fn insert(tx: &mut dyn Tx, id: i64, unit: i64) -> Result<(), Error> {
    tx.push(
        "INSERT INTO kept (id, of_unit) VALUES ($1, $2)",
        params![id, unit],
    )
}

fn refused() -> Error {
    Error::Other("refused".into())
}

async fn run(store: &Store, number: i64, does: Does) -> Result<i64, Error> {
    let unit = move |tx: &mut dyn Tx| {
        if does == Does::Refused {
            return Err(refused());
        }
        insert(tx, 2 * number, number)?;
        match does {
            Does::Writes => insert(tx, 2 * number + 1, number)?,
            Does::Collides => {
                tx.exec("INSERT INTO kept (id, of_unit) VALUES ($1, 0)", params![-1_i64])?;
            }
            Does::PanicsLate => panic!("a unit that panics"),
            Does::Refused | Does::RefusedLate => return Err(refused()),
        }
        Ok(number)
    };
    store.write(unit, |_| {}).await
}

#[tokio::test]
async fn a_refused_unit_takes_nothing_of_its_neighbours_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::create().await;
    let store = Store::open(database.backend(directory.path()), MIGRATIONS)
        .await
        .unwrap();
    store
        .write(|tx: &mut dyn Tx| insert(tx, -1, 0), |()| {})
        .await
        .unwrap();
    let mut wanted = Vec::new();
    // The second time the engine knows that units are refused late.
    for round in 0..2 {
        // Holds up the writer of the embedded engine until all others wait for it.
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let (inside, is_inside) = tokio::sync::oneshot::channel();
        let holding = tokio::spawn({
            let store = store.clone();
            let mut inside = Some(inside);
            async move {
                let unit = move |_: &mut dyn Tx| {
                    if let Some(inside) = inside.take() {
                        let _ = inside.send(());
                        let _ = gate.recv();
                    }
                    Ok::<(), Error>(())
                };
                store.write(unit, |()| {}).await
            }
        });
        is_inside.await.unwrap();
        let units: Vec<(i64, Does)> = (0..100)
            .map(|n| (round * 100 + n, KINDS[usize::try_from(n * 7 % 5).unwrap()]))
            .collect();
        let running = join_all(units.iter().map(|(number, does)| run(&store, *number, *does)));
        let (results, ()) = tokio::join!(running, async {
            go.send(()).unwrap();
        });
        holding.await.unwrap().unwrap();
        for ((number, does), result) in units.into_iter().zip(results) {
            match does {
                Does::Writes => {
                    assert_eq!(result.unwrap(), number);
                    wanted.extend([(2 * number, number), (2 * number + 1, number)]);
                }
                Does::Refused | Does::RefusedLate => assert!(matches!(result, Err(Error::Other(_)))),
                Does::Collides => assert!(matches!(result, Err(Error::Unique(_))), "{result:?}"),
                Does::PanicsLate => assert!(matches!(result, Err(Error::Panic))),
            }
        }
        let rows = store
            .read(|tx: &mut dyn Tx| {
                tx.query(
                    "SELECT id, of_unit FROM kept WHERE id >= 0 ORDER BY id",
                    params![],
                )
            })
            .await
            .unwrap();
        let kept: Vec<(i64, i64)> = rows
            .into_iter()
            .map(|mut row| (row.int().unwrap(), row.int().unwrap()))
            .collect();
        assert_eq!(kept, wanted);
    }
}
