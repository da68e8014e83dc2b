//! The pages of one conference without all others: what live rebuild shows of a call that somebody looks at.

use crate::ids::ConferenceId;
use crate::privacy::View;
use crate::report::{self, World};
use crate::site::pages::conference::{self, ConferencePageKind};
use crate::site::{Content, Frame, Page, Route};
use crate::snapshot::{Dossier, Part};

use super::SiteOptions;
use super::desk::context_of;

/// Whether [`conference_contexts`] has a page.
pub fn is_measured_on_demand(route: &Route) -> bool {
    matches!(route, Route::Conference(_) | Route::Call(..) | Route::CallEvents(..))
}

/// Each page of a conference of `part`: its path, its template, and what that is given, as JSON. None if the part does not have it.
pub fn conference_contexts(
    view: &View<'_>,
    part: &Part,
    id: ConferenceId,
    world: &World,
    frame: &Frame,
    options: &SiteOptions,
) -> anyhow::Result<Vec<(String, &'static str, Vec<u8>)>> {
    let mut dossiers = view.dossiers(part)?;
    let wanted =
        |dossier: &Result<Dossier, _>| dossier.as_ref().map_or(true, |dossier| dossier.conference.id == id);
    let Some(dossier) = dossiers.find(wanted).transpose()? else {
        return Ok(Vec::new());
    };
    let report = report::measure(dossier, world, &options.report);
    conference::pages(&report, world, &options.report.limits)
        .map(|(route, page)| match page {
            ConferencePageKind::Call(page) => context(route, frame, *page),
            ConferencePageKind::Events(page) => context(route, frame, *page),
        })
        .collect()
}

fn context<C: Content>(
    route: Route,
    frame: &Frame,
    content: C,
) -> anyhow::Result<(String, &'static str, Vec<u8>)> {
    let page = Page::new(route, frame, content);
    Ok((page.route.path(), page.template, context_of(&page)?))
}
