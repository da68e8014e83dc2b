//! Estimated score of received video, 1 to 5: a public logarithmic fit (the rtcscore library) of bits per pixel and frame,
//! with little data behind it. From bit rate, `frameWidth`, `frameHeight`, decoded frames per second of inbound-rtp, buffer
//! delay and round trip time, all of one interval. `None`: rate, size or bit rate are not reported, or no frame was expected.
//! The share of freezes belongs beside it; it agrees better with complaints.

/// Quality per bit: VP9 against the others.
const VP9_FACTOR: f64 = 1.2;

/// What happened to one video stream between two polls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct VideoInterval {
    /// Bit/s.
    pub bitrate_bps: Option<f64>,
    /// Pixels; the sender's where known, else the stream's own usual width.
    pub expected_width: Option<u32>,
    /// Pixels; likewise.
    pub expected_height: Option<u32>,
    /// Frames per second that came.
    pub frames_per_s: Option<f64>,
    /// Frames per second; the sender's, else the stream's own usual; what came counts as expected where unknown. 0 where
    /// the sender is paused.
    pub expected_frames_per_s: Option<f64>,
    /// Whether the codec is VP9.
    pub vp9: bool,
    /// Mean delay in the jitter buffer, seconds; counts as 0 where unknown.
    pub jitter_buffer_s: Option<f64>,
    /// Round trip time, seconds; counts as 0 where unknown.
    pub rtt_s: Option<f64>,
}

/// The score: 1 to 5; 1 where frames were expected and none came.
pub fn video_score(interval: &VideoInterval) -> Option<f64> {
    let frames_per_s = interval.frames_per_s.filter(|rate| rate.is_finite() && *rate >= 0.0)?;
    let expected_per_s = interval.expected_frames_per_s.unwrap_or(frames_per_s);
    if frames_per_s == 0.0 {
        // Whether frames were due has to be known: no frame of a paused sender is no fault.
        return (interval.expected_frames_per_s? > 0.0).then_some(1.0);
    }
    let pixels = f64::from(interval.expected_width?) * f64::from(interval.expected_height?);
    let bitrate_bps = interval.bitrate_bps.filter(|rate| *rate >= 0.0)?;
    if pixels == 0.0 || expected_per_s <= 0.0 {
        return None;
    }
    let factor = if interval.vp9 { VP9_FACTOR } else { 1.0 };
    let bits_per_pixel = factor * bitrate_bps / (pixels * frames_per_s);
    let base = (0.56 * bits_per_pixel.ln() + 5.36).clamp(1.0, 5.0);
    let delay_ms =
        interval.jitter_buffer_s.unwrap_or(0.0) * 1000.0 + interval.rtt_s.unwrap_or(0.0) * 1000.0 / 2.0;
    let score = base - 1.9 * (expected_per_s / frames_per_s).ln() - 0.002 * delay_ms;
    score.is_finite().then(|| score.clamp(1.0, 5.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: VideoInterval = VideoInterval {
        bitrate_bps: Some(1_382_400.0),
        expected_width: Some(1280),
        expected_height: Some(720),
        frames_per_s: Some(30.0),
        expected_frames_per_s: Some(30.0),
        vp9: false,
        jitter_buffer_s: Some(0.05),
        rtt_s: Some(0.1),
    };

    fn assert_score(interval: &VideoInterval, expected: f64) {
        let score = video_score(interval).unwrap();
        assert!((score - expected).abs() < 0.0005, "{score} instead of {expected}: {interval:?}");
    }

    #[test]
    fn the_fit_is_that_of_its_source() {
        // 0.05 bit per pixel and frame: 0.56 ln 0.05 + 5.36 = 3.6824; 100 ms of delay cost 0.2.
        assert_score(&USUAL, 3.4824);
        // 0.56 ln 1.2 more.
        assert_score(&VideoInterval { vp9: true, ..USUAL }, 3.5845);
        // Half the frames: twice the bits for each, 0.56 ln 2, less 1.9 ln 2.
        assert_score(&VideoInterval { frames_per_s: Some(15.0), ..USUAL }, 2.5536);
        assert_score(&VideoInterval { expected_frames_per_s: None, ..USUAL }, 3.4824);
    }

    #[test]
    fn the_score_stays_between_one_and_five() {
        assert_score(
            &VideoInterval { bitrate_bps: Some(1e9), jitter_buffer_s: None, rtt_s: None, ..USUAL },
            5.0,
        );
        assert_score(&VideoInterval { bitrate_bps: Some(0.0), ..USUAL }, 1.0);
        assert_score(&VideoInterval { frames_per_s: Some(0.0), bitrate_bps: None, ..USUAL }, 1.0);
    }

    #[test]
    fn what_is_not_known_or_not_due_has_no_score() {
        assert_eq!(video_score(&VideoInterval { expected_width: None, ..USUAL }), None);
        assert_eq!(video_score(&VideoInterval { bitrate_bps: None, ..USUAL }), None);
        assert_eq!(video_score(&VideoInterval { frames_per_s: Some(f64::NAN), ..USUAL }), None);
        let paused = VideoInterval { frames_per_s: Some(0.0), expected_frames_per_s: Some(0.0), ..USUAL };
        assert_eq!(video_score(&paused), None);
        assert_eq!(video_score(&VideoInterval { expected_frames_per_s: None, ..paused }), None);
    }
}
