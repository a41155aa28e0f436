//! How far a session is: bars on a terminal, silence elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sojourn_client_core::sync::call::Tally;
use sojourn_client_core::sync::session::{Phase, Progress};

use crate::catalogue::Lang;

/// The bar of one session.
pub(crate) struct Bar {
    bar: ProgressBar,
    lang: Lang,
}

impl Bar {
    /// A bar on standard error, hidden when that is no terminal or the output is for a program.
    pub(crate) fn new(lang: Lang, hidden: bool) -> Self {
        let hidden = hidden || !std::io::stderr().is_terminal();
        let target = if hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if !hidden {
            bar.enable_steady_tick(std::time::Duration::from_millis(200));
        }
        Self { bar, lang }
    }

    /// Shows where the session is.
    pub(crate) fn show(&self, progress: &Progress, tally: &Tally) {
        let phase = match progress.phase {
            Phase::Renewing => self.lang.pick("renewing the token", "更新令牌"),
            Phase::Exchanging => self.lang.pick("exchanging", "交换数据"),
            Phase::Areas => self.lang.pick("fetching areas", "取回地区"),
            Phase::Verifying => self.lang.pick("comparing", "核对"),
            Phase::Waiting => self.lang.pick("waiting to try again", "等待重试"),
            Phase::Done => self.lang.pick("done", "完成"),
        };
        let kib = |bytes: u64| bytes.div_ceil(1024);
        let (up, down) = (kib(tally.body_bytes_up), kib(tally.body_bytes_down));
        self.bar
            .set_length(progress.to_push + progress.entries_total);
        self.bar.set_position(progress.pushed + progress.entries);
        self.bar
            .set_message(format!("{phase} ↑{up} KiB ↓{down} KiB"));
    }

    /// Takes the bar away.
    pub(crate) fn close(self) {
        self.bar.finish_and_clear();
    }
}
