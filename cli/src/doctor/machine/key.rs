//! The key file: that it is one, whose it is, and the public half that others have to know. Nothing else of it is ever said.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chassis::SecretFile;
use tunnel::key::PrivateKey;

use super::Step;

pub fn step(file: &Path) -> Step {
    let shown = file.display();
    let public = SecretFile::new(file).read(Path::new("")).map_err(|error| error.to_string()).and_then(|secret| {
        let key = PrivateKey::from_file_content(secret.bytes()).and_then(|key| key.public());
        key.map_err(|error| format!("{shown}: {error}"))
    });
    let public = match public {
        Ok(public) => public,
        Err(error) => {
            let ask = "a key is made by `highway key new --out FILE`; its file belongs to the user that the program runs as, with mode 0600";
            return Step::bad("key", error, "without its key the program does not start", ask);
        }
    };
    let about = fs::metadata(file);
    let (mode, owner) = about.map(|about| (about.mode() & 0o777, about.uid())).unwrap_or_default();
    let own = rustix::process::geteuid().as_raw();
    let saw = format!("{shown}, mode {mode:03o}, owner uid {owner}; its public half is {public}");
    if owner != own {
        let means = format!("read here as uid {own}: the program can read it only as uid {owner}, or as root");
        return Step::note(
            "key",
            saw,
            &means,
            "compare with the user that the service runs as (systemctl show -p User)",
        );
    }
    Step::good("key", saw)
}
