-- Times are milliseconds since 1970-01-01 UTC. Ids are opaque text. Columns that hold JSON say so.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE channels (
    id          TEXT PRIMARY KEY,
    -- Lower case of the id: no two channels differ by case alone.
    id_folded   TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    -- JSON object, see ChannelSettings.
    settings    TEXT NOT NULL,
    -- Changes with every change of the catalogue.
    revision    INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    archived_at INTEGER,
    deleted_at  INTEGER
) STRICT;

CREATE TABLE products (
    channel_id  TEXT NOT NULL REFERENCES channels (id),
    -- The label that photos are trained under.
    id          TEXT NOT NULL,
    id_folded   TEXT NOT NULL,
    name        TEXT NOT NULL,
    -- Decimal text such as 1.20, so that no price is rounded.
    price       TEXT,
    currency    TEXT,
    barcode     TEXT,
    -- JSON object.
    facts       TEXT NOT NULL DEFAULT '{}',
    -- The photo that stands for the product.
    picture     TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    PRIMARY KEY (channel_id, id),
    UNIQUE (channel_id, id_folded)
) STRICT;

CREATE TABLE photos (
    id             TEXT PRIMARY KEY,
    channel_id     TEXT NOT NULL REFERENCES channels (id),
    product_id     TEXT NOT NULL,
    -- Lower-case hex of the SHA-256 of the stored bytes, which are the uploaded ones without their metadata.
    sha256         TEXT NOT NULL,
    -- The stored file's name below the channel's folder of photos.
    file           TEXT NOT NULL,
    bytes          INTEGER NOT NULL,
    width          INTEGER NOT NULL,
    height         INTEGER NOT NULL,
    -- 64-bit difference hash of the picture, as 16 hex digits: near duplicates differ in few bits.
    likeness       TEXT NOT NULL,
    -- JSON array of quality findings.
    findings       TEXT NOT NULL DEFAULT '[]',
    -- upload, link, lesson, import or device.
    source         TEXT NOT NULL,
    added_by       TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    disputed_at    INTEGER,
    dispute        TEXT,
    -- Set where a second person is asked to confirm the label.
    confirm_asked  INTEGER NOT NULL DEFAULT 0,
    confirmed_as   TEXT,
    -- The label at that time.
    confirmed_of   TEXT,
    confirmed_by   TEXT,
    confirmed_at   INTEGER,
    FOREIGN KEY (channel_id, product_id) REFERENCES products (channel_id, id) ON UPDATE CASCADE,
    UNIQUE (channel_id, sha256)
) STRICT;
CREATE INDEX photos_by_product ON photos (channel_id, product_id, created_at);

CREATE TABLE jobs (
    id               TEXT PRIMARY KEY,
    -- train, fetch-backbone, trial or import.
    kind             TEXT NOT NULL,
    channel_id       TEXT REFERENCES channels (id),
    -- queued, running, done, failed or cancelled.
    state            TEXT NOT NULL,
    -- JSON object.
    parameters       TEXT NOT NULL DEFAULT '{}',
    -- Requests with the same key are one job as long as it waits.
    merge_key        TEXT NOT NULL,
    -- initializing, validating, downloading, embedding, fitting, evaluating, publishing or completed.
    stage            TEXT NOT NULL DEFAULT 'initializing',
    percent          INTEGER NOT NULL DEFAULT 0,
    message          TEXT,
    attempts         INTEGER NOT NULL DEFAULT 0,
    -- A queued job does not start before this.
    not_before       INTEGER NOT NULL,
    -- A running job whose lease ended is picked up again.
    lease_until      INTEGER,
    worker           TEXT,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    asked_by         TEXT NOT NULL,
    -- Digest of photos, products and parameters that the job trained on.
    data_hash        TEXT,
    -- JSON object, once the job is done.
    result           TEXT,
    -- JSON object of a failed job: code and message.
    error            TEXT,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    ended_at         INTEGER
) STRICT;
-- A job that waits for another attempt does not count: a request that came while it ran may wait beside it.
CREATE UNIQUE INDEX jobs_one_waiting ON jobs (coalesce(channel_id, ''), merge_key) WHERE state = 'queued' AND attempts = 0;
CREATE UNIQUE INDEX jobs_one_running ON jobs (channel_id) WHERE state = 'running' AND channel_id IS NOT NULL;
CREATE INDEX jobs_by_time ON jobs (created_at);
CREATE INDEX jobs_by_channel ON jobs (channel_id, created_at);
CREATE INDEX jobs_by_state ON jobs (state, not_before) WHERE state IN ('queued', 'running');

CREATE TABLE job_events (
    job_id  TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    state   TEXT NOT NULL,
    stage   TEXT NOT NULL,
    percent INTEGER NOT NULL,
    message TEXT,
    -- Bytes of a download that are there, and that it has in all.
    bytes   INTEGER,
    total   INTEGER,
    PRIMARY KEY (job_id, seq)
) STRICT;

