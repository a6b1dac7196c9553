use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A shop of made-up photos, each with the features and the answer that a test wants.
struct Shop {
    dir: TempDir,
    labels: Vec<String>,
    examples: Vec<Example>,
    /// Where in a plane the features point, and what else is in them: its own for every photo that repeats none.
    directions: Vec<(f32, usize)>,
    answers: Vec<Option<Answer>>,
    unknown: Vec<f32>,
}

impl Shop {
    fn of(labels: &[&str]) -> Self {
        Shop {
            dir: tempfile::tempdir().unwrap(),
            labels: labels.iter().map(ToString::to_string).collect(),
            examples: Vec::new(),
            directions: Vec::new(),
            answers: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Takes a photo of `label` whose features point at `degrees`; `answer` are its probabilities and rejection score.
    fn photo(&mut self, label: usize, degrees: f32, answer: Option<(&[f32], f32)>) -> PathBuf {
        let name = format!("{}/{}.png", self.labels[label], self.examples.len());
        let path = self.dir.path().join(format!("{}.png", self.examples.len()));
        let shade = image::Rgb([self.examples.len() as u8, 80, label as u8]);
        image::RgbImage::from_pixel(20, 10, shade).save(&path).unwrap();
        self.examples.push(Example { path: path.clone(), name, label: Some(label), ..Example::default() });
        self.directions.push((degrees, self.examples.len()));
        self.answers.push(
            answer.map(|(probabilities, rejection_score)| Answer {
                probabilities: probabilities.to_vec(),
                rejection_score,
            }),
        );
        path
    }

    /// Takes a photo of `label` that shows what another one did.
    fn repeat(&mut self, label: usize, of: usize) -> PathBuf {
        let path = self.photo(label, 0.0, None);
        *self.directions.last_mut().unwrap() = self.directions[of];
        path
    }

    /// The report with its page.
    fn report(&mut self) -> (Report, String) {
        let answers = std::mem::take(&mut self.answers);
        let features: Vec<Vec<f32>> = self
            .directions
            .iter()
            .map(|(degrees, own)| {
                let mut features = vec![0.0; 3 + self.directions.len()];
                (features[0], features[1]) = (0.9 * degrees.to_radians().cos(), 0.9 * degrees.to_radians().sin());
                features[2 + own] = 0.19f32.sqrt();
                features
            })
            .collect();
        let photos = self.examples.iter().zip(&features).zip(answers);
        let photos: Vec<Photo> =
            photos.map(|((example, features), answer)| Photo { example, features, answer }).collect();
        let attributes = [Attribute {
            name: "wear".into(),
            kind: "numeric",
            images: 3,
            accuracy: None,
            mae: Some(0.1),
            rmse: Some(0.2),
        }];
        let known: Vec<f32> = photos.iter().filter_map(|p| p.answer.as_ref()).map(|a| a.rejection_score).collect();
        let input = Input {
            channel: "T_1",
            version: "v1",
            trained_at: "2026-01-02T03:04:05Z",
            backbone: "embedded",
            labels: &self.labels,
            photos: &photos,
            known_scores: &known,
            unknown_scores: &self.unknown,
            threshold: 0.5,
            expected: None,
            promises: &[],
            match_precision: None,
            attributes: &attributes,
            notes: &["a note".to_owned()],
        };
        let report = Report::of(&input);
        let page = page::html(&report, &input);
        (report, page)
    }
}

/// Three products at 0, 60 and 120 degrees, four photos each, apart; the last two of each are held out.
fn three() -> Shop {
    let mut shop = Shop::of(&["apple", "bread", "corn"]);
    let held: [[(&[f32], f32); 2]; 3] = [
        [(&[0.8, 0.1, 0.1], 0.9), (&[0.3, 0.6, 0.1], 0.6)],
        [(&[0.7, 0.2, 0.1], 0.4), (&[0.1, 0.9, 0.0], 0.8)],
        [(&[0.0, 0.1, 0.9], 0.7), (&[0.0, 0.2, 0.8], 0.3)],
    ];
    for (label, answers) in held.into_iter().enumerate() {
        for i in 0..4 {
            let answer = (i >= 2).then(|| answers[i - 2]);
            shop.photo(label, 60.0 * label as f32 + 12.0 * i as f32, answer);
        }
    }
    shop.unknown = vec![0.65, 0.2];
    shop
}

#[test]
fn figures_are_those_counted_by_hand() {
    let (report, page) = three().report();
    let accuracy = report.accuracy.unwrap();
    assert_eq!((accuracy.top1.hits, accuracy.top1.of), (4, 6));
    assert!((accuracy.top1.share - 4.0 / 6.0).abs() < 1e-12);
    // Wilson, 4 of 6: (0.6667 + 0.3201 ± 1.96 · √(0.03704 + 0.02667)) ÷ 1.6402.
    assert!((accuracy.top1.low - 0.3000).abs() < 1e-3 && (accuracy.top1.high - 0.9032).abs() < 1e-3);
    assert_eq!((accuracy.top5.hits, accuracy.mean_recall), (6, 2.0 / 3.0));

    let shares = |share: Option<Share>| share.map(|s| (s.hits, s.of));
    let rows: Vec<_> = report.per_product.iter().map(|p| (shares(p.recall), shares(p.precision))).collect();
    assert_eq!(rows, [(Some((1, 2)), Some((1, 2))), (Some((1, 2)), Some((1, 2))), (Some((2, 2)), Some((2, 2))),]);
    let pairs: Vec<_> =
        report.confusions.iter().map(|c| (c.label.as_str(), c.answer.as_str(), c.images, c.of)).collect();
    assert_eq!(pairs, [("apple", "bread", 1, 2), ("bread", "apple", 1, 2)]);

    // Six answers in bins of a fifteenth: 0.6 (wrong), 0.7 (wrong), 0.8 twice (right), 0.9 twice (right).
    let calibration = report.calibration.unwrap();
    let expected = (0.6 + 0.7 + 2.0 * 0.2 + 2.0 * 0.1) / 6.0;
    assert!((calibration.ece - expected).abs() < 1e-6, "{}", calibration.ece);

    // Known 0.9 0.8 0.7 0.6 0.4 0.3, unknown 0.65 0.2: of 12 pairs 3 + 6 are in order; 0.3 must pass, and 0.65 does then.
    let rejection = report.rejection.unwrap();
    assert!((rejection.auroc - 9.0 / 12.0).abs() < 1e-12);
    assert_eq!(rejection.fpr95, 0.5);
    assert_eq!((rejection.true_accepts.hits, rejection.false_accepts.hits), (4, 1), "at 0.5");
    let last = rejection.curve.last().unwrap();
    assert_eq!((last.true_accepts, last.false_accepts), (1.0, 1.0));

    let worst: Vec<_> = report.worst.iter().map(|w| (w.seen.image.as_str(), w.answer.as_str())).collect();
    assert_eq!(worst, [("bread/6.png", "apple"), ("apple/3.png", "bread")], "least likely first");
    for part in ["66.7\u{a0}%", "30.0–90.3\u{a0}%", "bread/6.png", "data:image/jpeg;base64,", "AUROC", "wear", "a note"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn it_is_written_as_plain_data() {
    let (report, _) = three().report();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["accuracy"]["top1"]["hits"], 4);
    assert_eq!(json["accuracy"]["meanRecall"], 2.0 / 3.0);
    assert_eq!(json["perProduct"][0]["label"], "apple");
    assert_eq!(json["perProduct"][0]["distinctPhotos"], 4);
    let confusion = serde_json::json!({"label": "apple", "answer": "bread", "images": 1, "of": 2});
    assert_eq!(json["confusions"][0], confusion);
    assert_eq!(json["worst"][0]["image"], "bread/6.png");
    assert!((json["worst"][0]["labelConfidence"].as_f64().unwrap() - 0.2).abs() < 1e-6);
    assert_eq!(json["rejection"]["trueAccepts"]["of"], 6);
    assert_eq!(json["calibration"]["bins"].as_array().unwrap().len(), 15);
}

#[test]
fn nothing_is_claimed_of_what_was_not_measured() {
    for shop in [&mut Shop::of(&[]), &mut Shop::of(&["a", "b"])] {
        let (report, page) = shop.report();
        assert!(report.accuracy.is_none() && report.calibration.is_none() && report.rejection.is_none());
        assert!(page.contains("was not measured"));
    }
    // Of one product every answer is right.
    let mut one = Shop::of(&["a"]);
    one.photo(0, 0.0, Some((&[1.0], 0.9)));
    let (report, page) = one.report();
    assert!(report.accuracy.is_none() && report.calibration.is_none());
    assert!(page.contains("was not measured") && report.advice[0].text == "“a” has only 1 photo: add 9 more.");
    // An answer over other labels is no answer.
    let mut other = Shop::of(&["a", "b"]);
    other.photo(0, 0.0, Some((&[1.0], 0.9)));
    assert!(other.report().0.accuracy.is_none());
}

#[test]
fn advice_follows_from_the_numbers() {
    let mut shop = Shop::of(&["apple", "bread", "corn"]);
    for i in 0..12 {
        // Apples are taken for bread in 3 of 12, bread never for apples, corn is always the same photo.
        shop.photo(0, 3.0 * i as f32, Some(if i < 3 { (&[0.4, 0.5, 0.1], 0.9) } else { (&[0.9, 0.1, 0.0], 0.9) }));
        shop.photo(1, 90.0 + 3.0 * i as f32, Some((&[0.1, 0.9, 0.0], if i < 4 { 0.1 } else { 0.9 })));
    }
    shop.photo(2, 200.0, None);
    (0..4).for_each(|_| drop(shop.repeat(2, 24)));
    let (report, page) = shop.report();
    let texts: Vec<&str> = report.advice.iter().map(|a| a.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "“bread” is not recognised as any product in 4 of 12 photos: add photos of it as it is usually held before the \
         camera.",
            "“apple” is taken for “bread” in 3 of 12 photos: add photos of “apple” from other sides, above all those in which \
         the two differ.",
            "The 5 photos of “corn” are all near-duplicates and teach no more than one: photograph it from other sides, at \
         other distances, in other light.",
        ]
    );
    assert_eq!((report.per_product[2].photos, report.per_product[2].distinct_photos), (5, 1));
    assert!(page.contains("in 3 of 12 photos"));
}

#[test]
fn few_photos_and_pairs_that_are_taken_for_each_other() {
    let mut shop = Shop::of(&["apple", "bread"]);
    for i in 0..4 {
        shop.photo(0, 8.0 * i as f32, Some((&[0.1, 0.9], 0.9)));
        shop.photo(1, 90.0 + 8.0 * i as f32, Some(if i < 2 { (&[0.9, 0.1], 0.9) } else { (&[0.1, 0.9], 0.9) }));
    }
    let (report, _) = shop.report();
    assert_eq!(report.advice[0].images, 6);
    assert!(report.advice[0].text.starts_with("“apple” and “bread” are taken for each other, in 4 of 4 and in 2 of 4"));
    assert_eq!(report.advice.len(), 3);
    assert_eq!(report.advice[1].text, "“apple” has only 4 photos: add 6 more.");
}

#[test]
fn a_wrong_label_is_found_by_its_neighbours() {
    let mut shop = Shop::of(&["apple", "bread"]);
    for i in 0..6 {
        shop.photo(0, 4.0 * i as f32, Some((&[0.9, 0.1], 0.9)));
        shop.photo(1, 90.0 + 4.0 * i as f32, Some((&[0.1, 0.9], 0.9)));
    }
    // Among the apples, called bread, and sure to be an apple; then one that is not sure.
    shop.photo(1, 10.0, Some((&[0.95, 0.05], 0.9)));
    shop.photo(1, 14.0, Some((&[0.55, 0.45], 0.9)));
    // Sure, but among its like.
    shop.photo(0, 3.0, Some((&[0.05, 0.95], 0.9)));
    let (report, page) = shop.report();
    let names: Vec<_> = report.mislabelled.iter().map(|s| s.seen.image.as_str()).collect();
    assert_eq!(names, ["bread/12.png"]);
    assert_eq!(report.mislabelled[0].answer, "apple");
    assert!(report.mislabelled[0].neighbours.iter().filter(|n| n.label.as_deref() == Some("apple")).count() >= 3);
    assert!(report.advice[0].text.starts_with("1 photo seems to show another product"));
    assert!(page.contains("Probably mislabelled"));
}

#[test]
fn repeated_photos_are_grouped_and_equal_files_named() {
    let mut shop = Shop::of(&["apple", "bread"]);
    let first = shop.photo(0, 0.0, None);
    let copy = shop.repeat(0, 0);
    std::fs::copy(&first, copy).unwrap();
    shop.repeat(0, 0);
    shop.directions[2].0 = 0.5;
    shop.photo(0, 0.0, None);
    shop.photo(1, 90.0, None);
    shop.repeat(0, 4);
    shop.photo(1, 90.0, None);
    // The same file, of which two parts are two photos.
    let whole = shop.photo(1, 150.0, None);
    shop.repeat(1, 7);
    for (i, x) in [(7, 0), (8, 10)] {
        shop.examples[i].path = whole.clone();
        shop.examples[i].region = crate::photo::Region::parse(&serde_json::json!([x, 0, 10, 10]), None).ok();
    }
    let (report, page) = shop.report();
    let groups: Vec<(Vec<usize>, bool, bool)> = report
        .duplicates
        .iter()
        .map(|g| (g.photos.iter().map(|p| p.index).collect(), g.contradict(), g.equal))
        .collect();
    assert_eq!(groups, [(vec![4, 5], true, false), (vec![0, 1, 2], false, false), (vec![7, 8], false, false)]);
    assert_eq!(report.per_product[0].distinct_photos, 3);
    assert!(report.advice[0].text.starts_with("1 picture is labelled as different products"));
    assert!(page.contains("different products"));

    let mut twins = Shop::of(&["apple", "bread"]);
    let first = twins.photo(0, 0.0, None);
    std::fs::copy(first, twins.repeat(0, 0)).unwrap();
    twins.photo(1, 90.0, None);
    let (report, page) = twins.report();
    assert!(report.duplicates.len() == 1 && report.duplicates[0].equal && page.contains("equal files"));
}

#[test]
fn hostile_names_stay_inert() {
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</title></style></svg><script>alert(2)</script>",
        "' onload='alert(3)",
        "javascript:alert(4)",
        "\u{202e}gpj.evil\0\u{1b}[2J\u{200f}\u{2028}\u{feff}\u{e0041}",
        "]]><!-- ",
        "&lt;b&gt;",
    ];
    let mut shop = Shop::of(&hostile);
    for label in 0..hostile.len() {
        for i in 0..4 {
            let mut probabilities = vec![0.0; hostile.len()];
            probabilities[(label + usize::from(i > 0)) % hostile.len()] = 1.0;
            shop.photo(label, 40.0 * label as f32 + i as f32, Some((&probabilities, 0.1 * i as f32)));
        }
        shop.repeat(label, 5 * label);
    }
    shop.examples.iter_mut().enumerate().for_each(|(i, e)| e.name = format!("{}{i}", hostile[i % hostile.len()]));
    shop.unknown = vec![0.1];
    let (report, page) = shop.report();
    assert!(report.worst.len() > 8 && !report.duplicates.is_empty() && report.advice.len() > 8);
    // Whatever opens a tag must be one that the page itself writes, with attributes that it writes.
    let tags = [
        "!DOCTYPE",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "h2",
        "p",
        "bdi",
        "div",
        "b",
        "span",
        "small",
        "main",
        "section",
        "ul",
        "li",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "img",
        "i",
        "svg",
        "rect",
        "line",
        "circle",
        "text",
        "path",
        "g",
    ];
    for piece in page.split('<').skip(1) {
        let tag: String =
            piece.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric() || *c == '!').collect();
        assert!(tags.contains(&tag.as_str()), "<{piece}");
        let inside = piece.split_once('>').unwrap_or_else(|| panic!("<{piece} is not closed")).0;
        // Outside of quotes there are names of attributes only.
        let outside: String = inside.split('"').step_by(2).collect();
        assert!(outside.split_whitespace().all(|name| !name.starts_with("on")), "<{inside}");
        assert!(!outside.contains('\'') && inside.matches('"').count() % 2 == 0, "<{inside}");
        let pieces: Vec<&str> = inside.split('"').collect();
        for attribute in pieces.chunks_exact(2) {
            let [name, value] = attribute else { continue };
            if name.ends_with("src=") || name.ends_with("href=") {
                assert!(value.starts_with("data:image/jpeg;base64,"), "{value}");
            }
        }
    }
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert!(!page.contains(|c| c != '\n' && crate::text::is_hidden(c)));
    assert!(page.contains("\\u{202e}gpj.evil\\u{0}"), "such names are still told apart");
    assert!(page.contains("default-src 'none'"));
    for elsewhere in ["http://", "https://", "url(", "@import", "//"] {
        let outside = page.split("base64,").map(|part| part.split_once('"').map_or(part, |(_, rest)| rest));
        assert!(outside.into_iter().all(|part| !part.contains(elsewhere)), "{elsewhere}");
    }
}
