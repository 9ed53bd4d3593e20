//! A server as a process: started, watched through /proc, stopped.

use super::client::Failure;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub struct Server {
    child: Child,
    dir: PathBuf,
    pub address: SocketAddr,
    /// From before exec to the first answer.
    pub ready: Duration,
    /// Lines on its standard error, which is a pipe that is read, as a container runtime reads it.
    pub lines: Arc<AtomicU64>,
}

/// Which program answers.
#[derive(Clone)]
pub enum Program {
    Baseline,
    Podreeve(PathBuf),
}

impl Server {
    pub fn start(program: &Program) -> Result<Self, Failure> {
        Self::start_with(program, &[])
    }

    /// With more options of `serve`.
    pub fn start_with(program: &Program, options: &[&str]) -> Result<Self, Failure> {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{}", free_port()?));
        std::fs::create_dir_all(&dir)?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = match program {
            Program::Baseline => {
                let mut command = pinned(&std::env::current_exe()?);
                command.args(["baseline", &address.to_string()]).arg(&dir);
                command
            }
            Program::Podreeve(path) => {
                let mut command = pinned(path);
                command
                    .args(["serve", "--listen", &address.to_string(), "--admin-listen", &admin.to_string()])
                    .args(["--drain-delay", "0s"])
                    .args(options)
                    .arg("--self-signed")
                    .arg(&dir);
                command
            }
        };
        let start = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let lines = Arc::new(AtomicU64::new(0));
        if let Some(stderr) = child.stderr.take() {
            let lines = lines.clone();
            std::thread::spawn(move || watch(stderr, &lines));
        }
        let mut server = Self { child, dir, address, ready: Duration::ZERO, lines };
        while !server.is_ready(program, address, admin) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended before it was ready: {status}").into());
            }
            if start.elapsed() > Duration::from_secs(20) {
                return Err("the server was not ready in 20 s".into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        server.ready = start.elapsed();
        Ok(server)
    }

    fn is_ready(&self, program: &Program, address: SocketAddr, admin: SocketAddr) -> bool {
        match program {
            Program::Baseline => self.ca().exists() && TcpStream::connect(address).is_ok(),
            Program::Podreeve(_) => readyz(admin).unwrap_or(false),
        }
    }

    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// Sends SIGTERM, and waits until the process has ended.
    pub fn stop(mut self) -> Result<(), Failure> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let ended = self.child.wait()?;
        if asked.success() && ended.success() { Ok(()) } else { Err(format!("it did not end well: {ended}").into()) }
    }

    /// User and system time of all threads so far.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        // In nanoseconds, of the threads that are there; blocking threads end only after 10 s without work.
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        if nanos > 0 {
            return Ok(Duration::from_nanos(nanos));
        }
        // A kernel without it: hundredths of a second.
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).unwrap_or(&"0").parse::<u64>();
        Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
    }

    /// Resident memory now and at its peak, in KiB.
    pub fn memory(&self) -> Result<(u64, u64), Failure> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().unwrap_or_default().parse::<u64>()
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }
}

/// The program, on the cores that are for the servers.
fn pinned(path: &Path) -> Command {
    match std::env::var("PODREEVE_BENCH_CORES") {
        Ok(cores) => {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", &cores]).arg(path);
            command
        }
        Err(_) => Command::new(path),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The rest of its output does not matter: `stop` has reported a failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Counts the lines, and on request prints the first thousand bytes of them.
fn watch(stderr: impl Read, lines: &AtomicU64) {
    let show = std::env::var_os("PODREEVE_BENCH_LOG").is_some();
    let mut reader = BufReader::with_capacity(64 << 10, stderr);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let before = lines.fetch_add(1, Ordering::Relaxed);
        if show && before < 20 {
            eprint!("{}", String::from_utf8_lossy(&line));
        }
        line.clear();
    }
}

fn readyz(admin: SocketAddr) -> Result<bool, Failure> {
    let mut stream = TcpStream::connect(admin)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
