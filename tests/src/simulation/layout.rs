//! Where a world is: its areas, its villages, and who carries its tablets.

use sojourn_server::staff::Role;

/// Where a tablet works.
#[derive(Debug, Clone)]
pub struct Post {
    /// What it is granted.
    pub areas: Vec<&'static str>,
    /// By whom it is carried.
    pub role: Role,
}

/// Areas and tablets.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The area tree as a file.
    pub tree: &'static str,
    /// The villages.
    pub villages: Vec<&'static str>,
    /// The tablets.
    pub posts: Vec<Post>,
}

impl Layout {
    /// Three villages, four tablets; two share a village.
    pub fn three_villages() -> Self {
        let post = |area| Post {
            areas: vec![area],
            role: Role::Worker,
        };
        Self {
            tree: "code,parent,level,name\nP,,county,县\nv1,P,village,甲\nv2,P,village,乙\nv3,P,village,丙\n",
            villages: vec!["v1", "v2", "v3"],
            posts: ["v1", "v1", "v2", "v3"].into_iter().map(post).collect(),
        }
    }

    /// Four villages in two counties, six tablets: two share a village, one has a county, one is a clerk's.
    pub fn two_counties() -> Self {
        let post = |areas: &[&'static str], role| Post {
            areas: areas.to_vec(),
            role,
        };
        Self {
            tree: "code,parent,level,name\nc1,,county,东\nc2,,county,西\nv1,c1,village,甲\nv2,c1,village,乙\nv3,c2,village,丙\nv4,c2,village,丁\n",
            villages: vec!["v1", "v2", "v3", "v4"],
            posts: vec![
                post(&["v1"], Role::Worker),
                post(&["v1"], Role::Worker),
                post(&["v2"], Role::Worker),
                post(&["v3", "v4"], Role::Worker),
                post(&["c1"], Role::Worker),
                post(&["v3"], Role::Clerk),
            ],
        }
    }
}
