//! The same as one JSON object. `--help` documents it.

use serde::Serialize;
use serde_json::{Value, json};
use softlockup::dmesg::diagnosis::Diagnosis;

const SCHEMA: &str = "softlockup.diagnosis";
const VERSION: u32 = 1;

/// All incidents of a log.
///
/// # Errors
/// If it cannot be written as JSON.
pub(crate) fn object(incidents: &[Diagnosis], exit_status: u8) -> Result<String, String> {
    let incidents: Vec<Value> = incidents.iter().map(incident).collect::<Result<_, _>>()?;
    let object = json!({
        "schema": SCHEMA,
        "version": VERSION,
        "exit_status": exit_status,
        "incidents": incidents,
    });
    serde_json::to_string_pretty(&object).map(|text| text + "\n").map_err(|error| error.to_string())
}

fn incident(of: &Diagnosis) -> Result<Value, String> {
    let mut value = plain(of)?;
    add_texts(&mut value["facts"], of.facts.iter().map(ToString::to_string));
    add_texts(&mut value["caveats"], of.caveats.iter().map(ToString::to_string));
    let advice = of.advice.iter().map(|advice| Ok(json!({ "advice": plain(advice)? })));
    value["advice"] = Value::Array(advice.collect::<Result<_, String>>()?);
    add_texts(&mut value["advice"], of.advice.iter().map(ToString::to_string));
    Ok(value)
}

fn plain(of: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(of).map_err(|error| error.to_string())
}

/// Gives each object of an array its text.
fn add_texts(array: &mut Value, texts: impl Iterator<Item = String>) {
    let objects = array.as_array_mut().into_iter().flatten();
    objects.zip(texts).for_each(|(object, text)| object["text"] = Value::String(text));
}
