//! The static API against the recorded answers of the Peer Metrics API about the same databases.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{TestDb, memory, quick_folder, shared_data};
use peerpress::commands::site::SiteOptions;
use peerpress::privacy::Privacy;
use peerpress::report;
use peerpress::snapshot::Snapshot;
use peerpress::source::{NoProgress, SnapshotOptions, resolve, take_snapshot};
use peerpress::units::Timestamp;
use serde_json::Value;

/// One recorded GET.
struct Recorded {
    path: String,
    query: BTreeMap<String, String>,
    body: Value,
}

fn recorded(which: &str) -> Vec<Recorded> {
    let file = shared_data().unwrap().join(format!("api-{which}.jsonl.gz"));
    let mut gunzip = Command::new("gunzip").arg("-c").arg(file).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    gunzip.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(gunzip.wait().unwrap().success());
    let answer = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["status"], 200);
        Recorded {
            path: line["path"].as_str().unwrap().to_owned(),
            query: serde_json::from_value(line["query"].clone()).unwrap(),
            body: line["body"].clone(),
        }
    };
    text.lines().map(answer).collect()
}

/// Differences on purpose. Each is taken out of both sides, and only where it is named.
fn without_named_differences(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(object) => {
                // Titles and explanations of issues are our own wording, not upstream's.
                if object.contains_key("code") {
                    object.remove("title");
                    object.remove("explanation");
                }
                object.values_mut().for_each(walk);
                // The API does not order these: they come as the rows lie on its disk, or in the order of a set. Ours
                // are in order of time and name; the members must be the same.
                for unordered in ["conference_ids", "cities"] {
                    if let Some(Value::Array(list)) = object.get_mut(unordered) {
                        list.sort_by_key(ToString::to_string);
                    }
                }
            }
            Value::Array(list) => {
                list.iter_mut().for_each(walk);
                // Likewise equal counts of a ranking by code.
                if list.iter().all(|entry| entry.get("code").is_some() && entry.get("count").is_some()) {
                    list.sort_by_key(|entry| {
                        (entry["count"].as_f64().map(|n| -n as i64), entry["code"].to_string())
                    });
                }
            }
            // 0 and 0.0 are the same number in JSON, but not to the parser.
            Value::Number(number) => {
                if let Some(float) = number.as_f64() {
                    *value = Value::from(float);
                }
            }
            _ => {}
        }
    }
    walk(&mut value);
    value
}

/// Where two values part, with both sides; `None` if they are equal.
fn first_difference(ours: &Value, theirs: &Value, at: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| first_difference(value, &b[key], &format!("{at}/{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(place, (a, b))| first_difference(a, b, &format!("{at}/{place}")))
        }
        _ if ours == theirs => None,
        _ => Some(format!("at {at} ours is\n  {ours:.300}\nrecorded is\n  {theirs:.300}")),
    }
}

struct Site {
    files: BTreeMap<String, Value>,
}

impl Site {
    fn of(snapshot: &Snapshot, since: Option<Timestamp>) -> Self {
        let options = SiteOptions {
            report: report::Options { since, ..report::Options::default() },
            // The API answers with all that the database has.
            privacy: Privacy::Full,
            ..SiteOptions::default()
        };
        let files = memory::site(snapshot, &options)
            .into_iter()
            .filter(|(path, _)| {
                path.starts_with("api/") && Path::new(path).extension().is_some_and(|end| end == "json")
            })
            .map(|(path, bytes)| (path, serde_json::from_slice(&bytes).unwrap()))
            .collect();
        Self { files }
    }

    fn get(&self, path: &str, key: &str) -> Value {
        let file = self.files.get(path).unwrap_or_else(|| panic!("no file {path}"));
        file.get(key).unwrap_or_else(|| panic!("no {key} in {path}")).clone()
    }

    /// The lists `key` of all conferences, as the API's lists by app answer them.
    fn all(&self, key: &str) -> Vec<Value> {
        let conferences = self.files.iter().filter(|(path, _)| path.starts_with("api/v1/conferences/"));
        let mut list: Vec<Value> =
            conferences.flat_map(|(_, file)| file[key].as_array().unwrap().clone()).collect();
        list.sort_by_key(|row| (row["created_at"].to_string(), row["id"].to_string()));
        list
    }

    /// The rows of an app's months.
    fn conferences_of_app(&self, app: &str) -> Vec<Value> {
        let folder = format!("api/v1/apps/{app}/conferences/");
        let months = self.files.iter().filter(|(path, _)| path.starts_with(&folder));
        months
            .flat_map(|(_, file)| {
                let columns = file["columns"].as_object().unwrap();
                let row = |at: usize| {
                    let cell = |(name, column): (&String, &Value)| (name.clone(), column[at].clone());
                    Value::Object(columns.iter().map(cell).collect())
                };
                (0..usize::try_from(file["count"].as_u64().unwrap()).unwrap()).map(row).collect::<Vec<_>>()
            })
            .collect()
    }

