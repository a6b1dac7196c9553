//! The shop's products: their names, bodies and artwork. Nothing here depends on a seed.
//!
//! Some products are similar on purpose: biscuits, teas and apples differ in little but colour, the two tomato tins only in
//! their pattern.

use super::form::{Form, Painter};
use super::packs::{COCOA, GOLD, OAT};
use super::{fruit, packs, wraps};

/// One product.
pub struct Product {
    /// The name of its folder and files.
    pub id: &'static str,
    /// Its body.
    pub form: Form,
    /// Its artwork.
    pub paint: Painter,
}

const fn product(id: &'static str, form: Form, paint: Painter) -> Product {
    Product { id, form, paint }
}

/// Every product, ordered so that the first few are of different kinds, with a similar pair early.
pub static CATALOG: &[Product] = &[
    product("oat-biscuits-box", Form::Pack(0.7, 0.24, OAT), |c| {
        packs::biscuits(c, OAT, [214, 170, 106], [150, 104, 52], "OAT");
    }),
    product("tomato-soup-can", Form::Can(0.66), packs::tomato_soup),
    product("green-apple", Form::Fruit(0.98, 0.45), |c| fruit::apple(c, [126, 176, 48], [174, 204, 90])),
    product("mango-juice-carton", Form::Pack(0.42, 0.28, [240, 140, 30]), |c| {
        packs::juice(c, [240, 140, 30], packs::mango, "MANGO");
    }),
    product("potato-chips-bag", Form::Bag(0.72, 0.5), wraps::chips),
    product("honey-jar", Form::Jar([222, 178, 50]), wraps::honey),
    product("cocoa-biscuits-box", Form::Pack(0.7, 0.24, COCOA), |c| {
        packs::biscuits(c, COCOA, [98, 60, 40], [52, 30, 22], "COCOA");
    }),
    product("tomato-paste-can", Form::Can(0.66), packs::tomato_paste),
    product("red-apple", Form::Fruit(0.98, 0.45), |c| fruit::apple(c, [176, 28, 36], [214, 92, 62])),
    product("banana", Form::Fruit(1.25, 0.15), fruit::banana),
    product("cola-bottle", Form::Bottle([190, 30, 34]), wraps::cola),
    product("milk-carton", Form::Pack(0.5, 0.45, [236, 240, 244]), packs::milk),
    product("pineapple-juice-carton", Form::Pack(0.42, 0.28, GOLD), |c| {
        packs::juice(c, GOLD, packs::pineapple, "PINE");
    }),
    product("coffee-bag", Form::Bag(0.6, 0.25), wraps::coffee),
    product("orange", Form::Fruit(1.0, 0.25), fruit::orange),
    product("strawberry-jam-jar", Form::Jar([198, 44, 52]), wraps::jam),
    product("aubergine", Form::Fruit(0.56, 0.7), fruit::aubergine),
    product("black-tea-box", Form::Pack(0.95, 0.5, [234, 222, 190]), |c| packs::tea(c, [150, 36, 30], "BLACK")),
    product("lemon", Form::Fruit(1.3, 0.3), fruit::lemon),
    product("chickpeas-can", Form::Can(0.66), packs::chickpeas),
    product("green-tea-box", Form::Pack(0.95, 0.5, [234, 222, 190]), |c| packs::tea(c, [48, 120, 60], "GREEN")),
    product("cooking-oil-bottle", Form::Bottle([40, 130, 62]), wraps::oil),
    product("corn-flakes-box", Form::Pack(0.68, 0.22, [36, 86, 168]), packs::corn_flakes),
    product("rice-bag", Form::Bag(0.66, 0.1), wraps::rice),
    product("tuna-tin", Form::Can(1.5), packs::tuna),
    product("water-bottle", Form::Bottle([40, 110, 200]), wraps::water),
];
