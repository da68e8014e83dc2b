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

    fn connect(&self) -> Client {
        connect(self.address)
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
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
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
        ("POST", "/", "Content-Length: 3\r\n", 405, b"only GET and HEAD\n", "Allow: GET, HEAD"),
        ("GET", "/x", "", 404, b"none", "Content-Type: text/html; charset=utf-8"),
        ("GET", "/", "Connection: close\r\n", 200, b"start", "Connection: close"),
    ];
    for (method, path, headers, status, body, header) in cases {
        client.send(method, path, headers);
        if method == "POST" {
            client.0.get_mut().write_all(b"abc").unwrap();
        }
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
        let server = Running::on(Server::on(listener).unwrap(), &[("index.html", b"start")], 2);
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
