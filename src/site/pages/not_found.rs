//! What a host shows for a path that is not there.

use serde::Serialize;

use crate::site::chrome::Content;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotFoundPage {}

impl Content for NotFoundPage {
    const KIND: &'static str = "404";
    const TEMPLATE: &'static str = "pages/404.html";

    fn title(&self) -> String {
        "Not found".to_owned()
    }

    fn description(&self) -> String {
        "There is no such page in this report.".to_owned()
    }
}
