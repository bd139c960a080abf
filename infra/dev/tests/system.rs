//! The library as the other tests use it: a system of its own, whose parts are killed and started at will.

use std::time::Duration;

use dev::health::{self, Health};
use dev::{Options, Part, System};

const BOUND: Duration = Duration::from_secs(30);

async fn becomes(system: &System, expected: impl Fn(&health::Report) -> bool) {
    let poll = async {
        loop {
            let report = health::ask(system.addresses().port).await;
            if expected(&report) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    tokio::time::timeout(BOUND, poll).await.expect("the health that is expected");
}

#[tokio::test]
async fn each_part_can_be_killed_and_started_again() {
    let system = System::start(Options::isolated().unwrap()).await.unwrap();
    for part in Part::ALL {
        let before = system.pid(part).unwrap();
        assert_eq!(system.kill(part).await.and_then(|ended| ended.signal()), Some(9));
        becomes(&system, |report| !report.is_up()).await;
        system.launch(part).await.unwrap();
        system.wait_until_healthy(BOUND).await.unwrap();
        assert_ne!(system.pid(part).unwrap(), before);
    }
    assert!(system.log(Part::Redis).matches("Ready to accept connections").count() == 2);
    let folder = system.data_folder().to_path_buf();
    let ports = [system.addresses().port, system.addresses().worker_port, system.redis_port().unwrap()];
    drop(system);
    assert!(!folder.exists());
    for port in ports {
        assert_eq!(dev::holder::of_port(port), None, "port {port}");
    }
}

#[tokio::test]
async fn the_health_of_recommendations_alone_rests_on_the_worker() {
    let system = System::start(Options::isolated().unwrap()).await.unwrap();
    assert!(system.stop(Part::Worker).await.is_some());
    becomes(&system, |report| report.0[..2] == [Health::Up, Health::Up] && matches!(report.0[2], Health::Down(_)))
        .await;
    system.restart(Part::Worker).await.unwrap();
    system.stop_all().await;
}
