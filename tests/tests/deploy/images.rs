//! The images, built from the Dockerfile of the project on stand-ins for its bases: no registry is asked, and nothing is compiled twice.
//!
//! The base of the programs is what they need to run and nothing else. The base that builds has a `cargo` that hands out the programs of the
//! tests' own build, so that all of the Dockerfile is run but the compiler.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use lab::install::workspace;
use lab::program;

use crate::engine::Engine;
use crate::run;

pub const IMAGES: [&str; 3] = ["highway/egress-gw:local", "highway/ingress-gw:local", "highway/central-hub:local"];

const CARGO: &str = "#!/bin/sh\nset -e\ncase $1 in\n  build) mkdir -p target/release; cp /prebuilt/bin/* target/release/ ;;\n  \
                     xtask) test \"$2\" = sbom; cp /prebuilt/sbom.cdx.json \"$3\" ;;\nesac\n";

/// Makes both bases under the names that the Dockerfile gives them.
pub fn bases(engine: &Engine, folder: &Path) {
    let dockerfile = fs::read_to_string(workspace().join("Dockerfile")).unwrap();
    let base = |argument: &str| {
        let line = dockerfile.lines().find_map(|line| line.strip_prefix(&format!("ARG {argument}=")));
        line.unwrap_or_else(|| panic!("the Dockerfile has no ARG {argument}")).to_owned()
    };
    let programs =
        ["central-hub", "egress-gw", "ingress-gw", "highway"].map(|name| program::folder().unwrap().join(name));
    let runtime = folder.join("base-runtime");
    for program in &programs {
        with_libraries(&runtime, program);
    }
    fs::create_dir_all(runtime.join("etc")).unwrap();
    fs::write(runtime.join("etc/nsswitch.conf"), "hosts: files dns\n").unwrap();
    import(engine, &runtime, &base("RUNTIME"));

    let build = folder.join("base-build");
    for tool in ["sh", "cp", "mkdir", "test"] {
        let tool = run(Command::new("sh").args(["-c", "readlink -f \"$(which \"$0\")\"", tool]));
        with_libraries(&build, Path::new(tool.trim()));
        copy(Path::new(tool.trim()), &build.join("usr/bin").join(Path::new(tool.trim()).file_name().unwrap()));
    }
    fs::create_dir_all(build.join("bin")).unwrap();
    fs::rename(build.join("usr/bin/dash"), build.join("bin/sh")).unwrap();
    for program in &programs {
        let to = build.join("prebuilt/bin").join(program.file_name().unwrap());
        copy(program, &to);
        run(Command::new("strip").arg("--strip-unneeded").arg(&to));
    }
    run(Command::new(program::folder().unwrap().join("xtask")).arg("sbom").arg(build.join("prebuilt/sbom.cdx.json")));
    fs::write(build.join("usr/bin/cargo"), CARGO).unwrap();
    fs::set_permissions(build.join("usr/bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    import(engine, &build, &base("RUST"));
}

/// The libraries that the loader would load for it, where it looks for them.
fn with_libraries(root: &Path, program: &Path) {
    let said = run(Command::new("ldd").arg(program));
    for library in said.split_whitespace().filter(|word| word.starts_with('/')) {
        copy(Path::new(library), &root.join(library.trim_start_matches('/')));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap_or_else(|error| panic!("cannot copy {} to {}: {error}", from.display(), to.display()));
}

fn import(engine: &Engine, root: &Path, name: &str) {
    let mut import = engine.docker(&[]);
    let environment = import.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    let environment: Vec<_> = environment.collect();
    import = Command::new("sh");
    let path = "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    import.args(["-c", "tar -C \"$0\" --owner=0 --group=0 -c . | docker import -c \"$2\" - \"$1\""]);
    run(import.arg(root).arg(name).arg(path).envs(environment));
}

#[test]
fn the_context_of_an_image_has_every_crate_in_it() {
    let ignored = fs::read_to_string(workspace().join(".dockerignore")).unwrap();
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let members: Vec<&str> =
        members.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next()).collect();
    assert!(members.len() > 10, "{members:?}");
    for member in members {
        let top = member.split('/').next().unwrap();
        assert!(ignored.lines().any(|line| line == format!("!{top}")), ".dockerignore leaves {member} out");
    }
}
