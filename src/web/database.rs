//! An IndexedDB database, whose connection is opened again whenever the browser has closed it.
//!
//! A transaction commits by itself as soon as it has no open request. So nothing but its own requests may be awaited
//! between its begin and its end, and everything that is to be written is prepared before it begins.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::lock::Mutex;
use idb::{DatabaseEvent, Factory, Transaction, TransactionMode};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{IdbDatabase, IdbTransaction};

use super::failure::describe;
use crate::error::{Error, ErrorKind, Result};

/// The schema of a database.
pub(super) struct Schema {
    pub(super) version: u32,
    /// Its object stores. Every transaction is over all of them.
    pub(super) stores: &'static [&'static str],
    /// Creates an object store that does not exist yet. Where that fails, the first transaction fails and names the store.
    pub(super) make: fn(&idb::Database, &str) -> Result<(), idb::Error>,
}

/// A database of this origin.
pub(super) struct Database {
    name: String,
    schema: &'static Schema,
    connection: RefCell<Option<Rc<Connection>>>,
    /// Held while a connection is opened: transactions that need one share it.
    connecting: Mutex<()>,
    /// Whether opening took longer than [`PATIENCE`] and has not ended yet. The browser opens a database for one after the
    /// other, so another attempt would only wait behind that one.
    blocked: Rc<Cell<bool>>,
}

/// An open connection. It is closed when dropped, so that its handlers are not called afterwards.
struct Connection {
    database: idb::Database,
    /// The same connection, for features that `idb` does not expose.
    raw: IdbDatabase,
}

/// The mode of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
    /// As `Write`, and the transaction completes only once its data is on the disk (`durability: 'strict'`). Browsers that do
    /// not know this option ignore it.
    WriteThrough,
}

impl Connection {
    fn transaction(&self, stores: &[&str], mode: Mode) -> Result<Transaction, Fault> {
        Ok(match mode {
            Mode::Read => self.database.transaction(stores, TransactionMode::ReadOnly)?,
            Mode::Write => self.database.transaction(stores, TransactionMode::ReadWrite)?,
            Mode::WriteThrough => self.transaction_through(stores).map_err(|e| Fault::Database(describe(&e)))?.into(),
        })
    }

    /// Neither `idb` nor `web-sys` exposes `durability`.
    fn transaction_through(&self, stores: &[&str]) -> Result<IdbTransaction, JsValue> {
        let stores: Array = stores.iter().map(|store| JsValue::from(*store)).collect();
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        let transaction: Function = Reflect::get(&self.raw, &"transaction".into())?.dyn_into()?;
        transaction.call3(&self.raw, &stores, &"readwrite".into(), &options)?.dyn_into()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.close();
    }
}

/// The work that is done in a transaction.
type Work<'a> = dyn Fn(Transaction) -> LocalBoxFuture<'a, Result<(), Fault>> + 'a;

/// Why a transaction failed.
pub(super) enum Fault {
    /// An error of the database; the text begins with the DOMException's name.
    Database(String),
    /// An error of this library's own.
    Own(Error),
}

impl From<idb::Error> for Fault {
    fn from(error: idb::Error) -> Self {
        Fault::Database(error.to_string())
    }
}

impl Fault {
    /// Whether the connection failed and a new one may work: the browser closed it, or Safari reports "Connection to
    /// Indexed Database server lost".
    fn is_of_the_connection(&self) -> bool {
        let names = ["InvalidStateError", "UnknownError", "AbortError", "TransactionInactiveError"];
        matches!(self, Fault::Database(what) if names.iter().any(|name| what.contains(name)))
    }

    /// Whether this browser never allows a database here.
    fn is_of_the_browser(&self) -> bool {
        matches!(self, Fault::Database(what) if what.contains("SecurityError")) || Factory::new().is_err()
    }

    fn is_too_new(&self) -> bool {
        matches!(self, Fault::Database(what) if what.contains("VersionError"))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        if fault.is_too_new() {
            let message = "this device's database was made by a newer version of the app: update the app (reload it)";
            return Error::new(ErrorKind::Storage, message);
        }
        match fault {
            Fault::Database(what) => Error::new(ErrorKind::Storage, format!("this device's storage failed: {what}")),
            Fault::Own(error) => error,
        }
    }
}

impl Database {
    /// Opens the database of that name, which is made when there is none. `None` where this browser allows no IndexedDB
    /// here.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when a newer version of the app has changed the database's schema.
    pub(super) async fn open(name: &str, schema: &'static Schema) -> Result<Option<Self>> {
        let database = Database {
            name: name.to_owned(),
            schema,
            connection: RefCell::default(),
            connecting: Mutex::new(()),
            blocked: Rc::default(),
        };
        let mut connection = database.connect().await;
        if connection.as_ref().err().is_some_and(Fault::is_of_the_connection) {
            connection = database.connect().await;
        }
        match connection {
            Ok(connection) => {
                database.connection.replace(Some(Rc::new(connection)));
                Ok(Some(database))
            }
            Err(fault) if fault.is_too_new() => Err(fault.into()),
            Err(fault) if fault.is_of_the_browser() => Ok(None),
            // The fault may be temporary: every transaction tries to connect again.
            Err(_) => Ok(Some(database)),
        }
    }

