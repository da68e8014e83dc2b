//! The profile `internal`: texts and JSON stay as they are, but for addresses, which are truncated, and for what opens doors:
//! the credentials of ICE and TURN, fingerprints, keys, passwords and tokens.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::addresses::truncated;
use super::json::{Invalid, Kind, Tokens, quoted, unquoted};

/// Stands for what is withheld.
const WITHHELD: &str = "(withheld)";
/// Texts within texts that are read as JSON again.
const NESTED: usize = 3;

/// ICE user fragments by number: they are withheld, but that one differs from another tells of an ICE restart.
#[derive(Debug, Default)]
pub(super) struct Fragments(BTreeMap<String, usize>);

impl Fragments {
    /// `withheld-1`, `withheld-2` …, in the order in which they come.
    pub(super) fn name(&mut self, fragment: &str) -> String {
        let next = self.0.len() + 1;
        format!("withheld-{}", self.0.entry(fragment.to_owned()).or_insert(next))
    }
}

/// A text without addresses and credentials.
pub(super) fn text<'t>(text: &'t str, fragments: &mut Fragments) -> Cow<'t, str> {
    // Nearly all texts are names and words. No address and no credential is without one of these.
    if !text.bytes().any(|byte| matches!(byte, b':' | b' ' | b'@' | b'.')) {
        return Cow::Borrowed(text);
    }
    match without_secrets(text, fragments) {
        Cow::Borrowed(text) => truncated(text),
        Cow::Owned(text) => Cow::Owned(truncated(&text).into_owned()),
    }
}

fn is_end(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\\' | '"' | '\'' | '<' | '>')
}

/// The attributes of session descriptions (RFC 8839, 8122, 8827, 4568) and candidates that hold credentials, wherever in a text
/// they stand, also where its lines are escaped once more.
fn without_secrets<'t>(text: &'t str, fragments: &mut Fragments) -> Cow<'t, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find([':', ' ', '@']).map(|at| from + at) {
        from = at + 1;
        let before = &text.as_bytes()[copied..at];
        let ends = |word: &str| {
            before.len() >= word.len()
                && before[before.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
        };
        let value = |start: usize| {
            let start = start + text[start..].len() - text[start..].trim_start_matches(' ').len();
            let length = text[start..].find(is_end).unwrap_or(text.len() - start);
            start..start + length
        };
        let (range, shown) = match text.as_bytes()[at] {
            b':' if ends("ice-ufrag") => {
                let range = value(at + 1);
                let shown = fragments.name(&text[range.clone()]);
                (range, shown)
            }
            b':' if ends("fingerprint") => {
                let first = value(at + 1);
                let second = value(first.end);
                // The name of a hash, then its value.
                let hash = text[first.clone()].to_ascii_lowercase();
                let range = if hash.starts_with("sha") || hash.starts_with("md") { second } else { first };
                (range, WITHHELD.to_owned())
            }
            b':' if ["ice-pwd", "identity", "inline"].into_iter().any(ends) => {
                (value(at + 1), WITHHELD.to_owned())
            }
            b' ' if ends(" ufrag") || ends("username-fragment") => {
                let range = value(at + 1);
                let shown = fragments.name(&text[range.clone()]);
                (range, shown)
            }
            // `turn:user:password@host`, which no standard has.
            b'@' => {
                let Some(start) = user_of_server(&text[copied..at]) else { continue };
                (copied + start..at, WITHHELD.to_owned())
            }
            _ => continue,
        };
        if range.is_empty() || range.start < copied {
            continue;
        }
        out.push_str(&text[copied..range.start]);
        out.push_str(&shown);
        copied = range.end;
        from = range.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where the user begins, in a text that ends before the `@` of a server's URL.
fn user_of_server(text: &str) -> Option<usize> {
    let start = text.rfind(|c| is_end(c) || c == ',').map_or(0, |at| at + 1);
    let word = text[start..].to_ascii_lowercase();
    let scheme =
        ["turns:", "turn:", "stuns:", "stun:"].into_iter().find(|scheme| word.starts_with(scheme))?;
    Some(start + scheme.len())
}

/// Bytes of the longest name that [`rule`] knows.
const LONGEST: usize = "iceusernamefragment".len();

/// What is done with the value of a member, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Plain,
    /// The version of a program, which may look like an address.
    Version,
    Withheld,
    Fragment,
    /// Servers, whose user names are credentials.
    Servers,
}

