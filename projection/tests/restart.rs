//! A worker that starts again goes on from its newest snapshot, and answers as one that read everything.

#[path = "support/history.rs"]
mod history;
#[path = "support/run.rs"]
mod run;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use history::Random;
use run::{Folder, PEOPLE, Run, damage, happen, replayed};
use support::{PATIENCE, Redis, befriend, command, eventually, free_port, people, request, user};

#[test]
fn snapshot_and_tail_answer_as_a_replay_does() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(1));
    happen(&mut log, &mut random, 600);
    let first = Run::start(&redis, &folder, &[]);
    assert!(first.said().contains("no snapshot: reading all events"), "{}", first.said());
    let made = first.snapshot().json();
    assert_eq!(made["name"], "graph-00000000000000000001.snapshot");
    let bytes = fs::metadata(folder.snapshots().join(made["name"].as_str().unwrap())).unwrap().len();
    assert_eq!(made["bytes"].as_u64(), Some(bytes));
    let positions = first.answers().into_iter().find_map(|(_, _, positions)| positions);
    assert_eq!(made["positions"].as_str().map(str::to_owned), positions);
    assert_eq!(first.figure("worker_snapshot_bytes"), bytes as f64);
    assert_eq!(first.figure("worker_snapshot_writes_total"), 1.0);
    assert!(first.figure("worker_snapshot_duration_seconds") > 0.0);

    happen(&mut log, &mut random, 50);
    drop(first);
    happen(&mut log, &mut random, 50);
    let second = Run::start(&redis, &folder, &[]);
    assert!(second.said().contains("snapshot loaded"), "{}", second.said());
    let applied = second.applied();
    assert!(applied > 50.0 && applied <= 100.0, "{applied}");
    assert_eq!(second.answers(), replayed(&redis));
    eventually("its lag is known", || (second.figure("worker_lag_events") == 0.0).then_some(()));
    happen(&mut log, &mut random, 50);
    let last = befriend(&mut log, 1, 2);
    assert_eq!(second.ask("GET", &format!("/v1/users/1/recommendations?after=friend:{last}")).status, 200);
    assert_eq!(second.answers(), replayed(&redis));
    assert!(second.figure("worker_snapshot_age_seconds") < 60.0);
}

#[test]
fn the_last_snapshot_is_written_at_the_end_if_anything_has_changed() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(2));
    assert!(Run::start(&redis, &folder, &[]).stop().contains("stopping"));
    assert!(folder.names(".snapshot").is_empty(), "there was nothing to keep");
    happen(&mut log, &mut random, 100);
    Run::start(&redis, &folder, &[]).stop();
    assert_eq!(folder.names(".snapshot"), ["graph-00000000000000000001.snapshot"]);
    let again = Run::start(&redis, &folder, &[]);
    assert_eq!(again.applied(), 0.0);
    assert_eq!(again.answers(), replayed(&redis));
    again.stop();
    assert_eq!(folder.names(".snapshot"), ["graph-00000000000000000001.snapshot"]);
}

#[test]
fn signals_events_and_time_make_snapshots_of_which_two_are_kept() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(3));
    happen(&mut log, &mut random, 20);
    let worker = Run::start(&redis, &folder, &["--snapshot-events", "200"]);
    worker.signal("USR1");
    eventually("the signal's snapshot", || (folder.names(".snapshot").len() == 1).then_some(()));
    happen(&mut log, &mut random, 250);
    eventually("the events' snapshot", || (folder.names(".snapshot").len() == 2).then_some(()));
    worker.snapshot();
    let kept = ["graph-00000000000000000002.snapshot", "graph-00000000000000000003.snapshot"];
    assert_eq!(folder.names(".snapshot"), kept);
    drop(worker);
    let worker = Run::start(&redis, &folder, &["--snapshot-seconds", "1"]);
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(folder.names(".snapshot"), kept, "nothing has happened");
    befriend(&mut log, 1, 2);
    eventually("the next snapshot", || {
        (folder.names(".snapshot").last()? == "graph-00000000000000000004.snapshot").then_some(())
    });
    assert_eq!(worker.ask("GET", "/v1/snapshot").status, 405);
}

#[test]
fn without_a_folder_there_are_no_snapshots_and_nobody_dies_of_asking() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let port = free_port();
    let worker = Run::spawn(port, command(&redis.url(), port), &folder);
    assert!(worker.said().contains("from position 0"), "{}", worker.said());
    worker.signal("USR1");
    eventually("it says so", || worker.said().contains("--snapshot-dir").then_some(()));
    let answer = worker.ask("POST", "/v1/snapshot");
    assert!(answer.status == 404 && answer.text().contains("--snapshot-dir"), "{}", answer.text());
    worker.stop();
}