    /// Does `work` in one transaction, and again over a new connection where the first one was lost. A transaction that
    /// fails leaves nothing behind.
    pub(super) async fn within<T>(
        &self,
        mode: Mode,
        work: impl AsyncFn(&Transaction) -> Result<T, Fault>,
    ) -> Result<T> {
        let value = RefCell::new(None);
        // Boxed, so that the module has the surrounding code once, and not once for each kind of work.
        let work = |transaction| -> LocalBoxFuture<'_, Result<(), Fault>> {
            let (work, value) = (&work, &value);
            Box::pin(async move {
                value.replace(Some(work(&transaction).await?));
                Ok(())
            })
        };
        self.with_retry(mode, &work).await?;
        value.take().ok_or_else(|| Error::new(ErrorKind::Internal, "a transaction without a result"))
    }

    async fn with_retry(&self, mode: Mode, work: &Work<'_>) -> Result<(), Fault> {
        match self.attempt(mode, work).await {
            Err(fault) if fault.is_of_the_connection() => {
                self.connection.take();
                self.attempt(mode, work).await
            }
            ended => ended,
        }
    }

    async fn attempt(&self, mode: Mode, work: &Work<'_>) -> Result<(), Fault> {
        let transaction = IdbTransaction::from(self.begin(mode).await?);
        // The transaction's own error says more than a request's, which often only says that the transaction was aborted.
        let why = |fault: Fault| transaction.error().map_or(fault, |error| Fault::Database(describe(&error)));
        if let Err(fault) = work(transaction.clone().into()).await {
            // Aborting fails only where the transaction has aborted already.
            let _ = transaction.abort();
            return Err(if matches!(fault, Fault::Own(_)) { fault } else { why(fault) });
        }
        if mode == Mode::Read {
            return Ok(());
        }
        let ended = Transaction::from(transaction.clone()).await;
        // An abort event follows an error event; by then the handler has been freed.
        transaction.set_onabort(None);
        match ended {
            Ok(result) if result.is_committed() => Ok(()),
            Ok(_) => Err(why(Fault::Database("AbortError: the transaction was aborted".into()))),
            Err(error) => Err(why(error.into())),
        }
    }

    /// Begins a transaction, over a new connection where the old one was closed by another tab's upgrade or by the browser.
    async fn begin(&self, mode: Mode) -> Result<Transaction, Fault> {
        if let Some(transaction) = self.begin_held(mode) {
            return Ok(transaction);
        }
        let _connecting = self.connecting.lock().await;
        // Another transaction may have opened one meanwhile.
        if let Some(transaction) = self.begin_held(mode) {
            return Ok(transaction);
        }
        let connection = Rc::new(self.connect().await?);
        self.connection.replace(Some(Rc::clone(&connection)));
        connection.transaction(self.schema.stores, mode)
    }

    /// Begins a transaction over the connection that is open.
    fn begin_held(&self, mode: Mode) -> Option<Transaction> {
        let held = self.connection.borrow().clone();
        held.and_then(|connection| connection.transaction(self.schema.stores, mode).ok())
    }

    /// Opens a connection. While one that took too long has not ended, it fails at once.
    async fn connect(&self) -> Result<Connection, Fault> {
        let blocked = || {
            let message = "this device's database does not open: another tab or window of the app, perhaps of an older version, \
                           holds it. Close the others, then reload";
            Err(Fault::Own(Error::new(ErrorKind::Storage, message)))
        };
        if self.blocked.get() {
            return blocked();
        }
        let (name, schema) = (self.name.clone(), self.schema);
        let opening: LocalBoxFuture<'static, Result<Connection, Fault>> =
            Box::pin(async move { open(&name, schema).await });
        let late = Promise::new(&mut |then, _| drop(set_timeout(&then, PATIENCE)));
        match select(opening, JsFuture::from(late)).await {
            Either::Left((opened, _)) => opened,
            Either::Right((_, opening)) => {
                self.blocked.set(true);
                let ended = Rc::clone(&self.blocked);
                // One that opens after all is closed at once, so that it blocks nobody in turn.
                spawn_local(async move {
                    drop(opening.await);
                    ended.set(false);
                });
                blocked()
            }
        }
    }
}

/// Milliseconds that opening a database may take. It waits for tabs of an older version that do not close theirs, and a frozen
/// tab never does.
const PATIENCE: i32 = 15_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, milliseconds: i32) -> JsValue;
}

async fn open(name: &str, schema: &'static Schema) -> Result<Connection, Fault> {
    let mut request = Factory::new()?.open(name, Some(schema.version))?;
    request.on_upgrade_needed(|event| {
        // Object stores of an older version stay as they are.
        if let Ok(database) = event.database() {
            let there = database.store_names();
            for store in schema.stores.iter().filter(|store| !there.iter().any(|name| name == *store)) {
                let _ = (schema.make)(&database, store);
            }
        }
    });
    let raw = IdbDatabase::from(request.await?);
    let mut database = idb::Database::from(raw.clone());
    // Otherwise this tab would block another tab's upgrade until it is closed.
    database.on_version_change(|event| {
        if let Some(database) = event.target().and_then(|t| t.dyn_into::<IdbDatabase>().ok()) {
            database.close();
        }
    });
    Ok(Connection { database, raw })
}
