//! What was taught on the device, across models.

use base64ct::{Base64, Encoding};
use fixture::{Published, publish};
use jicho::manifest::ModelType;
use jicho::recognize::{Decision, Reason, Standing};
use jicho::teach::{self, Lesson, MAX_PRODUCT_FRAMES};

use super::allocations::total;
use super::*;

/// When lessons were given, milliseconds since 1970.
const TIME: u64 = 1_780_000_000_000;

/// A lesson of the golden frame, by the session's own model.
fn lesson(session: &TestSession<'_>, id: &str, label: Option<&str>, frames: usize) -> Lesson {
    let rgba = golden::rgba();
    let frame = session.lesson_frame(&Frame::new(golden::WIDTH, golden::HEIGHT, &rgba).unwrap()).unwrap();
    Lesson {
        id: id.into(),
        time: TIME,
        label: label.map(str::to_owned),
        facts: "{\"price\":3}".into(),
        correction: false,
        features_digest: session.features_digest().unwrap(),
        frames: vec![frame; frames],
    }
}

fn teach(session: &TestSession<'_>, id: &str, label: Option<&str>) {
    let file = session.admit(&lesson(session, id, label, 2)).unwrap();
    session.learn(&file).unwrap();
}

fn first(session: &TestSession<'_>) -> (String, bool) {
    let recognition = recognize(session).unwrap();
    assert!((recognition.predictions.iter().map(|p| p.confidence).sum::<f32>() - 1.0).abs() < 1e-5);
    let first = &recognition.predictions[0];
    assert!(first.known);
    (first.label.clone(), first.taught)
}

fn standings(session: &TestSession<'_>) -> Vec<(Option<String>, Standing)> {
    session.lessons().into_iter().map(|told| (told.label, told.standing.unwrap())).collect()
}

/// The same release, trained on the lesson of that id about `label`, too.
fn trained_on(mut published: Published, id: &str, label: &str) -> Published {
    published.manifest.lessons.insert(teach::digest(id, TIME, Some(label)));
    published
}

#[test]
fn a_product_is_taught_and_forgotten() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    let before = recognize(&session).unwrap();
    assert!(before.predictions.iter().all(|p| !p.taught));
    teach(&session, "1", Some("kiwi"));
    assert_eq!(first(&session), ("kiwi".into(), true));
    // What the app knows by a lesson it need not name.
    session.set_products(Some(["apple".to_owned()].into()));
    assert_eq!(first(&session), ("kiwi".into(), true));
    session.set_products(None);
    // Several frames answer as one does where they are the same.
    let rgba = golden::rgba();
    let frame = Frame::new(golden::WIDTH, golden::HEIGHT, &rgba).unwrap();
    let many = session.recognize(&[frame, frame, frame]).unwrap();
    let one = recognize(&session).unwrap();
    assert_eq!(many.predictions[0].label, one.predictions[0].label);
    assert!((many.rejection_score - one.rejection_score).abs() < 1e-6);
    assert_eq!(session.recognize(&[]).unwrap_err().kind(), ErrorKind::InvalidFrame);
    session.unlearn("1");
    assert_eq!(recognize(&session).unwrap(), before);
}

#[test]
fn what_is_no_product_is_unknown() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    assert_eq!(recognize(&session).unwrap().decision, Decision::Match);
    teach(&session, "1", None);
    let seen = recognize(&session).unwrap();
    assert_eq!((seen.decision, seen.reason), (Decision::Unknown, Reason::NoProduct));
}

#[test]
fn a_correction_refines_a_product_of_the_release() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    let second = recognize(&session).unwrap().predictions[1].label.clone();
    for id in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        teach(&session, id, Some(&second));
    }
    assert_eq!(first(&session), (second, false));
    assert_eq!(recognize(&session).unwrap().predictions.len(), 2, "one label, not two");
}

#[test]
fn lessons_outlive_a_model_of_the_same_network() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    teach(&session, "1", Some("kiwi"));
    let newer = publish("T_1", 2, &["apple", "bread", "cheese"]);
    assert_eq!(sync(&session, &FakeHost::of(&newer)).unwrap(), Outcome::Updated);
    assert_eq!(first(&session), ("kiwi".into(), true));
    assert_eq!(standings(&session), [(Some("kiwi".into()), Standing::Active)]);
}

/// No clock takes part: however wrong the device's or the trainer's is, what was taught stays until a training has learnt it.
#[test]
fn a_release_that_was_trained_on_a_lesson_retires_it_and_no_other() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    teach(&session, "1", Some("kiwi"));
    teach(&session, "2", Some("melon"));
    teach(&session, "3", None);
    let three =
        |kiwi| vec![(Some("kiwi".into()), kiwi), (Some("melon".into()), Standing::Active), (None, Standing::Active)];
    // It knows the product from elsewhere, however late it was trained: the lesson refines it.
    let mut elsewhere = publish("T_1", 2, &["apple", "kiwi"]);
    elsewhere.manifest.trained_at = "2999-01-01T00:00:00Z".into();
    sync(&session, &FakeHost::of(&elsewhere)).unwrap();
    assert_eq!(standings(&session), three(Standing::Active));
    // A lesson that was given anew under the same id is another one.
    let earlier = teach::digest("1", TIME - 1, Some("kiwi"));
    let mut other = publish("T_1", 3, &["apple", "kiwi"]);
    other.manifest.lessons.insert(earlier);
    sync(&session, &FakeHost::of(&other)).unwrap();
    assert_eq!(standings(&session), three(Standing::Active));
    let learnt = trained_on(publish("T_1", 4, &["apple", "kiwi"]), "1", "kiwi");
    sync(&session, &FakeHost::of(&learnt)).unwrap();
    assert_eq!(standings(&session), three(Standing::InRelease));
    assert_eq!(session.taught().products().iter().map(|p| p.label.as_str()).collect::<Vec<_>>(), ["melon"]);
}

