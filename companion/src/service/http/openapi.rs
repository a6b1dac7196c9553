//! The API's description: as OpenAPI 3.1 and as a page for people, both made from the code.

use std::fmt::Write as _;

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};

use crate::service::App;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h2{margin-top:2.5rem;border-bottom:1px solid #8884}h3{margin:1.5rem 0 .25rem;font-size:1rem}\
code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;background:#8881}\
table{border-collapse:collapse}td,th{padding:.15rem .75rem .15rem 0;text-align:left;vertical-align:top}\
b.m{display:inline-block;min-width:4.5rem}";

/// What is said of the API as a whole; the endpoints add themselves.
pub fn document() -> OpenApi {
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key: `key_….SECRET`.")).build();
    let info = InfoBuilder::new()
        .title("Jicho")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The back office of shops that recognise products with the camera. Errors are problem documents (RFC 9457) \
             with a stable `code`. Times are milliseconds since 1970-01-01 UTC.",
        ))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(ComponentsBuilder::new().security_scheme("key", SecurityScheme::Http(bearer)).build()))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], _>("key", [])]))
        .build()
}

/// Adds what holds for all endpoints: refusals are problem documents, and anything may fail with one.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_id(method, path));
            let responses = &mut operation.responses.responses;
            responses.entry("4XX".into()).or_insert_with(|| RefOr::T(refusal("The request is refused.")));
            responses.entry("5XX".into()).or_insert_with(|| RefOr::T(refusal("The service failed, or is busy.")));
            for (status, response) in responses {
                if let RefOr::T(response) = response
                    && status == "4XX"
                {
                    *response = refusal("The request is refused.");
                }
            }
        }
    }
}

/// `patch /api/v1/channels/{channel}/photos/{photo}` is `patchChannelsPhotosByPhoto`.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix(super::API).unwrap_or(path);
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let mut id = method.to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    for (index, segment) in segments.iter().enumerate() {
        match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if index + 1 == segments.len() => id += &format!("By{}", capital(name)),
            Some(_) => {}
            None => id.extend(segment.split(['.', '-']).map(capital)),
        }
    }
    id
}

fn refusal(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// `/openapi.json`, and `/docs` for people.
pub fn routes(document: OpenApi) -> Router<App> {
    let json = document.to_json().unwrap_or_default();
    let page = page(&serde_json::from_str(&json).unwrap_or_default()).into_string();
    let csp = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let as_json = move || async move { ([(CONTENT_TYPE, "application/json")], json).into_response() };
    let as_page = move || async move { ([(CONTENT_SECURITY_POLICY, csp)], Html(page)).into_response() };
    Router::new()
        .route("/openapi.json", get(as_json.clone()))
        .route(&format!("{}/openapi.json", super::API), get(as_json))
        .route("/docs", get(as_page))
}

/// The description as one page without any script.
fn page(document: &Value) -> Markup {
    let info = &document["info"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Jicho API" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { (text(&info["title"])) " API " (text(&info["version"])) }
                p { (text(&info["description"])) " The same as a document for programs: " a href="/openapi.json" { "/openapi.json" } "." }
                @for (tag, operations) in by_tag(document) {
                    h2 id=(tag) { (tag) }
                    @for (method, path, operation) in operations {
                        h3 { b.m { (method.to_uppercase()) } code { (path) } }
                        p { (text(&operation["summary"])) " " (text(&operation["description"])) }
                        @if let Some(parameters) = operation["parameters"].as_array() {
                            table {
                                @for parameter in parameters {
                                    tr {
                                        td { code { (text(&parameter["name"])) } }
                                        td { (text(&parameter["in"])) }
                                        td { (text(&parameter["description"])) }
                                    }
                                }
                            }
                        }
                        @if let Some(content) = operation["requestBody"]["content"].as_object() {
                            @for (kind, body) in content { p { "Body: " code { (kind) } " " code { (named(&body["schema"])) } } }
                        }
                        @if let Some(responses) = operation["responses"].as_object() {
                            p {
                                @for (status, response) in responses {
                                    code { (status) " " (answered(response)) } " "
                                }
                            }
                        }
                    }
                }
                h2 id="schemas" { "Schemas" }
                @if let Some(schemas) = document["components"]["schemas"].as_object() {
                    @for (name, schema) in schemas {
                        h3 id=(format!("schema-{name}")) { code { (name) } }
                        p { (text(&schema["description"])) }
                        pre { (fields(schema)) }
                    }
                }
            }
        }
    }
}

/// Method, path and description.
type Operation = (String, String, Value);

/// The operations of each tag, in the order in which the tags first appear.
fn by_tag(document: &Value) -> Vec<(String, Vec<Operation>)> {
    let mut tags: Vec<(String, Vec<Operation>)> = Vec::new();
    let Some(paths) = document["paths"].as_object() else { return tags };
    for (path, item) in paths {
        let Some(operations) = item.as_object() else { continue };
        for (method, operation) in operations {
            let tag = operation["tags"][0].as_str().unwrap_or("other").to_owned();
            let entry = (method.clone(), path.clone(), operation.clone());
            match tags.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, operations)) => operations.push(entry),
                None => tags.push((tag, vec![entry])),
            }
        }
    }
    tags
}

fn answered(response: &Value) -> String {
    let content = response["content"].as_object();
    content.and_then(|content| content.values().next()).map(|body| named(&body["schema"])).unwrap_or_default()
}

/// A schema in a word or two.
fn named(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if schema["type"] == "array" {
        return format!("[{}]", named(&schema["items"]));
    }
    for choice in ["oneOf", "allOf", "anyOf"] {
        if let Some(schemas) = schema[choice].as_array() {
            return schemas.iter().map(named).collect::<Vec<_>>().join(" | ");
        }
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        Value::String(kind) => kind.clone(),
        _ => String::new(),
    }
}

fn fields(schema: &Value) -> String {
    let mut text = String::new();
    let parts = schema["allOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
    for part in parts {
        if let Some(values) = part["enum"].as_array() {
            let values = values.iter().filter_map(Value::as_str).collect::<Vec<_>>();
            let _ = writeln!(text, "{}", values.join(" | "));
        } else if let Some(properties) = part["properties"].as_object() {
            for (name, property) in properties {
                let about = property["description"].as_str().unwrap_or_default();
                let _ = writeln!(text, "{name}: {}  {about}", named(property));
            }
        } else {
            let _ = writeln!(text, "{}", named(&part));
        }
    }
    text
}
