//! The door of the module that a browser's worker loads: begin once, then ask. What goes through is the JSON of `message`.
//!
//! A panic ends the module for good; whoever loaded it loads it anew.

use std::path::Path;
use std::rc::Rc;

use js_sys::Function;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;

use super::desk::Desk;
use super::fault::{Fault, Obstacle};
use super::message::{Answer, Command, Event};
use crate::store::place;

/// The part of the private files that is the tablet's.
const TABLET: &str = "1";

/// The engine of this worker.
#[wasm_bindgen]
pub struct Engine(Rc<Desk>);

#[wasm_bindgen]
impl Engine {
    /// Borrows the browser's private files and looks at what is there.
    ///
    /// # Errors
    /// The JSON of a fault: the browser lends none.
    pub async fn begin() -> Result<Engine, JsValue> {
        match place::borrow_files().await {
            Ok(()) => Ok(Self(Rc::new(Desk::new(Path::new(TABLET))))),
            Err(error) => {
                let fault = Fault::of(Obstacle::NoStorage, error);
                Err(json(&Answer::Failed { fault }).into())
            }
        }
    }

    /// Does a command, and gives the answer; `tell` is called with every event meanwhile. All of it is JSON.
    ///
    /// # Errors
    /// What is wrong with the command's shape.
    pub async fn ask(&self, command: String, tell: Function) -> Result<String, JsValue> {
        let command: Command = serde_json::from_str(&command).map_err(|error| error.to_string())?;
        let desk = Rc::clone(&self.0);
        let tell = SendWrapper::new(tell);
        let heard = move |event: Event| {
            // Whoever does not hear it asks again.
            let _ = tell.call1(&JsValue::NULL, &json(&event).into());
        };
        Ok(json(&desk.answer(command, &heard).await))
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a message is plain data")
}
