//! A models folder that somebody else can write to.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use crate::shop::{Outcome, Shop, latest};
use crate::versions::import;

#[cfg(unix)]
#[test]
fn no_link_in_a_models_folder_is_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let shop = Shop::new();
    shop.write("secret", "secret");
    shop.write("elsewhere/file", "mine");
    fs::create_dir_all(shop.path("models")).unwrap();
    symlink(shop.path("secret"), shop.path("models/.lock")).unwrap();
    import(&shop, 1, "T_1", "").fails("IO").says(&["is a link"]);
    assert_eq!(shop.read("secret"), b"secret", "it is not cut to nothing");
    fs::remove_file(shop.path("models/.lock")).unwrap();
    // What has the name of the work folder, or was left in it, stops nobody.
    let _ = fs::remove_dir_all(shop.path("models/.new"));
    symlink(shop.path("elsewhere"), shop.path("models/.new")).unwrap();
    import(&shop, 1, "T_1", "").ok();
    assert_eq!(shop.read("elsewhere/file"), b"mine");
    fs::create_dir_all(shop.path("models/.new/left/over")).unwrap();
    shop.write("models/.new/left/over/file", "");
    import(&shop, 2, "T_1", "").ok();
    assert_eq!(fs::read_dir(shop.path("models/.new")).unwrap().count(), 0);
    let mode = |name: &str| fs::metadata(shop.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("models/.lock"), mode("models/.new")), (0o600, 0o700));
    // A release that is a link to another file is not read.
    fs::rename(shop.path(latest("T_1")), shop.path("moved")).unwrap();
    symlink(shop.path("moved"), shop.path(latest("T_1"))).unwrap();
    import(&shop, 3, "T_1", "").fails("IO").says(&["is a link"]);
    shop.run("evaluate models/T_1 --photos .").fails("IO").says(&["is a link"]);
}

/// Publishing is one user's: the files that keep publishers apart are private, and whoever else tries is told whose they are.
#[cfg(unix)]
#[test]
fn another_user_is_told_whose_the_folder_is() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 2, "T_1", "").ok();
    let open = |name: &str, mode: u32| fs::set_permissions(shop.path(name), fs::Permissions::from_mode(mode)).unwrap();
    open("", 0o777);
    open("models", 0o777);
    // The other user may have no way to the folder that the program was built in.
    fs::copy(env!("CARGO_BIN_EXE_jicho"), shop.path("program")).unwrap();
    open("program", 0o755);
    // Nobody, on every system.
    let mut command = Command::new(shop.path("program"));
    command.uid(65_534).gid(65_534).current_dir(shop.path("")).args(["rollback", "models/T_1"]);
    let outcome = match command.output() {
        Ok(_) => Outcome::of(&mut command),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            println!("skipped: this user cannot become another one");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    outcome.fails("IO").says(&["models/.lock", "belongs to the user with the id", "chown"]);
    fs::remove_file(shop.path("models/.lock")).unwrap();
    Outcome::of(&mut command).fails("IO").says(&["models/.new", "belongs to the user with the id", "chown"]);
}
