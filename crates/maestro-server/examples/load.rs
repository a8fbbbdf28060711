//! Start calls as fast as they go: `load PORT [CONNECTIONS] [SECONDS]`, against a server on this machine. Pushes a workflow
//! of one NoOp step first. Speaks HTTP by hand, so that it costs little beside the server.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to who runs it"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().ok_or("give the port")?.parse()?;
    let connections: usize = args.next().map_or(Ok(64), |n| n.parse())?;
    let time = Duration::from_secs(args.next().map_or(Ok(10), |n| n.parse())?);

    let push = r#"{"properties":{"owner":"load","run_strategy":{"rule":"PARALLEL","workflow_concurrency":1000}},"workflow":{"id":"load","steps":[{"step":{"id":"a","type":"NoOp"}}]}}"#;
    let push = request("/api/v3/workflows", push);
    let mut first = TcpStream::connect(("127.0.0.1", port)).await?;
    answer(&mut first, &push, &mut Vec::new()).await?;

    let start = request(
        "/api/v3/workflows/load/versions/default/actions/start",
        r#"{"initiator":{"type":"manual"}}"#,
    );
    let begun = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..connections {
        let start = start.clone();
        callers.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            let mut buffer = Vec::new();
            let mut took = Vec::new();
            while begun.elapsed() < time {
                let sent = Instant::now();
                answer(&mut stream, &start, &mut buffer).await?;
                took.push(sent.elapsed());
            }
            Ok::<_, Error>(took)
        }));
    }
    let mut took = Vec::new();
    for caller in callers {
        took.extend(caller.await??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |part: usize| {
        took.get(took.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{} starts in {seconds:.1} s over {connections} connections: {} a second; p50 {:?}, p99 {:?}",
        took.len(),
        took.len() as u64 * 1000 / (seconds * 1000.0).max(1.0) as u64,
        at(50),
        at(99),
    );
    Ok(())
}

fn request(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nuser: load\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends a request and reads the whole answer, which must be 200.
async fn answer(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server hung up".into());
        }
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head])?;
        if !text.starts_with("HTTP/1.1 200") {
            return Err(text.to_owned().into());
        }
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .ok_or("no length")?;
        if buffer.len() >= head + 4 + length.parse::<usize>()? {
            return Ok(());
        }
    }
}
