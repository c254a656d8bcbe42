//! The reads from which the profile of a tenant is made, and its file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{OpenError, Tenant};
use crate::immuta::{ApiError, HttpTransport, KnownSecrets, ReadApi, Reader, RetryPolicy};
use crate::live::{Connections, RemoteId};
use crate::profile::{DETAIL, LIST, STATUS, SampledIntegration, TenantAnswers, describe, type_of};
use crate::regular::{NewFile, NewFileError};
use crate::settings::run::TenantSettings;
use crate::simulator::{ProfiledConnections, TenantProfile};

/// The integrations of one type that are read one by one.
const SAMPLES: usize = 20;

/// A profile that was not made.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFailure {
    /// The settings of the tenant.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The list could not be read.
    #[error(transparent)]
    Tenant(#[from] ApiError),
    /// The file exists or could not be written.
    #[error(transparent)]
    File(#[from] NewFileError),
    /// The profile could not be put into words.
    #[error("cannot write the profile as JSON")]
    Form(#[source] serde_json::Error),
}

/// Reads the tenant, and writes its profile to a new file. Nothing is sent but reads.
///
/// # Errors
/// The list cannot be read, or the file exists or cannot be written. Nothing was written.
pub async fn profile(
    settings: &TenantSettings,
    path: &Path,
) -> Result<TenantProfile, ProfileFailure> {
    if path.exists() {
        return Err(NewFileError::Exists(path.to_owned()).into());
    }
    let tenant = Tenant::new(settings, RetryPolicy::default(), None).map_err(OpenError::from)?;
    let reader = tenant.reader(KnownSecrets::none());
    let answers = answers(&reader).await?;
    let connections = match reader.connections().await {
        Ok(Connections::Listed(_)) => ProfiledConnections::Listed,
        Ok(Connections::Missing) => ProfiledConnections::Missing,
        Ok(Connections::Hidden) => ProfiledConnections::Hidden,
        Err(_) => ProfiledConnections::Unreadable,
    };
    let profile = describe(&answers, connections);
    let mut text = serde_json::to_vec_pretty(&profile).map_err(ProfileFailure::Form)?;
    text.push(b'\n');
    NewFile::create(path, 0o666)?.write(&text)?;
    Ok(profile)
}

/// Everything is read twice, the second time after all of the first.
async fn answers(reader: &Reader<HttpTransport>) -> Result<TenantAnswers, ApiError> {
    let mut answers = TenantAnswers {
        list: reader.raw_list().await?,
        ..TenantAnswers::default()
    };
    record(&mut answers, LIST, 200);
    let ids = samples(&answers.list);
    for id in &ids {
        let first = element(&answers.list, id);
        let detail = detail(reader, id, &mut answers).await;
        answers.samples.push(SampledIntegration {
            list: [first, None],
            detail: [detail, None],
        });
    }
    let again = reader.raw_list().await?;
    for (index, id) in ids.iter().enumerate() {
        let detail = detail(reader, id, &mut answers).await;
        let status = reader.raw_status(id).await;
        record_code(&mut answers, STATUS, status.as_ref().err());
        if let Some(sample) = answers.samples.get_mut(index) {
            sample.list[1] = element(&again, id);
            sample.detail[1] = detail;
        }
    }
    Ok(answers)
}

fn element(list: &[Value], id: &RemoteId) -> Option<Value> {
    let mut elements = list.iter();
    elements.find(|it| id_of(it).as_ref() == Some(id)).cloned()
}

async fn detail(
    reader: &Reader<HttpTransport>,
    id: &RemoteId,
    answers: &mut TenantAnswers,
) -> Option<Value> {
    let detail = reader.raw_integration(id).await;
    record_code(answers, DETAIL, detail.as_ref().err());
    detail.ok()
}

/// The integrations that are read one by one: the first of each type.
fn samples(list: &[Value]) -> Vec<RemoteId> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids = Vec::new();
    for element in list {
        let (Some(name), Some(id)) = (type_of(element), id_of(element)) else {
            continue;
        };
        let count = counts.entry(name).or_default();
        if *count < SAMPLES {
            *count += 1;
            ids.push(id);
        }
    }
    ids
}

fn id_of(element: &Value) -> Option<RemoteId> {
    match element.get("id")? {
        Value::String(id) => Some(RemoteId::new(id)),
        Value::Number(id) => Some(RemoteId::new(id.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An answer that did not come, or could not be read, has no code and is counted.
fn record_code(answers: &mut TenantAnswers, operation: &str, error: Option<&ApiError>) {
    match error {
        None => record(answers, operation, 200),
        Some(error) => {
            if let Some(rejection) = error.rejection() {
                record(answers, operation, rejection.code);
            } else {
                let number = answers.unusable.entry(operation.to_owned());
                *number.or_default() += 1;
            }
        }
    }
}

fn record(answers: &mut TenantAnswers, operation: &str, code: u16) {
    let codes = answers.responses.entry(operation.to_owned()).or_default();
    codes.insert(code);
}
