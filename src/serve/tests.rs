//! The server over real connections. What would wait for ever fails by [`LONG`].

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use super::*;

const LONG: Duration = Duration::from_secs(20);

struct Running {
    place: tempfile::TempDir,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(files: &[(&str, &[u8])], threads: usize) -> Self {
        Self::on(Server::bind(Ipv4Addr::LOCALHOST.into(), 0).unwrap(), files, threads)
    }

    fn on(server: Server, files: &[(&str, &[u8])], threads: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            write(&place.path().join(path), bytes);
        }
        let folder = Folder::open(place.path()).unwrap();
        let (address, stop) = (server.address, stop_flag());
        let running = Arc::clone(&stop);
        let thread = std::thread::spawn(move || server.run(&folder, None, threads, &running));
        Self { place, address, stop, thread: Some(thread) }
    }

    /// A server that allows less than usual.
    fn within(limits: Limits, files: &[(&str, &[u8])]) -> Self {
        let listener = sockets::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self::on(Server::on(listener, limits).unwrap(), files, 2)
    }

    fn connect(&self) -> Client {
        connect(self.address)
    }

    /// What is answered to some bytes, until the server ends the connection.
    fn answer_to(&self, bytes: &[u8]) -> Vec<u8> {
        let mut client = self.connect();
        client.0.get_mut().write_all(bytes).unwrap();
        client.0.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
        client.rest()
    }
}

fn connect(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    Client(BufReader::new(stream))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// All files are of one time, so that none is older than another.
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

struct Client(BufReader<TcpStream>);

struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Client {
    fn send(&mut self, method: &str, path: &str, headers: &str) {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next response; of one to a HEAD there is no body to be read.
    fn receive(&mut self, with_body: bool) -> Response {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        while let Some((name, value)) = self.line().split_once(": ") {
            headers.insert(name.to_owned(), value.to_owned());
        }
        let length = headers.get("Content-Length").filter(|_| with_body);
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        Response { status, headers, body }
    }

    /// All that still comes.
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str) -> Response {
        self.send(method, path, headers);
        self.receive(method != "HEAD")
    }
}

/// Method, path and headers; status, body and one header.
type Case<'a> = (&'a str, &'a str, &'a str, u16, &'a [u8], &'a str);

#[test]
fn one_connection_is_answered_by_every_rule() {
    let large: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    let files: [(&str, &[u8]); 4] =
        [("index.html", b"start"), ("index.html.br", b"short"), ("404.html", b"none"), ("large.bin", &large)];
    let server = Running::start(&files, 2);
    let mut client = server.connect();
    let first = client.ask("GET", "/", "");
    assert_eq!((first.status, first.body.as_slice()), (200, b"start".as_slice()));
    let tag = &first.headers["ETag"];
    let known = format!("If-None-Match: {tag}\r\n");
    let cases: [Case; 13] = [
        ("HEAD", "/", "", 200, b"", "Content-Length: 5"),
        ("HEAD", "/large.bin", "", 200, b"", "Content-Length: 1000000"),
        ("GET", "/", "Accept-Encoding: br\r\n", 200, b"short", "Content-Encoding: br"),
        ("GET", "/", "Accept-Encoding: br;q=0\r\n", 200, b"start", "Vary: Accept-Encoding"),
        ("GET", "/", &known, 304, b"", "Cache-Control: no-cache"),
        ("GET", "/", "If-Match: \"x\"\r\n", 412, b"the file is not as you expected\n", "Content-Length: 32"),
        ("GET", "/", "Range: bytes=1-2\r\n", 206, b"ta", "Content-Range: bytes 1-2/5"),
        ("GET", "/", "Range: bytes=9-\r\n", 416, b"the file has no such bytes\n", "Content-Range: bytes */5"),
        ("GET", "/large.bin", "Range: bytes=-3\r\n", 206, &large[999_997..], "Accept-Ranges: bytes"),
        ("GET", "/large.bin", "", 200, &large, "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT"),
        ("POST", "/", "Content-Length: 0\r\n", 405, b"only GET and HEAD\n", "Allow: GET, HEAD"),
        ("GET", "/x", "", 404, b"none", "Content-Type: text/html; charset=utf-8"),
        ("GET", "/", "Connection: close\r\n", 200, b"start", "Connection: close"),
    ];
    for (method, path, headers, status, body, header) in cases {
        client.send(method, path, headers);
        let response = client.receive(method != "HEAD");
        let what = format!("{method} {path} {headers}");
        assert_eq!(response.status, status, "{what}");
        assert!(response.body == body, "{what}: {} bytes", response.body.len());
        let (name, value) = header.split_once(": ").unwrap();
        assert_eq!(response.headers.get(name).map(String::as_str), Some(value), "{what}");
    }
    assert_eq!(client.0.read(&mut [0]).unwrap(), 0, "the connection is closed when the client asks for it");
}

