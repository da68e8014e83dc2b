//! Where the database is and how to log in, gathered from a URL and the environment.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use postgres::config::{Config, Host};
use secrecy::{ExposeSecret, SecretString};

use super::error::{SourceError, chain};

/// How much TLS, as libpq has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Only if the server insists.
    Allow,
    /// If the server can.
    #[default]
    Prefer,
    /// Always, with any certificate; with `sslrootcert`, as [`SslMode::VerifyCa`].
    Require,
    /// Always, with a certificate by a trusted authority.
    VerifyCa,
    /// Always, with a certificate by a trusted authority for this very host.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(wrong(format!(
                    "sslmode is `{text}`; there are disable, allow, prefer, require, verify-ca and verify-full"
                )));
            }
        })
    }
}

/// Where the database is and how to log in. Shown without the password.
#[derive(Clone)]
pub struct ConnectionSettings {
    /// All but the password and TLS.
    base: Config,
    password: Option<SecretString>,
    pub(super) ssl_mode: SslMode,
    /// `None`: the authorities that this machine trusts.
    pub(super) ssl_root_cert: Option<PathBuf>,
}

/// Finds the settings in, by precedence, an explicit URL, `DATABASE_URL`, `DATABASE_HOST` and its like (what a Peer
/// Metrics deployment has), `PGHOST` and its like. A URL's gaps are filled from the `PG…` variables, as by libpq.
/// `None` if no database is named.
pub fn resolve(
    explicit: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<ConnectionSettings>, SourceError> {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty());
    let url = explicit.map(str::to_owned).or_else(|| variable("DATABASE_URL"));
    let mut settings = if let Some(url) = url {
        Parsed::from_url(&url)?
    } else if variable("DATABASE_HOST").or_else(|| variable("DATABASE_NAME")).is_some() {
        Parsed::from_parts(|part| variable(&format!("DATABASE_{part}")))?
    } else if variable("PGHOST").or_else(|| variable("PGDATABASE")).is_some() {
        Parsed::default()
    } else {
        return Ok(None);
    };
    let libpq = Parsed::from_parts(|part| {
        variable(match part {
            "NAME" => "PGDATABASE",
            "HOST" => "PGHOST",
            "PORT" => "PGPORT",
            "USER" => "PGUSER",
            _ => "PGPASSWORD",
        })
    })?;
    settings.fill_gaps(libpq);
    if settings.ssl_mode.is_none() {
        settings.ssl_mode = variable("PGSSLMODE").map(|mode| mode.parse()).transpose()?;
    }
    settings.ssl_root_cert = settings.ssl_root_cert.or_else(|| variable("PGSSLROOTCERT"));
    Ok(Some(settings.finish()))
}

impl ConnectionSettings {
    /// The settings in a URL alone.
    pub fn from_url(url: &str) -> Result<Self, SourceError> {
        Parsed::from_url(url).map(Parsed::finish)
    }

    /// The same server, user and password, another database.
    #[must_use]
    pub fn with_database(mut self, name: &str) -> Self {
        self.base.dbname(name);
        self
    }

    /// Where the database is, whoever logs in: its servers and its name.
    pub fn place(&self) -> String {
        let ports = self.base.get_ports();
        let servers = self.base.get_hosts().iter().enumerate().map(|(at, host)| {
            let host = match host {
                Host::Tcp(host) if host.contains(':') => format!("[{host}]"),
                Host::Tcp(host) => host.clone(),
                Host::Unix(path) => path.display().to_string(),
            };
            match ports.get(at).or_else(|| ports.first()) {
                None | Some(5432) => host,
                Some(port) => format!("{host}:{port}"),
            }
        });
        let servers: Vec<String> = servers.collect();
        format!("{}/{}", servers.join(","), self.base.get_dbname().unwrap_or_default())
    }

    /// Whether the server is spoken to through a socket of this machine's file system, where there is no TLS.
    pub(super) fn is_local_socket(&self) -> bool {
        !self.base.get_hosts().is_empty()
            && self.base.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
    }

