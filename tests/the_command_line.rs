//! Scripts and cron jobs see exit codes, `--json` and error lines, and people
//! see the same error lines at night. An exit code of 0 after a refusal, a
//! message that does not say which file, or a panic because `head` closed the
//! pipe: each has cost somebody a backup.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    fs::{self, File},
    io::Read,
    process::{Command, Stdio},
};

use common::{DOCUMENTS, Run, Storage, VECTORS, document_store, twinstore, vector_store};
use serde_json::Value;

fn storage() -> Storage {
    Storage::with([
        (VECTORS, &vector_store("id", 4)),
        (DOCUMENTS, &document_store("a text")),
    ])
}

fn cli(args: &[&str]) -> Run {
    let mut command = twinstore();
    command.args(args);
    Run::of(command)
}

#[test]
fn all_is_well_is_0() {
    let storage = storage();
    for (command, args) in [
        ("pack", &[][..]),
        ("pack", &[]),
        ("status", &[]),
        ("verify", &[]),
        ("verify", &["--io", "read"]),
        ("info", &[]),
        ("info", &["--generation", "1"]),
        ("unpack", &[]),
        ("pack", &["--drop-json"]),
        ("status", &[]),
        ("unpack", &["--io", "read"]),
    ] {
        let run = storage.run(command, args).ends_with(0);
        assert!(!run.stdout.is_empty(), "{command}");
        assert_eq!(run.stderr, "", "{command}");
    }
    cli(&["--version"]).ends_with(0);
    cli(&["--help"]).ends_with(0);
}

#[test]
fn a_problem_found_is_1() {
    let storage = storage();
    storage.run("status", &[]).ends_with(1);
    storage.run("pack", &[]).ends_with(0);
    storage.write(DOCUMENTS, document_store("newer"));
    storage.run("status", &[]).ends_with(1);
    storage
        .run("unpack", &[])
        .ends_with(1)
        .says([DOCUMENTS, "newer", "--prefer twin"]);
    storage.write(DOCUMENTS, "");
    storage
        .run("pack", &[])
        .ends_with(1)
        .says([DOCUMENTS, "empty", "unpack", "--prefer json"]);
    let segment = storage.info().stores[0].segments[0].clone();
    fs::write(storage.twin().join(segment), "garbage").unwrap();
    storage.run("verify", &[]).ends_with(1);
    storage.run("info", &[]).ends_with(1);
    let out = storage.beside("out");
    storage
        .run("unpack", &["--out", out.to_str().unwrap()])
        .ends_with(1);
}

#[test]
fn nothing_is_exported_into_the_twin() {
    let storage = Storage::with([(DOCUMENTS, "{}")]);
    storage.run("pack", &[]).ends_with(0);
    let files = || fs::read_dir(storage.twin()).unwrap().count();
    let before = files();
    for command in ["unpack", "salvage"] {
        let out = storage.twin().join("out");
        storage
            .run(command, &["--out", out.to_str().unwrap()])
            .ends_with(2)
            .says([out.to_str().unwrap(), "inside the binary twin", "outside"]);
    }
    assert_eq!(files(), before);
}

#[test]
fn what_cannot_run_is_2() {
    let empty = Storage::with([("notes.json", "{}")]);
    empty
        .run("pack", &[])
        .ends_with(2)
        .says(["no LlamaIndex store", "--all"]);
    assert!(!empty.twin().exists(), "a refused pack leaves nothing");
    for command in ["unpack", "verify", "info"] {
        empty
            .run(command, &[])
            .ends_with(2)
            .says(["no binary twin", "twinstore pack"]);
        assert!(!empty.twin().exists(), "{command} makes nothing");
    }
    for command in ["pack", "unpack", "verify", "info", "status"] {
        let run = cli(&[command, "/no/such/dir"]).ends_with(2);
        assert!(run.stderr.contains("/no/such/dir"), "{}", run.stderr);
    }
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    storage
        .run("info", &["--generation", "7"])
        .ends_with(2)
        .says(["generation 7", "1"]);
    storage
        .run("unpack", &["--store", "nobody"])
        .ends_with(2)
        .says(["nobody", "default"]);
    for wrong in [
        &["pack"][..],
        &["frobnicate"],
        &["pack", ".", "--prefer", "twin"],
        &["unpack", ".", "--generation", "1"],
    ] {
        cli(wrong).ends_with(2);
    }
}

