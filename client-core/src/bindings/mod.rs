//! The engine as another language's program sees it: a command goes in as data, an answer comes out as data, and what happens
//! meanwhile is told. `message` has the shapes, `fault` what stood against a command, `desk` does what a command says, and
//! `browser` is the door of the compiled module. Knows no rule of its own: every command is one call of the engine.

#[cfg(target_family = "wasm")]
mod browser;
pub mod desk;
pub mod fault;
pub mod message;
