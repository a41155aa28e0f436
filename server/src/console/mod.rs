//! What people do in the console: each deed is for those whose work it is, in the areas they answer for, and is told in the audit
//! trail before its answer is shown. Names stand beside ids, so that a page needs one request.
//!
//! Knows nothing of HTTP and nothing of how a question is settled: `review` does.

pub mod handovers;
pub mod households;
pub mod questions;
pub mod trail;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use sojourn_sync_protocol::record::{DecisionView, Shown};
use sojourn_sync_protocol::{AreaCode, DocKind, StaffId, Timestamp};

use crate::accounts::AccountName;
use crate::accounts::sessions::SignedIn;
use crate::areas;
use crate::staff::{self, Role};
use crate::store::{Store, StoreError, Tx};

/// Who is signed in, for the page's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Their id.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// Their name.
    pub name: String,
    /// What they do.
    pub role: Role,
    /// The name they signed in with.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// The areas they answer for, and all below.
    pub areas: Vec<NamedArea>,
    /// Whether they settle questions and read households.
    pub settles: bool,
    /// Whether they read the audit trail.
    pub reads_trail: bool,
    /// Whether they may read health documents.
    pub health: bool,
    /// When the session ends if it is not used, in milliseconds.
    #[schema(value_type = i64)]
    pub ends_at: Timestamp,
}

/// An area with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NamedArea {
    /// Its code.
    #[schema(value_type = String)]
    pub code: AreaCode,
    /// Its name.
    pub name: String,
}

/// Tells somebody who they are here.
///
/// # Errors
/// [`StoreError`].
pub async fn me(store: &Store, who: &SignedIn) -> Result<Me, StoreError> {
    let codes = who.areas.clone();
    let areas = store
        .read("areas of an account", move |tx| {
            let named = |code| {
                Ok::<_, StoreError>(NamedArea {
                    name: area_name(tx, &code)?,
                    code,
                })
            };
            codes.into_iter().map(named).collect::<Result<_, _>>()
        })
        .await?;
    let role = who.staff.role;
    Ok(Me {
        staff: who.staff.id,
        name: who.staff.name.clone(),
        role,
        account: who.account.clone(),
        areas,
        settles: role.settles(),
        reads_trail: role.reads_trail(),
        health: role.kinds().contains(&DocKind::Health),
        ends_at: who.ends_at,
    })
}

/// The names of the people and areas that an answer speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Names {
    /// People, by id.
    #[schema(value_type = BTreeMap<String, String>)]
    pub staff: BTreeMap<StaffId, String>,
    /// Areas, by code.
    #[schema(value_type = BTreeMap<String, String>)]
    pub areas: BTreeMap<AreaCode, String>,
}

impl Names {
    fn add_staff(
        &mut self,
        tx: &Tx<'_>,
        all: impl IntoIterator<Item = StaffId>,
    ) -> Result<(), StoreError> {
        for id in all {
            if !self.staff.contains_key(&id)
                && let Some(found) = staff::get(tx, id)?
            {
                self.staff.insert(id, found.name);
            }
        }
        Ok(())
    }

    /// Those who agreed with a decision.
    fn add_seconders<'d>(
        &mut self,
        tx: &Tx<'_>,
        decisions: impl IntoIterator<Item = &'d DecisionView>,
    ) -> Result<(), StoreError> {
        let agreed = decisions
            .into_iter()
            .filter_map(|one| one.seconded.as_ref());
        let ids = agreed
            .flat_map(Shown::values)
            .filter_map(|id| id.parse().ok());
        self.add_staff(tx, ids)
    }

    fn add_areas(
        &mut self,
        tx: &Tx<'_>,
        all: impl IntoIterator<Item = AreaCode>,
    ) -> Result<(), StoreError> {
        for code in all {
            if let Entry::Vacant(unnamed) = self.areas.entry(code) {
                let name = area_name(tx, unnamed.key())?;
                unnamed.insert(name);
            }
        }
        Ok(())
    }
}

/// The name of an area; its code where the tree has none.
fn area_name(tx: &Tx<'_>, code: &AreaCode) -> Result<String, StoreError> {
    Ok(areas::get(tx, code)?.map_or_else(|| code.to_string(), |area| area.name))
}