    /// What the database library wants, the password included.
    pub(super) fn config(&self) -> Config {
        let mut config = self.base.clone();
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        config
    }
}

impl fmt::Display for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.base.get_user() {
            let password = if self.password.is_some() { ":***" } else { "" };
            write!(f, "{user}{password}@")?;
        }
        f.write_str(&self.place())
    }
}

impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.ssl_mode)
    }
}

/// Settings that may have gaps.
#[derive(Default)]
struct Parsed {
    base: Config,
    password: Option<SecretString>,
    ssl_mode: Option<SslMode>,
    ssl_root_cert: Option<String>,
}

impl Parsed {
    fn from_url(url: &str) -> Result<Self, SourceError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong("the URL does not begin with postgres://".to_owned()));
        }
        // A password may hold a raw `?`; the query begins after the `@`.
        let authority = url.find('@').unwrap_or_default();
        let (address, query) = match url[authority..].find('?') {
            Some(at) => (&url[..authority + at], &url[authority + at + 1..]),
            None => (url, ""),
        };
        let mut parsed = Self::default();
        let mut kept = Vec::new();
        // The database library knows neither all modes of TLS nor where its authorities are.
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match key {
                "sslmode" => parsed.ssl_mode = Some(value.parse()?),
                "sslrootcert" => parsed.ssl_root_cert = Some(value),
                "password" => parsed.password = Some(value.into()),
                _ => kept.push(parameter),
            }
        }
        let plain =
            if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
        parsed.base = Config::from_str(&plain).map_err(|error| wrong(chain(&error)))?;
        if parsed.base.get_hosts().iter().any(|host| matches!(host, Host::Tcp(host) if host.contains('@'))) {
            return Err(wrong("there are two `@` in the URL; in a password, write `%40`".to_owned()));
        }
        if let Some(password) = parsed.base.get_password() {
            let password = String::from_utf8_lossy(password).into_owned();
            parsed.password.get_or_insert(password.into());
            // Kept where it does not print; the library's own copy is replaced when we connect.
            parsed.base.password("");
        }
        Ok(parsed)
    }

    fn from_parts(part: impl Fn(&str) -> Option<String>) -> Result<Self, SourceError> {
        let mut parsed = Self { password: part("PASSWORD").map(SecretString::from), ..Self::default() };
        for host in part("HOST").iter().flat_map(|hosts| hosts.split(',')) {
            parsed.base.host(host);
        }
        for port in part("PORT").iter().flat_map(|ports| ports.split(',')) {
            let number = port.parse().map_err(|_| wrong(format!("`{port}` is no port")))?;
            parsed.base.port(number);
        }
        if let Some(user) = part("USER") {
            parsed.base.user(&user);
        }
        if let Some(name) = part("NAME") {
            parsed.base.dbname(&name);
        }
        Ok(parsed)
    }

    fn fill_gaps(&mut self, other: Self) {
        if self.base.get_hosts().is_empty() && self.base.get_hostaddrs().is_empty() {
            for host in other.base.get_hosts() {
                match host {
                    Host::Tcp(host) => self.base.host(host),
                    Host::Unix(path) => self.base.host_path(path),
                };
            }
        }
        if self.base.get_ports().is_empty() {
            for port in other.base.get_ports() {
                self.base.port(*port);
            }
        }
        if let (None, Some(user)) = (self.base.get_user(), other.base.get_user()) {
            self.base.user(user);
        }
        if let (None, Some(name)) = (self.base.get_dbname(), other.base.get_dbname()) {
            self.base.dbname(name);
        }
        if self.password.is_none() {
            self.password = other.password;
        }
    }

    fn finish(mut self) -> ConnectionSettings {
        if self.base.get_hosts().is_empty() && self.base.get_hostaddrs().is_empty() {
            self.base.host("localhost");
        }
        ConnectionSettings {
            base: self.base,
            password: self.password,
            ssl_mode: self.ssl_mode.unwrap_or_default(),
            ssl_root_cert: self.ssl_root_cert.filter(|path| path != "system").map(PathBuf::from),
        }
    }
}