/// Fields that scripts rely on, with values of the right kind.
#[test]
fn json_reports_have_their_fields() {
    let storage = Storage::with([
        (VECTORS, &vector_store("id", 4)),
        (DOCUMENTS, "not json"),
        ("mine.json", "{}"),
    ]);
    let pack = storage.run("pack", &["--json"]).ends_with(0).json();
    assert_eq!(pack["generation"], 1);
    assert_eq!(pack["committed"], true);
    assert_eq!(pack["left_alone"], serde_json::json!(["mine.json"]));
    assert_eq!(pack["dropped"], serde_json::json!([]));
    let vectors = &pack["stores"][0];
    assert_eq!(vectors["file"], VECTORS);
    assert_eq!(vectors["kind"], "vector store");
    assert_eq!(vectors["action"], "packed");
    assert_eq!(vectors["file_form"], false);
    assert_eq!(vectors["why"], Value::Null);
    assert_eq!(vectors["json_bytes"], vector_store("id", 4).len());
    assert!(vectors["binary_bytes"].as_u64().unwrap() > 0);
    let again = storage.run("pack", &["--json"]).ends_with(0).json();
    assert_eq!(
        (&again["committed"], &again["stores"][1]["action"]),
        (&false.into(), &"up_to_date".into())
    );

    let info = storage.run("info", &["--json"]).ends_with(0).json();
    assert_eq!(info["generation"], 1);
    assert!(info["writer"].as_str().unwrap().starts_with("twinstore "));
    let vectors = &info["stores"][0];
    for (field, expected) in [
        ("name", Value::from("default")),
        ("file", VECTORS.into()),
        ("rows", 4.into()),
        ("vectors", 4.into()),
        ("dim", 2.into()),
        ("number_class", "exact".into()),
        ("problem", Value::Null),
    ] {
        assert_eq!(vectors[field], expected, "{field}");
    }
    assert_eq!(
        vectors["classes"],
        serde_json::json!({"exact": 4, "decimal": 0, "delta": 0, "exceptions": 0})
    );
    assert_eq!(
        vectors["metadata_keys"],
        serde_json::json!(["page", "file"])
    );
    assert_eq!(vectors["segments"].as_array().unwrap().len(), 1);
    assert_eq!(info["stores"][1]["rows"], Value::Null);
    let sum = |field: &str| {
        let stores = info["stores"].as_array().unwrap();
        stores
            .iter()
            .map(|s| s[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(info["json_bytes"], sum("json_bytes"));
    assert_eq!(info["binary_bytes"], sum("binary_bytes"));
    assert!(info["ratio"].as_f64().unwrap() > 0.0);

    let status = storage.run("status", &["--json"]).ends_with(0).json();
    assert_eq!(status["generation"], 1);
    let store = &status["stores"][0];
    assert_eq!(
        (&store["state"], &store["settled"], &store["remedy"]),
        (&"in sync".into(), &true.into(), &Value::Null)
    );
    storage.write(VECTORS, vector_store("new", 4));
    let status = storage.run("status", &["--json"]).ends_with(1).json();
    assert_eq!(status["stores"][0]["state"], "JSON newer");
    assert!(
        status["stores"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("pack")
    );
    storage.run("pack", &[]).ends_with(0);

    let verify = storage.run("verify", &["--json"]).ends_with(0).json();
    assert_eq!(verify["generations"], serde_json::json!([1, 2]));
    assert_eq!(verify["problems"], serde_json::json!([]));
    assert_eq!(verify["files"], 6, "2 manifests, 3 segments, sync");
    let bytes: u64 = storage
        .twin_files()
        .values()
        .map(|bytes| bytes.len() as u64)
        .sum();
    assert_eq!(verify["bytes"], bytes);
    fs::write(storage.twin().join("manifest-0000000001"), "x").unwrap();
    let verify = storage.run("verify", &["--json"]).ends_with(1).json();
    let problem = &verify["problems"][0];
    assert!(
        problem["file"]
            .as_str()
            .unwrap()
            .ends_with("manifest-0000000001")
    );
    assert_eq!(
        (&problem["section"], &problem["offset"]),
        (&"file".into(), &0.into())
    );
    assert!(problem["error"].is_string());

    storage.remove(DOCUMENTS);
    let unpack = storage.run("unpack", &["--json"]).ends_with(0).json();
    assert_eq!(unpack["generation"], 2);
    let expected = serde_json::json!([
        {"file": VECTORS, "bytes": vector_store("new", 4).len(), "written": false},
        {"file": DOCUMENTS, "bytes": 8, "written": true},
    ]);
    assert_eq!(unpack["files"], expected);
}

/// `twinstore info DIR | head -1`
#[test]
fn a_closed_pipe_is_no_failure() {
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    for args in [
        &["info"][..],
        &["verify"],
        &["status", "--json"],
        &["pack"],
        &["unpack"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_twinstore"))
            .args(args)
            .arg(storage.dir())
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}

/// Output that cannot be written for any other reason is a failure.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_twinstore"))
        .args(["info"])
        .arg(storage.dir())
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("output"));
}

#[test]
fn completions_for_the_shells() {
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef twinstore"),
        ("fish", "complete -c twinstore"),
    ] {
        let run = cli(&["completions", shell]).ends_with(0);
        assert!(run.stdout.contains(sign), "{shell}");
        assert!(run.stdout.contains("drop-json"), "{shell}");
    }
    cli(&["completions", "edlin"]).ends_with(2);
}

#[test]
fn damage_names_file_offset_and_remedy() {
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    let info = storage.info();
    let segment = &info
        .stores
        .iter()
        .find(|s| s.file == VECTORS)
        .unwrap()
        .segments[0];
    let path = storage.twin().join(segment);
    let mut bytes = fs::read(&path).unwrap();
    bytes[64] ^= 1;
    fs::write(&path, bytes).unwrap();
    let out = storage.beside("out");
    let run = storage
        .run("unpack", &["--out", out.to_str().unwrap()])
        .ends_with(1);
    run.says([
        path.to_str().unwrap(),
        "at byte",
        "checksum",
        "`twinstore salvage`",
        "where the JSON file holds the store",
    ]);
    let run = storage.run("verify", &[]).ends_with(1);
    for words in [path.to_str().unwrap(), "PLAN", "at byte 64", "1 problem"] {
        assert!(run.stdout.contains(words), "{words:?} in {}", run.stdout);
    }
}

#[test]
fn unknown_files_are_left_alone_and_named() {
    let storage = Storage::data("foreign_files");
    let foreign = [
        "index.json",
        "model.bin",
        "my_vector_store.json",
        "notes.txt",
        "package.json",
    ];
    let run = storage.run("pack", &["--drop-json"]).ends_with(0);
    for name in foreign {
        assert!(run.stdout.contains(name), "{name} is not named");
        assert!(storage.exists(name), "{name} was removed");
    }
    assert!(!storage.exists(VECTORS));
    let unpacked = storage.unpacked(Default::default()).unwrap();
    assert_eq!(
        unpacked.into_keys().collect::<Vec<_>>(),
        [VECTORS],
        "nor are they packed"
    );
}

/// `--all` takes them in; dropping the JSON still leaves what is not
/// LlamaIndex's.
#[test]
fn all_packs_the_others_too_and_removes_none() {
    let storage = Storage::data("foreign_files");
    let files = storage.files();
    let report = storage
        .run("pack", &["--all", "--drop-json", "--json"])
        .ends_with(0)
        .json();
    assert_eq!(report["left_alone"], serde_json::json!([]));
    assert_eq!(report["dropped"], serde_json::json!([VECTORS]));
    assert_eq!(storage.unpacked(Default::default()).unwrap(), files);
    assert_eq!(storage.files().len(), files.len() - 1);
    // What is in the twin is kept up to date also without --all.
    storage.write("notes.txt", "changed");
    let report = storage.run("pack", &["--json"]).ends_with(0).json();
    assert_eq!(report["committed"], true);
    assert_eq!(
        storage.unpacked(Default::default()).unwrap()["notes.txt"],
        b"changed"
    );
}

#[test]
fn unpack_fills_new_and_empty_directories_only() {
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    let out = storage.beside("out");
    let out_text = out.to_str().unwrap();
    storage.run("unpack", &["--out", out_text]).ends_with(0);
    assert_eq!(common::files_of(&out), storage.files());
    fs::remove_file(out.join(VECTORS)).unwrap();
    let run = storage.run("unpack", &["--out", out_text]).ends_with(2);
    run.says([out_text, "not an empty directory"]);
    assert!(!out.join(VECTORS).exists(), "a refused unpack wrote");
    let file = storage.beside("a file");
    fs::write(&file, "mine").unwrap();
    storage
        .run("unpack", &["--out", file.to_str().unwrap()])
        .ends_with(2);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let empty = storage.beside("empty");
    fs::create_dir(&empty).unwrap();
    storage
        .run("unpack", &["--out", empty.to_str().unwrap()])
        .ends_with(0);
    assert_eq!(common::files_of(&empty), storage.files());
    // A relative name without a slash, too.
    let mut command = twinstore();
    command.current_dir(storage.beside(""));
    command.args(["unpack", "storage", "--out", "relative"]);
    Run::of(command).ends_with(0);
    assert_eq!(
        common::files_of(&storage.beside("relative")),
        storage.files()
    );
    let run = storage.run(
        "unpack",
        &["--out", storage.beside("no/parent").to_str().unwrap()],
    );
    run.ends_with(2).says(["no"]);
}

#[test]
fn an_older_generation_is_printed_on_request() {
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    storage.write(DOCUMENTS, document_store("newer"));
    storage.run("pack", &[]).ends_with(0);
    let out = storage.beside("older");
    storage
        .run(
            "unpack",
            &["--out", out.to_str().unwrap(), "--generation", "1"],
        )
        .ends_with(0);
    assert_eq!(
        fs::read(out.join(DOCUMENTS)).unwrap(),
        document_store("a text").as_bytes()
    );
    let info = storage
        .run("info", &["--generation", "1", "--json"])
        .ends_with(0)
        .json();
    assert_eq!(info["generation"], 1);
}

/// Two cron jobs at once: the second one says so and touches nothing; those
/// that only read do not notice.
#[test]
fn a_twin_that_is_being_written_is_locked() {
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    storage.write(DOCUMENTS, document_store("newer"));
    let before = storage.twin_files();
    let lock = File::options()
        .write(true)
        .open(storage.twin().join("LOCK"))
        .unwrap();
    lock.try_lock().unwrap();
    storage
        .run("pack", &[])
        .ends_with(2)
        .says(["LOCK", "locked", "try again"]);
    storage
        .run("unpack", &["--prefer", "twin"])
        .ends_with(2)
        .says(["locked"]);
    assert_eq!(storage.twin_files(), before);
    storage.run("status", &[]).ends_with(1);
    storage.run("info", &[]).ends_with(0);
    storage.run("verify", &[]).ends_with(0);
    let out = storage.beside("out");
    storage
        .run("unpack", &["--out", out.to_str().unwrap()])
        .ends_with(0);
    lock.unlock().unwrap();
    storage.run("pack", &[]).ends_with(0);
}

/// A web server's user reads what the cron job's user unpacks; and what only
/// one may read stays so.
#[cfg(unix)]
#[test]
fn unpacked_files_have_ordinary_permissions_or_those_they_had() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let storage = storage();
    storage.run("pack", &[]).ends_with(0);
    // what any program's new file gets here
    fs::write(storage.beside("ordinary"), "").unwrap();
    fs::create_dir(storage.beside("ordinary dir")).unwrap();
    let ordinary = mode(storage.beside("ordinary"));
    let ordinary_dir = mode(storage.beside("ordinary dir"));
    assert_ne!(ordinary, 0o600, "the test needs another umask");

    let out = storage.beside("out");
    storage
        .run("unpack", &["--out", out.to_str().unwrap()])
        .ends_with(0);
    assert_eq!(mode(out.clone()), ordinary_dir);
    assert_eq!(mode(out.join(VECTORS)), ordinary);
    storage.remove(VECTORS);
    for secret in [0o600, 0o640, 0o444] {
        storage.write(DOCUMENTS, "{");
        fs::set_permissions(storage.path(DOCUMENTS), PermissionsExt::from_mode(secret)).unwrap();
        storage.run("unpack", &[]).ends_with(0);
        assert_eq!(mode(storage.path(DOCUMENTS)), secret);
        assert_eq!(storage.read(DOCUMENTS), document_store("a text").as_bytes());
        fs::set_permissions(storage.path(DOCUMENTS), PermissionsExt::from_mode(0o644)).unwrap();
    }
    assert_eq!(mode(storage.path(VECTORS)), ordinary);
}

/// The remedy that an error names must be one: where the JSON is still there,
/// a damaged file is made anew from it.
#[test]
fn damage_is_healed_as_the_message_says() {
    for store in [VECTORS, DOCUMENTS] {
        let storage = storage();
        storage.run("pack", &[]).ends_with(0);
        let info = storage.info();
        let segment = &info
            .stores
            .iter()
            .find(|s| s.file == store)
            .unwrap()
            .segments[0];
        fs::write(storage.twin().join(segment), "garbage").unwrap();
        let out = storage.beside("out");
        let run = storage
            .run("unpack", &["--out", out.to_str().unwrap()])
            .ends_with(1);
        run.says(["or move the file away: `twinstore pack`"]);
        let away = storage.beside("away");
        fs::rename(storage.twin().join(segment), away).unwrap();
        storage.run("pack", &[]).ends_with(0);
        // The generation before needs it, should anybody need that.
        let run = storage.run("verify", &[]).ends_with(1);
        run.prints(["`twinstore gc --keep 1` removes that"]);
        storage.run("gc", &["--keep", "1"]).ends_with(0);
        storage.run("verify", &[]).ends_with(0);
        storage
            .run("unpack", &["--out", out.to_str().unwrap()])
            .ends_with(0);
        assert_eq!(common::files_of(&out), storage.files());
        assert_eq!(
            storage
                .info()
                .stores
                .iter()
                .filter(|s| s.problem.is_some())
                .count(),
            0
        );
    }
}

/// A bar belongs on a terminal; in a log it is noise.
#[test]
fn no_bars_where_there_is_no_terminal() {
    let storage = storage();
    let mut child = Command::new(env!("CARGO_BIN_EXE_twinstore"))
        .arg("pack")
        .arg(storage.dir())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(stderr, "");
}
