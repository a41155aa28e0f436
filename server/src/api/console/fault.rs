//! Why nothing came of a request, as JSON: a code that pages have words for, and what they need beside it. Its `message` is for
//! whoever reads the log of a page.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sojourn_sync_protocol::record::HandOverState;
use sojourn_sync_protocol::refusal::Refusal;

use crate::accounts::sessions::NotIn;
use crate::api::frame::{self, RefusalName};
use crate::handover::answer::NotAnswered;
use crate::review::claims::Claim;
use crate::review::decide::Objection;
use crate::review::joining::ToSettle;
use crate::store::StoreError;

/// Why nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Fault {
    #[serde(skip)]
    status: u16,
    /// Which.
    code: &'static str,
    /// The same in words, in English.
    message: std::borrow::Cow<'static, str>,
    /// Who is at work on the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    /// How a hand-over stands that does not wait any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<HandOverState>,
    /// Fields that are to be settled first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    undecided: Vec<ToSettle>,
    /// How long to wait before asking again, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Fault {
    pub(super) const UNAUTHENTICATED: Fault = Fault::new(401, "unauthenticated", "sign in first");
    pub(super) const NOT_YOURS: Fault =
        Fault::new(403, "not-yours", "this is not part of your work");
    pub(super) const ELSEWHERE: Fault = Fault::new(
        403,
        "elsewhere",
        "a request that changes something must come from a page of this server",
    );
    pub(super) const UNKNOWN: Fault = Fault::new(404, "unknown", "there is no such thing here");
    pub(super) const WRONG: Fault = Fault::new(
        403,
        "wrong",
        "not a name and a password, or code, that belong together",
    );

    const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Fault {
            status,
            code,
            message: std::borrow::Cow::Borrowed(message),
            claim: None,
            state: None,
            undecided: Vec::new(),
            retry_after_ms: None,
        }
    }

    fn said(status: u16, code: &'static str, error: &impl ToString) -> Self {
        Fault {
            message: error.to_string().into(),
            ..Fault::new(status, code, "")
        }
    }

    pub(super) fn malformed(error: &impl ToString) -> Self {
        Fault::said(400, "malformed", error)
    }

    pub(super) fn busy(retry_after_ms: u64) -> Self {
        Fault {
            retry_after_ms: Some(retry_after_ms),
            ..Fault::new(503, "busy", "too much is asked at once; ask again soon")
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Fault {
            retry_after_ms: refusal.retry_after_ms(),
            ..Fault::said(refusal.status(), frame::name(&refusal), &refusal)
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<NotIn> for Fault {
    fn from(not_in: NotIn) -> Self {
        match not_in {
            NotIn::Wrong => Fault::WRONG,
            NotIn::WeakPassword => Fault::said(422, "weak-password", &not_in),
            NotIn::Wait { ms } => Fault {
                retry_after_ms: Some(ms),
                ..Fault::said(429, "wait", &not_in)
            },
            NotIn::Store(error) => error.into(),
        }
    }
}

impl From<Objection> for Fault {
    fn from(objection: Objection) -> Self {
        let said = |status, code| Fault::said(status, code, &objection);
        match &objection {
            Objection::Unknown => Fault::UNKNOWN,
            Objection::Stale => said(409, "stale"),
            Objection::Claimed(claim) => Fault {
                claim: Some(*claim),
                ..said(409, "claimed")
            },
            Objection::UndoneAlready => said(409, "undone-already"),
            Objection::Undecided(fields) => Fault {
                undecided: fields.clone(),
                ..said(409, "undecided")
            },
            Objection::GoesOn => said(409, "goes-on"),
            Objection::Reason => said(422, "reason"),
            Objection::NotAChoice => said(422, "not-a-choice"),
            Objection::UnknownArea(_) => said(422, "unknown-area"),
            Objection::Edit(_) => said(422, "edit"),
            Objection::Refused(_) => said(422, "refused"),
            Objection::Store(error) => error.clone().into(),
        }
    }
}

impl From<NotAnswered> for Fault {
    fn from(not_answered: NotAnswered) -> Self {
        let said = |status, code| Fault::said(status, code, &not_answered);
        match &not_answered {
            NotAnswered::Unknown => Fault::UNKNOWN,
            NotAnswered::NotYours => Fault::NOT_YOURS,
            NotAnswered::Answered(state) => Fault {
                state: Some(*state),
                ..said(409, "answered")
            },
            NotAnswered::Stale => said(409, "stale"),
            NotAnswered::Reason => said(422, "reason"),
            NotAnswered::Unconfirmed => said(422, "unconfirmed"),
            NotAnswered::NoFamily => said(422, "not-a-choice"),
            NotAnswered::Refused(_) => said(422, "refused"),
            NotAnswered::Store(error) => error.clone().into(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (code, retry) = (self.code, self.retry_after_ms);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(ms) = retry {
            headers.insert(header::RETRY_AFTER, ms.div_ceil(1000).into());
        }
        response.extensions_mut().insert(RefusalName(code));
        response
    }
}