#[test]
fn another_network_waits_for_the_pictures() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    teach(&session, "1", Some("kiwi"));
    // Other pixels go in, so other features come out.
    let mut other = publish("T_1", 2, &["apple", "bread"]);
    other.manifest.preprocessing.crop = 0.5;
    other.manifest.golden.outputs = other.load().golden_outputs().unwrap();
    sync(&session, &FakeHost::of(&other)).unwrap();
    assert_eq!(standings(&session), [(Some("kiwi".into()), Standing::Stale)]);
    assert!(recognize(&session).unwrap().predictions.iter().all(|p| !p.taught));
    // Looked at anew, under the same id.
    teach(&session, "1", Some("kiwi"));
    assert_eq!(standings(&session), [(Some("kiwi".into()), Standing::Active)]);
    assert_eq!(first(&session), ("kiwi".into(), true));
}

#[test]
fn lessons_cost_their_number_and_not_its_square() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let cost = |count: usize| {
        let session = open(&store);
        let file = |n: usize| lesson(&session, &n.to_string(), Some(&format!("product {n}")), 1).to_bytes().unwrap();
        let files: Vec<Vec<u8>> = (0..count).map(file).collect();
        total(|| {
            files.iter().for_each(|file| session.learn(file).unwrap());
            assert_eq!(session.taught().products().len(), count);
        })
    };
    let [few, many] = [100, 400].map(cost);
    // Four times for four times as many, and a little for memory that grows in powers of two; the square would be 16 times.
    assert!(many < 6 * few, "{many} bytes for 400 lessons, {few} for 100");
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let session = open(&store);
    for id in 0..MAX_PRODUCT_FRAMES / 32 {
        let lesson = lesson(&session, &id.to_string(), Some("kiwi"), 32);
        session.learn(&session.admit(&lesson).unwrap()).unwrap();
    }
    let more = lesson(&session, "more", Some("kiwi"), 1);
    let error = session.admit(&more).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LessonLimit);
    assert!(error.message().contains("128 frames of one product"), "{error}");
    // In the place of another, or of another product, it fits.
    session.admit(&Lesson { id: "0".into(), ..more.clone() }).unwrap();
    session.admit(&Lesson { label: Some("melon".into()), ..more.clone() }).unwrap();
    let crowd = session.admit(&Lesson { frames: vec![more.frames[0].clone(); 33], ..more.clone() }).unwrap_err();
    assert_eq!(crowd.kind(), ErrorKind::InvalidLesson);
    assert_eq!(session.lessons().len(), 4);
    let mut damaged = session.admit(&Lesson { id: "0".into(), ..more }).unwrap();
    damaged[40] ^= 1;
    assert_eq!(session.learn(&damaged).unwrap_err().kind(), ErrorKind::InvalidLesson);
    assert_eq!(session.lessons().len(), 4);
}

#[test]
fn a_whole_classifier_cannot_be_taught() {
    let mut published = publish("T_1", 1, &["apple", "bread", "cheese", "dates"]);
    published.manifest.model_type = ModelType::Classifier;
    (published.manifest.features, published.manifest.label_head) = (None, None);
    published.manifest.golden.outputs = published.load().golden_outputs().unwrap();
    let store = device(&published);
    let session = open(&store);
    assert_eq!(session.features_digest().unwrap_err().kind(), ErrorKind::NotTeachable);
    // Frames vote all the same.
    let rgba = golden::rgba();
    let frame = Frame::new(golden::WIDTH, golden::HEIGHT, &rgba).unwrap();
    let many = session.recognize(&[frame, frame]).unwrap();
    assert_eq!(many.predictions[0].label, recognize(&session).unwrap().predictions[0].label);
}

#[test]
fn without_a_model_nothing_is_taught_and_all_is_kept() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let taught = open(&store);
    let file = taught.admit(&lesson(&taught, "1", Some("kiwi"), 1)).unwrap();
    let empty = FakeStore::default();
    let session = open(&empty);
    assert_eq!(session.features_digest().unwrap_err().kind(), ErrorKind::NoModel);
    session.learn(&file).unwrap();
    assert_eq!(session.lessons()[0].standing, None);
    sync(&session, &FakeHost::of(&publish("T_1", 1, &["apple", "bread"]))).unwrap();
    assert_eq!(first(&session), ("kiwi".into(), true));
    block_on(session.clear()).unwrap();
    assert!(session.lessons().is_empty());
}

#[test]
fn a_row_names_its_lesson() {
    let store = device(&publish("T_1", 1, &["apple", "bread"]));
    let mut lesson = lesson(&open(&store), "1", Some("kiwi"), 2);
    assert_eq!(teach::rows(&lesson).unwrap(), "", "there is no picture to train on");
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    lesson.frames[1].jpeg = jpeg.into_inner();
    let base64 = Base64::encode_string(&lesson.frames[1].jpeg);
    assert_eq!(
        teach::rows(&lesson).unwrap(),
        format!(
            "{{\"image\":\"data:image/jpeg;base64,{base64}\",\"product\":\"kiwi\",\"facts\":{{\"price\":3}},\
             \"lesson\":{{\"id\":\"1\",\"time\":1780000000000,\"correction\":false}}}}\n"
        )
    );
    lesson.frames[1].jpeg = vec![0xff, 0xd8, 0xff, 0];
    let error = teach::rows(&lesson).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidFrame);
    assert!(error.message().contains("lesson `1`"), "{error}");
}