fn rule(name: &str, in_servers: bool, has_versions: bool) -> Rule {
    // A character that is not ASCII can become one in lower case.
    if name.len() > LONGEST && name.is_ascii() && !name.contains(['-', '_', ' ']) {
        return Rule::Plain;
    }
    let mut plain = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')) {
        if c.is_ascii() {
            plain.push(c.to_ascii_lowercase());
        } else {
            plain.extend(c.to_lowercase());
        }
    }
    match plain.as_str() {
        "icepwd" | "password" | "passwd" | "pwd" | "credential" | "credentials" | "apikey" | "token"
        | "accesstoken" | "refreshtoken" | "authtoken" | "apitoken" | "authorization" | "secret"
        | "clientsecret" | "privatekey" | "fingerprint" | "base64certificate" => Rule::Withheld,
        "username" | "user" if in_servers => Rule::Withheld,
        "usernamefragment" | "iceufrag" | "ufrag" | "iceusernamefragment" => Rule::Fragment,
        "iceservers" | "iceserver" | "peerconfiguration" | "rtcconfiguration" | "turnservers" => {
            Rule::Servers
        }
        "version" if has_versions => Rule::Version,
        _ => Rule::Plain,
    }
}

/// JSON without addresses and credentials; all else, its spaces included, stays as it is.
pub(super) fn json<'t>(
    text: &'t str,
    fragments: &mut Fragments,
    has_versions: bool,
) -> Result<Cow<'t, str>, Invalid> {
    nested(text, fragments, has_versions, 0)
}

fn nested<'t>(
    whole: &'t str,
    fragments: &mut Fragments,
    has_versions: bool,
    level: usize,
) -> Result<Cow<'t, str>, Invalid> {
    let mut tokens = Tokens::of(whole);
    let mut out = String::new();
    let mut copied = 0;
    let mut in_servers: Vec<bool> = Vec::new();
    let mut pending = Rule::Plain;
    while let Some((kind, range)) = tokens.token()? {
        let inside = in_servers.last().copied().unwrap_or(false);
        let of_member = std::mem::replace(&mut pending, Rule::Plain);
        let token = &whole[range.clone()];
        let (end, shown) = match (kind, of_member) {
            (Kind::Key, _) => {
                let name = unquoted(token);
                pending = rule(&name, inside, has_versions);
                match self::text(&name, fragments) {
                    Cow::Owned(name) => (range.end, quoted(&name)),
                    Cow::Borrowed(_) => continue,
                }
            }
            (Kind::End, _) => {
                in_servers.pop();
                continue;
            }
            (Kind::Word, _) | (_, Rule::Version) if kind != Kind::Begin => continue,
            (_, Rule::Withheld) => (tokens.skip(kind)?, quoted(WITHHELD)),
            (Kind::Text, Rule::Fragment) => (range.end, quoted(&fragments.name(&unquoted(token)))),
            (Kind::Begin, _) => {
                in_servers.push(inside || of_member == Rule::Servers);
                continue;
            }
            (Kind::Text, _) => match value(&unquoted(token), fragments, level) {
                Some(shown) => (range.end, quoted(&shown)),
                None => continue,
            },
            _ => continue,
        };
        out.push_str(&whole[copied..range.start]);
        out.push_str(&shown);
        copied = end;
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(whole));
    }
    out.push_str(&whole[copied..]);
    Ok(Cow::Owned(out))
}

