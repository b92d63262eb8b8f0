//! A process that decodes frames with a released Dubbo (`tests/java/differential`). It ends with its stdin, so it never
//! outlives this process.

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use lab::install::{self, Release};

/// The longest that one answer may take: decoding must end on any input.
const PATIENCE: Duration = Duration::from_secs(60);
/// An answer is smaller than the frame it is about, many times over; this is for a stream out of step.
const MAX_ANSWER_LEN: usize = 64 << 20;

/// A running decoder.
#[derive(Debug)]
pub struct Decoder {
    child: Child,
    stdin: Option<BufWriter<ChildStdin>>,
    answers: Receiver<Value>,
}

impl Decoder {
    /// Starts one.
    ///
    /// # Errors
    /// Java or the jars cannot be installed or started.
    pub fn start(release: Release) -> Result<Self> {
        let (java, class_path) = install::decoder(release)?;
        let mut command = Command::new(java);
        command.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]);
        // Older Java lets Hessian into these without asking; a provider there reads more.
        for package in
            ["java.lang", "java.util", "java.util.concurrent", "java.io", "java.math", "java.net", "java.time"]
        {
            command.args(["--add-opens".to_owned(), format!("java.base/{package}=ALL-UNNAMED")]);
        }
        // What a service permits is no matter of reading.
        command.arg("-Dserialization.security.check=false");
        command.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-Ddubbo.application.logger=slf4j", "-cp"]);
        command.args([class_path.as_str(), "differential.Decoder"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start java")?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, answers) = sync_channel(1024);
        std::thread::Builder::new().name("decoder-answers".to_owned()).spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Ok(answer) = read(&mut stdout) {
                if sender.send(answer).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { child, stdin: Some(BufWriter::new(stdin)), answers })
    }

    /// What the release makes of each of these frames, in their order.
    ///
    /// # Errors
    /// It has ended or does not answer in time.
    pub fn ask(&mut self, frames: &[Vec<u8>]) -> Result<Vec<Value>> {
        let stdin = self.stdin.as_mut().context("the decoder is stopped")?;
        let answers = &self.answers;
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                for frame in frames {
                    stdin.write_all(&(frame.len() as u32).to_be_bytes())?;
                    stdin.write_all(frame)?;
                }
                stdin.flush()
            });
            let answers = frames.iter().map(|_| match answers.recv_timeout(PATIENCE) {
                Ok(answer) => Ok(answer),
                Err(RecvTimeoutError::Timeout) => bail!("the decoder did not answer within {PATIENCE:?}"),
                Err(RecvTimeoutError::Disconnected) => bail!("the decoder has ended"),
            });
            let answers = answers.collect::<Result<Vec<_>>>();
            if answers.is_err() {
                // Else the writer would wait for a reader for ever.
                let _ = self.child.kill();
            }
            let written = writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?;
            let answers = answers?;
            written.context("the decoder does not read")?;
            Ok(answers)
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stdout: &mut BufReader<ChildStdout>) -> Result<Value> {
    let mut len = [0; 4];
    stdout.read_exact(&mut len)?;
    let len = u32::from_be_bytes(len) as usize;
    if len > MAX_ANSWER_LEN {
        bail!("an answer of {len} bytes, wanted at most {MAX_ANSWER_LEN}");
    }
    let mut text = vec![0; len];
    stdout.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
