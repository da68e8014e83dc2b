//! What an error says to whoever edits templates and settings: where it is, the lines around it, what to do.

use std::path::Path;

use crate::commands::theme::Theme;
use crate::config::ConfigError;
use crate::render::{Place, RenderError};
use crate::serve::{Line, Problem};

/// Lines before and after the one in question.
const AROUND: usize = 2;
/// For a page whose template asks for what it is not given.
const HINT: &str =
    "a template is given what the built-in one of the same name shows; what may be missing needs an `if`";

/// For settings that say nothing better.
const SETTINGS_HINT: &str =
    "the former settings are in force until these can be read; peerpress.example.toml has them all";

/// What is wrong.
pub(super) fn of(error: &anyhow::Error, templates: &Path, config_file: &Path) -> Problem {
    let text = format!("{error:#}");
    let (message, hint) = match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    };
    let problem = Problem { message, hint, ..Problem::default() };
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<RenderError>()
            && let Some(place) = error.place()
        {
            return in_template(problem, error, place, templates);
        }
        if let Some(error) = cause.downcast_ref::<ConfigError>() {
            return in_settings(problem, error, config_file);
        }
    }
    problem
}

fn in_template(problem: Problem, error: &RenderError, place: &Place, templates: &Path) -> Problem {
    let file = templates.join(&place.template);
    let own = std::fs::read_to_string(&file).ok();
    let name = match own {
        Some(_) => file.display().to_string(),
        None => format!("{} (built in)", place.template),
    };
    let text = own.or_else(|| Theme::built_in().templates.remove(&place.template)).unwrap_or_default();
    let message = match error {
        RenderError::Page { path, .. } => format!("{path}: {}", place.message),
        _ => place.message.clone(),
    };
    Problem {
        message,
        file: Some(name),
        line: Some(place.line),
        column: Some(place.column),
        lines: around(&text, place.line),
        hint: problem.hint.or_else(|| Some(HINT.to_owned())),
    }
}

fn in_settings(problem: Problem, error: &ConfigError, file: &Path) -> Problem {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = error.line(&text);
    let lines = line.map(|line| around(&text, line)).unwrap_or_default();
    let hint = problem.hint.or_else(|| Some(SETTINGS_HINT.to_owned()));
    let message = problem.message.trim_end().to_owned();
    Problem { message, file: Some(file.display().to_string()), line, column: None, lines, hint }
}

fn around(text: &str, line: usize) -> Vec<Line> {
    let numbered = text.lines().enumerate().map(|(at, text)| Line { number: at + 1, text: text.to_owned() });
    numbered.filter(|found| found.number.abs_diff(line) <= AROUND).collect()
}

/// The same for the terminal.
pub(super) fn text(problem: &Problem) -> String {
    let mut text = format!("error: {}", problem.message);
    if let Some(file) = &problem.file {
        text.push_str(&format!("\n --> {file}"));
        for number in [problem.line, problem.column].into_iter().flatten() {
            text.push_str(&format!(":{number}"));
        }
    }
    for Line { number, text: line } in &problem.lines {
        let mark = if Some(*number) == problem.line { '>' } else { ' ' };
        text.push_str(&format!("\n{mark}{number:>5} | {line}"));
    }
    if let Some(hint) = &problem.hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::render::Renderer;

    fn of_templates(change: impl FnOnce(&mut Theme)) -> anyhow::Error {
        let mut theme = Theme::built_in();
        change(&mut theme);
        Renderer::new(&theme.templates).err().unwrap().into()
    }

    #[test]
    fn a_broken_template_is_shown_with_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let text = "one\ntwo\nthree {{ page.x \nfour {% if %}\nfive\nsix\nseven";
        std::fs::create_dir(folder.path().join("pages")).unwrap();
        std::fs::write(folder.path().join("pages/app.html"), text).unwrap();
        let error = of_templates(|theme| {
            theme.templates.insert("pages/app.html".to_owned(), text.to_owned());
        });
        let problem = of(&error, folder.path(), Path::new("x.toml"));
        assert!(problem.file.as_ref().unwrap().ends_with("pages/app.html"), "{problem:?}");
        assert_eq!(problem.line, Some(4));
        let numbers: Vec<usize> = problem.lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6]);
        assert!(problem.hint.as_ref().unwrap().contains("overrides the built-in one"));
        let text = super::text(&problem);
        assert!(text.contains("pages/app.html:4:") && text.contains("\n>    4 | four {% if %}"), "{text}");
    }

    #[test]
    fn a_built_in_template_that_an_own_one_broke_is_named_so() {
        let error = of_templates(|theme| {
            theme.templates.insert("components/parts.html".to_owned(), "{{".to_owned());
        });
        let problem = of(&error, Path::new("nowhere"), Path::new("x.toml"));
        assert_eq!(problem.file.as_deref(), Some("components/parts.html (built in)"));
    }

    #[test]
    fn a_wrong_setting_is_shown_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("peerpress.toml");
        let cases = [
            ("[folders]\noutput = \"x\"\noutptu = \"y\"\n", 3, "did you mean folders.output?"),
            ("[serve]\nhost = \"127.0.0.1\"\nport = \"high\"\n", 3, "invalid type"),
            ("[report]\n# minutes\ncall_gap_minutes = 0.0", 3, "more than 0"),
            ("[report]\ntime_zone = \"Europe/Berln\"", 2, "Europe/Berlin"),
            ("[serve", 1, "TOML"),
        ];
        for (text, line, said) in cases {
            std::fs::write(&file, text).unwrap();
            let problem = of(&Config::load(Some(&file)).unwrap_err().into(), Path::new("x"), &file);
            assert_eq!((problem.line, problem.file.as_deref()), (Some(line), file.to_str()), "{text}");
            assert!(super::text(&problem).contains(said), "{problem:?}");
        }
    }

    #[test]
    fn other_errors_keep_their_hint() {
        let problem = of(&anyhow::anyhow!("no room\nhint: make some"), Path::new("x"), Path::new("y"));
        assert_eq!((problem.message.as_str(), problem.hint.as_deref()), ("no room", Some("make some")));
        assert_eq!(super::text(&problem), "error: no room\nhint: make some");
    }
}
