//! The settings: one list, from which the types, the defaults, the checks and the documentation come.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::reader::Reader;
use super::value::{Hour, LogFormat, Names};

/// A setting as the documentation shows it.
pub struct Item {
    /// Section and name, as `photos.max_megabytes`.
    pub key: &'static str,
    /// What it does.
    #[cfg_attr(not(test), expect(dead_code, reason = "read where the documentation is written"))]
    pub doc: &'static str,
    /// The smallest and largest value of a number.
    #[cfg_attr(not(test), expect(dead_code, reason = "read where the documentation is written"))]
    pub range: Option<(u64, u64)>,
    /// The default in TOML.
    #[cfg_attr(not(test), expect(dead_code, reason = "read where the documentation is written"))]
    pub default: fn() -> String,
}

/// Declares sections of settings: the structs, [`LIST`], and how each is read.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])*
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])* $name:ident: $Type:ty = $default:expr $(, $least:literal..=$most:literal)?; )*
        }
    )*) => {
        $(
            $(#[doc = $about])*
            #[derive(Debug, Clone)]
            pub struct $Section { $( $(#[doc = $doc])* pub $name: $Type, )* }
        )*

        /// All settings.
        #[derive(Debug, Clone)]
        pub struct Settings { $( $(#[doc = $about])* pub $section: $Section, )* }

        /// Every setting, in the order of the documentation.
        pub const LIST: &[Item] = &[$($(
            Item {
                key: concat!(stringify!($section), ".", stringify!($name)),
                doc: concat!($($doc),*),
                range: settings!(@range $($least $most)?),
                default: || { let value: $Type = $default; super::value::toml(&value) },
            },
        )*)*];

        impl Settings {
            /// Reads every setting; what is wrong is gathered in the reader, and the default stands in for it.
            pub(super) fn read(reader: &mut Reader<'_>) -> Settings {
                Settings { $( $section: $Section { $(
                    $name: reader.get(
                        concat!(stringify!($section), ".", stringify!($name)),
                        $default,
                        settings!(@range $($least $most)?),
                    ),
                )* }, )* }
            }
        }
    };
    (@range) => { None };
    (@range $least:literal $most:literal) => { Some(($least, $most)) };
}

settings! {
    /// Where the service listens and what it serves.
    server: Server {
        /// Address to listen on; `0.0.0.0` for all networks.
        host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        /// Port to listen on; 0 takes a free one.
        port: u16 = 8080;
        /// The folder of photos, database and audit log, created if missing.
        data: PathBuf = "jicho-data".into();
        /// The models folder, served at `/assets/ml-models/`.
        models: PathBuf = "ml-models".into();
        /// Whether models need a key that may fetch them.
        private_models: bool = false;
        /// The built app, served at `/`; empty for none.
        app: PathBuf = PathBuf::new();
        /// The URL by which others reach the service, for links; empty for the address that it listens on.
        public_url: String = String::new();
        /// The certificate chain in PEM, for https; empty for http. It is read anew when it changes.
        tls_certificate: PathBuf = PathBuf::new();
        /// The certificate's key in PEM.
        tls_key: PathBuf = PathBuf::new();
        /// Seconds that a request may take until its answer begins.
        request_seconds: u64 = 60, 1..=3600;
        /// Connections at a time; others wait to be accepted.
        connections: u64 = 512, 1..=100000;
        /// Origins of pages elsewhere that may call the API, as `https://till.example`.
        cors_origins: Names = Names::default();
        /// Largest body of a request in megabytes, other than photos and archives.
        body_megabytes: u64 = 2, 1..=64;
    }

    /// Photos that are uploaded.
    photos: Photos {
        /// Largest file in megabytes.
        max_megabytes: u64 = 10, 1..=200;
        /// Largest picture in megapixels.
        max_megapixels: u64 = 50, 1..=100;
        /// Photos that are decoded at a time.
        decoders: u64 = 2, 1..=64;
        /// Percent of new labels that are drawn for a second person's confirmation.
        confirm_percent: u64 = 10, 0..=100;
        /// Largest archive in megabytes.
        archive_megabytes: u64 = 2000, 1..=100000;
    }

    /// The catalogue of products that devices fetch.
    catalogue: Catalogue {
        /// Whether it needs no key.
        public: bool = false;
    }

    /// Who may do what, and how often.
    access: Access {
        /// Hours that a browser's session lasts.
        session_hours: u64 = 12, 1..=720;
        /// Minutes that a one-time link can be used.
        link_minutes: u64 = 60, 1..=10080;
        /// Predictions a minute that a device key may ask for; 0 for any number.
        predict_per_minute: u32 = 10, 0..=1000000;
        /// Predictions an hour that a device key may ask for; 0 for any number.
        predict_per_hour: u32 = 100, 0..=1000000;
        /// Attempts a minute and address to open a session or to use a link; 0 for any number.
        log_ins_per_minute: u32 = 10, 0..=1000000;
        /// Refused keys a minute and address, after which the address waits; 0 for any number.
        refusals_per_minute: u32 = 60, 0..=1000000;
    }

    /// Training jobs.
    training: Training {
        /// Whether changed photos and products are trained by themselves.
        automatic: bool = true;
        /// Seconds without a change after which the training begins.
        debounce_seconds: u64 = 300, 1..=86400;
        /// Hour of the day, local time, at which changed channels are trained whatever happened; `off` for never.
        daily_hour: Hour = Hour(Some(2));
        /// The backbone that channels are trained with unless their settings say otherwise; empty for the built-in default.
        backbone: String = String::new();
        /// Largest memory of a training in megabytes; 0 for any.
        memory_megabytes: u64 = 4096, 0..=1000000;
        /// Percentage points of accuracy that a new model may be worse by, on photos held out of both, and still be published.
        margin_points: u64 = 1, 0..=100;
        /// Jobs that run at a time; of one channel, one does.
        workers: u64 = 1, 1..=64;
        /// Further attempts of a job that failed for no reason of its photos.
        retries: u64 = 2, 0..=10;
        /// Seconds until the first further attempt, about; each one after it waits four times as long.
        retry_seconds: u64 = 10, 0..=3600;
        /// The file of the key that signs releases; empty for unsigned releases.
        signing_key: PathBuf = PathBuf::new();
    }

    /// Answers that the service gives itself.
    predict: Predict {
        /// Megabytes of models that are kept loaded.
        models_megabytes: u64 = 1024, 16..=1000000;
        /// Answers that are kept, by picture and release; 0 for none.
        cached_answers: u64 = 10000, 0..=10000000;
        /// Pictures that are answered at a time; 0 for one per core.
        workers: u64 = 0, 0..=1024;
    }

    /// How long what is stored is kept.
    retention: Retention {
        /// Years of the audit log.
        audit_years: u64 = 7, 1..=100;
        /// Days of frames that devices sent and nobody disputed.
        device_frame_days: u64 = 90, 1..=36500;
        /// Days of single feedback rows.
        feedback_days: u64 = 365, 1..=36500;
        /// Days after which photos are deleted; 0 for never.
        photo_days: u64 = 0, 0..=36500;
        /// Records after which a segment of the audit log is sealed.
        audit_segment: u64 = 10000, 10..=1000000;
    }

    /// The log on stderr.
    log: Log {
        /// `human` or `json`.
        format: LogFormat = LogFormat::Human;
        /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives as of tracing-subscriber.
        level: String = "info".into();
    }
}

impl Server {
    /// Whether it speaks https itself.
    pub fn has_tls(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// Whether browsers reach it by https.
    pub fn is_secure(&self) -> bool {
        self.has_tls() || self.public_url.starts_with("https://")
    }
}