fn wrong(problem: String) -> SourceError {
    SourceError::Settings { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(explicit: Option<&str>, env: &[(&str, &str)]) -> Option<ConnectionSettings> {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        resolve(explicit, &env).unwrap()
    }

    #[test]
    fn nothing_set_is_no_database() {
        assert!(resolved(None, &[("DATABASE_URL", ""), ("PGUSER", "ana")]).is_none());
    }

    #[test]
    fn arguments_come_before_the_environment() {
        let env = [
            ("DATABASE_URL", "postgres://u@from-url/a"),
            ("DATABASE_HOST", "from-parts"),
            ("DATABASE_PORT", "6432"),
            ("DATABASE_USER", "peer"),
            ("DATABASE_PASSWORD", "p:w@rd"),
            ("DATABASE_NAME", "b"),
            ("PGHOST", "/run/pg"),
            ("PGDATABASE", "c"),
            ("PGPASSWORD", "libpq"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
        ];
        let shown = |explicit, env: &[_]| resolved(explicit, env).unwrap().to_string();
        assert_eq!(shown(Some("postgres://x/y"), &env), "postgres://x/y");
        assert_eq!(shown(None, &env), "postgres://u:***@from-url/a");
        assert_eq!(shown(None, &env[1..]), "postgres://peer:***@from-parts:6432/b");
        assert_eq!(shown(None, &env[6..]), "postgres:///run/pg/c");

        let settings = resolved(None, &env[1..]).unwrap();
        assert_eq!(settings.config().get_password(), Some(&b"p:w@rd"[..]));
        assert_eq!(settings.ssl_mode, SslMode::VerifyFull);
        assert_eq!(settings.ssl_root_cert, Some(PathBuf::from("/ca.pem")));
    }

    #[test]
    fn a_url_keeps_its_own_tls_and_the_libpq_variables_fill_its_gaps() {
        let settings = resolved(
            Some("postgresql://ana@db.example:5433/pm?sslmode=verify-ca&sslrootcert=%2Fa%20b.pem&connect_timeout=3"),
            &[("PGSSLMODE", "disable"), ("PGPASSWORD", "secret"), ("PGUSER", "other")],
        )
        .unwrap();
        assert_eq!(settings.ssl_mode, SslMode::VerifyCa);
        assert_eq!(settings.ssl_root_cert, Some(PathBuf::from("/a b.pem")));
        assert_eq!(settings.to_string(), "postgres://ana:***@db.example:5433/pm");
        assert_eq!(settings.config().get_password(), Some(&b"secret"[..]));
        assert_eq!(settings.config().get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
        let system = ConnectionSettings::from_url("postgres://h/d?sslrootcert=system").unwrap();
        assert_eq!(system.ssl_root_cert, None);
        assert_eq!(system.ssl_mode, SslMode::Prefer);
    }

    #[test]
    fn no_password_is_ever_shown() {
        for url in
            ["postgres://u:hunter2@h/d", "postgres://u:hun%40ter2?x@h/d", "postgres://u@h/d?password=hunter2"]
        {
            let settings = ConnectionSettings::from_url(url).unwrap();
            for shown in [format!("{settings}"), format!("{settings:?}"), format!("{:?}", settings.base)] {
                assert!(!shown.contains("ter2"), "{shown}");
            }
            assert!(settings.to_string().starts_with("postgres://u:***@h"), "{settings}");
        }
        for url in [
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:x/d",
            "postgres://u:hunter2@h/d?sslmode=strong",
            "postgres://u:hunter2@h/d?schema=x",
            "postgres://u:x@hunter2@h/d",
        ] {
            let error = ConnectionSettings::from_url(url).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.contains("hint: "), "{error}");
        }
    }

    #[test]
    fn a_socket_is_known_as_one() {
        let socket = ConnectionSettings::from_url("postgres://u@%2Frun%2Fpg/d").unwrap();
        assert!(socket.is_local_socket());
        assert_eq!(socket.to_string(), "postgres://u@/run/pg/d");
        assert!(!ConnectionSettings::from_url("postgres:///d").unwrap().is_local_socket());
    }
}
