//! What the numbers were measured on.

use super::stats::Samples;
use crate::postgres::Cluster;
use crate::workspace::root;
use anyhow::{Context as _, Result};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Name and value of each property.
pub(super) fn describe(data: &Path, cluster: Option<&Cluster>) -> Result<Vec<(&'static str, String)>> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let unknown = || "unknown".to_owned();
    let mut lines = vec![
        (
            "date",
            output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]).unwrap_or_else(unknown),
        ),
        ("revision", revision().unwrap_or_else(unknown)),
        (
            "processor",
            field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        ),
        (
            "cores",
            format!("{cores}, shared by server, load generator and database"),
        ),
        (
            "memory",
            memory.map_or_else(unknown, |kib| format!("{:.0} GiB", kib / 1024.0 / 1024.0)),
        ),
        (
            "kernel",
            read("/proc/sys/kernel/osrelease").map_or_else(unknown, |text| format!("Linux {text}")),
        ),
        (
            "file system of the data",
            file_system(data).unwrap_or_else(unknown),
        ),
        ("fdatasync of 4 KiB", fsync(data)?),
        (
            "load average before",
            read("/proc/loadavg")
                .and_then(|text| text.split(' ').next().map(str::to_owned))
                .unwrap_or_else(unknown),
        ),
    ];
    if let Some(cluster) = cluster {
        let version = output(
            &cluster.programs().join("postgres").to_string_lossy(),
            &["--version"],
        );
        lines.push(("PostgreSQL", version.unwrap_or_else(unknown)));
    }
    Ok(lines)
}

fn read(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The first `name: value` of a file of the kernel.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn revision() -> Option<String> {
    let revision = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changes = output(
        "git",
        &[
            "status",
            "--porcelain",
            "--",
            "crates",
            "Cargo.toml",
            "Cargo.lock",
        ],
    )?;
    Some(if changes.is_empty() {
        revision
    } else {
        format!("{revision} with local changes")
    })
}

/// Kind of the file system with the longest mount point above the directory.
fn file_system(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let found = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        directory.starts_with(point).then_some((point.len(), kind))
    });
    Some(found.max_by_key(|(length, _)| *length)?.1.to_owned())
}

/// The unit in which durable writing is paid.
fn fsync(directory: &Path) -> Result<String> {
    let mut file = tempfile::tempfile_in(directory)?;
    let mut samples = Samples::default();
    for _ in 0..300 {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        samples.push(started.elapsed());
    }
    let quantiles = samples.summary().context("nothing was written")?;
    Ok(format!(
        "p50 {:.2} ms, p99 {:.2} ms",
        quantiles.p50, quantiles.p99
    ))
}