#[test]
fn a_new_file_is_served_at_once() {
    let server = Running::start(&[("index.html", b"one")], 2);
    let mut client = server.connect();
    assert_eq!(client.ask("GET", "/", "").body, b"one");
    let beside = server.place.path().join("beside");
    write(&beside, b"two");
    fs::rename(beside, server.place.path().join("index.html")).unwrap();
    assert_eq!(client.ask("GET", "/", "").body, b"two");
}

#[test]
fn connections_that_come_at_once_and_stay_are_all_served() {
    for _ in 0..5 {
        // They are there before the server looks.
        let listener = sockets::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients: Vec<Client> = (0..40).map(|_| connect(address)).collect();
        let server =
            Running::on(Server::on(listener, Limits::default()).unwrap(), &[("index.html", b"start")], 2);
        for client in &mut clients {
            client.send("GET", "/", "");
        }
        for client in &mut clients {
            assert_eq!(client.receive(true).body, b"start");
        }
        drop(server);
    }
}

#[test]
fn clients_that_take_nothing_stop_neither_the_others_nor_the_end() {
    let server = Running::start(&[("index.html", b"start")], 2);
    // More than any buffer on the way holds.
    File::create(server.place.path().join("large.bin")).unwrap().set_len(64 << 20).unwrap();
    let mut held: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut held {
        client.send("GET", "/large.bin", "");
    }
    for client in &mut held {
        assert_eq!(client.line(), "HTTP/1.1 200 OK");
    }
    assert_eq!(server.connect().ask("GET", "/", "").body, b"start");
    drop(server);
}

/// A folder with a site in it, and things around it that are nobody's business; what is inside leads there by links.
#[cfg(unix)]
fn site_with_secrets() -> (Running, tempfile::TempDir) {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    let server = Running::start(&[("index.html", b"start"), ("404.html", b"nothing here")], 2);
    let root = server.place.path();
    for (path, inside) in [("page.html", false), (".peerpress/manifest", true), (".hidden.html", true)] {
        let place = if inside { root.join(path) } else { outside.path().join(path) };
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "secret").unwrap();
    }
    fs::create_dir(root.join("folder")).unwrap();
    symlink(outside.path().join("page.html"), root.join("leak.html")).unwrap();
    symlink(outside.path(), root.join("link")).unwrap();
    symlink("/", root.join("folder/root")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    (server, outside)
}

