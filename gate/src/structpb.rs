//! Reads a `google.protobuf.Struct` in protobuf wire form: what Envoy hands over when the configuration is native YAML.
//!
//! Source: google/protobuf/struct.proto and the protobuf encoding guide. Only what Envoy's serializer writes is read.

use std::borrow::Cow;

use crate::json::{Json, MAX_DEPTH};

const MALFORMED: &str = "is not a well-formed google.protobuf.Struct";

/// Reads a whole `Struct` as a JSON object.
///
/// # Errors
/// A sentence, where the bytes are no `Struct`, nest too deeply or repeat a member.
pub fn parse(bytes: &[u8]) -> Result<Json<'static>, &'static str> {
    object(bytes, MAX_DEPTH)
}

/// One protobuf field: its number and its content.
enum Content<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> Result<u64, &'static str> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or(MALFORMED)?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(MALFORMED)
}

fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u64, Content<'a>), &'static str> {
    let tag = varint(bytes)?;
    let content = match tag & 7 {
        0 => Content::Varint(varint(bytes)?),
        1 => {
            let (head, rest) = bytes.split_first_chunk::<8>().ok_or(MALFORMED)?;
            *bytes = rest;
            Content::Fixed64(*head)
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).map_err(|_| MALFORMED)?;
            let (head, rest) = bytes.split_at_checked(length).ok_or(MALFORMED)?;
            *bytes = rest;
            Content::Bytes(head)
        }
        _ => return Err(MALFORMED),
    };
    Ok((tag >> 3, content))
}

fn text(bytes: &[u8]) -> Result<Cow<'static, str>, &'static str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Owned(text.to_owned())),
        Err(_) => Err(MALFORMED),
    }
}

fn object(mut bytes: &[u8], depth: usize) -> Result<Json<'static>, &'static str> {
    let depth = depth.checked_sub(1).ok_or("is nested too deeply")?;
    let mut members: Vec<(Cow<'static, str>, Json<'static>)> = Vec::new();
    while !bytes.is_empty() {
        let (1, Content::Bytes(mut entry)) = field(&mut bytes)? else { return Err(MALFORMED) };
        let (mut name, mut value) = (Cow::Borrowed(""), Json::Null);
        while !entry.is_empty() {
            match field(&mut entry)? {
                (1, Content::Bytes(bytes)) => name = text(bytes)?,
                (2, Content::Bytes(bytes)) => value = any(bytes, depth)?,
                _ => return Err(MALFORMED),
            }
        }
        // Protobuf maps come in no order; a fixed one keeps problem lists stable.
        match members.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(_) => return Err("repeats a member"),
            Err(place) => members.insert(place, (name, value)),
        }
    }
    Ok(Json::Object(members))
}

fn any(mut bytes: &[u8], depth: usize) -> Result<Json<'static>, &'static str> {
    let mut value = Json::Null;
    while !bytes.is_empty() {
        value = match field(&mut bytes)? {
            (1, Content::Varint(_)) => Json::Null,
            (2, Content::Fixed64(bits)) => number(f64::from_le_bytes(bits))?,
            (3, Content::Bytes(bytes)) => Json::Text(text(bytes)?),
            (4, Content::Varint(bit)) => Json::Bool(bit != 0),
            (5, Content::Bytes(bytes)) => object(bytes, depth)?,
            (6, Content::Bytes(bytes)) => list(bytes, depth)?,
            _ => return Err(MALFORMED),
        };
    }
    Ok(value)
}

fn list(mut bytes: &[u8], depth: usize) -> Result<Json<'static>, &'static str> {
    let depth = depth.checked_sub(1).ok_or("is nested too deeply")?;
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (1, Content::Bytes(item)) = field(&mut bytes)? else { return Err(MALFORMED) };
        items.push(any(item, depth)?);
    }
    Ok(Json::List(items))
}

/// YAML's whole numbers arrive as doubles; 2^53 is where doubles stop being exact.
fn number(value: f64) -> Result<Json<'static>, &'static str> {
    if !value.is_finite() {
        return Err("holds a number that is not finite");
    }
    if (0.0..9_007_199_254_740_992.0).contains(&value) && value.fract() == 0.0 {
        return Ok(Json::Whole(value as u64));
    }
    Ok(Json::Number(value))
}
