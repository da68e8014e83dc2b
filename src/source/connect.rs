//! Opens connections, with as much TLS as asked for and without waiting for ever.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::config::SslMode as WireMode;
use postgres::error::SqlState;

use super::error::SourceError;
use super::settings::{ConnectionSettings, SslMode};
use super::tls;

/// How long a socket may take to open, and as long again for TLS and login, if the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long until a server that is starting is asked again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// What may do better than an attempt that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Nothing,
    /// With TLS instead of without, or the other way round.
    OtherWay,
    /// The same again: the server starts or stops.
    Later,
}

/// Connects, with `application_name=peerpress`. A server that is starting is waited for, as long as a socket may take to open.
pub fn connect(settings: &ConnectionSettings) -> Result<Client, SourceError> {
    let begun = Instant::now();
    let patience = patience(settings);
    loop {
        match try_ways(settings) {
            Err((_, Better::Later)) if begun.elapsed() + BETWEEN_ATTEMPTS < patience => {
                thread::sleep(BETWEEN_ATTEMPTS);
            }
            result => return result.map_err(|(error, _)| error),
        }
    }
}

fn patience(settings: &ConnectionSettings) -> Duration {
    settings.config().get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT)
}

/// With TLS and without, as the mode has it.
fn try_ways(settings: &ConnectionSettings) -> Result<Client, (SourceError, Better)> {
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
    match (attempt(settings, first), second) {
        // The first error says more than that the second way is closed too.
        (Err((error, Better::OtherWay)), Some(second)) => {
            attempt(settings, second).map_err(|_| (error, Better::Nothing))
        }
        (result, _) => result,
    }
}

/// One attempt; an error comes with what may do better.
fn attempt(settings: &ConnectionSettings, mode: WireMode) -> Result<Client, (SourceError, Better)> {
    let mut config = settings.config();
    config.ssl_mode(mode).application_name("peerpress");
    config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
    config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(60));
    let each = patience(settings);
    config.connect_timeout(each);
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()) as u32;
    let limit = each * (hosts + 1);
    let tls =
        tls::connector(settings, mode == WireMode::Disable).map_err(|error| (error, Better::Nothing))?;

    let (sender, receiver) = mpsc::sync_channel(1);
    // The library bounds only the opening of the socket, but a server can accept and then say nothing. If nobody waits
    // for the result any more, it is dropped.
    thread::spawn(move || drop(sender.send(config.connect(tls))));
    match receiver.recv_timeout(limit) {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => {
            let code = error.code().cloned();
            let error = SourceError::connecting(settings, &error);
            let better = match code {
                Some(SqlState::CANNOT_CONNECT_NOW) => Better::Later,
                Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => Better::OtherWay,
                _ if matches!(error, SourceError::Tls { .. }) => Better::OtherWay,
                _ => Better::Nothing,
            };
            Err((error, better))
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err((
            SourceError::Unreachable {
                server: settings.to_string(),
                problem: format!("no login within {} s", limit.as_secs()),
                hint: "something accepts connections there but does not answer as PostgreSQL does",
            },
            Better::Nothing,
        )),
    }
}