CREATE TABLE ml_models (
    id                TEXT PRIMARY KEY,
    channel_id        TEXT NOT NULL REFERENCES channels (id),
    version           TEXT NOT NULL,
    release_seq       INTEGER,
    trained_at        INTEGER NOT NULL,
    product_count     INTEGER NOT NULL,
    image_count       INTEGER NOT NULL,
    -- Seconds.
    training_duration REAL NOT NULL,
    -- 0 to 1; null where nothing could be held out.
    accuracy          REAL,
    -- published, canary, candidate, withdrawn or superseded.
    state             TEXT NOT NULL,
    -- 1 for the release that devices fetch.
    active            INTEGER NOT NULL DEFAULT 0,
    -- The share of devices that it is on trial on, 0 to 1.
    share             REAL,
    -- 1 where its files are still there.
    kept              INTEGER NOT NULL DEFAULT 1,
    job_id            TEXT REFERENCES jobs (id),
    data_hash         TEXT,
    code_version      TEXT NOT NULL,
    asked_by          TEXT NOT NULL,
    bytes             INTEGER,
    -- JSON objects.
    parameters        TEXT NOT NULL DEFAULT '{}',
    metrics           TEXT NOT NULL DEFAULT '{}',
    created_at        INTEGER NOT NULL,
    UNIQUE (channel_id, version)
) STRICT;
CREATE UNIQUE INDEX ml_models_one_active ON ml_models (channel_id) WHERE active = 1;

CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    -- SHA-256 of the secret part. The secret is 256 random bits, so that a slow hash would add nothing.
    hash       BLOB NOT NULL,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    -- JSON array of channel ids; null for all channels.
    channels   TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    deleted_at INTEGER
) STRICT;

CREATE TABLE sessions (
    -- SHA-256 of the cookie's value.
    hash       BLOB PRIMARY KEY,
    -- The key or link that opened it, as the audit log names it.
    opened_by  TEXT NOT NULL,
    -- The session ends with this key, where it was opened by one.
    key_id     TEXT REFERENCES keys (id),
    role       TEXT NOT NULL,
    channels   TEXT,
    csrf       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE links (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    -- sign-in, pair or upload.
    purpose    TEXT NOT NULL,
    role       TEXT NOT NULL,
    channels   TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;

CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    segment  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    role     TEXT NOT NULL,
    action   TEXT NOT NULL,
    resource TEXT NOT NULL,
    -- Salted hash of the network address; empty where the service itself acted.
    address  TEXT NOT NULL,
    -- JSON object.
    details  TEXT NOT NULL,
    -- Lower-case hex; the hash of a record covers that of the record before.
    hash     TEXT NOT NULL
) STRICT;

CREATE TABLE audit_segments (
    segment   INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    -- The hash before the segment's first record.
    start     TEXT NOT NULL,
    -- The hash of its last record.
    head      TEXT NOT NULL,
    sealed_at INTEGER NOT NULL,
    -- Whether the records were dropped by retention; the segment's row stays as a checkpoint.
    dropped   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sales (
    id              TEXT PRIMARY KEY,
    channel_id      TEXT NOT NULL REFERENCES channels (id),
    idempotency_key TEXT NOT NULL,
    -- Digest of the request, so that a key used for another sale is told.
    request_hash    TEXT NOT NULL,
    sold_at         INTEGER NOT NULL,
    -- The number for people, from the device.
    number          TEXT,
    -- JSON object: the sale as it was sent.
    document        TEXT NOT NULL,
    total           TEXT NOT NULL,
    currency        TEXT NOT NULL,
    received_at     INTEGER NOT NULL,
    received_from   TEXT NOT NULL,
    UNIQUE (channel_id, idempotency_key)
) STRICT;
CREATE INDEX sales_by_time ON sales (channel_id, sold_at);

CREATE TABLE lessons (
    id          TEXT PRIMARY KEY,
    channel_id  TEXT NOT NULL REFERENCES channels (id),
    label       TEXT NOT NULL,
    -- Names the taught lesson in a release that was trained on it, so that devices retire it.
    digest      TEXT NOT NULL,
    -- Of the frame's photo.
    sha256      TEXT NOT NULL,
    -- The photo that the lesson became.
    photo_id    TEXT,
    received_at INTEGER NOT NULL,
    received_from TEXT NOT NULL,
    UNIQUE (channel_id, sha256)
) STRICT;

CREATE TABLE feedback (
    id          TEXT PRIMARY KEY,
    channel_id  TEXT NOT NULL REFERENCES channels (id),
    -- YYYY-MM-DD in UTC.
    day         TEXT NOT NULL,
    version     TEXT NOT NULL,
    matched     INTEGER NOT NULL DEFAULT 0,
    unsure      INTEGER NOT NULL DEFAULT 0,
    unknown     INTEGER NOT NULL DEFAULT 0,
    confirmed   INTEGER NOT NULL DEFAULT 0,
    corrected   INTEGER NOT NULL DEFAULT 0,
    -- JSON object: corrections by pair of products.
    corrections TEXT NOT NULL DEFAULT '{}',
    received_at INTEGER NOT NULL,
    received_from TEXT NOT NULL
) STRICT;
CREATE INDEX feedback_rows_by_day ON feedback (channel_id, day, version);

-- What devices told, summed by day; it outlasts the single rows.
CREATE TABLE feedback_by_day (
    channel_id TEXT NOT NULL,
    day        TEXT NOT NULL,
    version    TEXT NOT NULL,
    matched    INTEGER NOT NULL DEFAULT 0,
    unsure     INTEGER NOT NULL DEFAULT 0,
    unknown    INTEGER NOT NULL DEFAULT 0,
    confirmed  INTEGER NOT NULL DEFAULT 0,
    corrected  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel_id, day, version)
) STRICT;

-- What the service itself answered, summed by day.
CREATE TABLE predictions_by_day (
    channel_id TEXT NOT NULL,
    day        TEXT NOT NULL,
    version    TEXT NOT NULL,
    decision   TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (channel_id, day, version, decision)
) STRICT;
