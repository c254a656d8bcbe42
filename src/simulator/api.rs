//! The operations: what each checks, in which order, and what it answers
//! (API.md sections 3, 5 and 6).

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::answer::{ErrorReply, Reply, ReplyBody};
use super::check::{self, CheckedBody};
use super::fault::{Refuse, Twists};
use super::options::ScriptForm;
use super::route::Route;
use super::schema::Contract;
use super::status::SimulatedStatus;
use super::store::{Beginning, StoredIntegration, Transition};
use super::view::Presentation;
use super::{State, connections, tree, view};

/// A request, taken apart.
pub(super) struct ApiRequest {
    pub(super) route: Option<Route>,
    pub(super) authorization: Option<String>,
    pub(super) body: Bytes,
    /// The body, if it is JSON.
    pub(super) json: Option<Value>,
}

type Outcome = Result<Reply, ErrorReply>;

/// Carries out a request; `refuse` is a refusal on demand.
pub(super) fn perform(
    state: &mut State,
    call: &ApiRequest,
    twists: &Twists,
    refuse: Option<&Refuse>,
) -> Outcome {
    let now = Instant::now();
    let Some(route) = &call.route else {
        return Err(ErrorReply::new(StatusCode::NOT_FOUND, "Not Found"));
    };
    let header = call.authorization.as_deref();
    if *route == Route::Authenticate {
        let body = parsed_unless_empty(call)?;
        return state.tokens.authenticate(&state.options, body, header, now);
    }
    state.tokens.authorize(&state.options, header, now)?;
    if let Some(refuse) = refuse {
        return Err(on_demand(refuse, &call.body));
    }
    match route {
        Route::Search => return connections::search(state, !call.body.is_empty()),
        Route::Connection(key) => return connections::details(state, key),
        Route::Authenticate
        | Route::List
        | Route::Create
        | Route::Get(_)
        | Route::Update(_)
        | Route::Delete(_)
        | Route::Status(_)
        | Route::Regenerate(_)
        | Route::Script(_)
        | Route::ScriptOf(..) => {}
    }
    let mut operation = Operation { state, twists, now };
    let mut reply = match route {
        Route::Authenticate | Route::Search | Route::Connection(_) | Route::List => {
            Ok(operation.list())
        }
        Route::Create => operation.create(parsed(call)?),
        Route::Get(id) => operation.get(id),
        Route::Status(id) => operation.status(id),
        Route::Update(id) => operation.update(id, call),
        Route::Delete(id) => operation.delete(id, call),
        Route::Regenerate(id) => operation.regenerate(id),
        Route::Script(name) => operation.script(name, parsed(call)?),
        Route::ScriptOf(id, name) => operation.script_of(id, name, call),
    }?;
    if let ReplyBody::Json(text) = &mut reply.body
        && !twists.misplaced.is_empty()
    {
        *text = misplaced(text, &twists.misplaced);
    }
    Ok(reply)
}

/// An answer in which values stand where others belong.
fn misplaced(text: &str, values: &[(String, Value)]) -> String {
    let Ok(mut answer) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    let elements = match &mut answer {
        Value::Array(elements) => elements.as_mut_slice(),
        one @ (Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)) => std::slice::from_mut(one),
    };
    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
        for (path, value) in values {
            tree::put(element, path, value.clone());
        }
    }
    answer.to_string()
}

fn parsed(call: &ApiRequest) -> Result<&Value, ErrorReply> {
    let refusal = || ErrorReply::bad_request("Invalid request payload JSON format");
    call.json.as_ref().ok_or_else(refusal)
}

fn parsed_unless_empty(call: &ApiRequest) -> Result<Option<&Value>, ErrorReply> {
    if call.body.is_empty() {
        return Ok(None);
    }
    parsed(call).map(Some)
}

fn on_demand(refuse: &Refuse, body: &[u8]) -> ErrorReply {
    let (code, message) = match refuse {
        Refuse::Echo => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Processing Error: {}", String::from_utf8_lossy(body)),
        ),
        Refuse::Unprocessable(message) => (StatusCode::UNPROCESSABLE_ENTITY, message.clone()),
        Refuse::Conflict(message) => (StatusCode::CONFLICT, message.clone()),
        Refuse::NotFound(message) => (StatusCode::NOT_FOUND, message.clone()),
        Refuse::Forbid(message) => (StatusCode::FORBIDDEN, message.clone()),
    };
    ErrorReply::new(code, message)
}

/// One request under way.
struct Operation<'a> {
    state: &'a mut State,
    twists: &'a Twists,
    now: Instant,
}

