//! A connection that a test can cut: what is sent is not lost, and does not arrive either.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Forwards connections from a port of its own.
pub struct Proxy {
    /// Where clients connect.
    pub endpoint: String,
    cut: watch::Sender<bool>,
}

impl Proxy {
    /// Forwards to the server at this URL.
    pub fn start(runtime: &Runtime, to: &str) -> Self {
        let target = to.trim_start_matches("http://").to_owned();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (cut, is_cut) = watch::channel(false);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), is_cut.clone()));
            }
        });
        Self { endpoint, cut }
    }

    /// Nothing arrives from now on, in either direction.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Everything arrives again.
    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

async fn forward(client: TcpStream, target: String, mut is_cut: watch::Receiver<bool>) {
    let _ = is_cut.wait_for(|cut| !cut).await;
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = copy(from_client, to_server, is_cut.clone()) => {}
        () = copy(from_server, to_client, is_cut) => {}
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut is_cut: watch::Receiver<bool>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let _ = is_cut.wait_for(|cut| !cut).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
