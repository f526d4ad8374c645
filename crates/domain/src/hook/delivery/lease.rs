//! Who has a lane, and who does not any more.

use confab_store::params;
use confab_types::Timestamp;

use super::rank;
use crate::{Command, Cx, Effect, Result, Transaction};

/// How long a claimed lane belongs to its server, microseconds: longer than a batch can take, every call at its
/// longest. Others take it then: a server that never starts again keeps nobody waiting for ever.
pub const LEASE: i64 = 300_000_000;

/// Lanes that are looked at at a time, by their names: those that a server has are in no index, since nearly every lane
/// would be put into it and taken out again for one call.
const LOOKED: i64 = 500;

/// Lanes that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Those whose lease has ended.
    pub lanes: Vec<String>,
    /// The name behind which to go on; none at the end.
    pub next: Option<String>,
}

/// A row of a look at all lanes.
struct Had {
    lane: String,
    server: Option<String>,
    next_at: i64,
}

fn look(tx: &mut Transaction<'_>, behind: &str) -> Result<Vec<Had>> {
    let rows = tx.query(
        "SELECT lane, server, next_at FROM webhook_lane WHERE lane > $1 ORDER BY lane LIMIT $2",
        params![behind, LOOKED],
    )?;
    let had = rows.into_iter().map(|mut row| {
        Ok(Had {
            lane: row.text()?,
            server: row.opt_text()?,
            next_at: row.int()?,
        })
    });
    had.collect()
}

/// Some of the lanes whose lease has ended, behind a name.
///
/// # Errors
/// The database's.
pub fn expired(tx: &mut Transaction<'_>, behind: &str, now: Timestamp) -> Result<Expired> {
    let looked = look(tx, behind)?;
    let is_full = looked.len() as i64 == LOOKED;
    let next = looked.last().filter(|_| is_full).map(|had| had.lane.clone());
    let ended = looked
        .into_iter()
        .filter(|had| had.server.is_some() && had.next_at <= now.0);
    Ok(Expired {
        lanes: ended.map(|had| had.lane).collect(),
        next,
    })
}

/// Whether a server has a lane just now.
///
/// # Errors
/// The database's.
pub fn any_claimed(tx: &mut Transaction<'_>) -> Result<bool> {
    let mut behind = Some(String::new());
    while let Some(name) = behind.take() {
        let looked = look(tx, &name)?;
        if looked.iter().any(|had| had.server.is_some()) {
            return Ok(true);
        }
        if looked.len() as i64 == LOOKED {
            behind = looked.last().map(|had| had.lane.clone());
        }
    }
    Ok(false)
}

/// Takes lanes from whoever has had them for too long.
#[derive(Clone, Debug)]
pub struct Reclaim {
    /// Which were.
    pub lanes: Vec<String>,
}

impl Command for Reclaim {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let mut lanes: Vec<&String> = self.lanes.iter().collect();
        lanes.sort_by_cached_key(|lane| rank(lane));
        let mut taken = 0;
        for lane in lanes {
            taken += tx.exec(
                "UPDATE webhook_lane SET server = NULL WHERE lane = $1 AND server IS NOT NULL AND next_at <= $2",
                params![lane, cx.now.0],
            )?;
        }
        if taken > 0 {
            cx.emit(Effect::DeliveriesWaiting);
        }
        Ok(())
    }
}

/// Gives back the lanes of the server that runs this, at its start: the process that had them is gone.
#[derive(Clone, Copy, Debug)]
pub struct Release;

impl Command for Release {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let mut behind = Some(String::new());
        while let Some(name) = behind.take() {
            let looked = look(tx, &name)?;
            if looked.len() as i64 == LOOKED {
                behind = looked.last().map(|had| had.lane.clone());
            }
            for had in looked {
                if had.server.as_deref() == Some(cx.server) {
                    tx.push(
                        "UPDATE webhook_lane SET next_at = $2, server = NULL WHERE lane = $1",
                        params![had.lane, cx.now.0],
                    )?;
                }
            }
        }
        cx.emit(Effect::DeliveriesWaiting);
        Ok(())
    }
}

/// A target answers again: lanes that wait for a later try go on at once, some at a time. Gives how many were woken.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The target.
    pub target: String,
}

/// Lanes that one transaction wakes.
const RESUMED: i64 = 500;

impl Command for Resume {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        let rows = tx.query(
            "SELECT lane FROM webhook_lane WHERE server IS NULL AND target = $1 AND next_at > $2 \
             ORDER BY next_at, lane LIMIT $3 {skip_locked}",
            params![&self.target, cx.now.0, RESUMED],
        )?;
        let woken = !rows.is_empty();
        for mut row in rows {
            tx.push(
                "UPDATE webhook_lane SET next_at = $2 WHERE lane = $1",
                params![row.text()?, cx.now.0],
            )?;
        }
        cx.emit(Effect::DeliveriesWaiting);
        Ok(woken)
    }
}
