//! What a session's JSON columns say about browser, system, devices, place: parsed once, leniently, so that nothing after
//! this knows about their shapes. The service and its test data store several.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::snapshot::{Json, SessionRow};

/// Browser and system of a session; `None` where the database has no name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    /// `platform.browser.name`.
    pub browser: Option<String>,
    /// `platform.browser.version`.
    pub browser_version: Option<String>,
    /// `platform.os.name`.
    pub os: Option<String>,
    /// `platform.os.version`.
    pub os_version: Option<String>,
    /// `platform.device`: vendor, model and type.
    pub device: Option<String>,
    /// `platform.cpu.architecture`.
    pub cpu: Option<String>,
}

/// A microphone, camera or loudspeaker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Device {
    /// `audioinput`, `videoinput` or `audiooutput`.
    pub kind: String,
    /// The browser's label.
    pub label: String,
}

/// Where a session was, by its address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// `geo_ip.city`.
    pub city: Option<String>,
    /// `geo_ip.region_code`.
    pub region: Option<String>,
    /// `geo_ip.country_code`, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Degrees north; with `longitude`, and not both zero.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

impl Place {
    /// City and country, as far as they are known.
    pub fn label(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.city, &self.country].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn text_at(value: &Value, path: &[&str]) -> Option<String> {
    let leaf = path.iter().try_fold(value, |value, key| value.get(key))?;
    leaf.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn number_at(value: &Value, key: &str) -> Option<f64> {
    let leaf = value.get(key)?;
    let number = leaf.as_f64().or_else(|| leaf.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

fn object(json: Option<&Json>) -> Option<Value> {
    json?.parse().filter(|value| value.as_object().is_some_and(|object| !object.is_empty()))
}

/// The platform; `None` where the column is null, empty or no object.
pub fn platform(session: &SessionRow) -> Option<Platform> {
    let value = object(session.platform.as_ref())?;
    let device: Vec<String> =
        ["vendor", "model", "type"].iter().filter_map(|key| text_at(&value, &["device", key])).collect();
    Some(Platform {
        browser: text_at(&value, &["browser", "name"]),
        browser_version: text_at(&value, &["browser", "version"]),
        os: text_at(&value, &["os", "name"]),
        os_version: text_at(&value, &["os", "version"]),
        device: (!device.is_empty()).then(|| device.join(" ")),
        cpu: text_at(&value, &["cpu", "architecture"]),
    })
}

/// The devices with a label, in the column's order. The column may hold a list or a single device.
pub fn devices(session: &SessionRow) -> Vec<Device> {
    let list = match session.devices.as_ref().and_then(Json::parse) {
        Some(Value::Array(list)) => list,
        Some(device @ Value::Object(_)) => vec![device],
        _ => Vec::new(),
    };
    let device =
        |value: &Value| Some(Device { kind: text_at(value, &["kind"])?, label: text_at(value, &["label"])? });
    list.iter().filter_map(device).collect()
}

/// The place; `None` where nothing of it is known.
pub fn place(session: &SessionRow) -> Option<Place> {
    let value = object(session.geo_ip.as_ref())?;
    let coordinates = number_at(&value, "latitude").zip(number_at(&value, "longitude"));
    let coordinates = coordinates.filter(|(latitude, longitude)| *latitude != 0.0 || *longitude != 0.0);
    let place = Place {
        city: text_at(&value, &["city"]),
        region: text_at(&value, &["region_code"]),
        country: text_at(&value, &["country_code"]),
        latitude: coordinates.map(|(latitude, _)| latitude),
        longitude: coordinates.map(|(_, longitude)| longitude),
    };
    (place != Place::default()).then_some(place)
}

/// The metadata that the app gave, as text pairs in key order.
pub fn metadata(session: &SessionRow) -> Vec<(String, String)> {
    let Some(Value::Object(pairs)) = session.metadata.as_ref().and_then(Json::parse) else {
        return Vec::new();
    };
    pairs
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => (key, text),
            other => (key, other.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(devices: &str, platform: &str, geo: &str) -> SessionRow {
        let json = |text: &str| Some(Json(text.to_owned()));
        SessionRow {
            devices: json(devices),
            platform: json(platform),
            geo_ip: json(geo),
            ..SessionRow::default()
        }
    }

    #[test]
    fn devices_may_be_a_list_an_object_or_nothing() {
        let one = r#"{"kind":"audioinput","label":"Mic"}"#;
        assert_eq!(devices(&session(one, "null", "null")).len(), 1);
        assert_eq!(devices(&session(&format!("[{one},{{\"kind\":\"x\"}},3]"), "null", "null")).len(), 1);
        assert_eq!(devices(&SessionRow::default()), []);
    }

    #[test]
    fn an_empty_platform_is_none_and_one_without_browser_is_not() {
        assert_eq!(platform(&session("[]", "{}", "null")), None);
        assert_eq!(platform(&session("[]", r#"{"os":{"name":"Linux"}}"#, "null")).unwrap().browser, None);
    }

    #[test]
    fn coordinates_may_be_text_and_zero_zero_is_nowhere() {
        let place = |geo: &str| place(&session("[]", "{}", geo));
        let text =
            place(r#"{"city":"Cluj","country_code":"RO","latitude":"46.77","longitude":"23.6"}"#).unwrap();
        assert_eq!((text.latitude, text.label().as_deref()), (Some(46.77), Some("Cluj, RO")));
        assert_eq!(place(r#"{"city":"Null Island","latitude":0,"longitude":0}"#).unwrap().latitude, None);
        assert_eq!(place(r#"{"city":null,"latitude":""}"#), None);
    }
}
