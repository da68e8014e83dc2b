//! What the server's sockets are told. Options of the listening one go on to its connections (on Unix).

use std::io;
use std::net::{SocketAddr, TcpListener};

/// How long a client may take nothing at all before its connection is cut, milliseconds.
#[cfg(target_os = "linux")]
const CUT: u32 = 30_000;
/// Connections that the system keeps for us until we take them.
#[cfg(unix)]
const BACKLOG: i32 = 1024;
/// Bytes of an answer that the system keeps for a client. Without a limit a slow one could have it keep megabytes, and would look
/// for minutes as if it took nothing.
#[cfg(unix)]
const KEPT: usize = 256 * 1024;

/// Listens on an address.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    #[cfg(unix)]
    if let Err(error) = prepare(&listener) {
        // The server works without, only less well.
        tracing::debug!("the socket does not take its options: {error}");
    }
    Ok(listener)
}

#[cfg(unix)]
fn prepare(listener: &TcpListener) -> io::Result<()> {
    use rustix::net::sockopt;

    // The end of a large answer must not wait for the receipt of what went before.
    sockopt::set_tcp_nodelay(listener, true)?;
    sockopt::set_socket_send_buffer_size(listener, KEPT)?;
    rustix::net::listen(listener, BACKLOG)?;
    // Ends connections to machines that are gone.
    sockopt::set_socket_keepalive(listener, true)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(listener, CUT)?;
    Ok(())
}

/// Lets the process have as many open files as it may, and says how many that is.
pub(super) fn raise_file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};

        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!("the limit of open files stays: {error}");
        }
        getrlimit(Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}
