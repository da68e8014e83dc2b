//! What can go wrong between us and the database, each with a hint. No message holds a password.

use std::error::Error as _;

use postgres::error::SqlState;

use super::settings::ConnectionSettings;
use crate::snapshot::SnapshotError;

/// How many problems of the schema are listed before the rest is only counted.
const SHOWN: usize = 5;

/// Why no snapshot could be taken. `server` is the URL with the password starred out.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The settings cannot be understood.
    #[error(
        "the settings of the database are wrong: {problem}\n\
         hint: a database is named like postgres://user:password@host:5432/name?sslmode=verify-full"
    )]
    Settings {
        /// What is wrong.
        problem: String,
    },
    /// Whoever wants it does not want it of this extent.
    #[error("{problem}")]
    Refused {
        /// Why.
        problem: String,
    },
    /// Nobody answers, or too many ask.
    #[error("cannot reach {server}: {problem}\nhint: {hint}")]
    Unreachable {
        /// The server.
        server: String,
        /// What happened.
        problem: String,
        /// What to try.
        hint: &'static str,
    },
    /// The server does not let us in.
    #[error(
        "{server} refuses the login: {problem}\n\
         hint: check user and password (a character other than letters and digits is percent-encoded in a URL), and \
         the server's pg_hba.conf"
    )]
    Authentication {
        /// The server.
        server: String,
        /// What the server said.
        problem: String,
    },
    /// The server has no such database.
    #[error("{server}: {problem}\nhint: `psql --list` shows the databases of a server")]
    NoDatabase {
        /// The server.
        server: String,
        /// What the server said.
        problem: String,
    },
    /// The role may not read something.
    #[error("the role may not read {table}\nhint: let its owner run: {grant}")]
    Permission {
        /// What it may not read.
        table: String,
        /// The statements that would allow it.
        grant: String,
    },
    /// The database is not one of Peer Metrics, or of another version.
    #[error("the database is not as Peer Metrics makes it: {}\nhint: {hint}", list(problems))]
    Schema {
        /// What is missing, or of another type.
        problems: Vec<String>,
        /// What to try.
        hint: String,
    },
    /// No encrypted connection as asked for.
    #[error("no TLS connection to {server}: {problem}\nhint: {hint}")]
    Tls {
        /// The server.
        server: String,
        /// What happened.
        problem: String,
        /// What to try.
        hint: &'static str,
    },
    /// The connection broke.
    #[error(
        "the connection to {server} was lost: {problem}\n\
         hint: nothing was changed, the former snapshot is as it was; run again when the server is back"
    )]
    Lost {
        /// The server.
        server: String,
        /// What happened.
        problem: String,
    },
    /// A statement took too long or waited too long for a lock.
    #[error("{server} gave up: {problem}\nhint: {hint}")]
    Timeout {
        /// The server.
        server: String,
        /// What the server said.
        problem: String,
        /// What to try.
        hint: &'static str,
    },
    /// Somebody ended a statement.
    #[error(
        "{server} was told to stop: {problem}\n\
         hint: an administrator, or a tool that ends long statements, cancelled it; nothing was changed, the former snapshot \
         is as it was; run again, or ask who did"
    )]
    Cancelled {
        /// The server.
        server: String,
        /// What the server said.
        problem: String,
    },
    /// The connection is open, but nothing comes.
    #[error(
        "{server} has said nothing for {seconds} s, longer than a statement may take\n\
         hint: does something between here and the server keep connections open that lead nowhere? nothing was changed, the \
         former snapshot is as it was; run again"
    )]
    Silent {
        /// The server.
        server: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A row is not as the catalog promised.
    #[error(
        "a row of {table} cannot be read: {problem}\n\
         hint: is the table changed just now, or a view of another type? run again; then report it"
    )]
    Row {
        /// The table of the snapshot.
        table: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Anything else that the server says.
    #[error("{server}: {problem}\nhint: {hint}")]
    Database {
        /// The server.
        server: String,
        /// What the server said.
        problem: String,
        /// What to try.
        hint: &'static str,
    },
    /// The snapshot cannot be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

fn list(problems: &[String]) -> String {
    let shown = problems.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    match problems.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// The causes of an error, from the outermost to the innermost, without repetition.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}

impl SourceError {
    /// An error while connecting.
    pub(super) fn connecting(settings: &ConnectionSettings, error: &postgres::Error) -> Self {
        let server = settings.to_string();
        let problem = say(error);
        match error.code() {
            Some(code)
                if *code == SqlState::INVALID_PASSWORD
                    || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
            {
                Self::Authentication { server, problem }
            }
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => Self::NoDatabase { server, problem },
            Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => Self::Unreachable {
                server,
                problem,
                hint: "use fewer workers, or raise max_connections or the role's connection limit",
            },
            Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Self::Unreachable {
                server,
                problem,
                hint: "it was starting or stopping, or is a standby without hot_standby, for as long as it was waited for \
                       (connect_timeout in the URL, else 10 s); run again when it is up",
            },
            Some(_) => Self::speaking(settings, error),
            None => match error.to_string().as_str() {
                // The kinds of postgres::Error are private; their texts are not.
                "error performing TLS handshake" => Self::Tls {
                    server,
                    hint: if problem.contains("does not support TLS") {
                        "turn on `ssl` on the server, or choose sslmode=prefer or sslmode=disable"
                    } else {
                        "verify-full wants a certificate with the host's name by an authority that sslrootcert (or \
                         this machine) trusts; sslmode=require encrypts without checking"
                    },
                    problem,
                },
                "authentication error" | "invalid configuration" => Self::Authentication { server, problem },
                _ => Self::Unreachable {
                    server,
                    problem,
                    hint: "is the server up, are host and port right, does a firewall let us through? Or build from \
                           a snapshot with --from",
                },
            },
        }
    }

    /// An error once connected.
    pub(super) fn speaking(settings: &ConnectionSettings, error: &postgres::Error) -> Self {
        let server = settings.to_string();
        let problem = say(error);
        let Some(code) = error.code() else { return Self::Lost { server, problem } };
        match *code {
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | SqlState::CONNECTION_EXCEPTION
            | SqlState::CONNECTION_FAILURE
            | SqlState::CONNECTION_DOES_NOT_EXIST => Self::Lost { server, problem },
            SqlState::QUERY_CANCELED => Self::Timeout {
                server,
                problem,
                hint: "raise database.statement_timeout, or run when the server has less to do",
            },
            SqlState::LOCK_NOT_AVAILABLE => Self::Timeout {
                server,
                problem,
                hint: "something locks the table, such as a migration; run again when it is done, or raise \
                       database.lock_timeout",
            },
            // The catalog was asked first, so that this is not a plain GRANT that lacks.
            SqlState::INSUFFICIENT_PRIVILEGE => Self::Database {
                server,
                problem,
                hint: "row-level security or a view's owner stands in the way; a role with BYPASSRLS, or the owner's \
                       own privileges, would do",
            },
            SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::DATATYPE_MISMATCH => {
                Self::Schema {
                    problems: vec![problem],
                    hint: "run Peer Metrics' migrations, or `peerpress migrate`".to_owned(),
                }
            }
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Self::Database {
                server,
                problem,
                hint: "run again; if it comes again on a standby, raise max_standby_streaming_delay or switch hot_standby_feedback on; or read \
                       from the primary",
            },
            _ => Self::Database { server, problem, hint: "the server's log says more" },
        }
    }
}

fn say(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => error.source().map_or_else(|| error.to_string(), |_| chain(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_problems_of_the_schema_are_counted() {
        let problems: Vec<String> = (1..=7).map(|n| format!("p{n}")).collect();
        assert_eq!(list(&problems), "p1; p2; p3; p4; p5; and 2 more");
        assert_eq!(list(&problems[..1]), "p1");
    }
}
