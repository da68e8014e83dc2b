//! Session descriptions, readable: what is in one, and what changed between two of the same side. Names follow RFC 8866 and
//! RFC 8839. Passwords of ICE are never repeated.

use std::collections::BTreeMap;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Lines of a description that are read; the rest is counted.
const LINES: usize = 4000;
/// Changed lines that are kept; the rest is counted.
const CHANGES: usize = 200;
/// Codecs of an m-line that are named.
const CODECS: usize = 6;

/// What is in a description.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SdpSummary {
    /// Its media sections.
    pub sections: Vec<Section>,
    /// Whether the side is an ICE-lite agent: a server.
    pub ice_lite: bool,
    /// `ice-options`: `trickle` …
    pub ice_options: Option<String>,
    /// DTLS role: `actpass`, `active`, `passive`.
    pub setup: Option<String>,
    /// Mids that share one transport.
    pub bundle: Vec<String>,
    /// Lines that were not read.
    pub left_out: usize,
    #[serde(skip)]
    ufrags: Vec<String>,
}

/// One m-line with its attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// `audio`, `video`, `application`.
    pub kind: String,
    /// Its mid.
    pub mid: Option<String>,
    /// Whether its port is 0 and it is not merely bundled.
    pub rejected: bool,
    /// `sendrecv`, `sendonly`, `recvonly`, `inactive`.
    pub direction: Option<String>,
    /// Codecs in order of preference, the first ones.
    pub codecs: Vec<String>,
    /// Restriction ids of simulcast layers.
    pub layers: Vec<String>,
    /// Candidates by type.
    pub candidates: BTreeMap<String, usize>,
}

impl Section {
    fn name(&self) -> String {
        match &self.mid {
            Some(mid) => format!("{} (mid {mid})", self.kind),
            None => self.kind.clone(),
        }
    }

    /// Its words on a page.
    pub fn words(&self) -> String {
        let mut words = vec![self.name()];
        if self.rejected {
            words.push("rejected".to_owned());
        }
        words.extend(self.direction.clone());
        if !self.codecs.is_empty() {
            words.push(self.codecs.join(", "));
        }
        if !self.layers.is_empty() {
            words.push(format!("simulcast {}", self.layers.join(", ")));
        }
        let candidates = self.candidates.iter().map(|(kind, count)| format!("{count} {kind}"));
        let candidates: Vec<String> = candidates.collect();
        if !candidates.is_empty() {
            words.push(format!("candidates: {}", candidates.join(", ")));
        }
        words.join("; ")
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Reads a description; whatever is no description gives an empty summary.
pub fn summary(sdp: &str) -> SdpSummary {
    let mut summary =
        SdpSummary { left_out: sdp.lines().count().saturating_sub(LINES), ..SdpSummary::default() };
    let mut formats: Vec<String> = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let close =
        |summary: &mut SdpSummary, formats: &mut Vec<String>, names: &mut BTreeMap<String, String>| {
            if let Some(section) = summary.sections.last_mut() {
                let known = formats.iter().filter_map(|format| names.get(format));
                let mut codecs: Vec<String> = Vec::new();
                for codec in known {
                    if !codecs.contains(codec) && codecs.len() < CODECS {
                        codecs.push(codec.clone());
                    }
                }
                section.codecs = codecs;
            }
            formats.clear();
            names.clear();
        };
    for line in sdp.lines().take(LINES) {
        let line = line.trim_end();
        if let Some(media) = line.strip_prefix("m=") {
            close(&mut summary, &mut formats, &mut names);
            let mut parts = media.split_ascii_whitespace();
            let kind = clipped(parts.next().unwrap_or_default());
            let rejected = parts.next() == Some("0");
            formats = parts.skip(1).map(clipped).collect();
            summary.sections.push(Section { kind, rejected, ..Section::default() });
            continue;
        }
        let Some(attribute) = line.strip_prefix("a=") else { continue };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-lite" => summary.ice_lite = true,
            "ice-options" => summary.ice_options = Some(clipped(value)),
            "setup" => summary.setup = summary.setup.take().or_else(|| Some(clipped(value))),
            "ice-ufrag" if !summary.ufrags.iter().any(|known| known == value) => {
                summary.ufrags.push(clipped(value));
            }
            "group" => {
                if let Some(mids) = value.strip_prefix("BUNDLE") {
                    summary.bundle = mids.split_ascii_whitespace().map(clipped).collect();
                }
            }
            _ => {}
        }
        let Some(section) = summary.sections.last_mut() else { continue };
        match name {
            "mid" => section.mid = Some(clipped(value)),
            "sendrecv" | "sendonly" | "recvonly" | "inactive" => section.direction = Some(name.to_owned()),
            "bundle-only" => section.rejected = false,
            "rid" => section.layers.extend(value.split_ascii_whitespace().next().map(clipped)),
            "rtpmap" => {
                if let Some((format, codec)) = value.split_once(' ') {
                    let plain = codec.split('/').next().unwrap_or(codec);
                    // Repair and comfort noise are no codecs to a reader.
                    if !matches!(plain, "rtx" | "red" | "ulpfec" | "flexfec-03" | "CN" | "telephone-event") {
                        names.insert(clipped(format), clipped(codec));
                    }
                }
            }
            "candidate" => {
                let kind = candidate_type(value).unwrap_or("unknown");
                *section.candidates.entry(clipped(kind)).or_default() += 1;
            }
            _ => {}
        }
    }
    close(&mut summary, &mut formats, &mut names);
    summary
}

/// The `typ` of a candidate line (RFC 8839, 5.1).
pub fn candidate_type(line: &str) -> Option<&str> {
    let mut words = line.split_ascii_whitespace();
    words.by_ref().find(|word| *word == "typ")?;
    words.next()
}

/// The candidate lines of a description.
pub fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().take(LINES).filter_map(|line| line.trim_end().strip_prefix("a=candidate:"))
}

