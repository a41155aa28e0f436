//! Bits that turn on a disk, and what is promised then.
//!
//! A tablet's file is sealed page by page. A turned bit is told, and the file is salvaged: nothing that waits to be handed
//! in is lost, and what is shown is what was shown or nothing. A log that ends early because of it is as an older copy of
//! the tablet.
//!
//! The server's file is not sealed. Either the server says that it is damaged (it does not start, or its check names
//! something), and is put back from a copy; or nothing that it serves is changed, as every later check of the world says. A
//! log that ends early is as an older copy of the server.

use sojourn_client_core::Error;
use sojourn_disk::Effect;
use sojourn_server::{check, office::Command};

use super::{folders::copy_folder, world::World};

impl World {
    pub(super) fn flip_tablet(&mut self, at: usize, log: bool, closed: bool) -> Result<(), String> {
        if !closed {
            // An edit whose commit failed may be there after all once the tablet starts again.
            self.crash_tablet(at, Effect::Kill)?;
        }
        if log {
            // The log was folded when the tablet was opened, and holds what is written now.
            self.register_household(at, 0);
        }
        let waiting = self.kept(at, false);
        let had = self.kept(at, true);
        let shown = self.held(at);
        let slot = &mut self.slots[at];
        let disk = std::sync::Arc::clone(&slot.hardware.disk);
        if closed {
            slot.open = None;
        } else {
            disk.take_down(Effect::Kill);
            slot.open = None;
            disk.bring_up().map_err(|error| error.to_string())?;
        }
        let file = if log { "tablet.db-wal" } else { "tablet.db" };
        let turned = disk.flip(file).map_err(|error| error.to_string())?;
        slot.damaged = turned;
        self.reopen(at)?;
        if !turned {
            return Ok(());
        }
        if closed {
            self.read_damaged(at, &shown)?;
            // Whatever it met, it is started again, and as it was not closed it looks at every page. What it told of when it was
            // opened first is lost still.
            let whole = self.slots[at].whole;
            self.crash_tablet(at, Effect::Kill)?;
            self.slots[at].whole &= whole;
        }
        self.slots[at].damaged = false;
        self.copied = true;
        if log {
            self.fired("bit turned in a tablet's log");
            self.disturbed = true;
            if self.slots[at].device().is_none() {
                // It ended before the tablet was enrolled, which a server refuses to a clock that is years off: whoever
                // enrols it sets the clock.
                self.slots[at].wrong_by_ms = 0;
                if !self.enrol(at) {
                    return Err(format!("tablet {at} cannot be enrolled again"));
                }
            }
            self.reckon(at, true, &had);
            return Ok(());
        }
        self.fired("bit turned on a tablet");
        let (_, logged) = self.log();
        let kept = self.kept(at, false);
        if let Some(lost) = waiting
            .iter()
            .find(|mark| !kept.contains(mark) && !logged.contains(mark))
        {
            return Err(format!(
                "a bit turned on tablet {at} and edit {lost} no longer waits"
            ));
        }
        for (id, after) in self.held(at) {
            let whole = self.slots[at].whole;
            if whole && shown.get(&id) != Some(&after) {
                return Err(format!(
                    "a bit turned on tablet {at} and it shows {after} of {id}"
                ));
            }
        }
        // Documents are kept once: what a server that was restored lost before went with the page.
        self.reckon(at, true, &had);
        Ok(())
    }

    /// A damaged tablet that was closed in order does not look at every page when it is opened. What it shows is right, or
    /// it says that it is damaged.
    fn read_damaged(
        &self,
        at: usize,
        shown: &std::collections::BTreeMap<String, serde_json::Value>,
    ) -> Result<(), String> {
        let mut wrong = None;
        let read = self.slots[at].tablet().export(|mut view| {
            view.mask_id_numbers();
            let id = view.id.to_string();
            let value = serde_json::to_value(&view).expect("plain JSON");
            if self.slots[at].whole && shown.get(&id) != Some(&value) {
                wrong = Some(id);
            }
            Ok::<_, Error>(())
        });
        match (wrong, read) {
            (Some(id), _) => Err(format!("damaged tablet {at} shows another household {id}")),
            (None, Ok(()) | Err(_)) => Ok(()),
        }
    }

    /// Whether the server knows its areas and its staff.
    fn is_set_up(&self) -> bool {
        self.slots.iter().all(|slot| {
            let areas = vec![self.village(0).parse().expect("a code of this world")];
            let staff = Some(slot.staff);
            self.office(Command::DeviceCode { staff, areas }).is_ok()
        })
    }

    pub(super) fn flip_server(&mut self, log: bool) -> Result<(), String> {
        self.network.connect(None);
        let disk = std::sync::Arc::clone(&self.server.disk);
        disk.take_down(Effect::Kill);
        self.state = None;
        disk.bring_up().map_err(|error| error.to_string())?;
        let copy = self.fresh_folder("backup");
        copy_folder(disk.folder(), &copy);
        let file = if log { "sojourn.db-wal" } else { "sojourn.db" };
        let turned = disk.flip(file).map_err(|error| error.to_string())?;
        let told = match self.start_server() {
            Err(_) => true,
            Ok(()) => {
                let state = self.state.as_ref().expect("it was just started");
                let report = self.runtime.block_on(check::check(&state.store));
                // Without its areas and its staff everybody sees that a register is not what it was.
                report.map_or(true, |report| !report.is_sound()) || !self.is_set_up()
            }
        };
        if !turned {
            return if told {
                Err("a server without damage says it has some".into())
            } else {
                Ok(())
            };
        }
        self.fired(if log {
            "bit turned in the server's log"
        } else {
            "bit turned on the server"
        });
        if told || !log {
            // A page of the server bears no seal: what lies on an unused one, or in a counter, is not told.
            self.fired(if told {
                "server's damage told"
            } else {
                "server's damage not told"
            });
            self.network.connect(None);
            self.state = None;
            let backup = self.server.backup.take();
            self.server = self.hardware_from("server", &copy);
            self.server.backup = backup;
            return self.start_server();
        }
        if log {
            self.server_went_back();
        }
        Ok(())
    }
}
