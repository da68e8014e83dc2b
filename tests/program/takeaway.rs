//! What is there to take away, opened by other people's programs.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::path::Path;
use std::process::Command;

use crate::support::{memory, quick_folder, say};
use peerpress::commands::site::SiteOptions;
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::site::Downloads;
use peerpress::snapshot::{ConferenceRow, Snapshot};
use peerpress::units::Timestamp;

/// A seeded site on disk.
fn site(folder: &Path, options: &SiteOptions) -> Snapshot {
    let end = Timestamp::parse("2026-11-20 12:00:00").unwrap();
    let plan = plan(&SeedOptions { conferences: 12, days: 3, seed: 5, end, short: false });
    let snapshot = write_snapshot(&plan, &folder.join("snapshot"), &|_| {}).unwrap();
    for (path, bytes) in memory::site(&snapshot, options) {
        let place = folder.join("output").join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }
    snapshot
}

/// Runs a Python program in the folder and gives what it printed; `None` where Python lacks what it needs, which the test then
/// says, unless `PEERPRESS_REQUIRE_SHARED=1` makes that a failure.
fn python(needs: &str, program: &str, folder: &Path) -> Option<String> {
    let python = std::env::var("PEERPRESS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", &format!("import {needs}")]).output();
    if !there.is_ok_and(|run| run.status.success()) {
        assert!(std::env::var_os("PEERPRESS_REQUIRE_SHARED").is_none(), "Python with {needs} is needed here");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        say(&format!("left out: {test} needs Python with {needs}"));
        return None;
    }
    let output = Command::new(&python).args(["-c", program]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn python_reads_each_csv_file_and_finds_what_the_json_beside_it_has() {
    let folder = quick_folder();
    site(folder.path(), &SiteOptions::default());
    let program = r"
import csv, glob, json, os
rows = lambda path: list(csv.DictReader(open(path, newline='', encoding='utf-8'), strict=True))
checked = 0
for path in glob.glob('output/api/v1/conferences/*.json'):
    data = json.load(open(path))
    folder = path[:-len('.json')]
    events = rows(folder + '/events.csv')
    assert [e['id'] for e in events] == [e['id'] for e in data['events']], path
    for mine, theirs in zip(events, data['events']):
        assert (json.loads(mine['data']) if mine['data'] else None) == theirs['data'], path
    series = rows(folder + '/series.csv')
    of = lambda values: [v for list in values.values() for v in list if v is not None]
    expected = []
    for connection in data['report']['series']:
        points = connection['points']
        for values in [points['values']] + [stream['values'] for stream in points['streams']]:
            expected += of(values)
    assert sorted(float(row['value']) for row in series) == sorted(expected), path
    assert all(row['time'].endswith('Z') and row['connection'] for row in series), path
    checked += len(series)
for path in glob.glob('output/api/v1/apps/*/conferences/*.csv'):
    data = json.load(open(path[:-len('csv')] + 'json'))
    assert [row['id'] for row in rows(path)] == data['columns']['id'], path
    assert [int(row['duration_s']) for row in rows(path)] == data['columns']['duration'], path
for path in glob.glob('output/api/v1/participants/*/conferences.csv'):
    data = json.load(open(os.path.dirname(path) + '.json'))
    mine = rows(path)
    assert [row['id'] for row in mine] == [c['conference'] for c in data['report']['conferences']], path
    for row, theirs in zip(mine, data['report']['conferences']):
        assert row['rtt_ms'] == '' if 'rtt_ms' not in theirs['medians'] else float(row['rtt_ms']) == theirs['medians']['rtt_ms']
print(checked > 1000)
";
    if let Some(said) = python("csv", program, folder.path()) {
        assert_eq!(said, "True\n");
    }
}

#[test]
fn duckdb_reads_the_parquet_files_and_the_queries_of_the_data_page_run() {
    let folder = quick_folder();
    let snapshot = site(folder.path(), &SiteOptions::default());
    let program = r"
import duckdb, glob, html, os, re
os.chdir('output')
d = duckdb.connect()
for pattern in ['conferences/*/samples', 'conferences/*/events', 'apps/*/conferences', 'apps/*/sessions',
                'apps/*/connections', 'apps/*/issues', 'apps/*/participants']:
    rows = d.execute('SELECT count(*) FROM read_parquet(?)', ['data/' + pattern + '.parquet']).fetchall()
    print(pattern.split('/')[-1], rows[0][0])
kept = d.execute('SELECT count(summary_status), count(summary_data) FROM read_parquet(?)', ['data/apps/*/conferences.parquet'])
print('summaries', *kept.fetchall()[0])
largest = lambda pattern: os.path.basename(os.path.dirname(max(glob.glob(pattern), key=os.path.getsize)))
app = largest('data/apps/*/issues.parquet')
call = largest('data/conferences/*/samples.parquet')
ran = 0
for block in re.findall(r'<pre class=.snippet.><code>(.*?)</code></pre>', open('data.html').read(), re.S)[:2]:
    for query in html.unescape(block).split(';'):
        query = query.replace('https://calls.example.org/', '').replace('apps/ID', 'apps/' + app)
        query = query.replace('conferences/ID', 'conferences/' + call).strip()
        if query and query not in ['INSTALL httpfs', 'LOAD httpfs']:
            assert d.sql(query).fetchall(), query
            ran += 1
print(ran)
";
    if let Some(said) = python("duckdb", program, folder.path()) {
        let tables =
            ["samples", "events", "conferences", "sessions", "connections", "issues", "participants"];
        let mut expected: Vec<String> =
            tables.iter().map(|table| format!("{table} {}", snapshot.manifest().rows[*table])).collect();
        // How a summary came out is in the table; its values are in the samples.
        let all: Vec<ConferenceRow> =
            snapshot.parts().iter().flat_map(|part| snapshot.table(part).unwrap()).collect();
        let summaries = all.iter().filter(|row| row.summary_status.is_some()).count();
        assert!(all.iter().any(|row| row.summary_data.is_some()), "nothing to leave out");
        expected.extend([format!("summaries {summaries} 0"), "4".to_owned()]);
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_the_settings_leave_out_is_neither_made_nor_linked_to() {
    let folder = quick_folder();
    let downloads = Downloads { parquet: false, webrtc_internals: false, embed: false };
    site(folder.path(), &SiteOptions { downloads, ..SiteOptions::default() });
    let output = folder.path().join("output");
    assert!(!output.join("data").exists() && !output.join("embed").exists());
    let mut outcome = peerpress::commands::check::Outcome::default();
    peerpress::commands::check::site(&output, &mut outcome).unwrap();
    assert_eq!(outcome.problems, Vec::<String>::new());
}

#[test]
fn a_webrtc_internals_dump_keeps_to_the_form_that_importers_read() {
    let folder = quick_folder();
    site(folder.path(), &SiteOptions::default());
    // No registry has an importer's parser; these are the rules that the public ones go by.
    let program = r#"
import datetime, glob, json
series = events = descriptions = 0
for path in glob.glob('output/data/conferences/*/webrtc-internals.json'):
    dump = json.load(open(path))
    data = json.load(open(path.replace('/data/', '/api/v1/').replace('/webrtc-internals.json', '.json')))
    assert dump['UserAgent'] and isinstance(dump['UserAgentData'], dict) and isinstance(dump['getUserMedia'], list)
    assert len(dump['PeerConnections']) == len(data['connections']), path
    for name, connection in dump['PeerConnections'].items():
        assert name == '%d-%d' % (connection['rid'], connection['lid']) and connection['url']
        json.loads(connection['rtcConfiguration'])
        for entry in connection['updateLog']:
            at = datetime.datetime.fromisoformat(entry['time'].replace('Z', '+00:00')).timestamp() * 1000
            assert abs(at - entry['timestamp']) < 1, entry
            value = entry['value']
            if value.startswith('{') or value.startswith('"'):
                parsed = json.loads(value)
            if value.startswith('{"type":'):
                assert entry['type'] in ('setLocalDescription', 'setRemoteDescription')
                assert parsed['sdp'].startswith('v=0') and parsed['type'] in ('offer', 'answer')
                descriptions += 1
            if entry['type'] == 'onicecandidate' and value:
                assert value.startswith('{'), value
            events += 1
        for key, stat in connection['stats'].items():
            report, member = key.rsplit('-', 1)
            times = json.loads(connection['stats'][report + '-timestamp']['values'])
            values = json.loads(stat['values'])
            assert 0 < len(values) <= len(times) and times == sorted(times) and '[' not in key, key
            assert stat['startTime'].endswith('Z') and stat['endTime'].endswith('Z') and stat['statsType'], key
            if member == 'bytesReceived' and stat['statsType'] == 'inbound-rtp':
                assert values == sorted(v for v in values if v is not None), key
                series += 1
    told = sum(e['type'] == 'getUserMedia' for e in data['events'])
    assert len(dump['getUserMedia']) == told, path
    for entry in dump['getUserMedia']:
        assert isinstance(entry['timestamp'], float) and isinstance(entry['pid'], int)
        for kind in ('audio_track_info', 'video_track_info'):
            if kind in entry:
                assert set(json.loads(entry[kind])) == {'id', 'label'}
print(series > 10 and events > 100 and descriptions > 10)
"#;
    if let Some(said) = python("json", program, folder.path()) {
        assert_eq!(said, "True\n");
    }
}

#[test]
fn pictures_are_well_formed_and_fragments_fetch_nothing_but_their_style_sheet() {
    let folder = quick_folder();
    let snapshot = site(folder.path(), &SiteOptions::default());
    let program = r#"
import glob, re
import xml.etree.ElementTree as tree
pictures = glob.glob('output/embed/*/*.svg')
for path in pictures:
    root = tree.parse(path).getroot()
    names = {element.tag.split('}')[1] for element in root.iter()}
    assert names <= {'svg', 'rect', 'text', 'path'}, path
    keys = {key for element in root.iter() for key in element.attrib}
    assert not any(key == 'href' or key.endswith('}href') or key.startswith('on') for key in keys), path
for path in glob.glob('output/embed/*/*.html'):
    text = open(path).read()
    fetched = re.findall(r'(?:src|link rel="stylesheet" href)="([^"]*)"', text)
    assert [re.sub(r'\.[0-9a-f]{12}', '', one) for one in fetched] == ['../../assets/css/embed.css'], path
    assert '<script' not in text
print(len(pictures))
"#;
    let rows = &snapshot.manifest().rows;
    if let Some(said) = python("xml", program, folder.path()) {
        assert_eq!(said, format!("{}\n", rows["apps"] + rows["conferences"]));
    }
}