impl Operation<'_> {
    fn list(&mut self) -> Reply {
        let State {
            store,
            options,
            reads,
            ..
        } = &mut *self.state;
        *reads += 1;
        let records: Vec<&mut StoredIntegration> = store.settle_all(self.now).collect();
        let look = Presentation {
            options,
            word: self.twists.word.as_deref(),
            read: *reads,
        };
        Reply::json(view::list(records, &look, self.twists))
    }

    fn create(&mut self, body: &Value) -> Outcome {
        let payload = check::payload(body, None, &self.state.options)?;
        if let Some(config) = &payload.config {
            self.refuse_a_second(&payload.type_name, config, None)?;
        }
        let transition =
            self.transition(SimulatedStatus::Enabled, SimulatedStatus::CreateError, None);
        let config = self.stored(&payload);
        let beginning = Beginning {
            id: None,
            type_name: payload.type_name,
            auto_bootstrap: payload.auto_bootstrap,
            config,
            status: SimulatedStatus::Creating,
            transition: Some(transition),
        };
        let id = self.state.store.insert(beginning);
        self.taken_on(id)
    }

    fn get(&mut self, id: &str) -> Outcome {
        self.state.reads += 1;
        let look = Presentation {
            options: &self.state.options.clone(),
            word: self.twists.word.as_deref(),
            read: self.state.reads,
        };
        let record = self.find(id, "Integration")?;
        let attribute = Contract::get().facts(&record.type_name).api_key.as_deref();
        let key = attribute.map(|name| (name, api_key(record)));
        Ok(Reply::json(view::detail(record, &look, key)))
    }

    fn status(&mut self, id: &str) -> Outcome {
        let id = self.find(id, "Integration")?.id;
        Ok(Reply::read(&self.report(id)?))
    }

    fn update(&mut self, id: &str, call: &ApiRequest) -> Outcome {
        let record = self.find(id, "integration")?.clone();
        if *record.status() == SimulatedStatus::Deleted {
            return Err(not_found(id, "integration"));
        }
        if !record.status().may_be_edited() {
            return Err(busy(&record));
        }
        if Contract::get().facts(&record.type_name).never_updated {
            // No page knows an update of such an integration (API.md 7.7).
            return Err(ErrorReply::new(StatusCode::NOT_FOUND, "Not Found"));
        }
        let payload = check::payload(parsed(call)?, Some(&record), &self.state.options)?;
        let never_made = *record.status() == SimulatedStatus::CreateError;
        check::immutable(&record, &payload, &self.state.options)?;
        if let Some(config) = &payload.config {
            self.refuse_a_second(&payload.type_name, config, Some(record.id))?;
        }
        let failed = if never_made {
            SimulatedStatus::CreateError
        } else {
            SimulatedStatus::EditError
        };
        let transition =
            self.transition(SimulatedStatus::Enabled, failed, record.config().cloned());
        let config = self.stored(&payload);
        self.state.store.set_config(record.id, config);
        if let Some(record) = self.state.store.settle(record.id, self.now) {
            record.auto_bootstrap = payload.auto_bootstrap;
            record.begin(SimulatedStatus::Editing, Some(transition));
        }
        self.taken_on(record.id)
    }

    fn delete(&mut self, id: &str, call: &ApiRequest) -> Outcome {
        let record = self.find(id, "integration")?.clone();
        if *record.status() == SimulatedStatus::Deleted {
            return Err(not_found(id, "integration"));
        }
        check::credentials(&record, parsed_unless_empty(call)?)?;
        if !record.status().may_be_deleted() {
            return Err(busy(&record));
        }
        let mut transition =
            self.transition(SimulatedStatus::Deleted, SimulatedStatus::DeleteError, None);
        transition.vanish =
            transition.end == SimulatedStatus::Deleted && !self.state.options.deleted_lingers;
        if let Some(record) = self.state.store.settle(record.id, self.now) {
            record.begin(SimulatedStatus::Deleting, Some(transition));
        }
        self.taken_on(record.id)
    }

    fn regenerate(&mut self, id: &str) -> Outcome {
        let record = self.find(id, "integration")?;
        record.key_generation += 1;
        let key = api_key(record);
        Ok(Reply::changed(200, &json!({ "apiKey": key })))
    }

    fn script(&mut self, name: &str, body: &Value) -> Outcome {
        let types = Contract::get()
            .script_types(name)
            .ok_or_else(|| ErrorReply::new(StatusCode::NOT_FOUND, "Not Found"))?;
        let payload = check::payload(body, None, &self.state.options)?;
        if !types.is_empty() && !types.contains(&payload.type_name) {
            let message = format!("There is no {name} script for {}.", payload.type_name);
            return Err(ErrorReply::bad_request(message));
        }
        Ok(self.script_reply(name, &payload.type_name))
    }

    fn script_of(&mut self, id: &str, name: &str, call: &ApiRequest) -> Outcome {
        // The documented call of the delete script has headers only (API.md 3.2).
        if name == "delete" && !call.body.is_empty() {
            return Err(ErrorReply::bad_request("\"value\" must be empty"));
        }
        let record = self.find(id, "Integration")?.clone();
        if name == "edit" {
            check::payload(parsed(call)?, Some(&record), &self.state.options)?;
        }
        Ok(self.script_reply(name, &record.type_name))
    }

    /// A script that does nothing.
    fn script_reply(&self, name: &str, type_name: &str) -> Reply {
        let text = format!(
            "-- Immuta: {name} script for {type_name}.\n\
             -- Made by the simulator; it does nothing.\n\
             SELECT 1;\n"
        );
        match self.state.options.scripts {
            ScriptForm::Text => Reply::text(text),
            ScriptForm::String => Reply::read(&Value::from(text)),
            ScriptForm::Object => Reply::read(&json!({ "script": text })),
        }
    }

    /// Finds an integration; the two spellings of the refusal are the API's.
    fn find(&mut self, id: &str, spelling: &str) -> Result<&mut StoredIntegration, ErrorReply> {
        let number = id.parse().ok();
        number
            .and_then(|number| self.state.store.settle(number, self.now))
            .ok_or_else(|| not_found(id, spelling))
    }

    fn refuse_a_second(
        &mut self,
        type_name: &str,
        config: &Map<String, Value>,
        except: Option<u64>,
    ) -> Result<(), ErrorReply> {
        let holder = self.state.store.holder(type_name, config, except, self.now);
        let Some((record, value)) = holder else {
            return Ok(());
        };
        let id = record.id;
        Err(if *record.status() == SimulatedStatus::CreateError {
            ErrorReply::bad_request(format!(
                "Use PUT /integrations/{id} endpoint to update connection information for \
                 {type_name} integration on host {value} (id = {id}) that previously failed to create."
            ))
        } else {
            let message = format!("{type_name} integration already exists on {value} (id = {id}).");
            ErrorReply::new(StatusCode::CONFLICT, message)
        })
    }

    /// Stored part of a payload.
    fn stored(&self, payload: &CheckedBody) -> Option<Map<String, Value>> {
        let attributes = &Contract::get().facts(&payload.type_name).config;
        let mut config = payload.config.clone()?;
        if self.state.options.fills_defaults {
            attributes.fill_defaults(&mut config);
        }
        if payload.auto_bootstrap == Some(true) {
            attributes.drop_one_time(&mut config);
        }
        for (path, value) in &self.twists.rewrites {
            tree::put(&mut config, path, value.clone());
        }
        Some(config)
    }

    fn transition(
        &self,
        end: SimulatedStatus,
        failed: SimulatedStatus,
        previous: Option<Map<String, Value>>,
    ) -> Transition {
        let failure = self.twists.failure.clone();
        let due = (!self.twists.stuck).then(|| self.now + self.state.options.settle);
        Transition {
            due,
            end: if failure.is_some() { failed } else { end },
            restore: previous.filter(|_| failure.is_some()),
            failure,
            vanish: false,
        }
    }

    fn taken_on(&mut self, id: u64) -> Outcome {
        let report = self.report(id)?;
        Ok(Reply::changed(self.state.options.success, &report))
    }

    /// `{id, status, validationResults}`. Nothing settles in between: a write
    /// with no delay at all still answers that it was taken on.
    fn report(&mut self, id: u64) -> Result<Value, ErrorReply> {
        let shown = self.twists.other_id.unwrap_or(id);
        let shown = self.state.options.ids.write(shown);
        let record = self.state.store.get(id);
        let record = record.ok_or_else(|| not_found(&id.to_string(), "Integration"))?;
        let own = record.status().word();
        Ok(json!({
            "id": shown,
            "status": self.twists.word.as_deref().unwrap_or(&own),
            "validationResults": record.validation(),
        }))
    }
}

fn not_found(id: &str, spelling: &str) -> ErrorReply {
    let message = format!("No {spelling} found with ID {id}.");
    ErrorReply::new(StatusCode::NOT_FOUND, message)
}

fn busy(record: &StoredIntegration) -> ErrorReply {
    let message = format!(
        "Unable to edit integration with ID {} in current state {}.",
        record.id,
        record.status()
    );
    ErrorReply::new(StatusCode::CONFLICT, message)
}

/// The key with which the platform's plug-in speaks to Immuta; a fake, and a secret all the same.
fn api_key(record: &StoredIntegration) -> String {
    format!("simulated-key-{}-{}", record.id, record.key_generation)
}
