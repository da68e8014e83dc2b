//! What the server's sockets are told. Options of the listening one go on to its connections (on Unix).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// How long a write waits for a client before it looks whether the server should end.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a client may take nothing at all before its connection is cut, milliseconds.
#[cfg(target_os = "linux")]
const CUT: u32 = 30_000;
/// How long a connection to ourselves may take.
const NUDGE: Duration = Duration::from_millis(100);

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
    sockopt::set_socket_timeout(listener, sockopt::Timeout::Send, Some(PATIENCE))?;
    // Ends connections to machines that are gone.
    sockopt::set_socket_keepalive(listener, true)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(listener, CUT)?;
    Ok(())
}

/// Lets the process have as many open files as it may: a connection takes two, and tiny_http does not accept any more
/// connections once there are none left.
pub(super) fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};

        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!("the limit of open files stays: {error}");
        }
    }
}

/// Makes tiny_http look for connections that it accepted and left lying.
///
/// Its threads read from one connection each. When two connections come at once and one thread is free, it counts on that
/// thread for both, and the second is not served before some other connection ends. Any further connection makes it start a
/// thread, which goes on to what lies there.
pub(super) fn nudge(server: SocketAddr) {
    let host = match server.ip() {
        IpAddr::V4(host) if host.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(host) if host.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        host => host,
    };
    match TcpStream::connect_timeout(&SocketAddr::new(host, server.port()), NUDGE) {
        Ok(stream) => forget(&stream),
        Err(error) => tracing::debug!("the server does not hear itself: {error}"),
    }
}

/// Leaves no trace of a connection once it is dropped, which would otherwise be kept by the system for a minute.
fn forget(stream: &TcpStream) {
    #[cfg(unix)]
    if let Err(error) = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)) {
        tracing::debug!("a connection is kept for a while: {error}");
    }
    #[cfg(not(unix))]
    let _ = stream;
}
