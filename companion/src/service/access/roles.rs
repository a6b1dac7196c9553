//! Roles, and what each may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A till or scanner: models, catalogue, predictions, feedback, lessons and sales.
    Device,
    /// A phone that was given an upload link: adds photos and nothing else.
    Uploader,
    /// Whoever keeps products and photos.
    Operator,
    /// An operator who also trains, publishes and rolls back.
    Supervisor,
    /// Reads everything, with reports, traceability and the audit log.
    Quality,
    /// Everything, with keys, channels and settings.
    Admin,
}

/// Something that a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read channels, products, photos, jobs, versions, sales, series and metrics.
    Read,
    /// Fetch the catalogue and models.
    Fetch,
    /// Ask for predictions.
    Predict,
    /// Send lessons, sales and feedback.
    Report,
    /// Upload photos.
    Upload,
    /// Change products, and move, delete or dispute photos.
    Edit,
    /// Start and cancel jobs, publish, roll back, promote and withdraw.
    Train,
    /// Read reports and what stands behind an answer.
    Trace,
    /// Read the audit log.
    Audit,
    /// Keys, channels, settings, back-ups.
    Administer,
}

impl Role {
    /// All roles, in the order of the documentation.
    pub const ALL: [Role; 6] =
        [Role::Device, Role::Uploader, Role::Operator, Role::Supervisor, Role::Quality, Role::Admin];

    /// Whether the role may do it.
    pub fn may(self, permission: Permission) -> bool {
        use Permission::{Audit, Edit, Fetch, Predict, Read, Report, Trace, Train, Upload};
        match self {
            Role::Device => matches!(permission, Fetch | Predict | Report),
            Role::Uploader => matches!(permission, Upload),
            Role::Operator => matches!(permission, Read | Fetch | Predict | Upload | Edit),
            Role::Supervisor => matches!(permission, Read | Fetch | Predict | Report | Upload | Edit | Train),
            Role::Quality => matches!(permission, Read | Fetch | Trace | Audit),
            Role::Admin => true,
        }
    }

    /// The word by which it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Role::Device => "device",
            Role::Uploader => "uploader",
            Role::Operator => "operator",
            Role::Supervisor => "supervisor",
            Role::Quality => "quality",
            Role::Admin => "admin",
        }
    }

    /// The role of a word.
    pub fn of_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl Permission {
    /// The word by which refusals name it.
    pub fn word(self) -> &'static str {
        match self {
            Permission::Read => "read",
            Permission::Fetch => "fetch",
            Permission::Predict => "predict",
            Permission::Report => "report",
            Permission::Upload => "upload",
            Permission::Edit => "edit",
            Permission::Train => "train",
            Permission::Trace => "trace",
            Permission::Audit => "audit",
            Permission::Administer => "administer",
        }
    }
}
