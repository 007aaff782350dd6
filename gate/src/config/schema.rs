//! The JSON Schema (2020-12) and the reference page, made from the table of fields.

use super::fields::{DOCUMENT, Field, Shape};

/// The JSON Schema of a configuration.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut document = describe(&DOCUMENT);
    if let Some(document) = document.as_object_mut() {
        document.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        document.insert("title".into(), "dashgate configuration".into());
    }
    document
}

fn describe(shape: &Shape) -> serde_json::Value {
    use serde_json::json;
    match shape {
        Shape::Text(_) => json!({"type": "string", "minLength": 1}),
        Shape::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Choice(words) => json!({"type": "string", "enum": words}),
        Shape::List(inner) => match inner {
            Shape::Text(_) | Shape::Choice(_) => {
                json!({"type": "array", "items": describe(inner), "uniqueItems": true})
            }
            _ => json!({"type": "array", "items": describe(inner)}),
        },
        Shape::Map(inner) => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]{1,64}$"},
            "additionalProperties": describe(inner),
        }),
        Shape::Object(fields) => object(fields),
    }
}

fn object(fields: &[Field]) -> serde_json::Value {
    let mut properties = serde_json::Map::new();
    for field in fields {
        let mut described = describe(&field.shape);
        if let Some(described) = described.as_object_mut() {
            described.insert("description".into(), field.meaning.into());
            if let Some(default) = field.default.and_then(|text| serde_json::from_str(text).ok()) {
                described.insert("default".into(), default);
            }
        }
        properties.insert(field.name.into(), described);
    }
    let required: Vec<&str> = fields.iter().filter(|field| field.default.is_none()).map(|field| field.name).collect();
    serde_json::json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The reference page's tables, in Markdown, one object after the other.
#[must_use]
pub fn reference() -> String {
    let mut page = String::new();
    tables(&DOCUMENT, "the document", &mut page);
    page
}

fn tables(shape: &Shape, place: &str, page: &mut String) {
    match shape {
        Shape::List(inner) => tables(inner, &format!("{place}[]"), page),
        Shape::Map(inner) => tables(inner, &format!("{place}.NAME"), page),
        Shape::Object(fields) => {
            page.push_str(&format!("\n## {place}\n\n| key | value | default | meaning |\n|---|---|---|---|\n"));
            for field in *fields {
                let default = match field.default {
                    None => "(required)".to_owned(),
                    Some("") => "none".to_owned(),
                    Some(text) => format!("`{text}`"),
                };
                page.push_str(&format!(
                    "| `{}` | {} | {default} | {} |\n",
                    field.name,
                    kind(&field.shape),
                    field.meaning
                ));
            }
            for field in *fields {
                let inner =
                    if place == "the document" { field.name.to_owned() } else { format!("{place}.{}", field.name) };
                tables(&field.shape, &inner, page);
            }
        }
        _ => {}
    }
}

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Text(_) => "string".to_owned(),
        Shape::Whole(least, most) => format!("{least} to {most}"),
        Shape::Boolean => "true or false".to_owned(),
        Shape::Choice(words) => words.join(", "),
        Shape::List(inner) => format!("list of: {}", kind(inner)),
        Shape::Map(_) => "object by name".to_owned(),
        Shape::Object(_) => "object".to_owned(),
    }
}
