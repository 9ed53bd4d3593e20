//! Clients that are no API server, and the time of a normal review among them.

use super::client::{Failure, Http1, connector, open};
use super::process::{Program, Server};
use super::{Table, bodies, mebibytes, quartiles};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

const DRIBBLERS: usize = 4096;
const HALF_HEADERS: usize = 1000;
/// The pause before a closed client connects again.
const AGAIN: Duration = Duration::from_secs(1);

pub async fn report(program: &Program, table: &mut Table) -> Result<(), Failure> {
    crowd(program, table).await?;
    large(program, table).await
}

/// Slow bodies and half headers, from clients that connect again whenever they are closed.
async fn crowd(program: &Program, table: &mut Table) -> Result<(), Failure> {
    let server = Server::start(program)?;
    let tls = connector(&server.ca(), b"http/1.1")?;
    let half = format!("POST /validate HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(12_000));
    let dribble = "POST /validate?timeout=30s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                   Content-Length: 100000\r\n\r\n{\"kind\":\"AdmissionReview\",";
    let connected = Arc::new(AtomicUsize::new(0));
    let mut strangers = JoinSet::new();
    for number in 0..DRIBBLERS + HALF_HEADERS {
        let sent = if number < DRIBBLERS { dribble.to_owned() } else { half.clone() };
        strangers.spawn(come_again(server.address, tls.clone(), sent, Arc::clone(&connected)));
    }
    let start = Instant::now();
    while connected.load(Ordering::Relaxed) < DRIBBLERS && start.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let taken = honest(&server, &tls, 20).await?;
    let (_, peak) = server.memory()?;
    strangers.shutdown().await;
    let name = "a review beside 4,096 dribblers, 1,000 half headers";
    row(table, name, &taken, &format!("{} connections were held by then", connected.load(Ordering::Relaxed)));
    mebibytes(table, "resident memory beside them, at its peak", peak, Some(256.0), "--memory-budget 128MiB");
    Ok(())
}

async fn come_again(address: std::net::SocketAddr, tls: TlsConnector, sent: String, connected: Arc<AtomicUsize>) {
    loop {
        if let Ok(mut stream) = open(address, &tls).await {
            connected.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(sent.as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
                let mut bytes = [0; 1024];
                while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
            }
            connected.fetch_sub(1, Ordering::Relaxed);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Bodies that are cheap to send and expensive to judge.
async fn large(program: &Program, table: &mut Table) -> Result<(), Failure> {
    let server = Server::start_with(program, &["--memory-budget", "8MiB"])?;
    let tls = connector(&server.ca(), b"http/1.1")?;
    let body =
        bodies::crowded_pod(1).json.replace("{\"image\":\"a\",\"name\":\"c0\"}", &vec!["{}"; 1_000_000].join(","));
    let mut attack = JoinSet::new();
    for _ in 0..18 {
        let (address, tls, body) = (server.address, tls.clone(), body.clone());
        attack.spawn(async move { Http1::new(open(address, &tls).await?).ask(&body).await });
    }
    let taken = honest(&server, &tls, 20).await?;
    let mut statuses = Vec::new();
    while let Some(answer) = attack.join_next().await {
        statuses.push(answer?.unwrap_or_else(|error| error.to_string()));
    }
    statuses.sort();
    let refused = statuses.iter().filter(|status| *status == "429").count();
    let name = "a review beside 18 of 3 MB, 8 MiB for all";
    row(table, name, &taken, &format!("{refused} of the 18 were told to come again"));
    let (_, peak) = server.memory()?;
    mebibytes(table, "resident memory beside them, at its peak", peak, Some(64.0), "--memory-budget 8MiB");
    Ok(())
}

/// Milliseconds of reviews, each on a connection of its own, until one is judged: as the API server, which comes again
/// after a 429.
async fn honest(server: &Server, tls: &TlsConnector, count: usize) -> Result<Vec<f64>, Failure> {
    let body = bodies::pod().json;
    let mut taken = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        while Http1::new(open(server.address, tls).await?).ask(&body).await? != "200" {
            tokio::time::sleep(AGAIN).await;
        }
        taken.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(taken)
}

fn row(table: &mut Table, name: &str, taken: &[f64], note: &str) {
    let [low, middle, high] = quartiles(taken);
    let worst = taken.iter().copied().fold(0.0, f64::max);
    let note = format!("{low:.0} to {high:.0}, at worst {worst:.0} ms; {note}");
    // An API server waits 10 s.
    table.row(name, &format!("{middle:.0} ms"), Some(("1 s".to_owned(), middle <= 1000.0 && worst < 10_000.0)), &note);
}
