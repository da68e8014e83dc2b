//! The pure stages of a build, each by itself, on the largest of 40 generated conferences: `cargo bench`.

#![expect(clippy::unwrap_used, reason = "a benchmark that stops has failed")]

use std::hint::black_box;
use std::io;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerpress::commands::site::SiteOptions;
use peerpress::commands::theme::Theme;
use peerpress::render::{self, Renderer};
use peerpress::report::{self, World};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::site::pages::conference::{self, ConferencePageKind};
use peerpress::site::{Page, api, csv, internals};
use peerpress::snapshot::write_samples;
use peerpress::units::Timestamp;

fn stages(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let end = Timestamp::parse("2026-11-20 12:00:00").unwrap();
    let seed = SeedOptions { conferences: 40, days: 4, seed: 1, end, short: false };
    let snapshot = write_snapshot(&plan(&seed), &folder.path().join("snapshot"), &|_| ()).unwrap();
    let parts = || snapshot.parts().iter();
    let dossiers = || parts().flat_map(|part| snapshot.dossiers(part).unwrap()).map(Result::unwrap);
    let dossier = dossiers().max_by_key(|dossier| dossier.samples.len()).unwrap();
    let world = World::new(snapshot.globals().unwrap(), snapshot.instant());
    let options = SiteOptions::default();
    let theme = Theme::built_in();
    let renderer = Renderer::new(&theme.templates).unwrap();
    let frame = options.frame(&theme.assets());
    let measure = || report::measure(dossier.clone(), &world, &options.report);
    let report = measure();
    let page = || {
        let mut pages = conference::pages(&report, &world, &options.report.limits);
        pages.find_map(|(route, page)| match page {
            ConferencePageKind::Call(page) => Some(Page::new(route, &frame, *page)),
            ConferencePageKind::Events(_) => None,
        })
    };
    let made = page().unwrap();

    let mut group = criterion.benchmark_group("conference");
    group.throughput(Throughput::Elements(dossier.samples.len() as u64));
    group.bench_function("read", |bench| bench.iter(|| black_box(dossiers().count())));
    group.bench_function("measure", |bench| bench.iter(|| black_box(measure())));
    group.bench_function("page as data", |bench| bench.iter(|| black_box(page())));
    group.bench_function("page to HTML", |bench| bench.iter(|| black_box(renderer.page(&made).unwrap())));
    group.bench_function("static API", |bench| {
        bench.iter(|| render::write_json("x", &api::conference_file(&report, &world), io::sink()).unwrap());
    });
    group.bench_function("series as CSV", |bench| bench.iter(|| csv::series(&report, io::sink()).unwrap()));
    group.bench_function("samples as Parquet", |bench| {
        bench.iter(|| write_samples(&dossier.samples, io::sink()).unwrap());
    });
    group.bench_function("webrtc-internals dump", |bench| {
        bench.iter(|| render::write_json("x", &internals::dump(&report, &world), io::sink()).unwrap());
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
