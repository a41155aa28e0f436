//! Has the program built again when the console's pages have been. Knows nothing of how they are made: `make web` does.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
}
