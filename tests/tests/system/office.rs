//! A register with its areas and staff, and tablets enrolled in it.

use serde_json::Value;
use sojourn_tests::{
    generate::Village,
    processes::{Server, Tablet},
};
use std::{fs, path::Path};
use tempfile::TempDir;

/// Two counties with two villages each; codes say nothing of parents.
const TREE: &str = "code,parent,level,name\n\
    P,,province,某省\nN,P,county,北县\nS,P,county,南县\n\
    v1,N,village,东村村委会\nv2,N,village,西村村委会\nv3,S,village,河口村委会\nv4,S,village,山前村委会\n";

/// A running server in a folder of its own, with an area tree and one member of staff.
pub(crate) struct Office {
    /// Where everything of this test lies.
    pub(crate) folder: TempDir,
    /// The server.
    pub(crate) server: Server,
    staff: String,
}

impl Office {
    /// Sets one up and starts serving.
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tree = folder.path().join("areas.csv");
        fs::write(&tree, TREE).expect("the folder can be written");
        let mut server = Server::new(folder.path().join("server"));
        server
            .run([Path::new("areas"), Path::new("import"), &tree])
            .ok();
        let staff = server.run(["staff", "add", "值班员", "--json"]).json();
        let staff = staff["id"].as_str().expect("staff have an id").to_owned();
        server.start();
        Self {
            folder,
            server,
            staff,
        }
    }

    /// A one-time code for a tablet of this area.
    pub(crate) fn code(&self, area: &str) -> String {
        let code = self
            .server
            .run([
                "device",
                "code",
                "--area",
                area,
                "--staff",
                &self.staff,
                "--json",
            ])
            .json();
        code["code"].as_str().expect("a code is text").to_owned()
    }

    /// A tablet of this area, enrolled at `url`.
    pub(crate) fn tablet_at(&self, name: &str, area: &str, url: &str) -> Tablet {
        let tablet = Tablet::new(self.folder.path().join(name));
        tablet
            .run(["enrol", "--server", url, "--code", &self.code(area)])
            .ok();
        tablet
    }

    /// A tablet of this area.
    pub(crate) fn tablet(&self, name: &str, area: &str) -> Tablet {
        self.tablet_at(name, area, &self.server.url())
    }

    /// Imports lines of JSON on a tablet.
    pub(crate) fn import(&self, tablet: &Tablet, lines: &[Value]) {
        let file = self.folder.path().join("import.jsonl");
        fs::write(&file, sojourn_tests::files::text(lines)).expect("the folder can be written");
        tablet.run([Path::new("import"), &file]).ok();
    }

    /// Stops the server and has it check itself.
    pub(crate) fn close(mut self) {
        self.server.stop();
        self.server.run(["check"]).ok();
    }
}

/// The village of a code of the tree.
pub(crate) fn village(code: &str) -> Village {
    Village {
        code: code.parse().expect("a code"),
        name: format!("{code}村委会"),
    }
}

/// Syncs and gives what the tablet reports.
pub(crate) fn sync(tablet: &Tablet) -> Value {
    tablet.run(["sync", "--json"]).json()
}
