//! The reads from which the profile of a tenant is made, and its file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{OpenError, Tenant};
use crate::immuta::{
    ApiError, HttpTransport, KnownSecrets, RawAnswer, ReadApi, Reader, RetryPolicy,
};
use crate::live::{Connections, RemoteId};
use crate::profile::{
    DETAIL, LIST, ReadOutcome, STATUS, SampledIntegration, TenantAnswers, TenantReads, describe,
    is_integration, type_of,
};
use crate::regular::{NewFile, NewFileError};
use crate::settings::run::TenantSettings;
use crate::simulator::{ProfiledConnections, TenantProfile, UnusableResponse};

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
    /// The answer for the list is none.
    #[error("the response to `{LIST}` is not a list of integrations")]
    List,
    /// The file exists or could not be written.
    #[error(transparent)]
    File(#[from] NewFileError),
    /// The profile could not be put into words.
    #[error("cannot write the profile as JSON")]
    Form(#[source] serde_json::Error),
}

/// A profile that was made.
pub struct ProfiledTenant {
    /// The profile.
    pub profile: TenantProfile,
    /// Its JSON.
    pub document: String,
    /// The reads that it was made from.
    pub reads: TenantReads,
}

/// Reads the tenant, and writes its profile to a new file, if one is named. Nothing is sent but
/// reads.
///
/// # Errors
/// The list cannot be read, or the file exists or cannot be written. Nothing was written.
pub async fn profile(
    settings: &TenantSettings,
    file: Option<&Path>,
) -> Result<ProfiledTenant, ProfileFailure> {
    let file = file.map(|path| NewFile::create(path, 0o666)).transpose()?;
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
    let mut document = serde_json::to_string_pretty(&profile).map_err(ProfileFailure::Form)?;
    document.push('\n');
    if let Some(file) = file {
        file.write(document.as_bytes())?;
    }
    Ok(ProfiledTenant {
        profile,
        document,
        reads: answers.reads,
    })
}

/// Everything is read twice, the second time after all of the first.
async fn answers(reader: &Reader<HttpTransport>) -> Result<TenantAnswers, ProfileFailure> {
    let mut answers = TenantAnswers::default();
    let list = elements(reader.raw_list().await?).map_err(|_| ProfileFailure::List)?;
    answers.reads.record(LIST, ReadOutcome::Good);
    answers.has_other_elements = !list.iter().all(is_integration);
    answers.list = list.into_iter().filter(is_integration).collect();
    let ids = samples(&answers.list);
    for id in &ids {
        let first = element(&answers.list, id);
        let detail = detail(reader, id, &mut answers.reads).await;
        answers.samples.push(SampledIntegration {
            list: [first, None],
            detail: [detail, None],
        });
    }
    let again = reader.raw_list().await.map(elements);
    let again = recorded(&mut answers.reads, LIST, again).unwrap_or_default();
    for (index, id) in ids.iter().enumerate() {
        let detail = detail(reader, id, &mut answers.reads).await;
        let status = reader.raw_status(id).await.map(status);
        recorded(&mut answers.reads, STATUS, status);
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
    reads: &mut TenantReads,
) -> Option<Value> {
    let answer = reader.raw_integration(id).await.map(|answer| {
        let value = json(answer)?;
        let is_it = is_integration(&value) && id_of(&value).as_ref() == Some(id);
        is_it.then_some(value).ok_or(UnusableResponse::OtherJson)
    });
    recorded(reads, DETAIL, answer)
}

/// The elements of the list.
fn elements(answer: RawAnswer) -> Result<Vec<Value>, UnusableResponse> {
    match json(answer)? {
        Value::Array(elements) => Ok(elements),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(UnusableResponse::OtherJson)
        }
    }
}

/// A status: an object with one, or the word alone.
fn status(answer: RawAnswer) -> Result<(), UnusableResponse> {
    let value = json(answer)?;
    let has_status = value.is_string() || value.get("status").is_some_and(Value::is_string);
    has_status.then_some(()).ok_or(UnusableResponse::OtherJson)
}

fn json(answer: RawAnswer) -> Result<Value, UnusableResponse> {
    match answer {
        RawAnswer::Json(value) => Ok(value),
        RawAnswer::Html => Err(UnusableResponse::Html),
        RawAnswer::Empty => Err(UnusableResponse::Empty),
        RawAnswer::NotJson => Err(UnusableResponse::NotJson),
        RawAnswer::TooLarge => Err(UnusableResponse::TooLarge),
    }
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

/// Counts a read, and returns its answer, if it is a usable one.
fn recorded<T>(
    reads: &mut TenantReads,
    operation: &'static str,
    answer: Result<Result<T, UnusableResponse>, ApiError>,
) -> Option<T> {
    let (outcome, answer) = match answer {
        Ok(Ok(answer)) => (ReadOutcome::Good, Some(answer)),
        Ok(Err(form)) => (ReadOutcome::Unusable(form), None),
        Err(error) => (outcome_of(&error), None),
    };
    reads.record(operation, outcome);
    answer
}

fn outcome_of(error: &ApiError) -> ReadOutcome {
    match error {
        ApiError::Refused { rejection, .. } => ReadOutcome::Status(rejection.code),
        ApiError::Unreadable {
            code: Some(code), ..
        } => ReadOutcome::Status(*code),
        // An answer for the credentials is none for the read.
        ApiError::NoCredentials(_)
        | ApiError::Transport { .. }
        | ApiError::Unreadable { code: None, .. } => {
            ReadOutcome::Unusable(UnusableResponse::NoResponse)
        }
    }
}
