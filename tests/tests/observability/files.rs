//! What is in infra/observability.

use std::path::PathBuf;

use serde_json::Value;

pub fn folder() -> PathBuf {
    let manifest = dev::options::manifest().unwrap_or_else(|error| panic!("{error}"));
    dev::options::folder_of(&manifest).join("infra/observability")
}

pub fn text(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn yaml(name: &str) -> Value {
    // A key that is given twice is an error.
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The dashboards, by the name of their file.
pub fn dashboards() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder().join("dashboards")).expect("the dashboards") {
        let name = entry.expect("a file").file_name().into_string().expect("UTF-8");
        let json = serde_json::from_str(&text(&format!("dashboards/{name}")));
        all.push((name.clone(), json.unwrap_or_else(|error| panic!("{name}: {error}"))));
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// The members of a list, which may not be there.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The rules of a file, whatever their group.
pub fn rules(name: &str) -> Vec<Value> {
    let groups = yaml(name)["groups"].clone();
    list(&groups).iter().flat_map(|group| list(&group["rules"]).to_vec()).collect()
}
