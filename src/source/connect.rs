//! Opens connections, with as much TLS as asked for and without waiting for ever.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use postgres::Client;
use postgres::config::SslMode as WireMode;
use postgres::error::SqlState;

use super::error::SourceError;
use super::settings::{ConnectionSettings, SslMode};
use super::tls;

/// How long a socket may take to open, and as long again for TLS and login, if the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects, with `application_name=peerpress`.
pub fn connect(settings: &ConnectionSettings) -> Result<Client, SourceError> {
    let (first, second) = if settings.is_local_socket() {
        (WireMode::Disable, None)
    } else {
        match settings.ssl_mode {
            SslMode::Disable => (WireMode::Disable, None),
            SslMode::Allow => (WireMode::Disable, Some(WireMode::Require)),
            SslMode::Prefer => (WireMode::Prefer, Some(WireMode::Disable)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (WireMode::Require, None),
        }
    };
    match attempt(settings, first) {
        Err((error, true)) => match second {
            // The first error says more than that the second way is closed too.
            Some(second) => attempt(settings, second).map_err(|_| error),
            None => Err(error),
        },
        result => result.map_err(|(error, _)| error),
    }
}

/// One attempt; an error comes with whether the other way, with or without TLS, may do better.
fn attempt(settings: &ConnectionSettings, mode: WireMode) -> Result<Client, (SourceError, bool)> {
    let mut config = settings.config();
    config.ssl_mode(mode).application_name("peerpress");
    config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
    config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(60));
    let each = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    config.connect_timeout(each);
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()) as u32;
    let patience = each * (hosts + 1);
    let tls = tls::connector(settings, mode == WireMode::Disable).map_err(|error| (error, false))?;

    let (sender, receiver) = mpsc::sync_channel(1);
    // The library bounds only the opening of the socket, but a server can accept and then say nothing. If nobody waits
    // for the result any more, it is dropped.
    thread::spawn(move || drop(sender.send(config.connect(tls))));
    match receiver.recv_timeout(patience) {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => {
            let refused = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
            let error = SourceError::connecting(settings, &error);
            let retry = refused || matches!(error, SourceError::Tls { .. });
            Err((error, retry))
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err((
            SourceError::Unreachable {
                server: settings.to_string(),
                problem: format!("no login within {} s", patience.as_secs()),
                hint: "something accepts connections there but does not answer as PostgreSQL does",
            },
            false,
        )),
    }
}
