//! The documents: links lead somewhere, the book lists every page, and quoted figures are those
//! that were measured.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{root, run};
use tempfile::tempdir;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pages_of_the_book() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Every page, in the book and beside it.
fn pages() -> Vec<PathBuf> {
    let beside = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "UNSAFE.md", "benches/README.md", "plugin/rocks_gc/README.md"];
    let bindings = ["go", "java", "node", "python", "rust"].map(|language| format!("bindings/{language}/README.md"));
    let beside = beside.map(String::from).into_iter().chain(bindings).map(|page| root().join(page));
    pages_of_the_book().into_iter().chain(beside).collect()
}

fn without_code(text: &str) -> String {
    Regex::new(r"(?s)```.*?```|`[^`\n]*`").unwrap().replace_all(text, "code").into_owned()
}

/// The anchors of a page's headings, as mdBook and GitHub make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = Regex::new(r"(?s)```.*?```").unwrap().replace_all(text, "").into_owned();
    let headings = text.lines().filter_map(|line| line.strip_prefix('#')).map(|heading| heading.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut links = 0;
    let mut broken = Vec::new();
    for page in pages() {
        for found in link.captures_iter(&without_code(&read(&page))) {
            let target = &found[1];
            if target.starts_with("https://") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let leads = to.exists() && (anchor.is_empty() || anchors(&read(&to)).contains(anchor));
            if !leads {
                broken.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(links > 30, "{links} links were read");
}

#[test]
fn the_book_lists_every_page_once() {
    let summary = read(&root().join("docs/src/SUMMARY.md"));
    let listed: Vec<String> = Regex::new(r"\(([\w-]+\.md)\)").unwrap().captures_iter(&summary).map(|found| found[1].to_owned()).collect();
    let name = |page: &PathBuf| page.file_name().unwrap().to_string_lossy().into_owned();
    let pages: BTreeSet<String> = pages_of_the_book().iter().map(name).filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), pages);
    assert_eq!(listed.len(), pages.len(), "a page is listed twice: {listed:?}");
}

#[test]
fn the_readme_is_short() {
    let readme = read(&root().join("README.md"));
    assert!(readme.lines().count() <= 120, "{} lines", readme.lines().count());
    let long: Vec<&str> = readme.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// Instructions of a decision: the column "measured" of benches/README.md.
#[test]
fn quoted_costs_are_those_that_were_measured() {
    let benches = read(&root().join("benches/README.md"));
    let measured = |name: &str| {
        let row = benches.lines().find(|line| line.starts_with(&format!("| `{name}`"))).expect("benches/README.md has the row");
        row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap().trim().to_owned()
    };
    for page in ["README.md", "docs/src/costs.md"] {
        let text = read(&root().join(page));
        for name in ["same_row", "new_row", "far_row"] {
            let figure = measured(name);
            assert!(Regex::new(&format!(r"\b{figure}\b")).unwrap().is_match(&text), "{page} lacks {name}: {figure}");
        }
    }
}

#[test]
fn the_picture_is_what_its_script_draws() {
    let folder = tempdir().unwrap();
    let script = folder.path().join("row.py");
    fs::copy(root().join("docs/row.py"), &script).unwrap();
    run(Command::new("python3").arg(&script));
    assert_eq!(read(&root().join("docs/row.svg")), read(&folder.path().join("row.svg")), "run docs/row.py");
}
