//! `sojourn-web-module ENGINE.wasm FOLDER`: writes into the folder what a browser's worker loads, `engine.js` with its types and
//! `engine_bg.wasm`. A program of ours rather than one that is installed, so that the lock file keeps it at the version of the library
//! that the engine is compiled with: the two must be the same.

use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let mut given = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(engine), Some(folder), None) = (given.next(), given.next(), given.next()) else {
        eprintln!("usage: sojourn-web-module ENGINE.wasm FOLDER");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&engine)
        .out_name("engine")
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    let made = bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(&folder));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sojourn-web-module: {error:#}");
            ExitCode::FAILURE
        }
    }
}
