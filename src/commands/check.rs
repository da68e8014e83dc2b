//! `peerpress check`: settings, database, permissions, then the links and data files of the site.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;
use walkdir::WalkDir;

use super::verify::{self, Verified};
use super::{Done, Session, settings};
use crate::cli;
use crate::site::api;
use crate::source;

/// What is in a page that opens a sealed one, and in no other.
const SEALED: &str = "<template id=\"sealed\"";
/// Problems that are named; the rest is counted.
const NAMED: usize = 20;

/// What was checked, and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// Whether databases were named, and could all be read.
    pub database: Option<bool>,
    /// Pages whose links were followed.
    pub pages: usize,
    /// Pages among them that are sealed, so that their links cannot be seen.
    pub sealed_pages: usize,
    /// Links that were followed.
    pub links: usize,
    /// Data files that were checked against the schema.
    pub data_files: usize,
    /// What the signature says, where it was to be checked and holds.
    pub signed: Option<Verified>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::Check) -> anyhow::Result<Done> {
    let mut outcome = Outcome::default();
    for database in settings::find_databases(session, &args.database)? {
        let checked = source::check_database(&database);
        outcome.database = Some(checked.is_ok() && outcome.database != Some(false));
        if let Err(error) = checked {
            outcome.problems.push(format!("{database}: {error}"));
        }
    }
    let output = args.output.clone().or_else(|| session.config.folders.output.clone());
    let output = output.unwrap_or_else(|| PathBuf::from("output"));
    if output.join("index.html").exists() {
        site(&output, &mut outcome)?;
    } else {
        session.say(&format!("{} has no site yet", output.display()));
    }
    if let Some(key) = &args.verify {
        outcome.signed = verify::site(&output, key, &mut outcome.problems)?;
    }
    let mut text = format!(
        "database: {}; {} pages, {} links, {} data files, {} problems",
        match outcome.database {
            None => "none named",
            Some(true) => "can be read",
            Some(false) => "cannot be read",
        },
        outcome.pages,
        outcome.links,
        outcome.data_files,
        outcome.problems.len()
    );
    if outcome.sealed_pages > 0 {
        text.push_str(&format!(
            "\n{} pages are sealed: what they link to was not looked at",
            outcome.sealed_pages
        ));
    }
    if let Some(Verified { files, comment }) = &outcome.signed {
        let whole = if outcome.problems.is_empty() { "whole and unchanged" } else { "not as it was signed" };
        text.push_str(&format!("\nsigned: {files} files; {comment}; the site is {whole}"));
    }
    for problem in outcome.problems.iter().take(NAMED) {
        text.push_str(&format!("\n  {problem}"));
    }
    if outcome.problems.len() > NAMED {
        text.push_str(&format!("\n  … and {} more", outcome.problems.len() - NAMED));
    }
    session.print(&outcome, &text)?;
    anyhow::ensure!(outcome.problems.is_empty(), "{} problems were found", outcome.problems.len());
    Ok(Done::Well)
}

/// Where things of one kind are, by their ids in the site.
#[derive(Debug, Default)]
struct Places {
    pages: BTreeSet<String>,
    data_files: BTreeSet<String>,
    /// Where there are lists of them as data.
    lists: Option<BTreeSet<String>>,
}

impl Places {
    /// Whatever is in one place has to be in the others, too.
    fn problems(&self, kind: &str) -> Vec<String> {
        let ways = [
            ("on no page", Some(&self.pages)),
            ("in no data file", Some(&self.data_files)),
            ("in no list of its app", self.lists.as_ref()),
        ];
        let ways: Vec<_> = ways.into_iter().filter_map(|(lacks, ids)| Some((lacks, ids?))).collect();
        let all: BTreeSet<&String> = ways.iter().flat_map(|(_, ids)| *ids).collect();
        let lacking = |(lacks, ids): &(&str, &BTreeSet<String>)| {
            let missing = all.iter().filter(|id| !ids.contains(**id));
            missing.map(|id| format!("{kind} {id} is {lacks}")).collect::<Vec<_>>()
        };
        ways.iter().flat_map(lacking).collect()
    }
}

/// The conferences and participants of a site, as far as it was read.
#[derive(Debug)]
struct Subjects {
    conferences: Places,
    participants: Places,
}

impl Subjects {
    fn new() -> Self {
        let conferences = Places { lists: Some(BTreeSet::new()), ..Places::default() };
        Self { conferences, participants: Places::default() }
    }