#[cfg(unix)]
#[test]
fn no_request_gets_a_file_from_outside_or_its_own_words_or_a_way_elsewhere() {
    let (server, _outside) = site_with_secrets();
    let long = format!("/{}", "a".repeat(5000));
    let deep = "/a".repeat(3000);
    let parents = "/..".repeat(500) + "/etc/passwd";
    let nowhere = [
        "/../page.html",
        "/..",
        "/../",
        "/./index.html",
        "/folder/../index.html",
        "/folder/../../page.html",
        "/%2e%2e/page.html",
        "/%2E%2E/page.html",
        "/.%2e/page.html",
        "/..%2fpage.html",
        "/%2e%2e%2fpage.html",
        "/folder%2f..%2f..%2fpage.html",
        "/%252e%252e/page.html",
        "/%252e%252e%252fpage.html",
        "/%25252e%25252e%25252fpage.html",
        "/..%5cpage.html",
        "/..\\page.html",
        "/%5c..%5cpage.html",
        "/..%c0%afpage.html",
        "/%c0%ae%c0%ae/page.html",
        "/%e0%80%ae%e0%80%ae/page.html",
        "/%uff0e%uff0e/page.html",
        "/%ef%bc%8e%ef%bc%8e/page.html",
        "/..;/page.html",
        "/..%00/page.html",
        "/page.html%00",
        "/index.html%00.css",
        "/%00",
        "/%0d%0aSet-Cookie:%20echo=1",
        "/%0aLocation:%20http://evil.example/",
        "/%e2%80%ae",
        "/%ff%fe",
        "/%",
        "/%2",
        "/%zz",
        "/leak.html",
        "/leak",
        "/link/page.html",
        "/link/page",
        "/link",
        "/folder/root/etc/passwd",
        "/folder/root/proc/self/environ",
        "/loop",
        "/folder",
        "/.peerpress/manifest",
        "/.peerpress",
        "/%2epeerpress/manifest",
        "/.hidden",
        "/.hidden.html",
        "/.git/config",
        "/.well-known/security.txt",
        "//index.html",
        "///index.html",
        "//",
        "//evil.example",
        "//evil.example/",
        "//evil.example/%2e%2e",
        "//evil.example/..",
        "///evil.example/",
        "/\\evil.example",
        "/%5cevil.example",
        "/%2fevil.example",
        "/%2f%2fevil.example/",
        "/@evil.example",
        "/folder//index.html",
        "/c:/page.html",
        "/c%3a/page.html",
        "/index.html::$DATA",
        "/file:///etc/passwd",
        "/etc/passwd",
        "/~root/",
        "/con",
        "/echo<script>alert(1)</script>",
        "/echo%3Cscript%3Ealert(1)%3C/script%3E",
        "/echo?<script>",
        "/_peerpress/events?page=echo",
        "/_peerpress/live.js",
        long.as_str(),
        deep.as_str(),
        parents.as_str(),
        "http://localhost/../page.html",
        "http://127.0.0.1//evil.example/",
        "ftp://localhost/index.html",
        "index.html",
        "*",
        "localhost:80",
        "?index.html",
    ];
    let mut cases: Vec<(Vec<u8>, u16)> = nowhere
        .iter()
        .map(|target| (format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes(), 404))
        .collect();
    let host = "Host: localhost\r\n";
    let of = |text: String, status| (text.into_bytes(), status);
    // What is there, by every name that it has.
    for target in [
        "/",
        "/index",
        "/index.html",
        "/index.html?echo",
        "/index.html#echo",
        "/i%6edex.html",
        "/?/../page.html",
    ] {
        cases.push(of(format!("GET {target} HTTP/1.1\r\n{host}\r\n"), 200));
    }
    for target in ["http://localhost/index.html", "HTTP://127.0.0.1:80?echo", "http://[::1]/"] {
        cases.push(of(format!("GET {target} HTTP/1.1\r\n{host}\r\n"), 200));
    }
    for target in
        ["http://evil.example/", "http://evil.example:80/index.html", "http://localhost@evil.example/"]
    {
        cases.push(of(format!("GET {target} HTTP/1.1\r\n{host}\r\n"), 421));
    }
    for host in ["evil.example", "evil.example:8000", "localhost.evil.example", "", "127.0.0.1.evil.example"]
    {
        cases.push(of(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 421));
    }
    for origin in ["http://evil.example", "null", "http://localhost:1", "https://localhost.evil.example"] {
        cases.push(of(format!("GET / HTTP/1.1\r\n{host}Origin: {origin}\r\n\r\n"), 403));
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND", "get", "ECHO"]
    {
        cases.push(of(format!("{method} / HTTP/1.1\r\n{host}Echo: echo\r\n\r\n"), 405));
    }
    let fields = "echo: echo\r\n".repeat(100);
    let big = "a".repeat(20_000);
    for (text, status) in [
        (format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (format!("GET /\n{host}\r\n"), 400),
        (format!("GET / HTTP/1.1\n{host}\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host} folded: echo\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}no colon\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}A\0: echo\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}A: echo\rLocation: x\r\n\r\n"), 400),
        (format!("GET /echo<\x01> HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("GET /a b HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("GET\t/\tHTTP/1.1\r\n{host}\r\n"), 400),
        (format!(" GET / HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("GET / HTTP/9.9\r\n{host}\r\n"), 505),
        (format!("GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}Content-Length: 1x\r\n\r\nx"), 400),
        (format!("GET / HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc"), 200),
        (format!("GET / HTTP/1.1\r\n{host}{fields}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\n{host}A: {big}\r\n\r\n"), 431),
        (format!("GET /{big} HTTP/1.1\r\n{host}\r\n"), 414),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}".to_owned(), 400),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), 200),
    ] {
        cases.push(of(text, status));
    }
    assert!(cases.len() > 140, "{} requests", cases.len());
    for (request, expected) in cases {
        let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
        let answer = server.answer_to(&request);
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(text.split(' ').nth(1), Some(expected.to_string().as_str()), "{shown:?}: {text:.300}");
        let lower = text.to_lowercase();
        for bad in ["secret", "root:", "location:", "set-cookie", "echo", "evil"] {
            assert!(!lower.contains(bad), "{bad} in the answer to {shown:?}: {text}");
        }
        assert!(text.contains("\r\nX-Content-Type-Options: nosniff\r\n"), "{shown:?}: {text:.300}");
    }
}

#[test]
fn a_thousand_half_open_connections_stop_nobody() {
    let server = Running::start(&[("index.html", b"start")], 2);
    let mut half: Vec<Client> = (0..1000).map(|_| server.connect()).collect();
    for client in &mut half {
        client.0.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    }
    for _ in 0..20 {
        assert_eq!(server.connect().ask("GET", "/", "").body, b"start");
    }
    // They had no chance to go away in between.
    for client in half.iter_mut().step_by(100) {
        client.0.get_mut().write_all(b"alhost\r\n\r\n").unwrap();
        assert_eq!(client.receive(true).body, b"start");
    }
}

#[test]
fn more_connections_than_may_be_push_out_those_that_wait_longest() {
    let server = Running::within(Limits { connections: 8, ..Limits::default() }, &[("index.html", b"start")]);
    let mut half: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for _ in 0..3 {
        assert_eq!(server.connect().ask("GET", "/", "").body, b"start");
    }
    assert_eq!(half[0].rest(), b"", "the first one had to go");
}

#[test]
fn a_head_that_does_not_end_and_a_pause_that_does_not_end_are_ended() {
    let short = Duration::from_millis(300);
    let limits = Limits { head: short, idle: short, ..Limits::default() };
    let server = Running::within(limits, &[("index.html", b"start")]);
    // A byte now and then makes it no longer.
    let mut slow = server.connect();
    let mut sent = 0;
    while slow.0.get_mut().write_all(b"G").is_ok() && sent < 1000 {
        sent += 1;
        std::thread::sleep(short / 10);
    }
    assert!(sent < 1000, "the head had all the time it wanted");
    let mut half = server.connect();
    half.0.get_mut().write_all(b"GET / HTTP/1.1\r\n").unwrap();
    assert!(half.rest().starts_with(b"HTTP/1.1 408 "));
    assert_eq!(server.connect().rest(), b"", "nothing was asked");
    let mut pausing = server.connect();
    assert_eq!(pausing.ask("GET", "/", "").body, b"start");
    assert_eq!(pausing.rest(), b"");
}

#[test]
fn a_client_that_takes_its_answer_too_slowly_loses_it() {
    let limits = Limits { send: Duration::from_millis(300), ..Limits::default() };
    let server = Running::within(limits, &[("index.html", b"start")]);
    let size = 64 << 20;
    File::create(server.place.path().join("large.bin")).unwrap().set_len(size).unwrap();
    let mut slow = server.connect();
    slow.send("GET", "/large.bin", "Connection: close\r\n");
    assert_eq!(slow.line(), "HTTP/1.1 200 OK");
    // Until the server has given up, which others' answers show: it looks at all times in one go.
    std::thread::sleep(Duration::from_secs(1));
    let mut rest = Vec::new();
    let ended = slow.0.read_to_end(&mut rest);
    assert!(ended.is_err() || rest.len() < size as usize, "{} bytes came", rest.len());
    // Whoever takes it gets all of it.
    assert_eq!(server.connect().ask("GET", "/large.bin", "").body.len() as u64, size);
}

#[test]
fn what_never_ends_is_not_read() {
    let server = Running::start(&[("index.html", b"start")], 2);
    let chunk = vec![b'a'; 64 * 1024];
    let heads = [
        ("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nA: ", 431),
        ("GET /", 414),
    ];
    for (head, status) in heads {
        let mut client = server.connect();
        client.0.get_mut().write_all(head.as_bytes()).unwrap();
        client.0.get_mut().write_all(&chunk).unwrap();
        assert_eq!(client.receive(true).status, status, "{head:?}");
        let mut sent = 0;
        while client.0.get_mut().write_all(&chunk).is_ok() {
            sent += chunk.len();
            assert!(sent < 256 << 20, "{head:?}: all of it is taken");
        }
    }
}

#[test]
fn with_a_login_nothing_is_shown_without_one() {
    let hash = hash_password("two").unwrap();
    let login = Login::new(&[("ana".to_owned(), hash)]).unwrap();
    let server = Server::bind(Ipv4Addr::LOCALHOST.into(), 0).unwrap();
    let server = server.guarded(Guard::new(&[], Some(login)));
    let server = Running::on(server, &[("index.html", b"start"), ("404.html", b"none")], 2);
    for (path, headers) in [
        ("/", String::new()),
        ("/none", String::new()),
        ("/", "Authorization: Basic YW5hOm9uZQ==\r\n".to_owned()),
    ] {
        let answer = server.connect().ask("GET", path, &headers);
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (401, b"a name and a password are needed\n".as_slice())
        );
        assert_eq!(answer.headers["WWW-Authenticate"], "Basic realm=\"peerpress\", charset=\"UTF-8\"");
    }
    let answer = server.connect().ask("GET", "/", "Authorization: Basic YW5hOnR3bw==\r\n");
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"start".as_slice()));
}
