//! Writes every golden frame into the corpora of the Dubbo targets, each in the form that the target reads.
//!
//! It never deletes what a fuzzer has found.

use std::error::Error;
use std::fs;
use std::path::Path;

/// Targets that read a whole frame, and those that read a body.
const FRAMES: [&str; 3] = ["frame", "peek", "rewrite"];
const BODIES: [&str; 2] = ["hessian2", "fastjson2"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in FRAMES.iter().chain(&BODIES) {
        fs::create_dir_all(here.join("corpus").join(target))?;
    }
    let mut count = 0;
    for file in fs::read_dir(here.join("../tests/golden"))? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let release = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (line, text) in fs::read_to_string(&path)?.lines().enumerate() {
            let notes: serde_json::Value = serde_json::from_str(text)?;
            let frame = unhex(notes["frame"].as_str().ok_or("a line without a frame")?)?;
            let name = format!("{release}-{line:03}");
            for target in FRAMES {
                fs::write(here.join("corpus").join(target).join(&name), &frame)?;
            }
            let body = frame.get(16..).ok_or("a frame without a header")?;
            for target in BODIES {
                fs::write(here.join("corpus").join(target).join(&name), body)?;
            }
            count += 1;
        }
    }
    if count == 0 {
        return Err("no golden frames were found".into());
    }
    println!("{count} frames for each of {} targets", FRAMES.len() + BODIES.len());
    Ok(())
}

fn unhex(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?)).collect()
}
