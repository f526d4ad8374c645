//! Programs in Python: the unmodified client, and the one that makes random requests.

use super::{aim, directory, target};
use crate::postgres::Cluster;
use crate::process::{self, Progress};
use crate::workspace::{find_program, root};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Where the packages are installed: apart from those of the system, and gone with the other things that are built.
pub(crate) struct Environment(PathBuf);

impl Environment {
    fn python(&self) -> PathBuf {
        self.0.join("bin").join("python")
    }
}

/// Makes an environment with the packages of requirements.txt, unless there is one; and what was said meanwhile.
pub(crate) async fn install(progress: &Progress) -> Result<(Environment, String)> {
    install_of(&directory().join("python"), "python-clients", progress).await
}

/// Makes an environment with the packages of a folder's requirements.txt under a name below the build directory.
async fn install_of(folder: &Path, name: &str, progress: &Progress) -> Result<(Environment, String)> {
    const INSTALL: &str = "run `apt-get install python3 python3-venv`, or what your system has for it";
    let python = find_program("python3").with_context(|| format!("`python3` is missing: {INSTALL}"))?;
    let asked = std::process::Command::new(&python)
        .args([
            "-c",
            "import sys, venv, ensurepip; print(*sys.version_info[:3], sys.executable)",
        ])
        .output()?;
    if !asked.status.success() {
        bail!("`python3` cannot make environments (venv, ensurepip): {INSTALL}");
    }
    let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let mut numbers = version
        .split(' ')
        .map(|number| number.parse::<u32>().unwrap_or_default());
    let found = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    if found < OLDEST_PYTHON {
        let (major, minor) = OLDEST_PYTHON;
        bail!("Python {version} is too old: install {major}.{minor} or newer");
    }

    let environment = Environment(target()?.join(name));
    let wanted = format!(
        "{version}\n{}",
        std::fs::read_to_string(folder.join("requirements.txt"))?
    );
    // Written last, so its text is the state of the installation.
    let installed = environment.0.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok((environment, "Python packages are up to date\n".to_owned()));
    }
    let mut make = Command::new(&python);
    make.args(["-m", "venv", "--clear"]).arg(&environment.0);
    let mut output = run(make, "python3 could not make an environment", progress).await?;
    let mut pip = Command::new(environment.python());
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ])
    .args(["--requirement", "requirements.txt"])
    .current_dir(folder);
    let failure = format!("pip could not install the packages of {}", folder.display());
    output.push_str(&run(pip, &failure, progress).await?);
    std::fs::write(&installed, wanted)?;
    Ok((environment, output))
}

async fn run(command: Command, failure: &str, progress: &Progress) -> Result<String> {
    let finished = process::run(command, progress).await?;
    if !finished.status.success() {
        bail!("{failure}:\n{}", finished.output);
    }
    Ok(finished.output)
}

/// Runs the tests.
pub(crate) async fn test(
    environment: &Environment,
    binary: &Path,
    cluster: Option<&Cluster>,
    progress: &Progress,
) -> Result<process::Finished> {
    let mut python = Command::new(environment.python());
    python
        .args(["-m", "unittest", "--verbose"])
        .current_dir(directory().join("python"))
        // The tree stays as it is, and lines come as they are written.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1");
    aim(&mut python, binary, cluster)?;
    process::run(python, progress).await
}

/// Makes requests out of the server's OpenAPI document; the last line of the output counts them.
pub(crate) async fn random_requests(binary: &Path, progress: &Progress) -> Result<process::Finished> {
    let folder = root().join("tests").join("schemathesis");
    let (environment, _) = install_of(&folder, "python-schemathesis", progress).await?;
    let mut python = Command::new(environment.python());
    python
        .arg("run.py")
        .current_dir(&folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1");
    aim(&mut python, binary, None)?;
    process::run(python, progress).await
}
