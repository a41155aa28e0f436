//! Every message, request and reply. Shapes only; `codec` frames them, the two sides give them meaning.

use serde::{Deserialize, Serialize};

use crate::{
    area::{Area, AreaCode},
    batch::Batch,
    digest::Digest,
    ids::{DeviceId, DocKind, DocumentId, HouseholdId, StaffId},
    limits::PAGE_BYTES_TARGET,
    time::Timestamp,
};

/// What a device may hold and write: areas with everything below them, and kinds of document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// Rises by one with each change of the grant. A batch names the version it was written under.
    pub version: u32,
    /// Roots; an area covers its whole subtree. The first is the area the staff member works for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub areas: Vec<AreaCode>,
    /// Kinds of document that may be held.
    pub kinds: Vec<DocKind>,
}

/// `POST /v1/enrol`, with a proof of possession by the new key and no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolRequest {
    /// The one-time code; case, spaces and hyphens do not matter.
    pub code: String,
    /// What people call this tablet, for the list of devices. At most 64 bytes.
    pub label: String,
    /// Schema of the household record that this tablet writes.
    pub schema: u32,
}

/// The device now exists; its key is the one that signed the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolReply {
    /// The new device.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub device: DeviceId,
    /// Whose tablet it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub staff: StaffId,
    /// Their name, for the screen.
    pub staff_name: String,
    /// What the device may hold.
    pub grant: Grant,
    /// The first access token.
    pub token: TokenReply,
}

/// `POST /v1/token`, with a proof of possession and no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenRequest {
    /// The device that asks.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub device: DeviceId,
}

/// An access token: an EdDSA JWT bound to the device's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenReply {
    /// The JWT, compact form.
    pub token: String,
    /// When it ceases to be valid, by the server's clock.
    pub expires_at: Timestamp,
    /// The server's clock as it answered.
    pub server_time: Timestamp,
}

/// `GET /v1/areas`: the whole tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AreasReply {
    /// Rises with every import.
    pub version: u64,
    /// Parents before children.
    pub areas: Vec<Area>,
}

/// How far a tablet has read one area's feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AreaCursor {
    /// The area.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub area: AreaCode,
    /// The server's word for it, handed back as given; 0 before the first. At the end of a reading it is
    /// the area's last sequence number.
    pub seq: u64,
}

/// `POST /v1/sync`: at most one batch, and where the tablet stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncRequest {
    /// Schema of the household record that this tablet writes.
    pub schema: u32,
    /// The grant version that the tablet knows.
    pub grant: u32,
    /// The version of the area tree that the tablet holds; 0 for none.
    pub areas_version: u64,
    /// Areas whose feed has been read at all; a granted area not named is read from the start.
    pub cursor: Vec<AreaCursor>,
    /// Bytes of documents and changes wanted in the page, before compression; as many as the server sends at most, when
    /// absent.
    #[serde(default = "whole_page", skip_serializing_if = "is_whole_page")]
    pub page_bytes: u32,
    /// Changes to hand in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Batch>,
    /// The watermark of the last reply that the tablet has committed; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
}

/// How far the register had come when it answered (24 bytes): the tablet's to keep and to hand back as given. A register that
/// never came by there was put back to a time before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = Binary))]
#[serde(transparent)]
pub struct Watermark(#[serde(with = "serde_bytes")] pub [u8; 24]);

/// The reply to a sync request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncReply {
    /// The server's clock as it answered.
    pub server_time: Timestamp,
    /// One fate for every pushed change, in the order pushed. Empty when nothing was pushed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fates: Vec<Fate>,
    /// What the tablet lacks, from the oldest feed entries on; their order in the page says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// Where the tablet stands once it has committed `entries`; only areas that moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cursor: Vec<AreaCursor>,
    /// Feed entries still to come after this page. 0 on the last page.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub remaining: u64,
    /// On the last page: the digest of every granted area that has a feed, at the cursor reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<AreaDigest>,
    /// The grant, when the tablet named another version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// The current version of the area tree, when it is another than the tablet's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub areas_version: Option<u64>,
    /// The server never came by the tablet's watermark: some of what it acknowledged may be gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// The server's watermark, when it is another than the tablet's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
}

const WHOLE_PAGE: u32 = PAGE_BYTES_TARGET as u32;

const fn whole_page() -> u32 {
    WHOLE_PAGE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_whole_page(bytes: &u32) -> bool {
    *bytes == WHOLE_PAGE
}

// Where a pointer has 32 bits, the number is no smaller, and there is nothing to expect.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What one area holds, over the kinds of document that the device may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AreaDigest {
    /// The area.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub area: AreaCode,
    /// Count and sum of its documents.
    pub digest: Digest,
}

