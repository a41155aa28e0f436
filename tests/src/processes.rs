//! The two programs as people run them: `sojourn` and `sojourn-tablet` in folders of their own.

use serde_json::Value;
use std::{
    ffi::OsStr,
    io::{self, BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
};

/// The passphrase of every tablet here.
pub const PASSPHRASE: &str = "four villages, one register";

/// The path of a program built beside the one that runs.
///
/// # Panics
/// When it has not been built: `make test` and `make demo` build it first.
pub fn program(name: &str) -> PathBuf {
    let me = std::env::current_exe().expect("a running program has a path");
    let built = me
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    built.unwrap_or_else(|| {
        panic!("{name} is not built; run `cargo build --workspace --bins` first")
    })
}

/// What a finished command left.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it said of errors and progress.
    pub stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The output, when the command succeeded.
    ///
    /// # Panics
    /// When it did not, with all it said.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The output as JSON, when the command succeeded.
    ///
    /// # Panics
    /// When it did not, or printed something else.
    pub fn json(self) -> Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Each line of the output as JSON.
    ///
    /// # Panics
    /// As [`Ran::json`].
    pub fn json_lines(self) -> Vec<Value> {
        let text = self.ok();
        let line = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
        };
        text.lines().map(line).collect()
    }
}

/// A tablet: a folder and the program that works on it.
#[derive(Debug, Clone)]
pub struct Tablet {
    /// Its data folder.
    pub data: PathBuf,
    passphrase: String,
    clock_shift_ms: i64,
}

impl Tablet {
    /// A tablet in this folder, which need not exist yet.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            passphrase: PASSPHRASE.into(),
            clock_shift_ms: 0,
        }
    }

    /// The same tablet with another passphrase typed.
    #[must_use]
    pub fn with_passphrase(&self, passphrase: &str) -> Self {
        Self {
            passphrase: passphrase.into(),
            ..self.clone()
        }
    }

    /// The same tablet with its clock off by so many milliseconds.
    #[must_use]
    pub fn with_clock_shift(&self, clock_shift_ms: i64) -> Self {
        Self {
            clock_shift_ms,
            ..self.clone()
        }
    }

    /// The command, ready to run.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program("sojourn-tablet"));
        command
            .arg("--data")
            .arg(&self.data)
            .args(["--lang", "en"])
            .args(args)
            .env("SOJOURN_PASSPHRASE", &self.passphrase)
            .env("SOJOURN_CLOCK_SHIFT_MS", self.clock_shift_ms.to_string())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(&self.command(args).output().expect("the program starts"))
    }
}

/// A central server: a folder and, while it runs, a process.
#[derive(Debug)]
pub struct Server {
    data: PathBuf,
    clock_shift_ms: i64,
    running: Option<(Child, SocketAddr)>,
}

impl Server {
    /// A server in this folder, which need not exist yet; not running.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            clock_shift_ms: 0,
            running: None,
        }
    }

    /// From the next start on, its clock is off by so many milliseconds.
    pub fn set_clock_shift(&mut self, clock_shift_ms: i64) {
        self.clock_shift_ms = clock_shift_ms;
    }

    /// Runs an office command on the folder.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        let mut command = Command::new(program("sojourn"));
        command
            .arg("--data")
            .arg(&self.data)
            .args(["--lang", "en"])
            .args(args)
            .stdin(Stdio::null());
        Ran::of(&command.output().expect("the program starts"))
    }

    /// Starts serving on a free port and waits until it says where.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(&mut self) {
        self.start_at("127.0.0.1:0");
    }

    /// Starts serving on this address.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_at(&mut self, listen: &str) {
        self.spawn(["serve", "--listen", listen]);
    }

    /// Sets up a register on the real tree of areas and starts serving it, with an enrolment code for each of
    /// these areas; gives the codes as printed: `{"area", "staff", "code"}`.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_demo(&mut self, areas: &[&str]) -> Vec<Value> {
        let areas = areas.iter().flat_map(|area| ["--area", area]);
        let args = ["demo", "--listen", "127.0.0.1:0"].into_iter().chain(areas);
        let printed = self.spawn(args);
        printed
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Starts a command that serves, and waits until it says where; gives the lines before that.
    fn spawn<'a>(&mut self, args: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut child = Command::new(program("sojourn"))
            .arg("--data")
            .arg(&self.data)
            .args(args)
            .env("SOJOURN_CLOCK_SHIFT_MS", self.clock_shift_ms.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (before, address) = until_listening(&mut lines)
            .unwrap_or_else(|| panic!("the server did not start:\n{}", self.log_text()));
        // Whatever else it prints is read, so that it never waits for us.
        thread::spawn(move || io::copy(&mut lines, &mut io::sink()));
        self.running = Some((child, address));
        before
    }

    /// Waits until the process ends by itself.
    ///
    /// # Panics
    /// When it is not running.
    pub fn wait(&mut self) {
        let (mut child, _) = self.running.take().expect("the server is running");
        child.wait().expect("it can be waited for");
    }

    /// The households of an area and below, as the office exports them.
    ///
    /// # Panics
    /// When the export fails.
    pub fn export(&self, area: &str) -> Vec<Value> {
        self.run(["households", "export", "--area", area, "--json"])
            .json_lines()
    }

    fn log(&self) -> Stdio {
        std::fs::create_dir_all(&self.data).expect("the folder can be made");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path());
        file.map_or_else(|_| Stdio::null(), Stdio::from)
    }

    fn log_path(&self) -> PathBuf {
        self.data.join("server.log")
    }

    /// What the server wrote to its log so far.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When it is not running.
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("the server is running").1
    }

    /// Its address as tablets are told it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The process, as the system counts it.
    ///
    /// # Panics
    /// When it is not running.
    pub fn pid(&self) -> u32 {
        let (child, _) = self.running.as_ref().expect("the server is running");
        child.id()
    }

    /// Asks it to finish, and waits until it has.
    ///
    /// # Panics
    /// When it is not running or ends with an error.
    pub fn stop(&mut self) {
        let (child, _) = self.running.as_ref().expect("the server is running");
        let pid = child.id().to_string();
        let killed = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill starts");
        assert!(killed.success());
        let (mut child, _) = self.running.take().expect("the server is running");
        let status = child.wait().expect("it can be waited for");
        assert!(status.success(), "{status}:\n{}", self.log_text());
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Panics
    /// When it is not running.
    pub fn kill(&mut self) {
        let (mut child, _) = self.running.take().expect("the server is running");
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reads lines until one says where the server listens; gives the lines before it.
fn until_listening(lines: &mut impl io::BufRead) -> Option<(Vec<String>, SocketAddr)> {
    let mut before = Vec::new();
    for line in lines.lines() {
        let line = line.ok()?;
        if let Some((_, address)) = line.split_once("listening http://") {
            return Some((before, address.trim().parse().ok()?));
        }
        before.push(line);
    }
    None
}
