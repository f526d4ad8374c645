//! A private PostgreSQL cluster for one test run: temporary directory, free port, gone at the end.

use crate::debian::{self, id, is_root};
use crate::process::{self, Progress};
use crate::workspace::find_program;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MISSING: &str = "PostgreSQL is missing: `initdb` is neither in PATH nor in /usr/lib/postgresql/*/bin";

/// A running cluster. Dropping it stops the server and removes its files.
pub(crate) struct Cluster {
    server: Child,
    programs: PathBuf,
    port: u16,
    // Removed after `drop` has stopped the server.
    _directory: TempDir,
}

impl Cluster {
    /// Starts a cluster; installs Debian's package first when there is no PostgreSQL and this user may install it.
    pub(crate) async fn start(progress: &Progress) -> Result<Self> {
        let programs = match find_programs() {
            Some(programs) => programs,
            None => install(progress).await?,
        };
        let owner = Owner::find()?;
        let directory = tempfile::Builder::new().prefix("confab-postgres-").tempdir()?;
        owner.give(directory.path())?;
        let data = directory.path().join("data");

        let mut initdb = owner.command(&programs.join("initdb"));
        initdb
            .arg("--pgdata")
            .arg(&data)
            .args([
                "--username=confab",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
            ])
            .current_dir(directory.path());
        let initialised = process::run(initdb.into(), progress).await?;
        if !initialised.status.success() {
            bail!("initdb failed:\n{}", initialised.output);
        }

        // Between the choice of a free port and its use another process can take it.
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            match serve(&owner, &programs, &data, directory.path(), port) {
                Ok(server) => {
                    return Ok(Self {
                        server,
                        programs,
                        port,
                        _directory: directory,
                    });
                }
                Err(error) if attempts == 3 => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Of the maintenance database: each test makes databases of its own beside it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://confab@127.0.0.1:{}/postgres", self.port)
    }

    /// Where `psql` is.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // INT is PostgreSQL's fast shutdown: connections are cut, files are left in order.
        process::signal("INT", &self.server.id().to_string());
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.server.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts the server and waits until it accepts connections.
fn serve(owner: &Owner, programs: &Path, data: &Path, sockets: &Path, port: u16) -> Result<Child> {
    let mut command = owner.command(&programs.join("postgres"));
    command
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400"])
        .arg("-c")
        .arg(format!("unix_socket_directories={}", sockets.display()))
        .current_dir(sockets)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // A group of its own: an interrupt at the terminal reaches this program first, which then stops the server in order.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut server = command.spawn().context("cannot start postgres")?;
    let log = server.stderr.take().context("postgres has no log")?;

    // The log is read to its end, so that the server never blocks on a full pipe.
    let (sender, ready) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut log = String::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match ready.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains("ready to accept connections") => return Ok(server),
            Ok(line) => {
                log.push_str(&line);
                log.push('\n');
            }
            Err(_) => {
                let _ = server.kill();
                let _ = server.wait();
                bail!("postgres did not start:\n{log}");
            }
        }
    }
}

fn find_programs() -> Option<PathBuf> {
    if let Some(initdb) = find_program("initdb") {
        // A link in PATH leads to the directory which has `postgres` as well.
        let initdb = initdb.canonicalize().ok()?;
        return initdb.parent().map(Path::to_owned);
    }
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").is_file())
        .collect();
    installed.sort_by_key(version);
    installed.pop().map(|newest| newest.join("bin"))
}

/// Debian's package, without the cluster that it would make and start for the whole system.
async fn install(progress: &Progress) -> Result<PathBuf> {
    // The package reads this directory when it is configured; the file goes away again, so the machine keeps its defaults.
    const WITHOUT_CLUSTER: &str = "
        directory=/etc/postgresql-common/createcluster.d
        $AS mkdir -p $directory
        echo 'create_main_cluster = false' | $AS tee $directory/no-main-cluster.conf
        trap '$AS rm -f '$directory'/no-main-cluster.conf' EXIT";
    let output = debian::install("postgresql", WITHOUT_CLUSTER, progress)
        .await
        .context(MISSING)?;
    find_programs().with_context(|| format!("{MISSING}, also after its installation:\n{output}"))
}

/// The user who runs the cluster: PostgreSQL refuses to run as root.
struct Owner {
    /// User and group id to change to; none when this process already runs as an ordinary user.
    change: Option<(u32, u32)>,
    setpriv: Option<PathBuf>,
}

impl Owner {
    fn find() -> Result<Self> {
        let setpriv = find_program("setpriv");
        if !is_root()? {
            return Ok(Self {
                change: None,
                setpriv,
            });
        }
        if setpriv.is_none() {
            bail!(
                "PostgreSQL does not run as root and `setpriv` (package util-linux) is missing to change the user"
            );
        }
        for user in ["postgres", "nobody"] {
            if let (Ok(uid), Ok(gid)) = (id(&["-u", user]), id(&["-g", user])) {
                return Ok(Self {
                    change: Some((uid, gid)),
                    setpriv,
                });
            }
        }
        bail!("PostgreSQL does not run as root and there is neither a user `postgres` nor `nobody`");
    }

    fn give(&self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.change {
            std::os::unix::fs::chown(path, Some(uid), Some(gid)).context("cannot give away a directory")?;
        }
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let Some(setpriv) = &self.setpriv else {
            return Command::new(program);
        };
        let mut command = Command::new(setpriv);
        // Even if this program is killed outright, the kernel tells the server to stop.
        command.args(["--pdeathsig", "INT"]);
        if let Some((uid, gid)) = self.change {
            command.args([
                format!("--reuid={uid}"),
                format!("--regid={gid}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command.arg(program);
        command
    }
}