/// A text of JSON, if it has to change. It may hold JSON itself.
fn value(whole: &str, fragments: &mut Fragments, level: usize) -> Option<String> {
    if level < NESTED
        && whole.trim_start().starts_with(['{', '['])
        && let Ok(inner) = nested(whole, fragments, false, level + 1)
    {
        return match inner {
            Cow::Owned(inner) => Some(inner),
            Cow::Borrowed(_) => None,
        };
    }
    match text(whole, fragments) {
        Cow::Owned(shown) => Some(shown),
        Cow::Borrowed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(whole: &str) -> String {
        json(whole, &mut Fragments::default(), false).unwrap().into_owned()
    }

    #[test]
    fn credentials_of_a_description_are_withheld_and_a_restart_still_shows() {
        let sdp = "v=0\r\no=- 1 2 IN IP4 192.0.2.77\r\na=ice-ufrag:Fr4g\r\na=ice-pwd:pass/word+\r\n\
                   a=fingerprint:sha-256 AA:BB:CC\r\na=identity:eyJpZCI6\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n\
                   a=candidate:1 1 udp 2122 192.0.2.77 5000 typ srflx raddr 192.0.2.78 rport 9 ufrag Fr4g network-id 1\r\na=mid:0\r\n";
        let shown = "v=0\r\no=- 1 2 IN IP4 192.0.2.0\r\na=ice-ufrag:withheld-1\r\na=ice-pwd:(withheld)\r\n\
                   a=fingerprint:sha-256 (withheld)\r\na=identity:(withheld)\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(withheld)\r\n\
                   a=candidate:1 1 udp 2122 192.0.2.0 5000 typ srflx raddr 192.0.2.0 rport 9 ufrag withheld-1 network-id 1\r\na=mid:0\r\n";
        let mut fragments = Fragments::default();
        assert_eq!(text(sdp, &mut fragments), shown);
        assert_eq!(text("a=fingerprint:3E7B\r\n", &mut fragments), "a=fingerprint:(withheld)\r\n");
        assert_eq!(text("a=ice-ufrag:N3w", &mut fragments), "a=ice-ufrag:withheld-2");
        assert_eq!(text("a=ice-ufrag:Fr4g", &mut fragments), "a=ice-ufrag:withheld-1");
        // The same twice escaped, as in JSON within JSON that is broken off.
        let escaped = sdp.replace("\r\n", "\\r\\n");
        assert_eq!(text(&escaped, &mut Fragments::default()), shown.replace("\r\n", "\\r\\n"));
    }

    #[test]
    fn members_that_open_doors_are_withheld_wherever_they_stand() {
        let cases = [
            (
                r#"{"iceServers":[{"urls":"turn:t.example.org","username":"u","credential":"c"}]}"#,
                r#"{"iceServers":[{"urls":"turn:t.example.org","username":"(withheld)","credential":"(withheld)"}]}"#,
            ),
            (
                r#"{"username":"ana","x":{"ICE_pwd":["a",{"b":1}],"api-key":7}}"#,
                r#"{"username":"ana","x":{"ICE_pwd":"(withheld)","api-key":"(withheld)"}}"#,
            ),
            (
                r#"{"url":"turn:u:p@192.0.2.77:3478","mail":"ana@example.org"}"#,
                r#"{"url":"turn:(withheld)@192.0.2.0:3478","mail":"ana@example.org"}"#,
            ),
            (
                r#"{"usernameFragment":"a","ufrag":"b","u":{"usernameFragment":"a"}}"#,
                r#"{"usernameFragment":"withheld-1","ufrag":"withheld-2","u":{"usernameFragment":"withheld-1"}}"#,
            ),
            (
                r#"{"password":null,"a" : [ 1e999, "\u0031\u0039\u0032.0.2.77" ] }"#,
                r#"{"password":null,"a" : [ 1e999, "192.0.2.0" ] }"#,
            ),
            (r#"{"192.0.2.77":1}"#, r#"{"192.0.2.0":1}"#),
            (
                r#"{"log":"{\"password\":\"p\",\"at\":\"2001:db8:1:2::3\"}"}"#,
                r#"{"log":"{\"password\":\"(withheld)\",\"at\":\"2001:db8:1::\"}"}"#,
            ),
            (r#""192.0.2.77""#, r#""192.0.2.0""#),
        ];
        for (whole, expected) in cases {
            assert_eq!(scrubbed(whole), expected);
            assert_eq!(
                scrubbed(expected).replace("withheld-2", "withheld-1"),
                expected.replace("withheld-2", "withheld-1"),
                "twice"
            );
        }
    }

    #[test]
    fn members_are_known_by_their_names_however_they_are_written() {
        for name in
            ["iceUsernameFragment", "ICE-username-fragment", "_i_c_e_u_f_r_a_g_", "usernameFragment", "UFRAG"]
        {
            assert!(rule(name, false, false) == Rule::Fragment, "{name}");
        }
        // The sign of the kelvin is a letter k in lower case.
        assert!(rule("to\u{212a}en", false, false) == Rule::Withheld);
        assert!(rule("totalInterFrameDelay", false, false) == Rule::Plain);
    }

    #[test]
    fn what_has_nothing_to_hide_is_the_same_text_and_what_is_no_json_is_refused() {
        let whole = r#" {"a": [1.50, "x\u00e9/\/"], "version":"1.2.3.4"} "#;
        assert!(
            matches!(json(whole, &mut Fragments::default(), true), Ok(Cow::Borrowed(same)) if same == whole)
        );
        assert_eq!(json("{\"a\":", &mut Fragments::default(), false), Err(Invalid));
        let deep = format!("{}\"192.0.2.77\"{}", "{\"a\":[".repeat(10_000), "]}".repeat(10_000));
        assert_eq!(scrubbed(&deep), deep.replace("2.77", "2.0"));
    }
}
