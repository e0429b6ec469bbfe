//! Ctrl-C, and what else asks the program to end.

use super::{Exit, Stop};

/// Ends when somebody ends the program, which from now on does not die of it by itself. Who asks twice is not made to wait:
/// the program may be held up where it writes, by a reader that does not read.
pub(super) fn interrupted() -> Result<impl Future<Output = ()>, Stop> {
    let (asked, told) = tokio::sync::oneshot::channel();
    #[cfg(unix)]
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let mut pressed = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    #[cfg(unix)]
    let mut ended = async move || {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = pressed.recv() => {}
        }
    };
    #[cfg(not(unix))]
    let ended = async || {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::spawn(async move {
        ended().await;
        let _ = asked.send(());
        ended().await;
        std::process::exit(Exit::Interrupted as i32);
    });
    Ok(async {
        let _ = told.await;
    })
}
