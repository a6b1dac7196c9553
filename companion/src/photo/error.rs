//! Why a photo cannot be used.

/// Why a photo cannot be used. The texts go on after the photo's name and leave out its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    /// The system refused.
    #[error("cannot be read: {0}")]
    Io(String),
    /// A pipe, a device, a folder.
    #[error("is no regular file")]
    NotAFile,
    /// The file lies elsewhere than its data set.
    #[error("lies outside the data set's folder; move it there, or say --allow-outside if the data set is your own")]
    Outside,
    /// More bytes than are read of one file.
    #[error("is too large: more than {} MB", limit >> 20)]
    TooLong {
        /// In bytes.
        limit: u64,
    },
    /// More pixels than are decoded.
    #[error("is too large: {width}×{height}, at most {} megapixels are read; scale it down", limit / 1_000_000)]
    TooManyPixels {
        /// As the file says.
        width: u32,
        /// Likewise.
        height: u32,
        /// In pixels.
        limit: u64,
    },
    /// There is not a byte.
    #[error("is empty: the file holds not a byte; copy it again")]
    Empty,
    /// A kind of picture that is not decoded, or a film.
    #[error("is {0}, which is not read; convert it to JPEG, PNG or WebP")]
    Foreign(&'static str),
    /// No kind of picture.
    #[error("is not an image, whatever its name says (JPEG, PNG, WebP, GIF, BMP and TIFF are read)")]
    NotAnImage,
    /// Its end is missing.
    #[error("is cut off: the file ends before its picture does; copy it again")]
    CutOff,
    /// A picture with a feature that the decoder gets wrong.
    #[error("{0}; save it again with any image program")]
    Unsupported(String),
    /// What the decoder says.
    #[error("is not a readable image: {0}")]
    Broken(String),
    /// Its box does not fit it.
    #[error("{0}")]
    Region(String),
}

impl PhotoError {
    /// The reason in a word or two, by which photos are counted that were left out.
    pub fn cause(&self) -> &'static str {
        match self {
            PhotoError::Io(_) => "unreadable",
            PhotoError::NotAFile => "no regular file",
            PhotoError::Outside => "outside the folder",
            PhotoError::TooLong { .. } | PhotoError::TooManyPixels { .. } => "too large",
            PhotoError::Empty => "empty",
            PhotoError::Foreign(kind) => kind,
            PhotoError::NotAnImage => "not an image",
            PhotoError::CutOff => "cut off",
            PhotoError::Unsupported(_) => "unsupported",
            PhotoError::Broken(_) => "broken",
            PhotoError::Region(_) => "box does not fit",
        }
    }

    /// In the words of a decoder.
    pub(super) fn broken(error: impl std::fmt::Display) -> Self {
        PhotoError::Broken(error.to_string())
    }
}