/// Until the kill has hit a snapshot that was being written three times.
#[test]
fn killed_at_any_moment_of_writing_it_loses_nothing() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(4));
    people(&mut log, 1..=3_000);
    happen(&mut log, &mut random, 500);
    let (mut hit, mut round, start) = (0, 0, Instant::now());
    while hit < 3 && start.elapsed() < PATIENCE {
        round += 1;
        let mut worker = Run::start(&redis, &folder, &[]);
        assert!(!worker.said().contains("cannot be used"), "{}", worker.said());
        assert!(folder.names(".tmp").is_empty(), "what was unfinished is gone");
        let loaded = worker.said().contains("snapshot loaded");
        assert!(loaded || folder.names(".snapshot").is_empty(), "{}", worker.said());
        happen(&mut log, &mut random, 5);
        let port = worker.port;
        let asking = std::thread::spawn(move || while request(port, "POST", "/v1/snapshot").is_ok() {});
        std::thread::sleep(Duration::from_micros(3_000 + random.below(30_000)));
        worker.process.kill().unwrap();
        worker.process.wait().unwrap();
        asking.join().unwrap();
        hit += folder.names(".tmp").len();
        assert!(folder.names(".snapshot").len() <= 3, "one may not be deleted yet");
    }
    assert!(hit >= 3, "{hit} hits in {round} rounds");
    assert_eq!(Run::start(&redis, &folder, &[]).answers(), replayed(&redis));
}

#[test]
fn a_broken_snapshot_is_named_and_the_one_before_or_a_replay_takes_its_place() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(5));
    for _ in 0..2 {
        happen(&mut log, &mut random, 300);
        Run::start(&redis, &folder, &[]).stop();
    }
    let [first, second] = [1, 2].map(|number| folder.snapshots().join(format!("graph-{number:020}.snapshot")));
    damage(&second);
    let worker = Run::start(&redis, &folder, &[]);
    let said = worker.said();
    assert!(said.contains("graph-00000000000000000002.snapshot") && said.contains("the checksum differs"), "{said}");
    assert!((200.0..=300.0).contains(&worker.applied()), "from the first: {}", worker.applied());
    assert_eq!(worker.answers(), replayed(&redis));
    drop(worker);
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() - 1]).unwrap();
    let worker = Run::start(&redis, &folder, &[]);
    let said = worker.said();
    assert!(said.contains("it is truncated") && said.contains("no snapshot: reading all events"), "{said}");
    assert_eq!(worker.answers(), replayed(&redis));
    let broken = ["graph-00000000000000000001.snapshot.broken", "graph-00000000000000000002.snapshot.broken"];
    assert_eq!(folder.names(".broken"), broken);
    worker.stop();
    assert_eq!(folder.names(".snapshot"), ["graph-00000000000000000003.snapshot"]);
}

#[test]
fn a_folder_of_another_worker_or_none_at_all_is_a_wrong_setting() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let refused = |path: &Path| {
        let output = command(&redis.url(), free_port()).arg("--snapshot-dir").arg(path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let worker = Run::start(&redis, &folder, &[]);
    let (code, said) = refused(&folder.snapshots());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--snapshot-dir") && said.contains("another worker"), "{said}");
    drop(worker);
    let file = folder.0.join("file");
    fs::write(&file, "").unwrap();
    for path in [&file, &file.join("below")] {
        let (code, said) = refused(path);
        assert!(code == Some(2) && said.contains("--snapshot-dir"), "{said}");
    }
    assert_eq!(refused(Path::new("")).0, Some(2));
}

/// A limit on the size of files stands for a full disk.
#[test]
fn a_full_disk_leaves_the_old_snapshot_and_the_service_as_they_are() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(6));
    happen(&mut log, &mut random, 100);
    let port = free_port();
    let inner = command(&redis.url(), port);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 64; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    limited.arg("--snapshot-dir").arg(folder.snapshots()).env_remove("RUST_LOG").stdin(Stdio::null());
    let worker = Run::spawn(port, limited, &folder);
    worker.snapshot();
    let before = fs::read(folder.snapshots().join("graph-00000000000000000001.snapshot")).unwrap();
    people(&mut log, 1..=3_000);
    let last = befriend(&mut log, 1, 2_999);
    assert_eq!(worker.ask("GET", &format!("/v1/users/1/recommendations?after=friend:{last}")).status, 200);
    for failures in 1..=3 {
        let answer = worker.ask("POST", "/v1/snapshot");
        assert!(answer.status == 503 && answer.text().contains("File too large"), "{}", answer.text());
        assert_eq!(worker.figure("worker_snapshot_failures_total"), f64::from(failures));
    }
    assert_eq!(worker.figure("worker_snapshot_writes_total"), 1.0);
    assert_eq!(folder.names("").len(), 2, "the lock and the old snapshot: {:?}", folder.names(""));
    assert_eq!(fs::read(folder.snapshots().join("graph-00000000000000000001.snapshot")).unwrap(), before);
    assert_eq!(worker.said().matches("cannot write a snapshot").count(), 1, "{}", worker.said());
    assert_eq!(worker.answers(), replayed(&redis));
    let said = worker.stop();
    assert_eq!(said.matches("cannot write a snapshot").count(), 1, "{said}");
    // With room again.
    let worker = Run::start(&redis, &folder, &[]);
    assert!(worker.said().contains("snapshot loaded"), "{}", worker.said());
    assert_eq!(worker.answers(), replayed(&redis));
    worker.snapshot();
}

