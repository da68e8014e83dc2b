//! What people call with: browsers and systems in roughly the shares of the real world, with versions that move on as
//! the weeks go by.

use super::json::{Object, array};
use super::random::Dice;
use crate::units::Timestamp;

/// How a browser's getStats reports reach the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Today's Chromium: own outbound reports in events of their tracks, inbound ones inline.
    Mixed,
    /// Firefox and Safari: all inline.
    Inline,
    /// Chromium of old: every report in an event of its track, old report ids, `ip` for `address`.
    PerTrack,
}

/// A kind of browser on a kind of system.
pub(super) struct Platform {
    weight: f64,
    ua: &'static str,
    browser: &'static str,
    engine: &'static str,
    /// The browser's version is the newest Chromium's less this, but for those with a fixed version.
    version: Version,
    os: &'static str,
    os_version: &'static str,
    /// Vendor, model, type.
    device: Option<(&'static str, Option<&'static str>, &'static str)>,
    cpu: Option<&'static str>,
    pub(super) shape: Shape,
    /// Chance that the device is too slow for its camera.
    pub(super) weak: f64,
}

#[derive(Clone, Copy)]
enum Version {
    Rolling(i64),
    Fixed(&'static str),
}

impl Platform {
    pub(super) fn is_phone(&self) -> bool {
        self.device.is_some_and(|device| device.2 == "mobile")
    }
}

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";

macro_rules! platforms {
    ($($weight:literal $browser:literal $engine:literal $version:expr, $os:literal $os_version:literal,
        $device:expr, $cpu:expr, $shape:ident $weak:literal, $ua:literal;)*) => {
        &[$(Platform {
            weight: $weight, ua: $ua, browser: $browser, engine: $engine, version: $version, os: $os,
            os_version: $os_version, device: $device, cpu: $cpu, shape: Shape::$shape, weak: $weak,
        }),*]
    };
}

/// `{w}` and `{m}` stand for Windows and macOS, `{v}` for the version, `{r}` for its major number.
#[rustfmt::skip]
pub(super) const PLATFORMS: &[Platform] = platforms! {
    34.0 "Chrome" "Blink" Version::Rolling(0), "Windows" "10", None, Some("amd64"), Mixed 0.06,
        "{w} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36";
    13.0 "Chrome" "Blink" Version::Rolling(0), "Mac OS" "10.15.7", Some(("Apple", Some("Macintosh"), "")), None, Mixed 0.01,
        "{m} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36";
    11.0 "Edge" "Blink" Version::Rolling(0), "Windows" "10", None, Some("amd64"), Mixed 0.06,
        "{w} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36 Edg/{v}";
    10.0 "Chrome" "Blink" Version::Rolling(0), "Android" "10", Some(("", Some("K"), "mobile")), None, Mixed 0.15,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Mobile Safari/537.36";
    9.0 "Mobile Safari" "WebKit" Version::Fixed("18.6"), "iOS" "18.6", Some(("Apple", Some("iPhone"), "mobile")), None, Inline 0.04,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v} Mobile/15E148 Safari/604.1";
    7.0 "Safari" "WebKit" Version::Fixed("18.5"), "Mac OS" "10.15.7", Some(("Apple", Some("Macintosh"), "")), None, Inline 0.01,
        "{m} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v} Safari/605.1.15";
    6.0 "Firefox" "Gecko" Version::Rolling(3), "Windows" "10", None, Some("amd64"), Inline 0.05,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{r}.0) Gecko/20100101 Firefox/{r}.0";
    2.5 "Firefox" "Gecko" Version::Rolling(3), "Ubuntu" "", None, Some("amd64"), Inline 0.03,
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{r}.0) Gecko/20100101 Firefox/{r}.0";
    2.0 "Chrome" "Blink" Version::Rolling(0), "Linux" "x86_64", None, Some("amd64"), Mixed 0.03,
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36";
    2.0 "Samsung Browser" "Blink" Version::Fixed("28.0"), "Android" "13", Some(("Samsung", Some("SM-A536B"), "mobile")), None, Mixed 0.20,
        "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{v} Chrome/130.0.0.0 Mobile Safari/537.36";
    1.0 "Opera" "Blink" Version::Fixed("120.0.0.0"), "Windows" "10", None, Some("amd64"), Mixed 0.05,
        "{w} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/135.0.0.0 Safari/537.36 OPR/{v}";
    1.5 "Chrome" "Blink" Version::Fixed("78.0.3904.108"), "Windows" "7", None, Some("amd64"), PerTrack 0.40,
        "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36";
    1.0 "Chrome" "Blink" Version::Fixed("87.0.4280.66"), "Chromium OS" "13505.63.0", None, Some("amd64"), PerTrack 0.30,
        "Mozilla/5.0 (X11; CrOS x86_64 13505.63.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36";
};

pub(super) fn draw(dice: &mut Dice) -> usize {
    dice.weighted(PLATFORMS.iter().map(|platform| platform.weight))
}

