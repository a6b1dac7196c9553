//! The service's SQLite database: opened, migrated, read and written.
//!
//! Queries stand beside the subject that they belong to and see a connection only, so that another database takes other
//! text for the queries and nothing else.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlSafeStr, Sqlite, Transaction};

/// The migrations in their order. One that was released never changes; what is to change takes a new one.
const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "first", include_str!("migrations/0001_first.sql"))];
/// Readers at a time. They never wait for the writer.
const READERS: u32 = 8;

/// A connection on which queries run: of a transaction, or one for reading.
pub type Connection = sqlx::SqliteConnection;
/// A transaction that writes.
pub type Write = Transaction<'static, Sqlite>;

/// The database of a data folder.
#[derive(Debug, Clone)]
pub struct Database {
    readers: SqlitePool,
    /// One connection: SQLite has one writer at a time, and those who wait here wait in order instead of failing.
    writer: SqlitePool,
}

impl Database {
    /// Opens the database, creates it where it is missing, and migrates it forward.
    ///
    /// # Errors
    /// Where the file cannot be opened, or a newer program migrated it.
    pub async fn open(file: &Path) -> Result<Database, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A sale that was answered for must outlast a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(Duration::from_secs(20))
                .max_lifetime(None)
                .idle_timeout(None)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        migrations().run(&writer).await?;
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Database { readers, writer })
    }

    /// For queries that only read.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins a transaction that writes. Nothing is stored until it is committed.
    pub async fn write(&self) -> Result<Write, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// Ends all connections, and moves the write-ahead log into the database.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn migrations() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into())
}

/// Reads a row into a struct whose fields are named as the columns.
macro_rules! from_row {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl sqlx::FromRow<'_, sqlx::sqlite::SqliteRow> for $name {
            fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
                use sqlx::Row;
                Ok(Self { $($field: row.try_get(stringify!($field))?),* })
            }
        }
    };
}
pub(in crate::service) use from_row;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opening_again_migrates_nothing_and_keeps_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jicho.db");
        let database = Database::open(&file).await.unwrap();
        let mut write = database.write().await.unwrap();
        sqlx::query("INSERT INTO meta VALUES ('a', 'b')").execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        database.close().await;

        let database = Database::open(&file).await.unwrap();
        let value: String = sqlx::query_scalar("SELECT value FROM meta").fetch_one(database.read()).await.unwrap();
        assert_eq!(value, "b");
    }

    #[tokio::test]
    async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jicho.db");
        let database = Database::open(&file).await.unwrap();
        let mut write = database.write().await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'newer', '2030-01-01', 1, x'00', 0)";
        sqlx::query(newer).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        database.close().await;

        assert!(Database::open(&file).await.is_err());
    }
}