    /// What we have at the place that answers this request.
    fn answer(&self, request: &Recorded) -> Value {
        let query = |name: &str| request.query.get(name).map(String::as_str);
        let path: Vec<&str> = request.path.trim_start_matches("/v1/").split('/').collect();
        let data = |list: Value| serde_json::json!({ "data": list });
        let of_app = |key: &str| self.get(&format!("api/v1/apps/{}.json", query("appId").unwrap()), key);
        let of_conference = |id: &str, key: &str| self.get(&format!("api/v1/conferences/{id}.json"), key);
        let of_participant = |key: &str| {
            self.get(&format!("api/v1/participants/{}.json", query("participantId").unwrap()), key)
        };
        match path.as_slice() {
            ["conferences", "summary"] => of_app("conferences_summary"),
            ["conferences", "duration-summary"] => of_app("conferences_duration_summary"),
            ["conferences", "participant-count-summary"] => of_app("conferences_participant_count_summary"),
            ["connections", "summary"] => of_app("connections_summary"),
            ["connections", "setup-time-summary"] => of_app("connections_setup_time_summary"),
            ["sessions", "summary"] => of_app("sessions_summary"),
            ["issues", "summary"] => of_app("issues_summary"),
            ["issues", "gum-summary"] => of_app("issues_gum_summary"),
            ["conferences", id, "events"] => data(of_conference(id, "events")),
            ["conferences", id, "graphs"] => of_conference(id, "graphs"),
            ["conferences", id] => data(of_conference(id, "data")),
            ["conferences"] if query("participantId").is_some() => data(of_participant("conferences")),
            ["conferences"] if query("limit").is_some() => {
                let list = self.conferences_of_app(query("appId").unwrap());
                let count = list.len();
                let page: Vec<Value> =
                    list.into_iter().take(query("limit").unwrap().parse().unwrap()).collect();
                serde_json::json!({ "results": page, "count": count })
            }
            ["conferences"] => data(self.conferences_of_app(query("appId").unwrap()).into()),
            ["sessions"] if query("participantId").is_some() => data(of_participant("sessions")),
            [list @ ("sessions" | "connections" | "issues" | "participants")] => {
                match query("conferenceId") {
                    Some(id) => data(of_conference(id, list)),
                    None => data(self.all(list).into()),
                }
            }
            other => panic!("no place is known for {other:?}"),
        }
    }
}

fn snapshot_of(db: &TestDb, folder: &tempfile::TempDir) -> Snapshot {
    let settings = resolve(Some(&db.url()), &|_| None).unwrap().unwrap();
    let options = SnapshotOptions::new(folder.path().join("snapshot"));
    take_snapshot(&settings, &options, &NoProgress).unwrap().snapshot
}

fn replay(which: &str) {
    let requests = recorded(which);
    let db = TestDb::restored(which);
    let folder = quick_folder();
    let snapshot = snapshot_of(&db, &folder);
    // The web page asks for the last thirty days from the moment of the recording; all its requests mean the same window.
    let since = requests.iter().find_map(|request| request.query.get("created_at_gte")).unwrap();
    let site = Site::of(&snapshot, Timestamp::parse(since));
    let mut differences = Vec::new();
    for request in &requests {
        let ours = without_named_differences(site.answer(request));
        let theirs = without_named_differences(request.body.clone());
        if let Some(difference) = first_difference(&ours, &theirs, "") {
            differences.push(format!("{} {:?}: {difference}", request.path, request.query));
        }
    }
    assert!(differences.is_empty(), "{} answers differ:\n{}", differences.len(), differences.join("\n"));
    assert!(requests.len() > 50, "the recording is complete");
}

#[test]
fn the_small_database_answers_as_recorded() {
    if shared_data().is_some() {
        replay("small");
    }
}

#[test]
fn the_live_database_answers_as_recorded() {
    if shared_data().is_some() {
        replay("live");
    }
}

/// Where the service stored no summary we build the same from the stats events: shown by forgetting the stored ones.
fn rebuild(which: &str) {
    let db = TestDb::restored(which);
    let folder = quick_folder();
    let stored = Site::of(&snapshot_of(&db, &folder), None);
    db.client().execute("DELETE FROM summary", &[]).unwrap();
    let ours = Site::of(&snapshot_of(&db, &folder), None);
    let mut compared = 0;
    for (path, file) in stored.files.iter().filter(|(path, _)| path.starts_with("api/v1/conferences/")) {
        let theirs = without_named_differences(file["graphs"].clone());
        let ours = without_named_differences(ours.get(path, "graphs"));
        if theirs["summary"]["data"].as_array().is_some_and(|list| !list.is_empty()) {
            compared += 1;
        }
        assert_eq!(first_difference(&ours, &theirs, ""), None, "{path}");
    }
    assert!(compared > 2, "only {compared} summaries were there to compare");
}

#[test]
fn our_summary_equals_the_stored_one_of_the_small_database() {
    if shared_data().is_some() {
        rebuild("small");
    }
}

#[test]
fn our_summary_equals_the_stored_one_of_the_live_database() {
    if shared_data().is_some() {
        rebuild("live");
    }
}

#[test]
fn every_file_of_the_api_is_valid_against_its_schema() {
    if shared_data().is_none() {
        return;
    }
    let schema: Value = serde_json::from_str(peerpress::site::api::SCHEMA).unwrap();
    let kind = |path: &str| match path.trim_start_matches("api/v1/").split('/').collect::<Vec<_>>().as_slice()
    {
        [.., "reports", "index.json"] => "periods",
        [.., "reports", _] => "period",
        ["conferences", _] => "conference",
        ["participants", _] => "participant",
        ["apps", _, "conferences", _] => "month",
        ["apps", _] => "app",
        ["organizations", _] => "organization",
        ["meta.json"] => "meta",
        other => panic!("no kind is known for {other:?}"),
    };
    for which in ["small", "live"] {
        let db = TestDb::restored(which);
        let folder = quick_folder();
        let site = Site::of(&snapshot_of(&db, &folder), None);
        for (path, file) in site.files.iter().filter(|(path, _)| *path != "api/v1/schema.json") {
            let mut own = schema.clone();
            own.as_object_mut().unwrap().remove("anyOf");
            own["$ref"] = format!("#/$defs/{}", kind(path)).into();
            let validator = jsonschema::validator_for(&own).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(file)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{path}: {errors:#?}");
        }
    }
}
