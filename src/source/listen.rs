//! Hears of changes as they are committed, where the database tracks them (`peerpress migrate --track-changes`).

use std::time::Duration;

use fallible_iterator::FallibleIterator as _;
use postgres::Client;

use super::connect::connect;
use super::error::SourceError;
use super::settings::ConnectionSettings;
use crate::migrate::CHANNEL;

/// Listens for changes on a connection of its own. A connection that is lost is opened again.
pub struct Listener {
    settings: ConnectionSettings,
    client: Option<Client>,
}

impl Listener {
    /// Begins to listen; none if the database does not track changes, so that there would be nothing to hear.
    pub fn open(settings: &ConnectionSettings) -> Result<Option<Self>, SourceError> {
        let mut client = connect(settings)?;
        let rows = client
            .query(include_str!("queries/log_is_readable.sql"), &[])
            .map_err(|error| SourceError::speaking(settings, &error))?;
        if !rows[0].get::<_, bool>(0) {
            return Ok(None);
        }
        listen(&mut client, settings)?;
        Ok(Some(Self { settings: settings.clone(), client: Some(client) }))
    }

    /// Waits until something was committed that a snapshot would show, and says `true`; `false` if nothing was within
    /// `timeout`. What was committed between two calls is not lost. After a loss of the connection it cannot be known, so
    /// that the first call that finds the server again says `true`.
    ///
    /// An error says that the server cannot be reached now; a later call tries again.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, SourceError> {
        if let Some(client) = &mut self.client {
            let heard = hear(client, timeout);
            match heard {
                Ok(heard) if heard || !client.is_closed() => return Ok(heard),
                _ => self.client = None,
            }
        }
        let mut client = connect(&self.settings)?;
        listen(&mut client, &self.settings)?;
        self.client = Some(client);
        Ok(true)
    }
}

fn hear(client: &mut Client, timeout: Duration) -> Result<bool, postgres::Error> {
    let mut notifications = client.notifications();
    let heard = notifications.timeout_iter(timeout).next()?.is_some();
    // One look at the database is enough for all that came with it.
    let mut more = notifications.iter();
    while more.next()?.is_some() {}
    Ok(heard)
}

fn listen(client: &mut Client, settings: &ConnectionSettings) -> Result<(), SourceError> {
    client
        .batch_execute(&format!("LISTEN {CHANNEL}"))
        .map_err(|error| SourceError::speaking(settings, &error))
}
