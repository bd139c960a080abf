//! What a component has to be: of one of the worlds in `wit/world.wit`.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use wit_component::WitPrinter;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{PackageId, Resolve, WorldId, WorldKey};

use crate::repository;

/// `wit/` with everything in its `deps/`.
pub struct Worlds {
    pub resolve: Resolve,
    package: PackageId,
}

/// A component and the world that it is of.
pub struct Component {
    bytes: Vec<u8>,
    resolve: Resolve,
    world: WorldId,
}

impl Worlds {
    pub fn read() -> Result<Self> {
        let mut resolve = Resolve::new();
        let (package, _) = resolve.push_dir(repository("wit")).context("wit/ does not resolve")?;
        Ok(Self { resolve, package })
    }

    /// The interfaces that a world imports.
    pub fn imports(&self, world: &str) -> Result<Vec<String>> {
        let world = self.world(world)?;
        Ok(names(&self.resolve, self.resolve.worlds[world].imports.keys()))
    }

    fn world(&self, name: &str) -> Result<WorldId> {
        self.resolve.select_world(&[self.package], Some(name))
    }

    /// Checks that a component exports exactly what the world exports and imports nothing that the world does not import, with
    /// the very same types. What the standard library imports of WASI 0.2 is the compiler's, and checked by name only.
    pub fn check(&self, world: &str, component: &Component) -> Result<()> {
        let wanted = names(&self.resolve, self.resolve.worlds[self.world(world)?].exports.keys());
        let exports = names(&component.resolve, component.resolve.worlds[component.world].exports.keys());
        ensure!(exports == wanted, "exports {exports:?}, not {wanted:?}");
        let imports = self.imports(world)?;
        for name in component.imports() {
            ensure!(is_of_std(&name) || imports.contains(&name), "imports {name}, which {world} does not have");
        }
        self.check_types(world, component)
    }

    /// Makes a world of ours and of what the standard library imports, and has the component instantiated as one of it.
    fn check_types(&self, world: &str, component: &Component) -> Result<()> {
        let mut all = self.resolve.clone();
        for package in component.resolve.topological_packages() {
            let name = &component.resolve.packages[package].name;
            if name.namespace == "wasi" && name.version.as_ref().is_some_and(|version| version.minor == 2) {
                let mut printer = WitPrinter::default();
                printer.print(&component.resolve, package, &[])?;
                all.push_source(&format!("{name}.wit"), &printer.output.to_string())?;
            }
        }
        let of_std = component.imports().into_iter().filter(|name| is_of_std(name));
        let of_std: String = of_std.map(|name| format!("import {name}; ")).collect();
        let ours = self.resolve.id_of_name(self.package, world);
        let text = format!("package contract:target; world target {{ include {ours}; {of_std} }}");
        let package = all.push_source("target.wit", &text)?;
        let target = all.select_world(&[package], Some("target"))?;
        wit_component::targets(&all, target, &component.bytes)
    }
}

impl Component {
    pub fn read(source: &str) -> Result<Self> {
        let bytes =
            fs::read(repository(source)).with_context(|| format!("{source} is not built: `make components`"))?;
        match decode(&bytes).with_context(|| format!("{source} is no component"))? {
            DecodedWasm::Component(resolve, world) => Ok(Self { bytes, resolve, world }),
            DecodedWasm::WitPackage(..) => bail!("{source} is a WIT package"),
        }
    }

    pub fn imports(&self) -> Vec<String> {
        names(&self.resolve, self.resolve.worlds[self.world].imports.keys())
    }
}

fn names<'a>(resolve: &Resolve, keys: impl Iterator<Item = &'a WorldKey>) -> Vec<String> {
    keys.map(|key| resolve.name_world_key(key)).collect()
}

/// What Rust's standard library needs on wasm32-wasip2: these and no others, at any 0.2.
fn is_of_std(interface: &str) -> bool {
    const OF_STD: [&str; 5] =
        ["wasi:cli/", "wasi:clocks/", "wasi:io/", "wasi:random/insecure-seed", "wasi:filesystem/"];
    let Some((name, version)) = interface.split_once('@') else { return false };
    version.starts_with("0.2.") && OF_STD.iter().any(|of| name.starts_with(of))
}