/// One of another Redis, or of one that was emptied: positions alone do not tell once it has grown.
#[test]
fn a_snapshot_of_another_log_is_recognised_and_everything_read_again() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(7));
    happen(&mut log, &mut random, 200);
    user(&mut log, "USER_CREATED", PEOPLE, "Gone");
    Run::start(&redis, &folder, &[]).stop();
    redis::cmd("FLUSHALL").exec(&mut log).unwrap();
    for _ in 0..2 {
        // First it ends before the snapshot does, for it has nothing; then it has grown beyond.
        let worker = Run::start(&redis, &folder, &[]);
        assert!(worker.said().contains("from its beginning"), "{}", worker.said());
        // Forgetting follows a moment after an empty log has been read to its end.
        let expected = replayed(&redis);
        eventually("the answers of the log that is there", || (worker.answers() == expected).then_some(()));
        drop(worker);
        people(&mut log, 1..=5);
        befriend(&mut log, 1, 2);
        befriend(&mut log, 2, 3);
    }
    let worker = Run::start(&redis, &folder, &[]);
    let said = worker.said();
    assert!(said.contains("another one than that of the snapshot"), "{said}");
    assert_eq!(worker.ask("GET", "/v1/users/1/recommendations").weights(), [(3, 1)]);
    assert_eq!(worker.ask("GET", &format!("/v1/users/{PEOPLE}/recommendations")).status, 404);
    worker.stop();
    assert!(Run::start(&redis, &folder, &[]).applied() == 0.0);
}

/// A backup that was restored: the same until some moment, and then another history of the same length.
#[test]
fn a_log_that_went_another_way_is_another_log() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let mut log = redis.connection();
    let add = |log: &mut redis::Connection, position: &str, id: u64| {
        let data = format!(
            r#"{{"id":{id},"firstName":"A","lastName":"B","createdAt":"2026-11-22T01:27:43.123Z","updatedAt":"2026-11-22T01:27:43.123Z"}}"#
        );
        let mut command = redis::cmd("XADD");
        command.arg("events:user").arg(position).arg("id").arg("019aa907-0000-7000-8000-000000000000");
        command.arg("source").arg("/user").arg("type").arg("USER_CREATED").arg("subject").arg(format!("user/{id}"));
        command.arg("version").arg(1).arg("time").arg("2026-11-22T01:27:43.123Z").arg("data").arg(data);
        command.exec(log).unwrap();
    };
    for (position, id) in [("1-0", 1), ("2-0", 2), ("3-0", 3)] {
        add(&mut log, position, id);
    }
    Run::start(&redis, &folder, &[]).stop();
    redis::cmd("DEL").arg("events:user").exec(&mut log).unwrap();
    for (position, id) in [("1-0", 1), ("2-0", 2), ("3-0", 4), ("4-0", 5)] {
        add(&mut log, position, id);
    }
    let worker = Run::start(&redis, &folder, &[]);
    let status = |id: u64| worker.ask("GET", &format!("/v1/users/{id}/recommendations")).status;
    assert_eq!([1, 2, 3, 4, 5].map(status), [200, 200, 404, 200, 200], "{}", worker.said());
}

/// The witness is gone, and nothing else is.
#[test]
fn a_stream_that_was_trimmed_up_to_the_snapshot_goes_on_from_it() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let (mut log, mut random) = (redis.connection(), Random(8));
    happen(&mut log, &mut random, 300);
    let before = Run::start(&redis, &folder, &[]);
    let answers = before.answers();
    before.stop();
    for stream in ["events:user", "events:friend"] {
        redis::cmd("XTRIM").arg(stream).arg("MAXLEN").arg(0).exec(&mut log).unwrap();
    }
    let worker = Run::start(&redis, &folder, &[]);
    assert_eq!(worker.answers(), answers, "{}", worker.said());
    people(&mut log, 1_000..=1_001);
    let last = befriend(&mut log, 1_000, 1_001);
    assert_eq!(worker.ask("GET", &format!("/v1/users/1000/recommendations?after=friend:{last}")).status, 200);
    assert_eq!(worker.applied(), 3.0);
}
