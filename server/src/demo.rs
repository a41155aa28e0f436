//! `sojourn demo`: a fresh register on a real tree of areas.

/// The tree of areas that the demo plays on: two prefectures of Shandong; see `data/SOURCES.md`.
pub const AREA_TREE: &str = include_str!("../data/areas-weifang.csv");
