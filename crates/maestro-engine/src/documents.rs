//! What is kept beside workflows: job templates, tag permits, announced signals, outputs that jobs hand in (spec 04
//! section 13). Small documents that change seldom: they go past the workers, one change at a time. All of these wait
//! for the disk.

use maestro_model::codec::{FromJson, read, to_text};
use maestro_model::definition::User;
use maestro_model::resource::{
    JobTemplate, JobTemplateRequest, OutputData, SignalInstance, SignalRequest, TagPermit,
    TagPermitRequest,
};
use maestro_model::validate;
use maestro_store::{DocumentChange, DocumentKind, Snapshot};

use crate::engine::{Engine, EngineError};

/// Most characters of stored outputs (spec 04 section 13.4).
const OUTPUT_MAX: usize = 750_000;

/// What became of an announcement.
#[derive(Clone, PartialEq, Debug)]
pub enum Announced {
    /// It has a number.
    New(SignalInstance),
    /// It was announced before, under this number.
    Duplicate(i64),
}

impl Engine {
    /// Stores a job template; it replaces the one of its type and version.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn put_job_template(
        &self,
        request: JobTemplateRequest,
        author: User,
    ) -> Result<JobTemplate, EngineError> {
        validate::job_template(&request.definition, &self.settings().limits)?;
        let template = JobTemplate {
            request,
            version_author: author,
            create_time: self.now(),
        };
        let definition = &template.request.definition;
        let put = put(
            DocumentKind::JobTemplate,
            &definition.job_type,
            &definition.version,
            to_text(&template),
        );
        self.change_documents(|_| Ok((vec![put], ())))?;
        Ok(template)
    }

    /// Removes a version of a job template, or all; returns how many went.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn remove_job_template(
        &self,
        job_type: &str,
        version: Option<&str>,
    ) -> Result<u64, EngineError> {
        let remove = DocumentChange::Remove {
            kind: DocumentKind::JobTemplate,
            name: job_type.into(),
            part: version.map(Into::into),
        };
        Ok(self.change_documents(|_| Ok((vec![remove], ())))?.1)
    }

    /// A job template.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn job_template(
        &self,
        job_type: &str,
        version: &str,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<JobTemplate>, EngineError> {
        stored(snapshot, DocumentKind::JobTemplate, job_type, Some(version))
    }

    /// All job templates of a version.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn job_templates(
        &self,
        version: &str,
        snapshot: &dyn Snapshot,
    ) -> Result<Vec<JobTemplate>, EngineError> {
        let texts = snapshot.documents(DocumentKind::JobTemplate, version)?;
        texts.iter().map(|text| parsed(text)).collect()
    }

    /// Sets a tag permit.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn put_tag_permit(
        &self,
        request: TagPermitRequest,
        user: &User,
    ) -> Result<(), EngineError> {
        let now = self.now();
        self.change_documents(|snapshot| {
            let tag = request.tag.clone();
            let current = stored(snapshot, DocumentKind::TagPermit, &tag, Some(""))?;
            let permit = TagPermit::after(current, request, user, now);
            let put = put(DocumentKind::TagPermit, &tag, "", to_text(&permit));
            Ok((vec![put], ()))
        })
        .map(drop)
    }

    /// Removes a tag permit, if there is one.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn remove_tag_permit(&self, tag: &str) -> Result<(), EngineError> {
        let remove = DocumentChange::Remove {
            kind: DocumentKind::TagPermit,
            name: tag.into(),
            part: None,
        };
        self.change_documents(|_| Ok((vec![remove], ()))).map(drop)
    }

    /// A tag permit.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn tag_permit(
        &self,
        tag: &str,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<TagPermit>, EngineError> {
        stored(snapshot, DocumentKind::TagPermit, tag, Some(""))
    }

    /// Stores what a job handed in; it replaces what it handed in before.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn put_output_data(&self, data: OutputData) -> Result<(), EngineError> {
        let data = data.shortened();
        let text = to_text(&data);
        if text.len() > OUTPUT_MAX {
            return Err(EngineError::BadRequest(format!(
                "the output data has {} characters, the limit is {OUTPUT_MAX}",
                text.len()
            )));
        }
        let put = put(
            DocumentKind::OutputData,
            data.external_job_type.as_str(),
            &data.external_job_id,
            text,
        );
        self.change_documents(|_| Ok((vec![put], ()))).map(drop)
    }

    /// Numbers and stores a signal.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn announce_signal(&self, request: SignalRequest) -> Result<Announced, EngineError> {
        validate::signal_name(&request.name, &self.settings().limits)?;
        let now = self.now();
        let announced = self.change_documents(|snapshot| {
            let (name, id) = (request.name.clone(), request.instance_id());
            if let Some(seq) = snapshot.document(DocumentKind::SignalId, &name, Some(&id))? {
                let seq = seq.parse().unwrap_or(0);
                return Ok((Vec::new(), Announced::Duplicate(seq)));
            }
            let last: Option<SignalInstance> = stored(snapshot, DocumentKind::Signal, &name, None)?;
            let instance = SignalInstance {
                seq_id: last.map_or(0, |last| last.seq_id) + 1,
                instance_id: id.clone(),
                params: request.params,
                payload: request.payload,
                request_time: request.request_time.unwrap_or(now),
                create_time: now,
                name: name.clone(),
            };
            let seq = instance.seq_id;
            let changes = vec![
                put(
                    DocumentKind::Signal,
                    &name,
                    &signal_part(seq),
                    to_text(&instance),
                ),
                put(DocumentKind::SignalId, &name, &id, seq.to_string()),
            ];
            Ok((changes, Announced::New(instance)))
        });
        Ok(announced?.0)
    }

    /// An announced signal by its number, or the newest.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn signal(
        &self,
        name: &str,
        seq: Option<i64>,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<SignalInstance>, EngineError> {
        let part = seq.map(signal_part);
        stored(snapshot, DocumentKind::Signal, name, part.as_deref())
    }
}

/// Numbers in the order of their texts.
fn signal_part(seq: i64) -> String {
    format!("{seq:019}")
}

fn put(kind: DocumentKind, name: &str, part: &str, body: String) -> DocumentChange {
    DocumentChange::Put {
        kind,
        name: name.into(),
        part: part.into(),
        body: body.into(),
    }
}

fn stored<T: FromJson>(
    snapshot: &dyn Snapshot,
    kind: DocumentKind,
    name: &str,
    part: Option<&str>,
) -> Result<Option<T>, EngineError> {
    let text = snapshot.document(kind, name, part)?;
    text.map(|text| parsed(&text)).transpose()
}

fn parsed<T: FromJson>(text: &str) -> Result<T, EngineError> {
    read(text.as_bytes())
        .map_err(|error| EngineError::Damaged(format!("a stored document: {error}")))
}
