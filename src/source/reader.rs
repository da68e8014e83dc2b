//! One connection inside the transaction that all connections share, and the ways to read through it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Error, Row as CatalogRow};

use super::connect::connect;
use super::error::SourceError;
use super::link::{Link, Silence};
use super::settings::ConnectionSettings;
use super::take::SnapshotOptions;
use super::wire::{self, Tuple, WireError};
use crate::ids::ConferenceId;
use crate::snapshot::Row;

/// What a query is asked with.
pub(super) type Parameters = Vec<Box<dyn ToSql + Sync + Send>>;

/// A connection in a read-only transaction.
pub(super) struct Reader<'a> {
    link: Link,
    replies: Replies<'a>,
    stop: &'a AtomicBool,
}

impl<'a> Reader<'a> {
    /// Connects and begins; with `shared`, sees what the transaction that exported this snapshot sees.
    pub(super) fn begin(
        settings: &'a ConnectionSettings,
        options: &SnapshotOptions,
        stop: &'a AtomicBool,
        shared: Option<&str>,
    ) -> Result<Self, SourceError> {
        let statement_timeout = options.statement_timeout;
        // The server ends a statement in time; one that does not is not there any more.
        let patience = (!statement_timeout.is_zero()).then(|| statement_timeout + options.grace);
        let link = Link::new(connect(settings)?, patience);
        let mut reader = Self { link, replies: Replies { settings, statement_timeout, patience }, stop };
        reader.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
        if let Some(snapshot) = shared {
            // The name is hexadecimal digits and dashes, from the server.
            reader.run(&format!("SET TRANSACTION SNAPSHOT '{snapshot}'"))?;
        }
        // Local to the transaction, so that a pooler between us and the server does not keep them.
        reader.run(&format!(
            "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL TimeZone = 'UTC'; SET LOCAL jit = off",
            options.statement_timeout.as_millis(),
            options.lock_timeout.as_millis(),
        ))?;
        Ok(reader)
    }

    /// Runs statements without results.
    pub(super) fn run(&mut self, statements: &str) -> Result<(), SourceError> {
        let statements = statements.to_owned();
        self.ask(move |client| client.batch_execute(&statements))
    }

    /// Runs a query with few rows.
    pub(super) fn query(
        &mut self,
        query: &str,
        parameters: Parameters,
    ) -> Result<Vec<CatalogRow>, SourceError> {
        let query = query.to_owned();
        self.ask(move |client| {
            let parameters: Vec<&(dyn ToSql + Sync)> =
                parameters.iter().map(|parameter| -> &(dyn ToSql + Sync) { &**parameter }).collect();
            client.query(&query, &parameters)
        })
    }

    /// Does something else with the connection.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        order: impl FnOnce(&mut Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, SourceError> {
        let begun = Instant::now();
        let answer = self.link.ask(order).map_err(|Silence| self.replies.silence())?;
        answer.map_err(|error| self.replies.error(begun, &error))
    }

    /// Streams a query's rows; `table` is what the rows are of in messages.
    pub(super) fn copy(
        &mut self,
        table: &'static str,
        query: &str,
        columns: usize,
        row: impl FnMut(&mut Tuple<'_>) -> Result<(), WireError>,
    ) -> Result<(), SourceError> {
        let begun = Instant::now();
        let stop = || self.stop.load(Ordering::Relaxed);
        let mut rows = self.link.copy(format!("COPY (\n{query}\n) TO STDOUT (FORMAT binary)"));
        wire::read_rows(&mut rows, columns, stop, row).map_err(|error| match error {
            WireError::Io(error) => self.replies.streaming(begun, error),
            error => SourceError::Row { table, problem: error.to_string() },
        })
    }

    /// All rows of a query.
    pub(super) fn rows<R: Row>(&mut self, query: &str) -> Result<Vec<R>, SourceError> {
        let mut rows = Vec::new();
        self.copy(R::TABLE, query, R::COLUMNS.len(), |tuple| {
            rows.push(R::from_fields(tuple)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Ends the transaction.
    pub(super) fn commit(&mut self) -> Result<(), SourceError> {
        self.run("COMMIT")
    }
}

/// What is made of what the server says instead of an answer.
struct Replies<'a> {
    settings: &'a ConnectionSettings,
    statement_timeout: Duration,
    patience: Option<Duration>,
}

impl Replies<'_> {
    /// An error of a statement that was begun then.
    fn error(&self, begun: Instant, error: &Error) -> SourceError {
        // A timeout and somebody's wish have one code, and the text is in the server's language; but what did not take so long
        // did not time out.
        let is_early = self.statement_timeout.is_zero() || begun.elapsed() < self.statement_timeout;
        match SourceError::speaking(self.settings, error) {
            SourceError::Timeout { server, problem, .. }
                if is_early && error.code() == Some(&SqlState::QUERY_CANCELED) =>
            {
                SourceError::Cancelled { server, problem }
            }
            error => error,
        }
    }

    /// An error that came through the rows of a `COPY`.
    fn streaming(&self, begun: Instant, error: io::Error) -> SourceError {
        match error.downcast::<Error>() {
            Ok(error) => self.error(begun, &error),
            Err(error) if error.get_ref().is_some_and(|inner| inner.downcast_ref::<Silence>().is_some()) => {
                self.silence()
            }
            Err(error) => SourceError::Lost { server: self.settings.to_string(), problem: error.to_string() },
        }
    }

    fn silence(&self) -> SourceError {
        let seconds = self.patience.unwrap_or_default().as_secs();
        SourceError::Silent { server: self.settings.to_string(), seconds }
    }
}

/// A query with its conferences filled in. A list of ids rather than a range of times: it is exact whatever the clock
/// said, and each table has an index on it.
pub(super) fn of_conferences(query: &str, conferences: &[ConferenceId]) -> String {
    let ids: Vec<String> = conferences.iter().map(ToString::to_string).collect();
    query.replace("{conferences}", &format!("'{{{}}}'::uuid[]", ids.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn conferences_become_a_list_of_ids() {
        let ids = [1, 2].map(|number| ConferenceId(Uuid::from_u128(number)));
        assert_eq!(
            of_conferences("x = ANY ({conferences})", &ids),
            "x = ANY ('{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}'::uuid[])"
        );
    }
}