/// Chromium has a new major version every four weeks.
const RELEASE_SECONDS: f64 = 28.0 * 86_400.0;
/// Chromium 156 was new on 2026-11-10.
const REFERENCE: (i64, Timestamp) = (156, Timestamp::from_micros(1_794_268_800_000_000));

/// The session's `platform`; `lag` is how many versions the person is behind.
pub(super) fn describe(at: usize, when: Timestamp, lag: i64) -> String {
    let platform = &PLATFORMS[at];
    let version = match platform.version {
        Version::Fixed(version) => version.to_owned(),
        Version::Rolling(behind) => {
            let newest = REFERENCE.0 + (when.seconds_since(REFERENCE.1) / RELEASE_SECONDS).floor() as i64;
            let tail = if platform.engine == "Gecko" { "0" } else { "0.0.0" };
            format!("{}.{tail}", (newest - behind - lag).max(100))
        }
    };
    let major = version.split('.').next().unwrap_or_default();
    let ua = platform
        .ua
        .replace("{w}", WINDOWS)
        .replace("{m}", MAC)
        .replace("{v}", &version)
        .replace("{r}", major);
    let engine_version = match platform.engine {
        "WebKit" => "605.1.15",
        _ => &version,
    };
    let device = platform.device.map_or(Object::new(), |(vendor, model, kind)| {
        Object::new()
            .with(!vendor.is_empty(), |object| object.text("vendor", vendor))
            .maybe("model", model)
            .with(!kind.is_empty(), |object| object.text("type", kind))
    });
    let cpu = platform.cpu.map_or(Object::new(), |name| Object::new().text("architecture", name));
    Object::new()
        .text("ua", &ua)
        .raw(
            "browser",
            &Object::new()
                .text("name", platform.browser)
                .text("version", &version)
                .text("major", major)
                .end(),
        )
        .raw("engine", &Object::new().text("name", platform.engine).text("version", engine_version).end())
        .raw(
            "os",
            &Object::new()
                .text("name", platform.os)
                .with(!platform.os_version.is_empty(), |object| object.text("version", platform.os_version))
                .end(),
        )
        .raw("device", &device.end())
        .raw("cpu", &cpu.end())
        .end()
}

/// Labels of a microphone and a camera, as such a system names them.
pub(super) fn device_labels(at: usize, dice: &mut Dice) -> (&'static str, &'static str) {
    match (PLATFORMS[at].os, PLATFORMS[at].is_phone()) {
        ("iOS", _) => ("iPhone Microphone", "Front Camera"),
        (_, true) => ("Speakerphone", "camera2 1, facing front"),
        ("Mac OS", _) => *dice.pick(&[
            ("MacBook Pro Microphone (Built-in)", "FaceTime HD Camera (Built-in)"),
            ("AirPods Pro", "FaceTime HD Camera (Built-in)"),
            ("Default - External Microphone", "Studio Display Camera (05ac:1114)"),
        ]),
        _ => *dice.pick(&[
            ("Microphone Array (Realtek(R) Audio)", "Integrated Webcam (0bda:565c)"),
            ("Headset (Jabra Evolve2 65)", "Logitech BRIO (046d:085e)"),
            ("Mikrofon (USB Audio Device)", "HD Pro Webcam C920 (046d:08e5)"),
            ("Default - Headset \"Ömer's Buds\"", "OBS Virtual Camera"),
        ]),
    }
}

/// The session's `devices`: the default and the real microphone, a loudspeaker, a camera.
pub(super) fn devices(dice: &mut Dice, (microphone, camera): (&str, &str)) -> String {
    let mut device = |kind: &str, label: &str, id: Option<&str>| {
        let id = id.map_or_else(|| dice.hex(64), str::to_owned);
        Object::new()
            .text("kind", kind)
            .text("label", label)
            .text("groupId", &dice.hex(64))
            .text("deviceId", &id)
            .end()
    };
    array(&[
        device("audioinput", &format!("Default - {microphone}"), Some("default")),
        device("audioinput", microphone, None),
        device("audiooutput", "Speakers", None),
        device("videoinput", camera, None),
    ])
}

/// What the browser can be asked for; all browsers of the model say the same.
pub(super) const CONSTRAINTS: &str = concat!(
    r#"{"width":true,"height":true,"groupId":true,"latency":true,"deviceId":true,"frameRate":true,"facingMode":true,"#,
    r#""resizeMode":true,"sampleRate":true,"sampleSize":true,"aspectRatio":true,"channelCount":true,"#,
    r#""autoGainControl":true,"echoCancellation":true,"noiseSuppression":true}"#
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_move_on_with_time() {
        let at = |when: &str| {
            let text = describe(0, Timestamp::parse(when).unwrap(), 0);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            value["browser"]["major"].as_str().unwrap().parse::<i64>().unwrap()
        };
        assert_eq!((at("2026-11-12 00:00:00"), at("2026-12-10 00:00:00")), (156, 157));
    }
}