    fn page(&mut self, name: &str) {
        if let Some((kind, id)) = name.strip_suffix(".html").and_then(|name| name.split_once('/')) {
            let of = match kind {
                "conference" => &mut self.conferences,
                "participant" => &mut self.participants,
                _ => return,
            };
            // Further pages of a conference are in its folder.
            if !id.contains('/') {
                of.pages.insert(id.to_owned());
            }
        }
    }

    fn data_file(&mut self, kind: &str, name: &str, value: &Value) {
        let stem = || name.rsplit('/').next().unwrap_or_default().trim_end_matches(".json").to_owned();
        match kind {
            "conference" => drop(self.conferences.data_files.insert(stem())),
            "participant" => drop(self.participants.data_files.insert(stem())),
            "month" => {
                let ids = value.pointer("/columns/id").and_then(Value::as_array).into_iter().flatten();
                let lists = self.conferences.lists.get_or_insert_default();
                lists.extend(ids.filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut all = self.conferences.problems("conference");
        all.extend(self.participants.problems("participant"));
        all
    }
}

/// Follows the links of all pages, checks all data files of a site, and sees that pages, data files and lists are of the same
/// conferences and participants.
pub fn site(output: &Path, outcome: &mut Outcome) -> anyhow::Result<()> {
    let validators = validators()?;
    let mut subjects = Subjects::new();
    for entry in WalkDir::new(output).sort_by_file_name() {
        let entry = entry?;
        let name =
            entry.path().strip_prefix(output)?.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let extension = entry.path().extension().and_then(|extension| extension.to_str());
        if !entry.file_type().is_file() {
            continue;
        }
        if extension == Some("html") {
            let text =
                std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {name}"))?;
            outcome.pages += 1;
            // What a sealed page is about lies sealed, too.
            if !text.contains(SEALED) {
                subjects.page(&name);
            }
            outcome.sealed_pages += usize::from(text.contains(SEALED));
            for target in links(&text) {
                outcome.links += 1;
                let place = entry.path().parent().unwrap_or(output).join(&target);
                if !place.is_file() {
                    outcome.problems.push(format!("{name}: {target} leads nowhere"));
                }
            }
        } else if let Some(kind) = kind(&name) {
            outcome.data_files += 1;
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {name}"))?;
            match serde_json::from_slice::<Value>(&bytes) {
                Err(error) => outcome.problems.push(format!("{name}: {error}")),
                Ok(value) => {
                    subjects.data_file(kind, &name, &value);
                    if let Some(error) =
                        validators.get(kind).and_then(|validator| validator.validate(&value).err())
                    {
                        outcome.problems.push(format!("{name}: {}: {error}", error.instance_path()));
                    }
                }
            }
        } else if name.starts_with("data/") && extension == Some("json") {
            outcome.data_files += 1;
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {name}"))?;
            if let Err(error) = serde_json::from_slice::<Value>(&bytes) {
                outcome.problems.push(format!("{name}: {error}"));
            }
        } else if extension == Some("parquet") {
            outcome.data_files += 1;
            if let Err(error) = crate::snapshot::table_rows(entry.path()) {
                outcome.problems.push(format!("{name}: {error}"));
            }
        } else if extension == Some("csv") {
            outcome.data_files += 1;
            if let Some(problem) = csv_problem(entry.path()) {
                outcome.problems.push(format!("{name}: {problem}"));
            }
        }
    }
    outcome.problems.extend(subjects.problems());
    Ok(())
}

/// What is wrong with a CSV file: rows of another length than the header, or a cell that a spreadsheet would compute.
fn csv_problem(path: &Path) -> Option<String> {
    let mut reader = match csv::ReaderBuilder::new().has_headers(false).from_path(path) {
        Ok(reader) => reader,
        Err(error) => return Some(error.to_string()),
    };
    let formula =
        |cell: &&str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    reader.records().find_map(|record| match record {
        Err(error) => Some(error.to_string()),
        Ok(record) => {
            record.iter().find(formula).map(|cell| format!("{cell:?} would be taken for a formula"))
        }
    })
}

/// The definition of the schema that a file of the static API is to be valid against.
fn kind(name: &str) -> Option<&'static str> {
    let path: Vec<&str> = name.strip_prefix("api/v1/")?.strip_suffix(".json")?.split('/').collect();
    match path.as_slice() {
        [.., "reports", "index"] => Some("periods"),
        [.., "reports", _] => Some("period"),
        ["conferences", _] => Some("conference"),
        ["participants", _] => Some("participant"),
        ["apps", _, "conferences", _] => Some("month"),
        ["apps", _] => Some("app"),
        ["organizations", _] => Some("organization"),
        ["meta"] => Some("meta"),
        _ => None,
    }
}

fn validators() -> anyhow::Result<BTreeMap<&'static str, jsonschema::Validator>> {
    let schema: Value = serde_json::from_str(api::SCHEMA)?;
    ["conference", "participant", "month", "app", "organization", "meta", "period", "periods"]
        .into_iter()
        .map(|kind| {
            let mut own = schema.clone();
            if let Some(own) = own.as_object_mut() {
                own.remove("anyOf");
                own.insert("$ref".to_owned(), format!("#/$defs/{kind}").into());
            }
            Ok((kind, jsonschema::validator_for(&own)?))
        })
        .collect()
}

/// The files that a page of ours links to: values of `href` and `src` that are relative, without query and fragment.
fn links(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in [" href=\"", " src=\""] {
        for rest in html.split(attribute).skip(1) {
            let Some((value, _)) = rest.split_once('"') else { continue };
            let value = value.split(['#', '?']).next().unwrap_or_default();
            let elsewhere = value.contains(':') || value.starts_with('/') || value.is_empty();
            if !elsewhere {
                found.push(value.replace("&amp;", "&"));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_found_and_others_are_not() {
        let html =
            r##"<a href="../a.html#x"><a href="#top"><img src="b.svg"><a href="https://example.org/">"##;
        assert_eq!(links(html), ["../a.html", "b.svg"]);
    }

    #[test]
    fn who_is_on_a_page_is_in_data_files_and_lists_and_the_other_way_round() {
        let mut subjects = Subjects::new();
        for page in [
            "conference/a.html",
            "conference/b.html",
            "conference/b/call-1.html",
            "participant/p.html",
            "index.html",
        ] {
            subjects.page(page);
        }
        let month = serde_json::json!({"columns": {"id": ["a", "c"]}});
        subjects.data_file("conference", "api/v1/conferences/a.json", &Value::Null);
        subjects.data_file("participant", "api/v1/participants/p.json", &Value::Null);
        subjects.data_file("month", "api/v1/apps/x/conferences/2026-11.json", &month);
        let said = [
            "conference c is on no page",
            "conference b is in no data file",
            "conference c is in no data file",
            "conference b is in no list of its app",
        ];
        assert_eq!(subjects.problems(), said);
    }

    #[test]
    fn each_way_in_which_a_site_can_be_broken_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        put("api/v1/apps/x/conferences/2026-11.json", r#"{"columns": {"id": ["a"]}}"#);
        put("api/v1/conferences/a.json", "{");
        put("api/v1/meta.json", "{}");
        put("api/v1/unknown.json", "not ours to judge");
        put("conference/a.html", r#"<a href="../index.html#x"></a><img src="gone.svg">"#);
        put("data/tables.json", "[1,");
        put("data/whole.json", "[1]");
        put("data/rows.parquet", "PAR1");
        put("formula.csv", "a,b\n1,=1+1\n");
        put("index.html", r#"<a href="conference/a.html"></a><a href="participant/p.html"></a>"#);
        put("negative.csv", "a,b\n-1,+2.5\n");
        put("uneven.csv", "a,b\n1,2,3\n");
        let mut outcome = Outcome::default();
        site(folder.path(), &mut outcome).unwrap();
        let said: Vec<(&str, &str)> =
            outcome.problems.iter().filter_map(|problem| problem.split_once(": ")).collect();
        let files: Vec<&str> = said.iter().map(|(file, _)| *file).collect();
        let broken = [
            "api/v1/apps/x/conferences/2026-11.json",
            "api/v1/conferences/a.json",
            "api/v1/meta.json",
            "conference/a.html",
            "data/rows.parquet",
            "data/tables.json",
            "formula.csv",
            "index.html",
            "uneven.csv",
        ];
        assert_eq!(files, broken);
        let of = |name: &str| said.iter().find(|(file, _)| *file == name).unwrap().1;
        assert!(of("api/v1/meta.json").contains("required property"), "{}", of("api/v1/meta.json"));
        assert_eq!(of("conference/a.html"), "gone.svg leads nowhere");
        assert_eq!(of("index.html"), "participant/p.html leads nowhere");
        assert_eq!(of("formula.csv"), "\"=1+1\" would be taken for a formula");
        // What cannot be read is in no data file.
        assert_eq!(outcome.problems.last().unwrap(), "conference a is in no data file");
        assert_eq!((outcome.pages, outcome.links, outcome.data_files), (2, 4, 9));
    }
}
