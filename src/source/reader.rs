//! One connection inside the transaction that all connections share, and the ways to read through it.

use std::sync::atomic::{AtomicBool, Ordering};

use postgres::types::ToSql;
use postgres::{Client, Row as CatalogRow};

use super::connect::connect;
use super::error::SourceError;
use super::settings::ConnectionSettings;
use super::take::SnapshotOptions;
use super::wire::{self, Tuple, WireError};
use crate::ids::ConferenceId;
use crate::snapshot::Row;

/// A connection in a read-only transaction.
pub(super) struct Reader<'a> {
    client: Client,
    settings: &'a ConnectionSettings,
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
        let mut reader = Self { client: connect(settings)?, settings, stop };
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
        self.client.batch_execute(statements).map_err(|error| SourceError::speaking(self.settings, &error))
    }

    /// Runs a query with few rows.
    pub(super) fn query(
        &mut self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<CatalogRow>, SourceError> {
        self.client.query(query, parameters).map_err(|error| SourceError::speaking(self.settings, &error))
    }

    /// Streams a query's rows; `table` is what the rows are of in messages.
    pub(super) fn copy(
        &mut self,
        table: &'static str,
        query: &str,
        columns: usize,
        row: impl FnMut(&mut Tuple<'_>) -> Result<(), WireError>,
    ) -> Result<(), SourceError> {
        let settings = self.settings;
        let stop = || self.stop.load(Ordering::Relaxed);
        let mut stream = self
            .client
            .copy_out(&format!("COPY (\n{query}\n) TO STDOUT (FORMAT binary)"))
            .map_err(|error| SourceError::speaking(settings, &error))?;
        wire::read_rows(&mut stream, columns, stop, row).map_err(|error| match error {
            WireError::Io(error) => SourceError::streaming(settings, error),
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

    /// The connection, for what is none of the transaction's business.
    pub(super) fn into_client(self) -> Client {
        self.client
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
