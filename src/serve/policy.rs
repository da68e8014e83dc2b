//! What browsers may do with an answer: the header fields that every one has. The files in `deploy/` say the same to other hosts.

/// The policy of a page, which its own `<meta>` says, too, as headers are missing under `file://`. Nothing from elsewhere, no inline
/// script, no inline style: text that gets into a page as markup does nothing.
const CONTENT: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'";

/// What no page asks for.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// A name and a value.
pub(super) type Field = (&'static str, &'static str);

const EVERYWHERE: [Field; 4] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", PERMISSIONS),
    ("Cross-Origin-Opener-Policy", "same-origin"),
];

/// Whether a path of the site is a fragment that other sites may show in their pages.
pub(super) fn is_fragment(path: &str) -> bool {
    path.starts_with("embed/")
}

/// The fields of an answer. Nothing but fragments is shown in frames of other sites, or loaded by their pages: the files of scripts
/// have data, and a script tag may come from anywhere.
pub(super) fn fields(fragment: bool) -> impl Iterator<Item = (&'static str, String)> {
    let (ancestors, resource) = if fragment { ("*", "cross-origin") } else { ("'self'", "same-origin") };
    let content = format!("{CONTENT}; frame-ancestors {ancestors}");
    let own = [("Content-Security-Policy", content), ("Cross-Origin-Resource-Policy", resource.to_owned())];
    EVERYWHERE.into_iter().map(|(name, value)| (name, value.to_owned())).chain(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_the_files_for_other_hosts_say_the_same() {
        let base = include_str!("../../site-templates/base.html");
        assert!(base.contains(&format!("http-equiv=\"Content-Security-Policy\" content=\"{CONTENT}\"")));
        let hosts = [
            ("_headers", include_str!("../../deploy/_headers")),
            ("nginx.conf", include_str!("../../deploy/nginx.conf")),
            ("Caddyfile", include_str!("../../deploy/Caddyfile")),
        ];
        for (host, text) in hosts {
            for (name, value) in fields(false).chain(fields(true)) {
                let says = text.lines().any(|line| line.contains(name) && line.contains(&value));
                assert!(says, "deploy/{host} does not say {name}: {value}");
            }
        }
    }

    #[test]
    fn nothing_inline_runs() {
        for (name, value) in fields(true) {
            assert!(!value.contains("unsafe"), "{name}: {value}");
        }
    }
}
