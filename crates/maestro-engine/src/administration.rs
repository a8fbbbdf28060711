//! Changes of the definition side that are no pushes: activation, properties, tags.

use maestro_core::message::{Command, PropertiesChange, Reply, VersionSelector};
use maestro_model::definition::{PropertiesUpdate, Tag, User};
use maestro_model::state::PropertiesRow;
use maestro_model::validate;

use crate::engine::{Engine, EngineError, unexpected};

impl Engine {
    /// Makes a version the active one; answers it and the line of the change history.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn activate(
        &self,
        workflow: &str,
        version: VersionSelector,
        author: User,
    ) -> Result<(i64, String), EngineError> {
        let command = Command::Activate { version, author };
        match self.command(workflow, command).await? {
            Reply::Activated { version, log } => Ok((version, log)),
            other => Err(unexpected(&other)),
        }
    }

    /// Has no active version afterwards; answers the line of the change history.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn deactivate(&self, workflow: &str, author: User) -> Result<String, EngineError> {
        let command = Command::Deactivate { author };
        match self.command(workflow, command).await? {
            Reply::Deactivated { log } => Ok(log),
            other => Err(unexpected(&other)),
        }
    }

    /// Changes properties; answers the new snapshot.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn update_properties(
        &self,
        workflow: &str,
        update: PropertiesUpdate,
        author: User,
    ) -> Result<PropertiesRow, EngineError> {
        validate::properties_update(&update, &self.settings().limits)?;
        self.change_properties(workflow, PropertiesChange::Update(update), author)
            .await
    }

    /// Adds a workflow tag, or replaces the one of its name; answers the new snapshot.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn add_tag(
        &self,
        workflow: &str,
        tag: Tag,
        author: User,
    ) -> Result<PropertiesRow, EngineError> {
        validate::tag(&tag, &self.settings().limits)?;
        self.change_properties(workflow, PropertiesChange::AddTag(tag), author)
            .await
    }

    /// Removes a workflow tag; answers the new snapshot.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn remove_tag(
        &self,
        workflow: &str,
        tag: &str,
        author: User,
    ) -> Result<PropertiesRow, EngineError> {
        self.change_properties(workflow, PropertiesChange::RemoveTag(tag.into()), author)
            .await
    }

    async fn change_properties(
        &self,
        workflow: &str,
        change: PropertiesChange,
        author: User,
    ) -> Result<PropertiesRow, EngineError> {
        let change = Box::new(change);
        let command = Command::ChangeProperties { change, author };
        match self.command(workflow, command).await? {
            Reply::PropertiesChanged(snapshot) => Ok(*snapshot),
            other => Err(unexpected(&other)),
        }
    }
}
