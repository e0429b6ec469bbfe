//! What a client says on a connection, byte for byte, noted on its way to the server.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::lock;

/// The bytes of a connection since the last request, as the socket gave them.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Vec<u8>>>);

impl Wire {
    /// The head of the request whose content has just been read. Clients of one host do not pipeline.
    pub(super) fn take_head(&self) -> String {
        let bytes = std::mem::take(&mut *lock(&self.0));
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |end| end + 2);
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }
}

/// A stream that notes what is read from it.
pub(super) struct Heard {
    pub(super) stream: TcpStream,
    pub(super) wire: Wire,
}

impl AsyncRead for Heard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        lock(&self.wire.0).extend_from_slice(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Heard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
