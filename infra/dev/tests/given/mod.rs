//! A Redis server for tests that are about one that was given.

use std::process::{Child, Command, Stdio};

use dev::ports::Port;

/// A Redis server that is not ours to stop.
pub struct Given {
    child: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
}

impl Given {
    pub fn start(password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::Any.choose().unwrap();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--requirepass", password])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port, _folder: folder }
    }

    /// With the password as it is written in a URL.
    pub fn url(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}", self.port)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