/// What changed between two descriptions of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SdpChanges {
    /// In words.
    pub highlights: Vec<String>,
    /// Lines that are gone (`-`) and new (`+`), each with the section it is in.
    pub lines: Vec<(char, String, String)>,
    /// Changed lines that are not kept.
    pub left_out: usize,
}

/// The difference of two descriptions.
pub fn changes(before: &str, after: &str) -> SdpChanges {
    let cut = |sdp: &str| -> String {
        let lines: Vec<String> = sdp.lines().take(LINES).map(masked).collect();
        lines.join("\n") + "\n"
    };
    let (old, new) = (cut(before), cut(after));
    let mut changes =
        SdpChanges { highlights: highlights(&summary(before), &summary(after)), ..SdpChanges::default() };
    let mut section = "session".to_owned();
    for change in TextDiff::from_lines(&old, &new).iter_all_changes() {
        let line = change.value().trim_end();
        if let Some(media) = line.strip_prefix("m=") {
            section = clipped(media.split_ascii_whitespace().next().unwrap_or_default());
        }
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        if changes.lines.len() < CHANGES {
            changes.lines.push((sign, section.clone(), line.chars().take(300).collect()));
        } else {
            changes.left_out += 1;
        }
    }
    changes
}

/// A line without what opens a door: the passwords of ICE.
pub fn masked(line: &str) -> String {
    let line = line.trim_end();
    if line.starts_with("a=ice-pwd:") { "a=ice-pwd:(withheld)".to_owned() } else { line.to_owned() }
}

fn highlights(before: &SdpSummary, after: &SdpSummary) -> Vec<String> {
    let mut words = Vec::new();
    if !before.ufrags.is_empty()
        && !after.ufrags.is_empty()
        && !after.ufrags.iter().any(|ufrag| before.ufrags.contains(ufrag))
    {
        words.push("ICE restarted (new ufrag)".to_owned());
    }
    for (at, new) in after.sections.iter().enumerate() {
        let Some(old) = before.sections.get(at) else {
            words.push(format!("added: {}", new.name()));
            continue;
        };
        let way = |section: &Section| section.direction.clone().unwrap_or_else(|| "sendrecv".to_owned());
        if new.rejected != old.rejected {
            words.push(format!(
                "{} {}",
                new.name(),
                if new.rejected { "rejected" } else { "taken up again" }
            ));
        }
        if way(old) != way(new) {
            words.push(format!("direction of {}: {} → {}", new.name(), way(old), way(new)));
        }
        if old.codecs != new.codecs {
            words.push(format!(
                "codecs of {}: {} → {}",
                new.name(),
                old.codecs.join(", "),
                new.codecs.join(", ")
            ));
        }
    }
    if after.sections.len() < before.sections.len() {
        words.push(format!("{} media sections fewer", before.sections.len() - after.sections.len()));
    }
    if before.setup != after.setup {
        let role = |setup: &Option<String>| setup.clone().unwrap_or_else(|| "none".to_owned());
        words.push(format!("DTLS role: {} → {}", role(&before.setup), role(&after.setup)));
    }
    words
}

/// Whether two descriptions have no ICE user fragment in common, which a restart brings about.
pub fn restarted(before: &SdpSummary, after: &SdpSummary) -> bool {
    highlights(before, after).first().is_some_and(|first| first.starts_with("ICE restarted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\na=ice-ufrag:aaaa\r\n\
        a=ice-pwd:secret\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n\
        a=rtpmap:0 PCMU/8000\r\na=candidate:1 1 udp 2122 10.0.0.1 5000 typ host\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rid:h send\r\n";

    #[test]
    fn a_description_is_told_by_its_sections() {
        let summary = summary(OFFER);
        assert_eq!((summary.ice_lite, summary.setup.as_deref()), (true, Some("actpass")));
        assert_eq!(summary.bundle, ["0", "1"]);
        let words: Vec<String> = summary.sections.iter().map(Section::words).collect();
        assert_eq!(
            words,
            [
                "audio (mid 0); sendrecv; opus/48000/2, PCMU/8000; candidates: 1 host",
                "video (mid 1); VP8/90000; simulcast h"
            ]
        );
    }

    #[test]
    fn changes_are_told_in_words_and_lines_without_passwords() {
        let after = OFFER
            .replace("a=sendrecv", "a=recvonly")
            .replace("aaaa", "bbbb")
            .replace("secret", "other secret");
        let changes = changes(OFFER, &after);
        assert_eq!(
            changes.highlights,
            ["ICE restarted (new ufrag)", "direction of audio (mid 0): sendrecv → recvonly"]
        );
        let lines: Vec<String> =
            changes.lines.iter().map(|(sign, _, line)| format!("{sign}{line}")).collect();
        assert_eq!(lines, ["-a=ice-ufrag:aaaa", "+a=ice-ufrag:bbbb", "-a=sendrecv", "+a=recvonly"]);
        assert!(changes.lines.iter().all(|(_, section, _)| section == "audio"));
    }

    #[test]
    fn what_is_no_description_is_empty_and_a_huge_one_is_cut() {
        assert_eq!(summary("\u{0}<script>"), SdpSummary::default());
        let huge = "m=audio 9 x 0\r\n".repeat(LINES + 7);
        assert_eq!((summary(&huge).sections.len(), summary(&huge).left_out), (LINES, 7));
        assert_eq!(changes("", &huge).lines.len(), CHANGES);
    }
}
