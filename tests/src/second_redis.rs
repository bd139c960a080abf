//! A Redis server beside the system's own, for one of its contexts.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dev::Options;
use dev::log::Log;
use dev::ports::Port;
use dev::process::Process;
use dev::redis_ready;
use dev::redis_server::RedisServer;
use dev::redis_url::RedisUrl;
use dev::report::Silent;
use tempfile::TempDir;

pub struct SecondRedis {
    pub url: RedisUrl,
    server: RedisServer,
    log: Arc<Log>,
    process: Option<Process>,
    _folder: TempDir,
}

impl SecondRedis {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::Any.choose().unwrap();
        let server = RedisServer::prepare(&folder.path().join("redis"), port).unwrap();
        let log = Log::open(folder.path(), "second-redis", "", Arc::new(AtomicBool::new(false))).unwrap();
        let url = RedisUrl::local(port);
        let mut redis = Self { url, server, log: Arc::new(log), process: None, _folder: folder };
        redis.launch().await;
        redis
    }

    pub async fn launch(&mut self) {
        self.process = Some(self.server.start(&self.log).await.unwrap());
        redis_ready::wait(&self.url, Options::REDIS_WAIT, &Silent).await.unwrap();
    }

    pub async fn kill(&mut self) {
        self.process.take().expect("it runs").kill().await;
    }
}