/// What became of one pushed change. Durable: the same batch sent again gets the same fates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "fate")]
pub enum Fate {
    /// Recorded and merged.
    Accepted {
        /// The household had already left the author's area; a reviewer is told.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
    },
    /// The server had it already.
    Duplicate,
    /// It builds on a change the server has not seen. Write the edit again on the server's copy.
    MissingDeps,
    /// Kept aside with its bytes, not merged; a reviewer can adopt it. What builds on it shares its fate.
    Quarantined {
        /// Why.
        reason: QuarantineReason,
    },
    /// The device's history went two ways (a restored backup or a copied tablet). Take a new actor
    /// and write the edit again.
    Fork,
    /// The document was redacted since; write the edit again on the document's present epoch.
    OldEpoch {
        /// The present epoch.
        epoch: u64,
    },
}

impl Fate {
    /// Whether the server now holds the change in the document.
    pub const fn is_merged(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Duplicate)
    }
}

/// Why a change was kept aside. Structure and authority only; never what the words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum QuarantineReason {
    /// Not an uncompressed Automerge change, or its checksum is wrong.
    Malformed,
    /// More bytes, operations, parents or nesting than allowed.
    TooLarge,
    /// Its actor belongs to another device.
    WrongActor,
    /// Its attribution is missing, or names other staff or an area outside the grant.
    WrongAuthor,
    /// The device was never responsible for this household, or may not hold this kind of document.
    NotAuthorised,
    /// It does not fit the household record: a list, a foreign map, a value of another type.
    Structure,
    /// Applying it, or loading the document again afterwards, failed on a scratch copy.
    Unsafe,
    /// It builds on a change that was kept aside.
    Descendant,
}

impl QuarantineReason {
    /// The name used on the wire and in stored rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::WrongActor => "wrong-actor",
            Self::WrongAuthor => "wrong-author",
            Self::NotAuthorised => "not-authorised",
            Self::Structure => "structure",
            Self::Unsafe => "unsafe",
            Self::Descendant => "descendant",
        }
    }
}

/// One thing a tablet lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A whole document that entered the area: replaces nothing, merges with what the tablet has.
    Document(WholeDocument),
    /// New changes of a document that the tablet already holds.
    Changes(NewChanges),
    /// A household whose responsibility passed elsewhere: purge it once nothing of it is pending.
    Leave(Leave),
}

/// A whole document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WholeDocument {
    /// Which document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub document: DocumentId,
    /// The area in whose feed it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub area: AreaCode,
    /// Its epoch.
    pub epoch: u64,
    /// An Automerge document saved without its own compression.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Binary))]
    pub saved: Vec<u8>,
}

/// Changes of a document already held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewChanges {
    /// Which document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub document: DocumentId,
    /// The area in whose feed it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub area: AreaCode,
    /// Its epoch.
    pub epoch: u64,
    /// Raw Automerge changes, parents before children.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub changes: Vec<serde_bytes::ByteBuf>,
}

/// A household left an area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leave {
    /// Which household.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub household: HouseholdId,
    /// The area it left.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub area: AreaCode,
    /// Where it lives now.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: AreaCode,
}

/// `POST /v1/verify`: narrows a digest that differs, and repairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyRequest {
    /// The area whose digest differs.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub area: AreaCode,
    /// What to narrow to.
    pub ask: VerifyAsk,
}

/// The three steps of narrowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VerifyAsk {
    /// Digests of the 256 buckets; see [`Digest::bucket`].
    Buckets,
    /// The documents of some buckets, each with its leaf.
    Documents(Vec<u8>),
    /// Whole documents.
    Fetch {
        /// Which; at most [`crate::limits::VERIFY_DOCUMENTS_MAX`].
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        documents: Vec<DocumentId>,
    },
}

/// The answer, with the place in the feed that it was read at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyReply {
    /// The area's last sequence number at that moment.
    pub seq: u64,
    /// What was asked for.
    pub answer: VerifyAnswer,
}

/// One answer for each [`VerifyAsk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VerifyAnswer {
    /// Buckets that hold any document.
    Buckets(Vec<BucketDigest>),
    /// Documents of the buckets asked for.
    Documents(Vec<DocumentLeaf>),
    /// Whole documents; one that the area does not hold is left out.
    Fetched(Vec<WholeDocument>),
}

/// The digest of one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BucketDigest {
    /// 0 to 255.
    pub bucket: u8,
    /// Count and sum of its documents.
    pub digest: Digest,
}

/// One document's part of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentLeaf {
    /// Which document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub document: DocumentId,
    /// Its leaf; see [`crate::digest::leaf`].
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Binary))]
    pub leaf: [u8; 32],
}

/// The data of one server-sent event on `GET /v1/live`, as JSON: areas of the grant whose feed moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveEvent {
    /// Areas to sync.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub areas: Vec<AreaCode>,
}
